"""From the surface to pixels: which part of the picture changes, and which point of the mask each pixel there shows."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwise.data.masks.pose import Array, Pose
from maskwise.data.masks.surface import ACROSS, DOWN
from maskwise.values import Image

DETAIL_PX = 220  # the edges of smaller masks are drawn finer by a whole factor and averaged down: smooth, no aliasing
FINEST = 4
LARGE_PX = 640  # wider masks are drawn as they are: four times the work would show nothing


class Window(NamedTuple):
    """The part of the picture that changes, and how much finer than the picture its edges are drawn."""

    left: int
    top: int
    right: int
    bottom: int
    fine: int

    @property
    def cut(self) -> tuple[slice, slice]:
        """Its rows and columns as slices of the picture."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width in picture pixels."""
        return self.bottom - self.top, self.right - self.left

    def clipped(self, larger: Window) -> Window | None:
        """The part of it that lies in another window; None where there is none."""
        left, top = max(self.left, larger.left), max(self.top, larger.top)
        right, bottom = min(self.right, larger.right), min(self.bottom, larger.bottom)
        return Window(left, top, right, bottom, self.fine) if left < right and top < bottom else None

    def within(self, larger: Window) -> tuple[slice, slice]:
        """Where this window lies in a larger one."""
        top, left = self.top - larger.top, self.left - larger.left
        return slice(top, top + self.size_hw[0]), slice(left, left + self.size_hw[1])

    def to_fine(self, points_xy: Array) -> Array:
        """Picture pixels to window pixels, finer; pixel centres lie at whole numbers on both sides."""
        moved = (points_xy - (self.left, self.top) + 0.5) * self.fine - 0.5
        return np.asarray(moved, np.float32)


def window_around(outline_xy: Array, margin_px: float, image: Image) -> Window | None:
    """The part of the picture around some points; None where that lies outside."""
    x, y = np.ascontiguousarray(outline_xy.reshape(-1, 2).T)
    x_min, x_max, y_min, y_max = (float(v) for v in (x.min(), x.max(), y.min(), y.max()))
    height, width = image.shape[:2]
    left, top = (max(0, math.floor(v - margin_px)) for v in (x_min, y_min))
    right, bottom = min(width, math.ceil(x_max + margin_px) + 1), min(height, math.ceil(y_max + margin_px) + 1)
    if left >= right or top >= bottom:
        return None
    across = max(x_max - x_min, 1.0)
    fine = 1 if across > LARGE_PX else min(max(math.ceil(DETAIL_PX / across), 2), FINEST)
    return Window(left, top, right, bottom, fine)


def _cells() -> NDArray[np.int64]:
    """(4, cells) positions in the flattened grid of vertices, clockwise on the screen from the upper left corner."""
    vertex = np.arange(DOWN * ACROSS).reshape(DOWN, ACROSS)
    return np.stack([c.ravel() for c in (vertex[:-1, :-1], vertex[:-1, 1:], vertex[1:, 1:], vertex[1:, :-1])])


CELLS = _cells()
"""Fewer than 256: one byte says which cell a pixel shows, and OpenCV fills bytes twice as fast as anything wider."""

CELLS_UV = np.stack(np.meshgrid(np.linspace(0, 1, ACROSS), np.linspace(0, 1, DOWN))).reshape(2, -1)[:, CELLS]
MIN_AREA_PX = 1e-3
ALWAYS = 1e9  # more than any product of pixels


class Unwrapped(NamedTuple):
    """What a window shows of a surface.

    x, y: (h, w) float32, pixels of the texture that spans the surface, ready for cv2.remap; near the edge they go on
        beyond it.
    cover: (h, w) float32 in 0..1, share of each pixel that the surface hides.
    """

    x: Array
    y: Array
    cover: Array


def unwrap(window: Window, pose: Pose, surface_mm: Array, texture_hw: tuple[int, int]) -> Unwrapped:
    """Which point of a texture each pixel shows, and how much of the pixel the surface covers."""
    x, y = np.ascontiguousarray(window.to_fine(pose.project(surface_mm)).reshape(-1, 2).T)[:, CELLS]
    # A cell is two triangles, above and below the diagonal from its first corner to its third.
    dx, dy = x - x[0], y - y[0]
    area = dx[1:3] * dy[2:4] - dy[1:3] * dx[2:4]
    seen = area > MIN_AREA_PX  # from outside; the inside is hidden by the head
    which = _drawn(window, pose, surface_mm, np.stack([x, y], axis=-1), seen)
    whole = cv2.threshold(which, 0, 255, cv2.THRESH_BINARY)[1]
    cover = cv2.resize(whole, window.size_hw[::-1], interpolation=cv2.INTER_AREA)
    # Colours change slowly where edges do not: one look at the middle of each pixel does for them.
    half = window.fine // 2
    middle = np.ascontiguousarray(which[half :: window.fine, half :: window.fine])
    middle = np.where(middle > 0, middle, cv2.dilate(middle, np.ones((3, 3), np.uint8)))
    columns = np.arange(middle.shape[1], dtype=np.float32) * window.fine + half
    rows = np.arange(middle.shape[0], dtype=np.float32)[:, None] * window.fine + half
    # Below the diagonal lies the second triangle; of a cell seen in part, all belongs to the one that is seen.
    cell = middle.astype(np.intp) - 1  # where nothing is shown, any cell does
    below = np.where(seen[0] & seen[1], dy[2] * x[0] - dx[2] * y[0], np.where(seen[0], -ALWAYS, ALWAYS))
    triangle = cell + CELLS.shape[1] * (_plane(-dy[2], dx[2], below, cell, columns, rows) > 0)
    # Inside one triangle u = a x + b y + c, and v likewise.
    flat = np.where(seen, area, 1.0)
    maps = []
    for at, count in zip(CELLS_UV, texture_hw[::-1], strict=True):
        at = at * (count - 1)
        rise, other = at[1:3] - at[0], at[2:4] - at[0]
        by_x, by_y = (rise * dy[2:4] - other * dy[1:3]) / flat, (other * dx[1:3] - rise * dx[2:4]) / flat
        maps.append(_plane(by_x, by_y, at[0] - by_x * x[0] - by_y * y[0], triangle, columns, rows))
    return Unwrapped(maps[0], maps[1], np.asarray(cover, np.float32) / np.float32(255))


def _plane(a: Array, b: Array, c: Array, which: NDArray[np.intp], x: Array, y: Array) -> Array:
    """(h, w) a * x + b * y + c, with the three numbers of the piece that each pixel shows."""
    a, b, c = (numbers.astype(np.float32).take(which) for numbers in (a, b, c))
    return a * x + b * y + c


def _drawn(window: Window, pose: Pose, surface_mm: Array, corners: Array, seen: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Fine pixels, each with the number of the cell it shows, from 1; 0 where it shows none."""
    depth = (surface_mm.reshape(-1, 3) @ pose.towards_camera)[CELLS].sum(axis=0)
    which = np.zeros((window.size_hw[0] * window.fine, window.size_hw[1] * window.fine), np.uint8)
    sixteenths = np.round(corners * 16).astype(np.int32)
    for corner, triangle in ((1, seen[0]), (3, seen[1])):  # of a cell seen in part, only that triangle is drawn
        sixteenths[corner] = np.where(triangle[:, None], sixteenths[corner], sixteenths[0])
    order = np.argsort(depth, kind="stable")  # what is nearer is drawn over what is farther
    order = order[(seen[0] | seen[1])[order]]
    for number, cell in zip((order + 1).tolist(), sixteenths.transpose(1, 0, 2)[order], strict=True):
        cv2.fillConvexPoly(which, cell, number, cv2.LINE_8, 4)
    return which


def looked_up(texture: NDArray[np.uint8], unwrapped: Unwrapped) -> Array:
    """(h, w, channels) float32: the texture as the window shows it; its edge goes on beyond it."""
    seen = cv2.remap(texture, unwrapped.x, unwrapped.y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, np.float32)
