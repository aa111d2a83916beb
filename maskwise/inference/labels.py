"""Where the labels of faces go: beside their face, off every other, legible at any size of picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from PIL import ImageFont

from maskwise.values import Verdict

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
"""x_min, y_min, x_max, y_max in pixels of the picture."""


@dataclass(frozen=True, slots=True)
class Label:
    """A label in its place: the verdict's symbol, and words where they fit.

    extent: what it covers.
    verdict: a class or `uncertain`.
    words: empty where there is room for the symbol alone.
    text_px: height of the text.
    """

    extent: Rectangle
    verdict: str
    words: str
    text_px: float


def place_labels(boxes: Sequence[Rectangle], verdicts: Sequence[Verdict], size: tuple[int, int]) -> list[Label]:
    """A label for each face. One that would lie on a face or label goes first at the next try, as a mere symbol."""
    bare: set[int] = set()
    reaches = [_reach(box, verdict, size) for box, verdict in zip(boxes, verdicts, strict=True)]
    beside = [[box for j, box in enumerate(boxes) if j != i and _meet(box, reach)] for i, reach in enumerate(reaches)]
    best, least = list[Label](), math.inf
    for _ in range(TRIES):
        tags: list[Label] = []
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


def _place(
    box: Rectangle,
    verdict: Verdict,
    size: tuple[int, int],
    faces: Sequence[Rectangle],
    tags: Sequence[Rectangle],
    *,
    bare: bool,
) -> Label:
    """Where the label hides least. Rather than hide another face, it gives up its words and keeps the symbol."""
    text_px = _text_px(box, min(size))
    wording = ((_words(verdict), 0.0), (verdict.label, 0.2), ("", 0.5))
    best, least = Label((0, 0, 0, 0), verdict.label, "", text_px), math.inf
    for words, lost in wording[-1:] if bare else wording:
        for rank, spot in enumerate(_spots(box, _extent(words, text_px), size)):
            cost = lost + 0.01 * rank + _hidden(spot, box, faces, tags, size)
            if cost < least:
                best, least = Label(spot, verdict.label, words, text_px), cost
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
    outside, on_own = 1 - overlap(spot, (0, 0, *size)) / area, overlap(spot, own) / area
    collides = 0.25 * ((on_faces > TOUCH) + (on_tags > TOUCH))  # a cut letter is lost, however little is cut
    return collides + 6 * outside + 4 * on_faces + 3 * on_tags + 2 * on_own


def _covered(spot: Rectangle, others: Sequence[Rectangle]) -> float:
    """Share of a label's area that lies on others."""
    return sum(overlap(spot, other) for other in others) / ((spot[2] - spot[0]) * (spot[3] - spot[1]))


def _meet(a: Rectangle, b: Rectangle) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def overlap(a: Rectangle, b: Rectangle) -> float:
    """Area that two rectangles share."""
    across, down = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return max(across, 0.0) * max(down, 0.0)


def _extent(words: str, text_px: float) -> tuple[float, float]:
    """Width and height of a label with its symbol."""
    height = text_px * 1.5
    return height + (font(text_px).getlength(words) + text_px * 0.55 if words else 0.0), height


@lru_cache(maxsize=FONTS)
def font(text_px: float) -> ImageFont.FreeTypeFont:
    """Pillow's own font at a height in pixels."""
    scalable = ImageFont.load_default(text_px)
    if not isinstance(scalable, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType")  # the wheels have it; its old bitmap font does not scale
    return scalable
