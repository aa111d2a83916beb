"""Large pictures in overlapping tiles: small faces stay as large as they are, and no face is cut by every tile.

Slicing before detection is the idea of Akyon, Altinuc & Temizel (2022), Slicing Aided Hyper Inference, ICIP.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskwise.values import Image

CLEARANCE = 0.25
"""How far a box must stay from a cut, in its own sides: beside it the face may go on, and the box end too early."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a picture, in whole pixels of it: x from left to right, y from top to bottom, the ends not included.

    width, height: of the picture itself; a side of the tile that lies on the picture's border cuts nothing.
    """

    left: int
    top: int
    right: int
    bottom: int
    width: int
    height: int

    def of(self, image: Image) -> Image:
        """That part of the picture, (bottom - top, right - left, 3): a view."""
        return image[self.top : self.bottom, self.left : self.right]

    def clear(self, boxes_xywh: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which boxes, (n, 4) in pixels of the picture, keep their CLEARANCE from every cut: (n,) bool."""
        x, y, across, down = boxes_xywh.astype(np.float64).T  # float64: a detector's garbage must not overflow
        return np.asarray(
            ((self.left == 0) | (x - CLEARANCE * across >= self.left))
            & ((self.top == 0) | (y - CLEARANCE * down >= self.top))
            & ((self.right == self.width) | (x + (1 + CLEARANCE) * across <= self.right))
            & ((self.bottom == self.height) | (y + (1 + CLEARANCE) * down <= self.bottom)),
            bool,
        )


def tiles(width: int, height: int, side_px: int, overlap_px: int) -> list[Tile]:
    """Cover a picture with tiles of one size, row by row; neighbours share at least `overlap_px`.

    A box whose sides are at most overlap_px / (1 + 2 CLEARANCE) is clear of the cuts of at least one tile, wherever
    it lies.

    Args:
        width: of the picture, in pixels, from 1.
        height: likewise.
        side_px: the longest a tile's side may be; twice the overlap if it is less, so that tiles advance.
        overlap_px: from 0.
    """
    across, columns = _spread(width, side_px, overlap_px)
    down, rows = _spread(height, side_px, overlap_px)
    return [Tile(x, y, x + across, y + down, width, height) for y in rows for x in columns]


def _spread(length: int, side: int, overlap: int) -> tuple[int, list[int]]:
    """One direction: the length of every tile, as short as their number allows, and where each begins."""
    side = max(side, 2 * overlap, 1)
    if length <= side:
        return length, [0]
    count = math.ceil((length - overlap) / (side - overlap))
    side = math.ceil((length + (count - 1) * overlap) / count)
    return side, [i * (length - side) // (count - 1) for i in range(count)]
