"""Verdicts drawn into a picture: colour and shape both tell the class, and no face is covered.

masked      solid box, tick          incorrect   dashed box, exclamation mark
unmasked    heavy box, cross         uncertain   dotted box, question mark

Drawn at twice the size and averaged down, so that lines and marks are smooth at any size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from PIL.ImageDraw import ImageDraw as Canvas

from maskwise.model.palette import COLOURS
from maskwise.values import INCORRECT, MASKED, UNCERTAIN, UNMASKED, FrameResult, Image, Verdict

FINER = 2
DASHES = {INCORRECT: (4.0, 2.5), UNCERTAIN: (0.8, 2.2)}
"""Stroke and gap in line widths; other boxes are solid."""

WEIGHT = {UNMASKED: 1.7}
SMALLEST_TEXT_PX, LARGEST_SHARE = 11, 0.045

Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class _Tag:
    """A label's place and text; text is empty where only the symbol fits."""

    rectangle: Rectangle
    text: str
    text_px: float


def draw(image: Image, result: FrameResult) -> Image:
    """A copy with every face boxed and labelled.

    Args:
        image: (height, width, 3) uint8 RGB; it is not changed.
        result: what was said about this image; its boxes are pixels of it.
    """
    if not len(result.faces):
        return image.copy()
    height, width = image.shape[:2]
    layer = Pillow.new("RGBA", (width * FINER, height * FINER))
    canvas = ImageDraw.Draw(layer)
    boxes: list[Rectangle] = [tuple(float(v) for v in box) for box in result.faces.boxes_xyxy]  # type: ignore[misc]
    line_px = max(1.5, min(width, height) / 260)
    for box, verdict in zip(boxes, result.verdicts, strict=True):
        _draw_box(canvas, box, verdict.label, min(line_px, max(1.0, (box[2] - box[0]) / 22)))
    taken: list[Rectangle] = []
    for box, verdict in zip(boxes, result.verdicts, strict=True):
        tag = _place(box, verdict, (width, height), [other for other in boxes if other != box], taken)
        taken.append(tag.rectangle)
        _draw_tag(canvas, tag, verdict.label)
    small = layer.resize((width, height), Pillow.Resampling.BOX)
    base = Pillow.fromarray(image).convert("RGBA")
    return np.asarray(Pillow.alpha_composite(base, small).convert("RGB"), np.uint8)


def _draw_box(canvas: Canvas, box: Rectangle, label: str, line_px: float) -> None:
    """A dark line under the coloured one keeps it visible on any ground."""
    line_px *= WEIGHT.get(label, 1.0)
    x0, y0, x1, y1 = box
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
    for colour, px in (((0, 0, 0, 110), line_px + 1.2), ((*_rgb(label), 255), line_px)):
        for start, end in pairwise(corners):
            for piece in _pieces(start, end, DASHES.get(label), line_px):
                _line(canvas, piece, colour, px)


def _pieces(
    start: tuple[float, float], end: tuple[float, float], dash: tuple[float, float] | None, line_px: float
) -> Iterator[list[tuple[float, float]]]:
    """The strokes of a side; a whole number of them, so that both of its corners are drawn."""
    if dash is None:
        yield [start, end]
        return
    length = float(np.hypot(end[0] - start[0], end[1] - start[1]))
    stroke, gap = dash[0] * line_px, dash[1] * line_px
    count = max(2, round((length + gap) / (stroke + gap)))
    step = (length - stroke) / (count - 1) if length > stroke else 0.0
    at = np.array(start), (np.array(end) - np.array(start)) / max(length, 1e-6)
    for i in range(count):
        ends = (at[0] + at[1] * step * i, at[0] + at[1] * min(step * i + stroke, length))
        yield [(float(p[0]), float(p[1])) for p in ends]


def _line(canvas: Canvas, points: Sequence[tuple[float, float]], colour: tuple[int, int, int, int], px: float) -> None:
    """A line with round ends."""
    scaled = [(x * FINER, y * FINER) for x, y in points]
    canvas.line(scaled, fill=colour, width=max(1, round(px * FINER)), joint="curve")
    radius = px * FINER / 2
    for x, y in (scaled[0], scaled[-1]):
        canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def _place(
    box: Rectangle, verdict: Verdict, size: tuple[int, int], faces: list[Rectangle], taken: list[Rectangle]
) -> _Tag:
    """Where the label hides least: above the box, below, beside; words if they fit, else the symbol alone."""
    width, height = size
    face_px = box[2] - box[0]
    largest = max(SMALLEST_TEXT_PX, LARGEST_SHARE * min(width, height))
    text_px = float(np.clip(face_px * 0.17, SMALLEST_TEXT_PX, largest))
    others = [*faces, *taken]
    candidates = [
        (words_lost + 0.02 * rank + _hidden(spot, box, others), _Tag(spot, text, text_px))
        for words_lost, text in ((0.0, f"{verdict.label} {verdict.confidence:.0%}"), (0.3, verdict.label), (0.6, ""))
        for rank, spot in enumerate(_spots(box, _extent(text, text_px), size))
    ]
    return min(candidates, key=lambda candidate: candidate[0])[1]


def _spots(box: Rectangle, extent: tuple[float, float], size: tuple[int, int]) -> list[Rectangle]:
    """Above, below, right and left of the box, then inside its top; pushed into the picture."""
    (x0, y0, x1, y1), (w, h), gap = box, extent, 2.0
    corners = ((x0, y0 - h - gap), (x0, y1 + gap), (x1 + gap, y0), (x0 - w - gap, y0), (x0, y0 + gap))
    inside = ((min(max(x, 0.0), max(size[0] - w, 0.0)), min(max(y, 0.0), max(size[1] - h, 0.0))) for x, y in corners)
    return [(x, y, x + w, y + h) for x, y in inside]


def _hidden(spot: Rectangle, own: Rectangle, others: Sequence[Rectangle]) -> float:
    """Share of the label that would lie on something; its own face counts double."""
    area = max((spot[2] - spot[0]) * (spot[3] - spot[1]), 1e-6)
    return (2 * _overlap(spot, own) + sum(_overlap(spot, other) for other in others)) / area


def _overlap(a: Rectangle, b: Rectangle) -> float:
    across, down = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return max(across, 0.0) * max(down, 0.0)


def _extent(text: str, text_px: float) -> tuple[float, float]:
    """Width and height of a label with its symbol."""
    height = text_px * 1.5
    words = _font(text_px).getlength(text) / FINER + text_px * 0.45 if text else 0.0
    return height + words, height


@cache
def _font(text_px: float) -> ImageFont.FreeTypeFont:
    return ImageFont.load_default(text_px * FINER)  # type: ignore[return-value]  # with a size it is scalable


def _draw_tag(canvas: Canvas, tag: _Tag, label: str) -> None:
    x0, y0, x1, y1 = (v * FINER for v in tag.rectangle)
    ground, side = _rgb(label), y1 - y0
    ink = _ink(ground)
    canvas.rounded_rectangle((x0, y0, x1, y1), radius=side * 0.22, fill=(*ground, 240))
    _draw_symbol(canvas, label, (x0 + side / 2, y0 + side / 2), side * 0.27, ink)
    if tag.text:
        canvas.text((x0 + side * 0.95, y0 + side / 2), tag.text, fill=ink, font=_font(tag.text_px), anchor="lm")


def _draw_symbol(canvas: Canvas, label: str, at: tuple[float, float], r: float, ink: tuple[int, int, int]) -> None:
    """Tick, exclamation mark, cross, or question mark, of radius r around a point, in pixels of the finer layer."""
    x, y = at
    width = max(2, round(r * 0.42))
    if label == MASKED:
        canvas.line(
            [(x - r, y), (x - r * 0.25, y + r * 0.75), (x + r, y - r * 0.75)], fill=ink, width=width, joint="curve"
        )
    elif label == UNMASKED:
        canvas.line([(x - r * 0.8, y - r * 0.8), (x + r * 0.8, y + r * 0.8)], fill=ink, width=width)
        canvas.line([(x - r * 0.8, y + r * 0.8), (x + r * 0.8, y - r * 0.8)], fill=ink, width=width)
    elif label == INCORRECT:
        canvas.line([(x, y - r), (x, y + r * 0.3)], fill=ink, width=width)
        canvas.ellipse((x - width / 2, y + r - width, x + width / 2, y + r), fill=ink)
    else:
        canvas.text((x, y), "?", fill=ink, font=_font(r * 2.6 / FINER), anchor="mm")


def _rgb(label: str) -> tuple[int, int, int]:
    value = COLOURS[label]
    return int(value[1:3], 16), int(value[3:5], 16), int(value[5:7], 16)


def _ink(ground: tuple[int, int, int]) -> tuple[int, int, int]:
    """Black or white, whichever stands out more (WCAG 2.2, contrast ratio)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in ground)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return (0, 0, 0) if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else (255, 255, 255)
