"""Smooth marks blended into a picture: outlines of boxes, plates with words. Costs time and memory for its marks only.

How much of a pixel an outline covers follows from the distance between the pixel's middle and the line: no drawing at a
finer scale is needed. Plates are drawn finer and averaged down, once for each wording and size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw

from maskwise.inference.labels import Rectangle
from maskwise.inference.lettering import font, writable
from maskwise.model.palette import RGB, ink_on, rgb_of
from maskwise.values import INCORRECT, MASKED, UNMASKED, Image

Point = tuple[float, float]
Cover = NDArray[np.float32]
"""(height, width) how much of each pixel is covered, 0 to 1."""

DARK = 120 / 255
"""Opacity of the dark line under the coloured one."""

FINER = 3
"""Plates are drawn so many times as large."""

KEPT, KEPT_PX = 128, 100
"""So many plates are kept in memory, of text up to this height; larger ones, of huge pictures, are drawn each time."""

NAME_RGBA, NAME_INK = (0, 0, 0, 150), (255, 255, 255)
"""Plate and letters of what is not a verdict."""


def lay(picture: Image, at: tuple[int, int], rgb: Image, cover: Cover) -> None:
    """Blend colours into a picture, in place, as far as they lie inside.

    Args:
        picture: (height, width, 3) uint8.
        at: x and y of the upper left corner, pixels.
        rgb: (h, w, 3) uint8.
        cover: (h, w) how much of it is to be seen.
    """
    (left, top), (h, w) = at, cover.shape
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + w, picture.shape[1]), min(top + h, picture.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    part = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
    place, seen = picture[y0:y1, x0:x1], np.ascontiguousarray(cover[part])
    place[:] = cv2.blendLinear(place, np.ascontiguousarray(rgb[part]), 1 - seen, seen)


# --- outlines ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outline:
    """The line around a box.

    line_px: width of the line.
    dash: stroke and gap in line widths; None is a solid line.
    """

    box: Rectangle
    rgb: RGB
    line_px: float
    dash: tuple[float, float] | None = None

    @property
    def reach_px(self) -> float:
        """How far from the box's border pixels are touched, the dark line included."""
        return self.line_px * 0.625 + 0.9

    def paint(self, picture: Image) -> None:
        """Lay it in place. The dark line under the coloured one keeps it visible on any ground."""
        for xs, ys in _strips(self.box, self.reach_px, (picture.shape[1], picture.shape[0])):
            far = self._distance(xs, ys)
            dark = DARK * np.clip(self.line_px * 0.625 + 0.9 - far, 0, 1)
            bright = np.clip(self.line_px / 2 + 0.5 - far, 0, 1)
            cover = 1 - (1 - dark) * (1 - bright)
            share = bright / np.maximum(cover, 1e-6)
            rgb = cv2.merge([cv2.convertScaleAbs(share, alpha=value) for value in self.rgb])
            lay(picture, (int(xs[0]), int(ys[0])), np.asarray(rgb, np.uint8), cover)

    def _distance(self, xs: NDArray[np.float32], ys: NDArray[np.float32]) -> NDArray[np.float32]:
        """(len(ys), len(xs)) pixels from each pixel's middle to the nearest stroke; exact where the line is near."""
        x0, y0, x1, y1 = self.box
        x, y = xs + np.float32(0.5), ys + np.float32(0.5)
        near = self.reach_px + 1
        least = np.full((len(ys), len(xs)), near * near, np.float32)
        for side in (y0, y1):
            if ys[0] - near < side < ys[-1] + near:
                np.minimum(least, (self._along(x, x0, x1) ** 2)[None] + ((y - side) ** 2)[:, None], out=least)
        for side in (x0, x1):
            if xs[0] - near < side < xs[-1] + near:
                np.minimum(least, ((x - side) ** 2)[None] + (self._along(y, y0, y1) ** 2)[:, None], out=least)
        return np.sqrt(least, out=least)

    def _along(self, at: NDArray[np.float32], start: float, end: float) -> NDArray[np.float32]:
        """(n,) distance to the nearest stroke of a side, along it; a whole number of strokes, so corners are drawn."""
        stroke, gap = (part * self.line_px for part in self.dash) if self.dash else (end - start, 0.0)
        count = max(2, round((end - start + gap) / (stroke + gap))) if self.dash else 1
        stroke = min(stroke, end - start)
        step = (end - start - stroke) / (count - 1) if count > 1 else 0.0
        from_first = at - np.float32(start + stroke / 2)
        nearest = np.clip(np.rint(from_first / np.float32(step)), 0, count - 1) if step else np.float32(0)
        return np.maximum(np.abs(from_first - nearest * np.float32(step)) - np.float32(stroke / 2), np.float32(0))


def _strips(
    box: Rectangle, reach_px: float, size: tuple[int, int]
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Columns and rows of the pixels that a box's line can touch: a strip for each side, without overlap."""
    (x0, y0, x1, y1), (width, height) = box, size
    columns = _range(x0 - reach_px, x1 + reach_px, width)
    left, right = _range(x0 - reach_px, x0 + reach_px, width), _range(x1 - reach_px, x1 + reach_px, width)
    top, bottom = _range(y0 - reach_px, y0 + reach_px, height), _range(y1 - reach_px, y1 + reach_px, height)
    if left[1] >= right[0] or top[1] >= bottom[0]:
        parts = [(columns, _range(y0 - reach_px, y1 + reach_px, height))]
    else:
        between = (top[1], bottom[0])
        parts = [(columns, top), (columns, bottom), (left, between), (right, between)]
    for across, down in parts:
        if across[0] < across[1] and down[0] < down[1]:
            yield np.arange(*across, dtype=np.float32), np.arange(*down, dtype=np.float32)


def _range(low: float, high: float, end: int) -> tuple[int, int]:
    """First pixel and the one after the last, inside the picture."""
    return min(max(int(np.floor(low)), 0), end), min(max(int(np.ceil(high)), 0), end)


# --- plates -----------------------------------------------------------------------------------------------------------


def paint_tag(picture: Image, extent: Rectangle, verdict: str, words: str, text_px: float, file: Path | None) -> None:
    """A verdict's plate with its symbol, and words beside it.

    Args:
        picture: drawn on in place.
        extent: what the plate covers, whole pixels.
        verdict: a class or `uncertain`.
        words: may be empty.
        text_px: their height.
        file: of the font.
    """
    x0, y0, x1, y1 = (round(v) for v in extent)
    make = _kept_tag if text_px <= KEPT_PX else _tag
    lay(picture, (x0, y0), *make(verdict, words, text_px, (x1 - x0, y1 - y0), file))


def name_size(words: str, text_px: float, file: Path | None) -> tuple[int, int]:
    """Width and height of a name's plate, pixels."""
    words, file = writable(words, file)
    return round(font(text_px, file).getlength(words) + text_px), round(text_px * 1.4)


def paint_name(picture: Image, at: tuple[int, int], words: str, text_px: float, file: Path | None) -> None:
    """White words on a dark plate that lets the picture through."""
    make = _kept_name if text_px <= KEPT_PX else _name
    lay(picture, at, *make(words, text_px, file))


def _tag(
    verdict: str, words: str, text_px: float, size: tuple[int, int], file: Path | None
) -> tuple[Image, Cover]:
    pen = _Pen(size, text_px)
    side = size[1]
    pen.plate(side * 0.22)
    _symbol(pen, verdict, (side / 2, side / 2), side * 0.27)
    if words:
        pen.text((side * 1.02, side / 2), words, text_px, "lm", file)
    return pen.done(rgb_of(verdict), ink_on(verdict))


def _name(words: str, text_px: float, file: Path | None) -> tuple[Image, Cover]:
    size = name_size(words, text_px, file)
    words, file = writable(words, file)
    pen = _Pen(size, text_px)
    pen.plate(size[1] * 0.22)
    pen.text((size[0] / 2, size[1] / 2), words, text_px, "mm", file)
    return pen.done(NAME_RGBA[:3], NAME_INK, NAME_RGBA[3] / 255)


_kept_tag = lru_cache(maxsize=KEPT)(_tag)
_kept_name = lru_cache(maxsize=KEPT)(_name)


class _Pen:
    """Draws a plate and what stands on it, finer than the picture."""

    def __init__(self, size: tuple[int, int], text_px: float) -> None:
        self._size, self._finer = size, FINER if text_px <= KEPT_PX else 1  # huge ones are smooth enough
        fine = (size[0] * self._finer, size[1] * self._finer)
        self._plate, self._ink = Pillow.new("L", fine), Pillow.new("L", fine)
        self._on_plate, self._on_ink = ImageDraw.Draw(self._plate), ImageDraw.Draw(self._ink)

    def _fine(self, points: Sequence[Point]) -> list[Point]:
        return [(x * self._finer, y * self._finer) for x, y in points]

    def plate(self, radius: float) -> None:
        """Fills the whole extent but for its round corners."""
        width, height = self._plate.size
        self._on_plate.rounded_rectangle((0, 0, width - 1, height - 1), radius=radius * self._finer, fill=255)

    def line(self, points: Sequence[Point], px: float) -> None:
        """A line with round ends."""
        width = max(1, round(px * self._finer))
        self._on_ink.line(self._fine(points), fill=255, width=width, joint="curve")
        for end in (points[0], points[-1]):
            self.dot(end, px / 2)

    def dot(self, centre: Point, radius: float) -> None:
        ((x, y),), r = self._fine([centre]), radius * self._finer
        self._on_ink.ellipse((x - r, y - r, x + r, y + r), fill=255)

    def text(self, at: Point, text: str, px: float, anchor: str, file: Path | None) -> None:
        self._on_ink.text(self._fine([at])[0], text, fill=255, font=font(px * self._finer, file), anchor=anchor)

    def done(self, ground: RGB, ink: RGB, opacity: float = 1.0) -> tuple[Image, Cover]:
        """(h, w, 3) colours and (h, w) cover."""
        plate, letters = (
            np.asarray(layer.reduce(self._finer), np.float32) / 255 for layer in (self._plate, self._ink)
        )
        cover = plate * np.maximum(opacity, letters)
        colours = np.array(ground, np.float32) * (1 - letters[..., None]) + np.array(ink, np.float32) * letters[..., None]
        return np.round(colours).astype(np.uint8), np.asarray(cover, np.float32)


def _symbol(pen: _Pen, label: str, at: Point, r: float) -> None:
    """Tick, exclamation mark, cross or question mark, of radius r around a point."""
    (x, y), px = at, r * 0.42
    if label == MASKED:
        pen.line([(x - r, y), (x - r * 0.25, y + r * 0.75), (x + r, y - r * 0.75)], px)
    elif label == UNMASKED:
        for slope in (1, -1):
            pen.line([(x - r * 0.8, y - r * 0.8 * slope), (x + r * 0.8, y + r * 0.8 * slope)], px)
    elif label == INCORRECT:
        pen.line([(x, y - r), (x, y + r * 0.25)], px)
        pen.dot((x, y + r * 0.95), px * 0.62)
    else:
        pen.text((x, y), "?", r * 2.6, "mm", None)
