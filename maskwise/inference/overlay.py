"""Verdicts drawn into a picture: colour and shape both tell the class, and no face is covered.

masked      solid box, tick          incorrect   dashed box, exclamation mark
unmasked    heavy box, cross         uncertain   dotted box, question mark

Drawn finer than the picture and averaged down, so that lines and marks are smooth at any size; tile by tile, so that a
picture of a hundred megapixels costs time and memory for its marks only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from maskwise.errors import ShapeError
from maskwise.inference.labels import Label, Rectangle, font, overlap, place_labels
from maskwise.model.palette import ink_on, rgb_of
from maskwise.values import INCORRECT, MASKED, UNCERTAIN, UNMASKED, FrameResult, Image, check_image

FINER, TILE_PX = 3, 256
DASHES = {INCORRECT: (4.0, 2.5), UNCERTAIN: (0.6, 2.4)}
"""Stroke and gap in line widths; other boxes are solid."""

WEIGHT = {UNMASKED: 1.9, UNCERTAIN: 1.6}
"""Line width beside that of other boxes."""

Point = tuple[float, float]
Colour = tuple[int, int, int, int]


def draw(image: Image, result: FrameResult) -> Image:
    """A copy with every face boxed and labelled.

    Args:
        image: (height, width, 3) uint8 RGB; it is not changed.
        result: what was said about this image; its boxes are pixels of it.

    Raises:
        ShapeError: not an RGB picture, or the result is of a picture of another size.
    """
    check_image(image)
    drawn = image.copy()
    if not len(result.faces):
        return drawn
    height, width = image.shape[:2]
    if (result.width, result.height) != (width, height):
        raise ShapeError(f"result: of a picture of {result.width} x {result.height}, drawn on {width} x {height}")
    marks = _marks(result)
    for top, left in product(range(0, height, TILE_PX), range(0, width, TILE_PX)):
        tile = _Tile(left, top, min(TILE_PX, width - left), min(TILE_PX, height - top))
        here = [mark for mark in marks if overlap(mark.extent, tile.extent) > 0]
        if here:
            for mark in here:
                mark.paint(tile)
            tile.lay_on(drawn)
    return drawn


class _Tile:
    """A part of the picture to draw on, in pixels of the picture."""

    def __init__(self, left: int, top: int, width: int, height: int) -> None:
        self._left, self._top, self._width, self._height = left, top, width, height
        self.extent: Rectangle = (left, top, left + width, top + height)
        self._layer: Pillow.Image | None = None

    def _canvas(self) -> ImageDraw.ImageDraw:
        if self._layer is None:
            self._layer = Pillow.new("RGBA", (self._width * FINER, self._height * FINER))
        return ImageDraw.Draw(self._layer)

    def _fine(self, points: Sequence[Point]) -> list[Point]:
        return [((x - self._left) * FINER, (y - self._top) * FINER) for x, y in points]

    def line(self, points: Sequence[Point], px: float, colour: Colour) -> None:
        """A line with round ends; nothing where it lies beside this tile."""
        xs, ys = zip(*points, strict=True)
        if overlap((min(xs) - px, min(ys) - px, max(xs) + px, max(ys) + px), self.extent) == 0:
            return
        self._canvas().line(self._fine(points), fill=colour, width=max(1, round(px * FINER)), joint="curve")
        for end in (points[0], points[-1]):
            self.dot(end, px / 2, colour)

    def dot(self, centre: Point, radius: float, colour: Colour) -> None:
        ((x, y),), r = self._fine([centre]), radius * FINER
        self._canvas().ellipse((x - r, y - r, x + r, y + r), fill=colour)

    def plate(self, rectangle: Rectangle, radius: float, colour: Colour) -> None:
        (x0, y0), (x1, y1) = self._fine([rectangle[:2], rectangle[2:]])
        self._canvas().rounded_rectangle((x0, y0, x1, y1), radius=radius * FINER, fill=colour)

    def text(self, at: Point, text: str, px: float, anchor: str, colour: Colour) -> None:
        self._canvas().text(self._fine([at])[0], text, fill=colour, font=font(px * FINER), anchor=anchor)

    def lay_on(self, picture: Image) -> None:
        """Blend what was drawn into its place."""
        if self._layer is None:
            return
        place = picture[self._top : self._top + self._height, self._left : self._left + self._width]
        smooth = self._layer.reduce(FINER)
        base = Pillow.fromarray(place).convert("RGBA")
        place[:] = np.asarray(Pillow.alpha_composite(base, smooth).convert("RGB"))


@dataclass(frozen=True, slots=True)
class _Box:
    """The box around a face."""

    box: Rectangle
    label: str
    line_px: float

    @property
    def extent(self) -> Rectangle:
        x0, y0, x1, y1 = self.box
        return (x0 - self.line_px, y0 - self.line_px, x1 + self.line_px, y1 + self.line_px)

    def paint(self, tile: _Tile) -> None:
        """A dark line under the coloured one keeps it visible on any ground."""
        x0, y0, x1, y1 = self.box
        corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
        sides = [piece for a, b in pairwise(corners) for piece in _pieces(a, b, DASHES.get(self.label), self.line_px)]
        for px, colour in ((self.line_px * 1.25 + 0.8, (0, 0, 0, 120)), (self.line_px, _rgba(self.label))):
            for side in sides:
                tile.line(side, px, colour)


@dataclass(frozen=True, slots=True)
class _Tag:
    """A label in its place."""

    label: Label

    @property
    def extent(self) -> Rectangle:
        return self.label.extent

    def paint(self, tile: _Tile) -> None:
        x0, y0, _, y1 = self.extent
        verdict = self.label.verdict
        side, middle, ink = y1 - y0, (y0 + y1) / 2, _ink(verdict)
        tile.plate(self.extent, side * 0.22, _rgba(verdict))
        _paint_symbol(tile, verdict, (x0 + side / 2, middle), side * 0.27, ink)
        if self.label.words:
            tile.text((x0 + side * 1.02, middle), self.label.words, self.label.text_px, "lm", ink)


def _marks(result: FrameResult) -> list[_Box | _Tag]:
    """Boxes first, then labels, so that no box crosses a label."""
    size = (result.width, result.height)
    boxes: list[Rectangle] = [(float(a), float(b), float(c), float(d)) for a, b, c, d in result.faces.boxes_xyxy]
    marks: list[_Box | _Tag] = []
    for box, verdict in zip(boxes, result.verdicts, strict=True):
        line_px = _line_px(box, size) * WEIGHT.get(verdict.label, 1.0)
        marks.append(_Box(_inside(box, line_px / 2, size), verdict.label, line_px))
    return marks + [_Tag(label) for label in place_labels(boxes, result.verdicts, size)]


def _line_px(box: Rectangle, size: tuple[int, int]) -> float:
    """Thin on small faces, never so thin that a shrunk copy of the picture loses it."""
    wished = max(1.5, min(size) / 260)
    return max(1.0, min(size) / 800, min(wished, (box[2] - box[0]) / 22))


def _inside(box: Rectangle, by: float, size: tuple[int, int]) -> Rectangle:
    """A box at the picture's edge moves in, so that its line is seen."""
    x0, y0, x1, y1 = box
    x0, y0 = max(x0, min(by, size[0] / 2)), max(y0, min(by, size[1] / 2))
    return (x0, y0, max(x0, min(x1, size[0] - by)), max(y0, min(y1, size[1] - by)))


def _pieces(start: Point, end: Point, dash: tuple[float, float] | None, line_px: float) -> Iterator[list[Point]]:
    """The strokes of a side; a whole number of them, so that both of its corners are drawn."""
    if dash is None:
        yield [start, end]
        return
    length = math.dist(start, end)
    stroke, gap = dash[0] * line_px, dash[1] * line_px
    count = max(2, round((length + gap) / (stroke + gap)))
    step = (length - stroke) / (count - 1) if length > stroke else 0.0
    for i in range(count):
        yield [_between(start, end, along / max(length, 1e-6)) for along in (step * i, min(step * i + stroke, length))]


def _between(start: Point, end: Point, share: float) -> Point:
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def _paint_symbol(tile: _Tile, label: str, at: Point, r: float, ink: Colour) -> None:
    """Tick, exclamation mark, cross or question mark, of radius r around a point."""
    (x, y), px = at, r * 0.42
    if label == MASKED:
        tile.line([(x - r, y), (x - r * 0.25, y + r * 0.75), (x + r, y - r * 0.75)], px, ink)
    elif label == UNMASKED:
        for slope in (1, -1):
            tile.line([(x - r * 0.8, y - r * 0.8 * slope), (x + r * 0.8, y + r * 0.8 * slope)], px, ink)
    elif label == INCORRECT:
        tile.line([(x, y - r), (x, y + r * 0.25)], px, ink)
        tile.dot((x, y + r * 0.95), px * 0.62, ink)
    else:
        tile.text((x, y), "?", r * 2.6, "mm", ink)


def _rgba(verdict: str) -> Colour:
    return (*rgb_of(verdict), 255)


def _ink(verdict: str) -> Colour:
    return (*ink_on(verdict), 255)
