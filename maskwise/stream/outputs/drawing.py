"""A stream's people drawn into its frames: number and verdict of each; zones and lines behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwise.inference.labels import Label, Rectangle, Saying, place_labels, smallest_text_px
from maskwise.inference.lettering import check_font
from maskwise.inference.overlay import paint
from maskwise.inference.painting import name_size, paint_name
from maskwise.stream.following.zones import Line, Zone
from maskwise.stream.watching import Shown
from maskwise.values import Image, check_image

SMALLEST_PX = 2.0
"""Side of a box's part inside the picture; less is not drawn."""

NAME_SHARE = 1 / 55
"""Text of a name or caption as a share of the picture's shorter side, at least."""

UNDER, OVER = 0.45, 0.75
"""Opacity of the dark and of the white line around a zone: discreet, and yet seen on any ground."""

FAINTEST = 12
"""Of 255: edges of a line that cover less of a pixel are left out."""

PIXEL = np.dtype((np.void, 3))
"""Red, green and blue as one."""

SHIFT = 4
"""OpenCV takes positions in sixteenths of a pixel."""


class Drawing:
    """Draws one stream, frame by frame, and remembers where the labels were, so that they stay there."""

    def __init__(self, zones: Sequence[Zone] = (), lines: Sequence[Line] = (), font: Path | None = None) -> None:
        """What is the same in every frame.

        Args:
            zones: drawn thin, with their names, behind the people.
            lines: the same, with a dot at either end.
            font: TrueType or OpenType file for all words; None is Pillow's own.

        Raises:
            ConfigError: the font cannot be read, or has no Latin letters.
        """
        check_font(font)
        self._places: tuple[Zone | Line, ...] = (*zones, *lines)
        self._font = font
        self._labels: dict[int, Label] = {}
        self._traces: _Traces | None = None

    def __call__(self, image: Image, here: Sequence[Shown], caption: str = "") -> Image:
        """A copy of a frame with everyone boxed and labelled, as `3 masked`.

        Args:
            image: (height, width, 3) uint8 RGB; it is not changed.
            here: everyone in sight; a box may reach over the border, and one that lies beyond it is left out.
            caption: a line for the lower left corner, such as the time.

        Raises:
            ShapeError: not an RGB picture.
        """
        check_image(image)
        drawn = image.copy()
        size = (image.shape[1], image.shape[0])
        inside = [(person, _inside(person, size)) for person in here]
        seen = [(person, box) for person, box in inside if box is not None]
        boxes = [box for _, box in seen]
        taken = self._scene(drawn, caption)
        if taken:
            for x0, y0, x1, y1 in boxes:  # people stand in front of what is drawn into the room
                part = slice(int(y0), int(y1 + 1)), slice(int(x0), int(x1 + 1))
                drawn[part] = image[part]
        sayings = [
            Saying(person.verdict.label, (f"{person.number} {person.verdict.label}", str(person.number)))
            for person, _ in seen
        ]
        before = [self._labels.get(person.number) for person, _ in seen]
        labels = place_labels(boxes, sayings, size, before, taken, self._font)
        self._labels = {person.number: label for (person, _), label in zip(seen, labels, strict=True)}
        paint(drawn, boxes, labels, self._font)
        return drawn

    def _scene(self, picture: Image, caption: str) -> list[Rectangle]:
        """Zones, lines, their names and the caption; what the words cover."""
        size = (picture.shape[1], picture.shape[0])
        text_px = max(smallest_text_px(min(size)), min(size) * NAME_SHARE)
        if self._places:
            if self._traces is None or self._traces.size != size:
                self._traces = _Traces.of(self._places, size)
            self._traces.lay_on(picture)
        words = [
            (place.name, _name_at(place, size, name_size(place.name, text_px, self._font))) for place in self._places
        ]
        if caption:
            edge = round(text_px / 3)
            words.append((caption, (edge, size[1] - name_size(caption, text_px, self._font)[1] - edge)))
        for text, at in words:
            paint_name(picture, at, text, text_px, self._font)
        covered = ((at, name_size(text, text_px, self._font)) for text, at in words)
        return [(x, y, x + width, y + height) for (x, y), (width, height) in covered]


def draw_people(
    image: Image,
    here: Sequence[Shown],
    zones: Sequence[Zone] = (),
    lines: Sequence[Line] = (),
    font: Path | None = None,
    caption: str = "",
) -> Image:
    """One frame, as `Drawing` draws it; labels have no past here, so use `Drawing` for a film."""
    return Drawing(zones, lines, font)(image, here, caption)


def _inside(person: Shown, size: tuple[int, int]) -> Rectangle | None:
    """The part of a box inside the picture; None where there is next to nothing."""
    x0, y0, x1, y1 = (float(v) for v in person.box_xyxy)
    x0, y0, x1, y1 = max(x0, 0.0), max(y0, 0.0), min(x1, float(size[0])), min(y1, float(size[1]))
    return (x0, y0, x1, y1) if x1 - x0 >= SMALLEST_PX and y1 - y0 >= SMALLEST_PX else None


@dataclass(frozen=True, slots=True, eq=False)
class _Traces:
    """The lines around zones and across the picture: thin, white on dark, so that they are seen on any ground.

    where: (n,) the pixels they touch, as indices into the picture's rows laid end to end.
    keep: (n, 3) share of the picture that still shows there, in parts of 256.
    add: (n, 3) grey value that comes on top, in the same parts, and a half, since fractions are cut off.
    """

    size: tuple[int, int]
    where: NDArray[np.intp]
    keep: NDArray[np.uint16]
    add: NDArray[np.uint16]

    @classmethod
    def of(cls, places: Sequence[Zone | Line], size: tuple[int, int]) -> _Traces:
        """The same for every frame of that size."""
        thick = max(1, round(min(size) / 700))
        dark, white = (_masked(places, size, thick + wider) for wider in (2 * max(1, thick // 2), 0))
        where = np.flatnonzero(dark > FAINTEST)
        under, over = (UNDER * (dark.ravel()[where] / 255), OVER * (white.ravel()[where] / 255))
        keep, add = 256 * (1 - under) * (1 - over), 256 * 255 * over + 128
        parts = (np.repeat(values[:, None], 3, axis=1).astype(np.uint16) for values in (keep, add))
        return cls(size, where, *parts)

    def lay_on(self, picture: Image) -> None:
        """Blend them in, in place; the picture's rows lie end to end."""
        pixels = picture.view(PIXEL).reshape(-1)  # three bytes at once: several times as fast
        shown = pixels[self.where].view(np.uint8).reshape(-1, 3) * self.keep
        shown += self.add  # at most 255 * 256 + 128: it fits 16 bits
        shown >>= 8
        pixels[self.where] = shown.astype(np.uint8).view(PIXEL)[:, 0]


def _masked(places: Sequence[Zone | Line], size: tuple[int, int], thick: int) -> NDArray[np.uint8]:
    """(height, width) 255 where a line of that many pixels runs, less at its edges."""
    mask = np.zeros(size[::-1], np.uint8)
    for place in places:
        corners = np.round((np.array(place.corners) * size - 0.5) * 2**SHIFT).astype(np.int32)
        cv2.polylines(mask, [corners], isinstance(place, Zone), 255, thick, cv2.LINE_AA, SHIFT)
        for x, y in corners.tolist() if isinstance(place, Line) else ():
            cv2.circle(
                mask,
                (x, y),
                round((thick / 2 + max(2.0, min(size) / 150)) * 2**SHIFT),
                255,
                cv2.FILLED,
                cv2.LINE_AA,
                SHIFT,
            )
    return mask


def _name_at(place: Zone | Line, size: tuple[int, int], extent: tuple[int, int]) -> tuple[int, int]:
    """A zone's name stands inside its upper left corner, a line's at its middle; both inside the picture."""
    corners = np.array(place.corners) * size
    if isinstance(place, Zone):
        x, y = min(corners.tolist(), key=sum)
        x, y = x + extent[1] / 4, y + extent[1] / 4
    else:
        x, y = corners.mean(axis=0) - np.array(extent) / 2
    return (
        round(min(max(x, 0), max(size[0] - extent[0], 0))),
        round(min(max(y, 0), max(size[1] - extent[1], 0))),
    )
