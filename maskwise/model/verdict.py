"""From probabilities to verdicts: one pure function, the same for pictures, streams and batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskwise.errors import ConfigError
from maskwise.values import UNCERTAIN, Faces, Verdict


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When an answer is too thin to be given; saved in model.json.

    confidence: below this probability of the likeliest class the verdict is `uncertain`.
    min_face_px: below this shorter side of the face box, in pixels, the verdict is `uncertain`.
    """

    confidence: float = 0.6
    min_face_px: float = 16.0

    def __post_init__(self) -> None:
        if not 0 <= self.confidence <= 1:
            raise ConfigError(f"thresholds.confidence: {self.confidence} is not between 0 and 1")
        if self.min_face_px < 0:
            raise ConfigError(f"thresholds.min_face_px: {self.min_face_px} is below 0")


def decide(
    probabilities: NDArray[np.float32], faces: Faces, labels: tuple[str, ...], thresholds: Thresholds
) -> tuple[Verdict, ...]:
    """One verdict for each face.

    Args:
        probabilities: (n, classes), rows sum to 1.
        faces: the n faces, for their size.
        labels: the classes, in the order of the columns.
        thresholds: when to say `uncertain`.
    """
    sides_px = (faces.boxes_xyxy[:, 2:] - faces.boxes_xyxy[:, :2]).min(axis=1, initial=np.inf)
    return tuple(_one(row, float(side), labels, thresholds) for row, side in zip(probabilities, sides_px, strict=True))


def _one(row: NDArray[np.float32], side_px: float, labels: tuple[str, ...], thresholds: Thresholds) -> Verdict:
    best = int(row.argmax())
    confidence = float(row[best])
    if side_px < thresholds.min_face_px:
        return Verdict(UNCERTAIN, confidence, f"face of {side_px:.0f} px is under {thresholds.min_face_px:.0f} px")
    if confidence < thresholds.confidence:
        return Verdict(UNCERTAIN, confidence, f"confidence {confidence:.2f} is under {thresholds.confidence:.2f}")
    return Verdict(labels[best], confidence)
