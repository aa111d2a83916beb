"""What is kept of one person for a report: what was said when, and a few small pictures, never more than that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from maskwise.model.crops import cut_square, resize, square_around
from maskwise.stream.outputs.blur import Blur, blurred, hides
from maskwise.stream.watching import Moment, Shown
from maskwise.values import UNCERTAIN

SHOTS = 6
"""Pictures of a person, at most."""

SPELLS = 40
"""Spells of one verdict each, at most; where there are more, the shortest joins the one before."""

FIRST_GAP_S = 1.0
"""Without a change, the next picture is taken after so long; twice as long each time there are too many."""

MARGIN = 0.45
"""Of the face's longer side, around it on each side: so that there is something to see where the face is hidden."""

SIDE_PX, QUALITY = 112, 80


@dataclass(frozen=True, slots=True)
class Shot:
    """A small picture of somebody.

    time_s, verdict: when, and what was said then.
    changed: whether the verdict was another before.
    jpeg: of SIDE_PX x SIDE_PX pixels.
    """

    time_s: float
    verdict: str
    changed: bool
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Spell:
    """What was said from one time to another."""

    from_s: float
    to_s: float
    verdict: str


@dataclass(slots=True)
class Strip:
    """One person's spells and pictures so far."""

    spells: list[Spell] = field(default_factory=list)
    shots: list[Shot] = field(default_factory=list)
    gap_s: float = FIRST_GAP_S

    def look(self, time_s: float, verdict: str, take: Callable[[], bytes] | None) -> None:
        """The face was found again.

        Args:
            time_s: when.
            verdict: what is said now.
            take: makes a JPEG of it; called where one is wanted. None: no pictures.
        """
        self._say(time_s, verdict)
        if take is None:
            return
        last = self.shots[-1] if self.shots else None
        changed = last is not None and last.verdict != verdict
        if last is None or changed or time_s - last.time_s >= self.gap_s:
            if len(self.shots) == 1 and last is not None and last.verdict == UNCERTAIN and changed:
                self.shots.clear()  # everybody is uncertain at first: that is no change
                changed = False
            self.shots.append(Shot(time_s, verdict, changed, take()))
        if len(self.shots) > SHOTS:
            self._leave_out()

    def _say(self, time_s: float, verdict: str) -> None:
        last = self.spells[-1] if self.spells else None
        if last is not None:
            self.spells[-1] = Spell(last.from_s, time_s, last.verdict)
        if last is None or last.verdict != verdict:
            self.spells.append(Spell(time_s, time_s, verdict))
        if len(self.spells) > SPELLS:
            lengths = [spell.to_s - spell.from_s for spell in self.spells[1:-1]]
            i = 1 + int(np.argmin(lengths))
            before, gone = self.spells[i - 1], self.spells.pop(i)
            self.spells[i - 1] = Spell(before.from_s, gone.to_s, before.verdict)

    def _leave_out(self) -> None:
        """Drop a picture between the first and the last: one without a change, else the one that held shortest."""
        inner = range(1, len(self.shots) - 1)
        plain = [i for i in inner if not self.shots[i].changed]
        held = {i: self.shots[i + 1].time_s - self.shots[i].time_s for i in plain or inner}
        if plain:
            self.gap_s *= 2
        del self.shots[min(held, key=lambda i: held[i])]


def shot_of(moment: Moment, person: Shown, which: Blur) -> bytes:
    """A small JPEG of somebody and what is around, with everybody hidden who is to be.

    Args:
        moment: the frame, and everyone in it.
        person: of whom.
        which: whose face is hidden.
    """
    image = moment.frame.image
    left, top, side = square_around(person.box_xyxy, MARGIN)
    x, y = min(max(left, 0), image.shape[1] - 1), min(max(top, 0), image.shape[0] - 1)
    region = image[y : max(top + side, y + 1), x : max(left + side, x + 1)]
    shift = np.array([x, y, x, y], np.float32)
    boxes = [shown.box_xyxy - shift for shown in moment.here if hides(which, shown.verdict.label)]
    small = resize(cut_square(blurred(region, boxes), left - x, top - y, side), SIDE_PX)
    return cv2.imencode(".jpg", np.ascontiguousarray(small[:, :, ::-1]), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[
        1
    ].tobytes()
