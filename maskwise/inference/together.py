"""The faces of several pictures judged in one run of the network, which costs less than a run for each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from maskwise.model.classifier import MaskClassifier


def judged(classify: MaskClassifier, crops: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
    """Probabilities, picture by picture.

    Args:
        classify: the network.
        crops: of each picture (n, size, size, 3) uint8 RGB; n may be 0.

    Returns:
        Of each picture (n, classes) float32.
    """
    if not crops:
        return []
    return np.split(classify(np.concatenate(crops)), np.cumsum([len(own) for own in crops])[:-1])
