"""The network YuNet under ONNX Runtime: one look at a picture, rows of what may be faces.

Wu, Peng & Yu (2023), YuNet: a tiny millisecond-level face detector, Machine Intelligence Research 20. What its outputs
mean is in the paper; OpenCV has the same as `FaceDetectorYN`, in whose order the rows stand, and takes twice as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwise.errors import ArtifactError
from maskwise.model.any_size import any_size
from maskwise.model.sessions import session
from maskwise.values import Image

Rows = NDArray[np.float32]
"""(n, 15) float32 in OpenCV's order: x, y, width, height, five landmarks (x, y), score."""

STRIDES = (8, 16, 32)
"""Pixels between two places that the network speaks of, in each of its three maps."""

OUTPUTS = tuple(f"{kind}_{stride}" for stride in STRIDES for kind in ("cls", "obj", "bbox", "kps"))

MERGE_IOU = 0.4
MAX_CANDIDATES = 5000


class YuNetNetwork:
    """Looks once, at the picture's own size; usable from several threads."""

    def __init__(self, weights: Path, threshold: float, threads: int = 0) -> None:
        """Load the network.

        Args:
            weights: the ONNX file.
            threshold: rows that score lower are left out.
            threads: for ONNX Runtime; 0 takes every core.

        Raises:
            ArtifactError: the file is missing, or no YuNet network.
        """
        self._threshold = threshold
        if not weights.is_file():
            raise ArtifactError(f"face detector {weights}: no such file")
        try:
            self._session = session(any_size(weights.read_bytes()), threads, memory_pattern=False)
        except OSError as error:
            raise ArtifactError(f"face detector {weights}: {error.strerror or error}") from error
        except Exception as error:  # onnxruntime raises many types of its own
            raise ArtifactError(f"face detector {weights}: ONNX Runtime cannot use it: {error}") from error
        if {output.name for output in self._session.get_outputs()} != set(OUTPUTS):
            raise ArtifactError(f"face detector {weights}: a network, but not YuNet of 2023")
        self._input = self._session.get_inputs()[0].name

    def __call__(self, image: Image) -> Rows:
        """What may be faces, best first, each once.

        Args:
            image: (height, width, 3) uint8 RGB.
        """
        height, width = image.shape[:2]
        below, right = -height % STRIDES[-1], -width % STRIDES[-1]
        padded = cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_CONSTANT) if below or right else image
        maps = self._session.run(list(OUTPUTS), {self._input: cv2.dnn.blobFromImage(padded, swapRB=True)})
        return _each_once(self._read(maps, padded.shape[1]))

    def _read(self, maps: Sequence[Rows], width: int) -> Rows:
        """Rows of the maps, four for each stride: class, objectness, boxes and landmarks, (1, places, 1, 1, 4, 10)."""
        found: list[tuple[Rows, ...]] = []
        for i, stride in enumerate(STRIDES):
            cls, obj, bbox, kps = (one[0] for one in maps[4 * i : 4 * i + 4])
            scores = np.sqrt(np.clip(cls[:, 0], 0, 1) * np.clip(obj[:, 0], 0, 1))
            at = np.flatnonzero(scores >= self._threshold)
            if len(at):
                place = np.stack(np.divmod(at, width // stride)[::-1], axis=1).astype(np.float32)
                found.append((np.full((len(at), 1), stride, np.float32), place, bbox[at], kps[at], scores[at, None]))
        if not found:
            return np.zeros((0, 15), np.float32)
        stride_px, place, bbox, kps, scores = (np.concatenate(part) for part in zip(*found, strict=True))
        with np.errstate(over="ignore"):  # what is no face may be infinitely large; it is left out later
            size = np.exp(bbox[:, 2:]) * stride_px
        corner = (place + bbox[:, :2]) * stride_px - size / 2
        landmarks = (kps + np.tile(place, 5)) * stride_px
        return np.concatenate([corner, size, landmarks, scores], axis=1)


def _each_once(rows: Rows) -> Rows:
    """The best of those that overlap; by whole pixels, as OpenCV does it."""
    rows = rows[np.isfinite(rows).all(axis=1)]
    boxes = np.clip(rows[:, :4], -1e6, 1e6).astype(np.int64)
    kept = cv2.dnn.NMSBoxes(boxes.tolist(), rows[:, 14].tolist(), 0.0, MERGE_IOU, top_k=MAX_CANDIDATES)
    return rows[np.asarray(kept, np.int64).reshape(-1)]
