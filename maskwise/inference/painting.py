"""Smooth marks blended into a picture: outlines of boxes, plates with words. Costs time and memory for its marks only.

How much of a pixel an outline covers follows from the distance between the pixel's middle and the line: no drawing at a
finer scale is needed. Plates are drawn finer and averaged down, once for each wording and size.
"""

from __future__ import annotations

import math
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

DARK = 165 / 255
"""Opacity of the dark line under the coloured one."""

THINNEST_PX = 1.8
"""Strokes and gaps get no shorter with the line's width below this: the gaps would close."""

FINER = 3
"""Plates are drawn so many times as large."""

KEPT, KEPT_PX = 128, 100
"""So many plates are kept in memory, of text up to this height; larger ones, of huge pictures, are drawn each time."""

RIM_PX, RIM_SHARE, RIM_SHADE = 0.7, 0.04, 0.5
"""Rim of a plate: its width, at least and as a share of the plate's height, and how bright it is beside the plate."""

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
    dash: stroke and gap in line widths, or in THINNEST_PX where the line is thinner; None is a solid line.
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
        x0, y0, x1, y1 = self.box
        reach_px = self.reach_px
        columns = _range(x0 - reach_px, x1 + reach_px, picture.shape[1])
        rows = _range(y0 - reach_px, y1 + reach_px, picture.shape[0])
        x, y = (np.arange(*span, dtype=np.float32) + np.float32(0.5) for span in (columns, rows))
        across, to_side = _squares(x, x0, x1, self.line_px, self.dash)
        down, to_end = _squares(y, y0, y1, self.line_px, self.dash)
        rgb, cover = _shades(self.rgb, self.line_px, reach_px)
        finest = np.float32((len(cover) - 1) / reach_px)
        for ys, xs in _strips(x, y, self.box, reach_px):
            horizontal = across[xs] + to_end[ys, None]
            far = np.minimum(horizontal, to_side[xs] + down[ys, None], out=horizontal)
            np.multiply(np.sqrt(far, out=far), finest, out=far)
            shade = np.minimum(far, len(cover) - 1, out=far).astype(np.uint8)
            lay(picture, (columns[0] + xs.start, rows[0] + ys.start), rgb.take(shade, axis=0), cover.take(shade))


def _squares(
    at: NDArray[np.float32], start: float, end: float, line_px: float, dash: tuple[float, float] | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Squared distances along one axis: (n,) to the nearest stroke of a side along it, and to the nearer of its ends.

    A side has a whole number of strokes, so that both of its corners are drawn.
    """
    stroke, gap = (part * max(line_px, THINNEST_PX) for part in dash) if dash else (end - start, 0.0)
    count = max(2, round((end - start + gap) / (stroke + gap))) if dash else 1
    stroke = min(stroke, end - start)
    step = (end - start - stroke) / (count - 1) if count > 1 else 0.0
    off = at - np.float32(start + stroke / 2)
    if step:
        off -= np.minimum(np.maximum(np.rint(off / np.float32(step)), 0), count - 1) * np.float32(step)
    beyond = np.maximum(np.abs(off) - np.float32(stroke / 2), 0)
    ends = np.minimum(np.abs(at - np.float32(start)), np.abs(at - np.float32(end)))
    return beyond * beyond, ends * ends


@lru_cache(maxsize=256)
def _shades(rgb: RGB, line_px: float, reach_px: float) -> tuple[Image, Cover]:
    """(256, 3) colours and (256,) covers of a coloured line on a dark one, from its middle to where it ends."""
    far = np.linspace(0, reach_px, 256, dtype=np.float32)
    dark, bright = DARK * np.clip(reach_px - far, 0, 1), np.clip(line_px / 2 + 0.5 - far, 0, 1)
    cover = 1 - (1 - dark) * (1 - bright)
    share = bright / np.maximum(cover, 1e-6)
    return np.round(share[:, None] * np.array(rgb)).astype(np.uint8), cover.astype(np.float32)


def _strips(
    x: NDArray[np.float32], y: NDArray[np.float32], box: Rectangle, reach_px: float
) -> Iterator[tuple[slice, slice]]:
    """Rows and columns that a box's line can touch, a strip for each side, none twice; a small box is one block."""
    x0, y0, x1, y1 = box
    left, right = (int(v) for v in np.searchsorted(x, (x0 + reach_px, x1 - reach_px)))
    top, bottom = (int(v) for v in np.searchsorted(y, (y0 + reach_px, y1 - reach_px)))
    if left >= right or top >= bottom:
        left, right, top, bottom = len(x), len(x), len(y), len(y)
    parts = [(slice(0, top), slice(0, len(x))), (slice(bottom, len(y)), slice(0, len(x)))]
    parts += [(slice(top, bottom), slice(0, left)), (slice(top, bottom), slice(right, len(x)))]
    return ((ys, xs) for ys, xs in parts if ys.start < ys.stop and xs.start < xs.stop)


def _range(low: float, high: float, end: int) -> tuple[int, int]:
    """First pixel and the one after the last, inside the picture."""
    return min(max(math.floor(low), 0), end), min(max(math.ceil(high), 0), end)


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


@lru_cache(maxsize=KEPT)
def name_size(words: str, text_px: float, file: Path | None) -> tuple[int, int]:
    """Width and height of a name's plate, pixels."""
    words, file = writable(words, file)
    return round(font(text_px, file).getlength(words) + text_px), round(text_px * 1.4)


def paint_name(picture: Image, at: tuple[int, int], words: str, text_px: float, file: Path | None) -> None:
    """White words on a dark plate that lets the picture through."""
    make = _kept_name if text_px <= KEPT_PX else _name
    lay(picture, at, *make(words, text_px, file))


def _tag(verdict: str, words: str, text_px: float, size: tuple[int, int], file: Path | None) -> tuple[Image, Cover]:
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
        self._plate, self._lit, self._ink = (Pillow.new("L", fine) for _ in range(3))
        self._on_ink = ImageDraw.Draw(self._ink)

    def _fine(self, points: Sequence[Point]) -> list[Point]:
        return [(x * self._finer, y * self._finer) for x, y in points]

    def plate(self, radius: float) -> None:
        """Fills the whole extent but for its round corners; a darker rim sets it off from ground of its colour."""
        rim = round(max(RIM_PX, self._size[1] * RIM_SHARE) * self._finer)
        for layer, inset in ((self._plate, 0), (self._lit, rim)):
            width, height = (max(length - 1 - inset, inset) for length in layer.size)
            round_px = max(radius * self._finer - inset, 0)
            ImageDraw.Draw(layer).rounded_rectangle((inset, inset, width, height), radius=round_px, fill=255)

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
        plate, lit, letters = (
            np.asarray(layer.reduce(self._finer), np.float32)[..., None] / 255
            for layer in (self._plate, self._lit, self._ink)
        )
        cover = (plate * np.maximum(opacity, letters))[..., 0]
        paper = np.array(ground, np.float32) * (RIM_SHADE + (1 - RIM_SHADE) * lit)
        colours = paper * (1 - letters) + np.array(ink, np.float32) * letters
        return np.round(colours).astype(np.uint8), np.ascontiguousarray(cover, np.float32)


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
