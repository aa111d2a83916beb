"""Verdicts drawn into a picture: colour and shape both tell the class, and no face is covered.

masked      solid box, tick          incorrect   dashed box, exclamation mark
unmasked    heavy box, cross         uncertain   dotted box, question mark
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from maskwise.errors import ShapeError
from maskwise.inference.labels import Label, Rectangle, Saying, place_labels
from maskwise.inference.lettering import check_font
from maskwise.inference.painting import Outline, paint_tag
from maskwise.model.palette import rgb_of
from maskwise.values import INCORRECT, UNCERTAIN, UNMASKED, FrameResult, Image, check_image

DASHES = {INCORRECT: (4.0, 2.5), UNCERTAIN: (0.5, 1.9)}
"""Stroke and gap in line widths; other boxes are solid."""

WEIGHT = {UNMASKED: 1.9, UNCERTAIN: 2.0}
"""Line width beside that of other boxes."""


def draw(image: Image, result: FrameResult, font: Path | None = None) -> Image:
    """A copy with every face boxed and labelled.

    Args:
        image: (height, width, 3) uint8 RGB; it is not changed.
        result: what was said about this image; its boxes are pixels of it.
        font: TrueType or OpenType file for the words; None is Pillow's own.

    Raises:
        ShapeError: not an RGB picture, or the result is of a picture of another size.
        ConfigError: the font cannot be read, or has no Latin letters.
    """
    check_image(image)
    check_font(font)
    drawn = image.copy()
    if not len(result.faces):
        return drawn
    height, width = image.shape[:2]
    if (result.width, result.height) != (width, height):
        raise ShapeError(f"result: of a picture of {result.width} x {result.height}, drawn on {width} x {height}")
    boxes: list[Rectangle] = [(float(a), float(b), float(c), float(d)) for a, b, c, d in result.faces.boxes_xyxy]
    sayings = [
        Saying(verdict.label, (f"{verdict.label} {verdict.confidence:.0%}", verdict.label))
        for verdict in result.verdicts
    ]
    paint(drawn, boxes, place_labels(boxes, sayings, (width, height), file=font), font)
    return drawn


def paint(picture: Image, boxes: Sequence[Rectangle], labels: Sequence[Label], font: Path | None) -> None:
    """Boxes first, then labels, so that no box crosses a label; in place.

    Args:
        picture: (height, width, 3) uint8 RGB.
        boxes: inside the picture.
        labels: one for each box.
        font: file of the words' font.
    """
    size = (picture.shape[1], picture.shape[0])
    for box, label in zip(boxes, labels, strict=True):
        line_px = _line_px(box, size) * WEIGHT.get(label.verdict, 1.0)
        inside = _inside(box, line_px / 2, size)
        Outline(inside, rgb_of(label.verdict), line_px, DASHES.get(label.verdict)).paint(picture)
    for label in labels:
        paint_tag(picture, label.extent, label.verdict, label.words, label.text_px, font)


def _line_px(box: Rectangle, size: tuple[int, int]) -> float:
    """Thin on small faces, never so thin that a shrunk copy of the picture loses it."""
    wished = max(1.5, min(size) / 260)
    return max(1.0, min(size) / 800, min(wished, (box[2] - box[0]) / 22))


def _inside(box: Rectangle, by: float, size: tuple[int, int]) -> Rectangle:
    """A box at the picture's edge moves in, so that its line is seen."""
    x0, y0, x1, y1 = box
    x0, y0 = max(x0, min(by, size[0] / 2)), max(y0, min(by, size[1] / 2))
    return (x0, y0, max(x0, min(x1, size[0] - by)), max(y0, min(y1, size[1] - by)))
