"""Which boxes belong together: pairs of them, by how much they overlap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def paired(overlap: NDArray[np.float32], least: float) -> list[tuple[int, int]]:
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
