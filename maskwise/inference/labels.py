"""Where the labels of faces go: beside their face, off every other, legible at any size of picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path

from maskwise.inference.lettering import font

TEXT_PX, TINY_TEXT_PX = 11.0, 9.0
"""Smallest text, and what it shrinks to in thumbnails, where it would hide the people."""

TRIES = 6
"""Of a layout without collisions."""

TOUCH = 0.01
"""Share of a label that may lie on a face or another label: only its rounded corner does."""

TEXT_SHARE = (1 / 110, 0.045)
"""Smallest and largest text as shares of the picture's shorter side: a large picture is looked at made smaller."""

TEXT_STEP_PX = 0.5
"""Text grows in steps."""

LOST = (0.0, 0.2, 0.5)
"""What it costs to say less: the second wording, the symbol alone."""

STAY, SAME_WORDS, SAME_TEXT = 0.2, 0.1, 0.15
"""What it costs a label to move to another side and to change its wording, less than lying on a face does; and how far
its text may be from the size it ought to have before it changes."""

SPOTS = ((0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1), (3, 2), (4, 2), (3, 3), (4, 3), (5, 4))
"""Where a label may stand, the best first, as column and row of `_at`: above and below the box, from its left, right
and middle; beside it on the right and left, at its top and bottom; inside its top."""

Rectangle = tuple[float, float, float, float]
"""x_min, y_min, x_max, y_max in pixels of the picture."""


@dataclass(frozen=True, slots=True)
class Saying:
    """What a label is to say.

    verdict: a class or `uncertain`; the label's symbol and colour.
    wordings: words beside the symbol, the best first, then what is left of them where room is scarce.
    """

    verdict: str
    wordings: tuple[str, str]

    def at(self, index: int) -> str:
        """The wording of that index; after the last there is the symbol alone."""
        return (*self.wordings, "")[index]


@dataclass(frozen=True, slots=True)
class Label:
    """A label in its place.

    extent: what it covers, whole pixels.
    verdict: a class or `uncertain`.
    words: empty where there is room for the symbol alone.
    text_px: height of the text.
    wording, spot: which wording, and which of the places around the box; a film's next label prefers the same.
    """

    extent: Rectangle
    verdict: str
    words: str
    text_px: float
    wording: int = 0
    spot: int = 0


def place_labels(
    boxes: Sequence[Rectangle],
    sayings: Sequence[Saying],
    size: tuple[int, int],
    before: Sequence[Label | None] | None = None,
    taken: Sequence[Rectangle] = (),
    file: Path | None = None,
) -> list[Label]:
    """A label for each face. One that would lie on a face or label goes first at the next try, and says less.

    Args:
        boxes: of the faces.
        sayings: one for each.
        size: width and height of the picture.
        before: the same faces' labels in the frame before, None for a new one; they stay where that costs little.
        taken: what else labels are to keep off.
        file: of the font.
    """
    before = before or [None] * len(boxes)
    texts = [_text_px(box, min(size), last) for box, last in zip(boxes, before, strict=True)]
    reaches = [
        _reach(box, _extent(saying.at(0), text_px, file))
        for box, saying, text_px in zip(boxes, sayings, texts, strict=True)
    ]
    beside = [[box for j, box in enumerate(boxes) if j != i and _meet(box, reach)] for i, reach in enumerate(reaches)]
    best, least = list[Label](), math.inf
    least_said = dict.fromkeys(range(len(boxes)), 0)
    for _ in range(TRIES):
        tags: dict[int, Label] = {}
        hiding: dict[int, float] = {}
        for i in sorted(least_said, key=lambda i: -least_said[i]):
            others = [r for r in (*taken, *(tag.extent for tag in tags.values())) if _meet(r, reaches[i])]
            place = _Place(boxes[i], sayings[i], size, texts[i], beside[i], others, before[i], file)
            tags[i] = place.label(first=least_said[i])
            hiding[i] = _covered(tags[i].extent, (*beside[i], *others))
        if sum(hiding.values()) < least:
            best, least = [tags[i] for i in range(len(boxes))], sum(hiding.values())
        worse = [i for i, share in hiding.items() if share > TOUCH and least_said[i] < len(LOST) - 1]
        if not worse:
            break
        for i in worse:
            least_said[i] += 1
    return best


@dataclass(frozen=True, slots=True)
class _Place:
    """The surroundings of one label."""

    box: Rectangle
    saying: Saying
    size: tuple[int, int]
    text_px: float
    faces: Sequence[Rectangle]
    tags: Sequence[Rectangle]
    before: Label | None
    file: Path | None

    def label(self, first: int) -> Label:
        """Where it hides least, from the wording `first` on. Rather than hide another face, it gives up its words."""
        best, least = Label((0, 0, 0, 0), self.saying.verdict, "", self.text_px), math.inf
        for cost, wording, spot in _choices(self.before and (self.before.wording, self.before.spot)):
            if cost >= least:
                break
            if wording < first:
                continue
            words = self.saying.at(wording)
            extent = _at(spot, self.box, _extent(words, self.text_px, self.file), self.size)
            if (cost := cost + self._hidden(extent)) < least:
                best, least = Label(extent, self.saying.verdict, words, self.text_px, wording, spot), cost
        return best

    def _hidden(self, spot: Rectangle) -> float:
        """What a label there costs by the shares of it that lie on something or outside the picture."""
        on_faces, on_tags = _covered(spot, self.faces), _covered(spot, self.tags)
        collides = 0.25 * ((on_faces > TOUCH) + (on_tags > TOUCH))  # a cut letter is lost, however little is cut
        cost = collides + 4 * on_faces + 3 * on_tags + 2 * _covered(spot, (self.box,))
        if spot[2] > self.size[0] or spot[3] > self.size[1]:  # larger than the picture
            cost += 6 * (1 - _covered(spot, ((0, 0, *self.size),)))
        return cost


def _reach(box: Rectangle, extent: tuple[int, int]) -> Rectangle:
    """What the label can come to lie on; looking no further keeps crowds of hundreds quick."""
    width, height = extent
    gap = _gap(height) + 1  # places are rounded to whole pixels
    return (box[0] - width - gap, box[1] - height - gap, box[2] + width + gap, box[3] + height + gap)


def smallest_text_px(short_side: float) -> float:
    """Height of the smallest text that can be read in a picture of that shorter side."""
    return max(min(TEXT_PX, max(TINY_TEXT_PX, short_side / 22)), short_side * TEXT_SHARE[0])


def _text_px(box: Rectangle, short_side: float, before: Label | None) -> float:
    """Grows with the face, within what can be read and what the picture bears; in a film not with every pixel."""
    smallest = smallest_text_px(short_side)
    wished = min(max((box[2] - box[0]) * 0.17, smallest), max(smallest, short_side * TEXT_SHARE[1]))
    if before is not None and abs(wished / before.text_px - 1) < SAME_TEXT:
        return before.text_px
    return round(wished / TEXT_STEP_PX) * TEXT_STEP_PX


def _gap(tag_height: float) -> float:
    """Between a box and its label."""
    return max(2.0, tag_height * 0.12)


@lru_cache(maxsize=64)
def _choices(before: tuple[int, int] | None) -> tuple[tuple[float, int, int], ...]:
    """What each wording and spot costs where nothing is hidden, the cheapest first; before: the last ones chosen."""
    choices = []
    for wording, spot in product(range(len(LOST)), range(len(SPOTS))):
        cost = LOST[wording] + 0.01 * spot
        if before is not None:
            cost += SAME_WORDS * (wording != before[0]) + STAY * (spot != before[1])
        choices.append((cost, wording, spot))
    return tuple(sorted(choices))


def _at(spot: int, box: Rectangle, extent: tuple[int, int], size: tuple[int, int]) -> Rectangle:
    """A label's place at one of the SPOTS, pushed into the picture."""
    (x0, y0, x1, y1), (w, h), gap, (column, row) = box, extent, _gap(extent[1]), SPOTS[spot]
    x = (x0, x1 - w, (x0 + x1 - w) / 2, x1 + gap, x0 - w - gap, x0 + gap)[column]
    y = (y0 - h - gap, y1 + gap, y0, y1 - h, y0 + gap)[row]
    left, top = min(max(round(x), 0), max(size[0] - w, 0)), min(max(round(y), 0), max(size[1] - h, 0))
    return (left, top, left + w, top + h)


def _covered(spot: Rectangle, others: Sequence[Rectangle]) -> float:
    """Share of a label's area that lies on others."""
    x0, y0, x1, y1 = spot
    area = 0.0
    for left, top, right, bottom in others:  # written out, since crowds spend their time here
        if left < x1 and x0 < right and top < y1 and y0 < bottom:
            across = (right if right < x1 else x1) - (left if left > x0 else x0)
            area += across * ((bottom if bottom < y1 else y1) - (top if top > y0 else y0))
    return area / ((x1 - x0) * (y1 - y0))


def _meet(a: Rectangle, b: Rectangle) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@lru_cache(maxsize=1024)
def _extent(words: str, text_px: float, file: Path | None) -> tuple[int, int]:
    """Width and height of a label with its symbol."""
    height = text_px * 1.5
    width = height + (font(text_px, file).getlength(words) + text_px * 0.55 if words else 0.0)
    return math.ceil(width), round(height)
