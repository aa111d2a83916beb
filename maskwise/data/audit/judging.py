"""A trained model as the one who doubts labels."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskwise.data.manifest import Manifest
from maskwise.errors import ImageError
from maskwise.model.classifier import MaskClassifier
from maskwise.model.crops import CropSpec, cut
from maskwise.model.images import read_image
from maskwise.values import Image

BATCH = 64


class ArtifactJudge:
    """Asks an artifact.

    A model that was trained on the very faces has learnt their labels, wrong ones too: take one from other data.

    name: the artifact's place.
    labels: the classes that it knows.
    """

    def __init__(self, artifact: Path) -> None:
        """Load the artifact.

        Raises:
            ArtifactError: it cannot be used.
        """
        self._classifier = MaskClassifier.load(artifact)
        self.name, self.labels = str(artifact), self._classifier.labels

    def __call__(self, manifest: Manifest) -> NDArray[np.float32]:
        """Probabilities of the usable rows: (n, k) in the order of the manifest's classes; rows sum to 1."""
        rows, spec = Manifest(manifest.usable), self._classifier.card.crop
        columns = [self.labels.index(label) for label in manifest.classes]
        paths, boxes = rows.rows["path"].to_list(), rows.boxes_xyxy()
        parts = []
        with ThreadPoolExecutor() as pool:
            for start in range(0, len(paths), BATCH):
                here = slice(start, start + BATCH)
                crops = list(pool.map(lambda p, b: _crop(p, b, spec), paths[here], boxes[here]))
                parts.append(self._classifier(np.stack(crops))[:, columns])
        known = np.concatenate(parts)
        return np.asarray(known / np.maximum(known.sum(axis=1, keepdims=True), 1e-9), np.float32)


def _crop(path: str, box_xyxy: NDArray[np.float32], spec: CropSpec) -> Image:
    """The face, or grey where its picture can no longer be read."""
    try:
        return cut(read_image(Path(path)), box_xyxy, spec)
    except ImageError:
        return np.full((spec.size_px, spec.size_px, 3), 128, np.uint8)
