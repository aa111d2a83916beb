"""Crops in, probabilities out: the artifact's ONNX network under ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskwise.errors import ArtifactError
from maskwise.model.artifact import ONNX_NAME, ModelCard, read_card
from maskwise.model.sessions import session

BATCH = 64


def softmax(logits: NDArray[np.float32], temperature: float = 1.0) -> NDArray[np.float32]:
    """(n, classes) logits to probabilities; rows sum to 1."""
    scaled = logits / np.float32(temperature)
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True), np.float32)


class MaskClassifier:
    """Judges cut-out faces.

    card: what model.json says.
    """

    def __init__(self, card: ModelCard, onnx_path: Path, threads: int = 0) -> None:
        """threads: for ONNX Runtime; 0 takes every core."""
        self.card = card
        try:
            self._session = session(str(onnx_path), threads)
        except Exception as error:  # onnxruntime raises many types of its own
            raise ArtifactError(f"{onnx_path} is not a network that ONNX Runtime loads: {error}") from error
        self._input = self._session.get_inputs()[0].name
        self._check_fits(onnx_path)

    def _check_fits(self, onnx_path: Path) -> None:
        """The card and the network were written together; if not, every answer would be about something else."""
        size_px, classes = self.card.crop.size_px, len(self.labels)
        wanted = ([3, size_px, size_px], [classes])
        found = (self._session.get_inputs()[0].shape[1:], self._session.get_outputs()[0].shape[1:])
        if found != wanted:
            raise ArtifactError(
                f"{onnx_path} takes {found[0]} and gives {found[1]}, its model.json says {wanted[0]} and {wanted[1]}; "
                "copy the model folder again"
            )

    @classmethod
    def load(cls, folder: Path, threads: int = 0) -> MaskClassifier:
        """Load and check an artifact folder.

        Raises:
            ArtifactError: see `maskwise.model.artifact.read_card`.
        """
        return cls(read_card(folder), folder / ONNX_NAME, threads)

    @property
    def labels(self) -> tuple[str, ...]:
        """Classes, in the order of the columns of the probabilities."""
        return self.card.labels

    def logits(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, size, size, 3) uint8 RGB crops to (n, classes) float32."""
        parts = [
            self._session.run(None, {self._input: self.card.preprocess(crops[start : start + BATCH])})[0]
            for start in range(0, len(crops), BATCH)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.labels)), np.float32)

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, size, size, 3) uint8 RGB crops to (n, classes) float32 probabilities; n may be 0."""
        return softmax(self.logits(crops), self.card.temperature)
