"""How long each of several networks takes for a face, measured in turn so that all meet the same noise."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import NamedTuple

import numpy as np

from maskwise.model.classifier import MaskClassifier

ROUNDS = 20


class FaceTime(NamedTuple):
    """Milliseconds for one face; the machine's other work is in the mean, and hardly in the fastest."""

    mean: float
    fastest: float


def time_faces(classifiers: Sequence[MaskClassifier], rounds: int = ROUNDS) -> list[FaceTime]:
    """Time the judging of one cut-out face at a time: pixels to probabilities, without reading, finding or cutting.

    Args:
        classifiers: asked in turn, so that a busy second hits each of them.
        rounds: faces for each.
    """
    rng = np.random.default_rng(0)
    crops = [rng.integers(0, 256, (1, c.card.crop.size_px, c.card.crop.size_px, 3), np.uint8) for c in classifiers]
    taken: list[list[float]] = [[] for _ in classifiers]
    for _ in range(rounds + 1):
        for classifier, crop, times in zip(classifiers, crops, taken, strict=True):
            start = perf_counter()
            classifier(crop)
            times.append(1000 * (perf_counter() - start))
    # The first call prepares memory that all others use.
    return [FaceTime(float(np.mean(times[1:])), min(times[1:])) for times in taken]
