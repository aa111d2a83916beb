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
from functools import lru_cache
from itertools import pairwise, product

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from maskwise.errors import ShapeError
from maskwise.model.palette import COLOURS
from maskwise.values import INCORRECT, MASKED, UNCERTAIN, UNMASKED, FrameResult, Image, Verdict, check_image

FINER, TILE_PX = 3, 256
DASHES = {INCORRECT: (4.0, 2.5), UNCERTAIN: (0.6, 2.4)}
"""Stroke and gap in line widths; other boxes are solid."""

WEIGHT = {UNMASKED: 1.9, UNCERTAIN: 1.6}
"""Line width beside that of other boxes."""

TEXT_PX, TINY_TEXT_PX = 11.0, 9.0
"""Smallest text, and what it shrinks to in thumbnails, where it would hide the people."""

TRIES = 4
"""Of a layout without collisions."""

TOUCH = 0.01
"""Share of a label that may lie on a face or another label: only its rounded corner does."""

TEXT_SHARE = (1 / 110, 0.045)
"""Smallest and largest text as shares of the picture's shorter side: a large picture is looked at made smaller."""

TEXT_STEP_PX, FONTS = 0.5, 64
"""Text grows in steps, so that labels of a film do not shimmer; and so many sizes are kept in memory."""

Rectangle = tuple[float, float, float, float]
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
        here = [mark for mark in marks if _overlap(mark.extent, tile.extent) > 0]
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
        if _overlap((min(xs) - px, min(ys) - px, max(xs) + px, max(ys) + px), self.extent) == 0:
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
        self._canvas().text(self._fine([at])[0], text, fill=colour, font=_font(px), anchor=anchor)

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
    """A label beside its face: the symbol, and words where they fit."""

    extent: Rectangle
    label: str
    words: str
    text_px: float

    def paint(self, tile: _Tile) -> None:
        x0, y0, _, y1 = self.extent
        side, middle, ink = y1 - y0, (y0 + y1) / 2, _ink(self.label)
        tile.plate(self.extent, side * 0.22, _rgba(self.label))
        _paint_symbol(tile, self.label, (x0 + side / 2, middle), side * 0.27, ink)
        if self.words:
            tile.text((x0 + side * 1.02, middle), self.words, self.text_px, "lm", ink)


def _marks(result: FrameResult) -> list[_Box | _Tag]:
    """Boxes first, then labels, so that no box crosses a label."""
    size = (result.width, result.height)
    boxes: list[Rectangle] = [(float(a), float(b), float(c), float(d)) for a, b, c, d in result.faces.boxes_xyxy]
    marks: list[_Box | _Tag] = []
    for box, verdict in zip(boxes, result.verdicts, strict=True):
        line_px = _line_px(box, size) * WEIGHT.get(verdict.label, 1.0)
        marks.append(_Box(_inside(box, line_px / 2, size), verdict.label, line_px))
    return marks + _tags(boxes, result.verdicts, size)


def _tags(boxes: Sequence[Rectangle], verdicts: Sequence[Verdict], size: tuple[int, int]) -> list[_Tag]:
    """A label for each face. One that would lie on a face or label goes first at the next try, as a mere symbol."""
    bare: set[int] = set()
    reaches = [_reach(box, verdict, size) for box, verdict in zip(boxes, verdicts, strict=True)]
    beside = [[box for j, box in enumerate(boxes) if j != i and _meet(box, reach)] for i, reach in enumerate(reaches)]
    best, least = list[_Tag](), math.inf
    for _ in range(TRIES):
        tags: list[_Tag] = []
        hiding: dict[int, float] = {}
        for i in sorted(range(len(boxes)), key=lambda i: i not in bare):
            taken = [tag.extent for tag in tags if _meet(tag.extent, reaches[i])]
            tags.append(_place(boxes[i], verdicts[i], size, beside[i], taken, bare=i in bare))
            hiding[i] = _covered(tags[-1].extent, (*beside[i], *taken))
        if sum(hiding.values()) < least:
            best, least = tags, sum(hiding.values())
        worse = {i for i, share in hiding.items() if share > TOUCH} - bare
        if not worse:
            break
        bare |= worse
    return best


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


def _place(
    box: Rectangle,
    verdict: Verdict,
    size: tuple[int, int],
    faces: Sequence[Rectangle],
    tags: Sequence[Rectangle],
    *,
    bare: bool,
) -> _Tag:
    """Where the label hides least. Rather than hide another face, it gives up its words and keeps the symbol."""
    text_px = _text_px(box, min(size))
    wording = ((_words(verdict), 0.0), (verdict.label, 0.2), ("", 0.5))
    best, least = _Tag((0, 0, 0, 0), verdict.label, "", text_px), math.inf
    for words, lost in wording[-1:] if bare else wording:
        for rank, spot in enumerate(_spots(box, _extent(words, text_px), size)):
            cost = lost + 0.01 * rank + _hidden(spot, box, faces, tags, size)
            if cost < least:
                best, least = _Tag(spot, verdict.label, words, text_px), cost
    return best


def _words(verdict: Verdict) -> str:
    return f"{verdict.label} {verdict.confidence:.0%}"


def _reach(box: Rectangle, verdict: Verdict, size: tuple[int, int]) -> Rectangle:
    """What the label can come to lie on; looking no further keeps crowds of hundreds quick."""
    width, height = _extent(_words(verdict), _text_px(box, min(size)))
    gap = _gap(height)
    return (box[0] - width - gap, box[1] - height - gap, box[2] + width + gap, box[3] + height + gap)


def _text_px(box: Rectangle, short_side: float) -> float:
    """Grows with the face, within what can be read and what the picture bears."""
    smallest = max(min(TEXT_PX, max(TINY_TEXT_PX, short_side / 22)), short_side * TEXT_SHARE[0])
    wished = min(max((box[2] - box[0]) * 0.17, smallest), max(smallest, short_side * TEXT_SHARE[1]))
    return round(wished / TEXT_STEP_PX) * TEXT_STEP_PX


def _gap(tag_height: float) -> float:
    """Between a box and its label."""
    return max(2.0, tag_height * 0.12)


def _spots(box: Rectangle, extent: tuple[float, float], size: tuple[int, int]) -> list[Rectangle]:
    """Above and below the box, from its left, right and middle; beside it; inside its top. Pushed into the picture."""
    (x0, y0, x1, y1), (w, h), gap = box, extent, _gap(extent[1])
    columns = (x0, x1 - w, (x0 + x1 - w) / 2)
    corners = [(x, y) for y in (y0 - h - gap, y1 + gap) for x in columns]
    corners += [(x, y) for y in (y0, y1 - h) for x in (x1 + gap, x0 - w - gap)] + [(x0 + gap, y0 + gap)]
    pushed = ((min(max(x, 0.0), max(size[0] - w, 0.0)), min(max(y, 0.0), max(size[1] - h, 0.0))) for x, y in corners)
    return [(x, y, x + w, y + h) for x, y in pushed]


def _hidden(
    spot: Rectangle, own: Rectangle, faces: Sequence[Rectangle], tags: Sequence[Rectangle], size: tuple[int, int]
) -> float:
    """What a label at this spot would cost, by the shares of it that lie on something or outside the picture."""
    area = (spot[2] - spot[0]) * (spot[3] - spot[1])
    on_faces, on_tags = _covered(spot, faces), _covered(spot, tags)
    outside, on_own = 1 - _overlap(spot, (0, 0, *size)) / area, _overlap(spot, own) / area
    collides = 0.25 * ((on_faces > TOUCH) + (on_tags > TOUCH))  # a cut letter is lost, however little is cut
    return collides + 6 * outside + 4 * on_faces + 3 * on_tags + 2 * on_own


def _covered(spot: Rectangle, others: Sequence[Rectangle]) -> float:
    """Share of a label's area that lies on others."""
    return sum(_overlap(spot, other) for other in others) / ((spot[2] - spot[0]) * (spot[3] - spot[1]))


def _meet(a: Rectangle, b: Rectangle) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _overlap(a: Rectangle, b: Rectangle) -> float:
    across, down = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return max(across, 0.0) * max(down, 0.0)


def _extent(words: str, text_px: float) -> tuple[float, float]:
    """Width and height of a label with its symbol."""
    height = text_px * 1.5
    return height + (_font(text_px).getlength(words) / FINER + text_px * 0.55 if words else 0.0), height


@lru_cache(maxsize=FONTS)
def _font(text_px: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(text_px * FINER)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType")  # the wheels have it; its old bitmap font does not scale
    return font


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


def _rgba(label: str) -> Colour:
    value = COLOURS[label]
    return int(value[1:3], 16), int(value[3:5], 16), int(value[5:7], 16), 255


def _ink(label: str) -> Colour:
    """Black or white, whichever stands out more from the label's colour (WCAG 2.2, contrast ratio)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in _rgba(label)[:3])]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return (0, 0, 0, 255) if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else (255, 255, 255, 255)
