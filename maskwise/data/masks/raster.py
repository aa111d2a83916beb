"""From the surface to pixels: which part of the picture changes, and which point of the mask each pixel there shows."""

from __future__ import annotations

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
GRID_UV = np.stack(np.meshgrid(np.linspace(0, 1, ACROSS), np.linspace(0, 1, DOWN)), axis=-1).reshape(-1, 2)
MIN_AREA_PX = 1e-3


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
    points = window.to_fine(pose.project(surface_mm)).reshape(-1, 2)
    corners = points[TRIANGLES]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    which = _drawn(window, pose, surface_mm, corners, area)
    cover = cv2.resize(np.asarray(which > 0, np.uint8) * 255, window.size_hw[::-1], interpolation=cv2.INTER_AREA)
    # Colours change slowly where edges do not: one look at the middle of each pixel does for them.
    half = window.fine // 2
    middle = np.ascontiguousarray(which[half :: window.fine, half :: window.fine])
    middle = np.where(middle > 0, middle, cv2.dilate(middle, np.ones((3, 3), np.uint8)))
    # Inside one triangle u = a x + b y + c, and v likewise: six numbers for each, looked up by pixel.
    flat = np.where(area > MIN_AREA_PX, area, 1.0)
    index = np.maximum(middle.astype(np.intp) - 1, 0)
    columns = np.arange(middle.shape[1], dtype=np.float32) * window.fine + half
    rows = np.arange(middle.shape[0], dtype=np.float32)[:, None] * window.fine + half
    maps = []
    for axis, count in ((0, texture_hw[1]), (1, texture_hw[0])):
        at = GRID_UV[TRIANGLES, axis] * (count - 1)
        rise, other = at[:, 1] - at[:, 0], at[:, 2] - at[:, 0]
        by_x = (rise * second[:, 1] - other * first[:, 1]) / flat
        by_y = (other * first[:, 0] - rise * second[:, 0]) / flat
        start = at[:, 0] - by_x * corners[:, 0, 0] - by_y * corners[:, 0, 1]
        a, b, c = (column.astype(np.float32).take(index) for column in (by_x, by_y, start))
        maps.append(a * columns + b * rows + c)
    return Unwrapped(maps[0], maps[1], np.asarray(cover, np.float32) / np.float32(255))


def _drawn(window: Window, pose: Pose, surface_mm: Array, corners: Array, area: Array) -> NDArray[np.uint16]:
    """Fine pixels, each with the number of the triangle it shows, from 1; 0 where it shows none."""
    depth = (surface_mm.reshape(-1, 3) @ pose.towards_camera)[TRIANGLES].sum(axis=1)
    which = np.zeros((window.size_hw[0] * window.fine, window.size_hw[1] * window.fine), np.uint16)
    sixteenths = np.round(corners * 16).astype(np.int32)
    order = np.argsort(depth, kind="stable")  # what is nearer is drawn over what is farther
    for i in order[area[order] > MIN_AREA_PX].tolist():  # seen from outside; the inside is hidden by the head
        cv2.fillConvexPoly(which, sixteenths[i], i + 1, cv2.LINE_8, 4)
    return which


def looked_up(texture: NDArray[np.uint8], unwrapped: Unwrapped) -> Array:
    """(h, w, channels) float32: the texture as the window shows it; its edge goes on beyond it."""
    seen = cv2.remap(texture, unwrapped.x, unwrapped.y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, np.float32)
