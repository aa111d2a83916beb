"""Which boxes belong together: how much they overlap, and pairs of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]
"""(n, 4) pixels; n may be 0."""


def overlaps(a_xyxy: Boxes, b_xyxy: Boxes) -> Boxes:
    """(n, m) intersection over union of n boxes with m others, 0 to 1."""
    a, b = a_xyxy.reshape(-1, 1, 4), b_xyxy.reshape(1, -1, 4)
    low, high = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:])
    both = np.maximum(high - low, 0).prod(axis=2)
    areas = (a[..., 2:] - a[..., :2]).prod(axis=2) + (b[..., 2:] - b[..., :2]).prod(axis=2)
    return np.asarray(both / np.maximum(areas - both, 1e-6), np.float32)


def paired(overlap: Boxes, least: float) -> list[tuple[int, int]]:
    """(row, column) of what belongs together: the largest overlap first, each row and column at most once.

    Args:
        overlap: (n, m).
        least: pairs that overlap less are none.
    """
    pairs: list[tuple[int, int]] = []
    left = overlap.copy()
    while left.size and left.max() >= least:
        row, column = (int(i) for i in np.unravel_index(left.argmax(), left.shape))
        pairs.append((row, column))
        left[row], left[:, column] = -1, -1
    return pairs
