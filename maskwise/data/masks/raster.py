"""From the surface to pixels: which part of the picture changes, and which point of the mask each pixel there shows."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwise.data.masks.pose import Array, Pose
from maskwise.data.masks.surface import ACROSS, DOWN
from maskwise.values import Image

DETAIL_PX = 220  # smaller masks are painted finer by a whole factor and averaged down: smooth edges, no aliasing
FINEST = 4
LARGE_PX = 640  # wider masks are painted as they are: four times the work would show nothing


class Window(NamedTuple):
    """The part of the picture that changes, and how much finer than the picture it is painted."""

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
    flat = outline_xy.reshape(-1, 2)
    low, high = flat.min(axis=0), flat.max(axis=0)
    left, top = (max(0, int(np.floor(v - margin_px))) for v in low)
    limits = image.shape[1::-1]
    right, bottom = (min(limit, int(np.ceil(v + margin_px)) + 1) for v, limit in zip(high, limits, strict=True))
    if left >= right or top >= bottom:
        return None
    width = max(float(high[0] - low[0]), 1.0)
    fine = 1 if width > LARGE_PX else int(np.clip(np.ceil(DETAIL_PX / width), 2, FINEST))
    return Window(left, top, right, bottom, fine)


def _triangles() -> NDArray[np.int64]:
    """(triangles, 3) positions in the flattened grid of vertices, two for each cell, clockwise on the screen."""
    vertex = np.arange(DOWN * ACROSS).reshape(DOWN, ACROSS)
    here, right, across, below = (
        c.ravel() for c in (vertex[:-1, :-1], vertex[:-1, 1:], vertex[1:, 1:], vertex[1:, :-1])
    )
    return np.concatenate([np.stack([here, right, across], axis=1), np.stack([here, across, below], axis=1)])


TRIANGLES = _triangles()
GRID_UV = np.stack(np.meshgrid(np.linspace(-1, 1, ACROSS), np.linspace(0, 1, DOWN)), axis=-1).reshape(-1, 2)
MIN_AREA_PX = 1e-3


def unwrap(window: Window, pose: Pose, surface_mm: Array) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Which point of the mask each fine pixel shows: u (-1 right side .. 1 left side), v (0 top .. 1 bottom), seen."""
    points = window.to_fine(pose.project(surface_mm)).reshape(-1, 2)
    corners = points[TRIANGLES]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    depth = (surface_mm.reshape(-1, 3) @ pose.towards_camera)[TRIANGLES].sum(axis=1)
    which = np.zeros((window.size_hw[0] * window.fine, window.size_hw[1] * window.fine), np.int32)
    sixteenths = np.round(corners * 16).astype(np.int32)
    for i in np.argsort(depth, kind="stable").tolist():  # what is nearer is drawn over what is farther
        if area[i] > MIN_AREA_PX:  # seen from outside; the inside is hidden by the head
            cv2.fillConvexPoly(which, sixteenths[i], i + 1, cv2.LINE_8, 4)
    seen = which > 0
    # Inside one triangle u = a x + b y + c, and v likewise: six numbers for each, looked up by pixel.
    flat = np.where(area > MIN_AREA_PX, area, 1.0)
    table = []
    for at in (GRID_UV[TRIANGLES, 0], GRID_UV[TRIANGLES, 1]):
        rise, other = at[:, 1] - at[:, 0], at[:, 2] - at[:, 0]
        by_x = (rise * second[:, 1] - other * first[:, 1]) / flat
        by_y = (other * first[:, 0] - rise * second[:, 0]) / flat
        table += [by_x, by_y, at[:, 0] - by_x * corners[:, 0, 0] - by_y * corners[:, 0, 1]]
    cell = np.stack(table, axis=1).astype(np.float32)[np.maximum(which - 1, 0)]
    columns, rows = np.arange(which.shape[1], dtype=np.float32), np.arange(which.shape[0], dtype=np.float32)[:, None]
    u = cell[..., 0] * columns + cell[..., 1] * rows + cell[..., 2]
    v = cell[..., 3] * columns + cell[..., 4] * rows + cell[..., 5]
    return np.clip(u, -1, 1), np.clip(v, 0, 1), seen


def sample(grid: Array, u: Array, v: Array) -> Array:
    """Read a (rows, columns) grid that spans the mask, smoothly between its points."""
    x = (u + 1) * ((grid.shape[1] - 1) / 2)
    return np.asarray(cv2.remap(grid, x, v * (grid.shape[0] - 1), cv2.INTER_LINEAR), np.float32)
