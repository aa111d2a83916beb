"""Moments of a stream as a test wants them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskwise.stream.following.events import Event
from maskwise.stream.following.people import Person
from maskwise.stream.watching import Moment, Shown
from maskwise.values import CLASSES, Faces, Frame, FrameResult, Image, Track, Verdict

Where = tuple[int, tuple[float, float, float, float], str]
"""Number, box in pixels, verdict."""


def moment(
    time_s: float,
    people: Sequence[Where] = (),
    *,
    looked: bool = True,
    image: Image | None = None,
    events: Sequence[Event] = (),
    left: Sequence[Person] = (),
    ended: bool = False,
    source: str = "hall",
) -> Moment:
    """A moment in which these people are seen, each found by the detector if the frame was looked at."""
    image = np.full((120, 160, 3), 90, np.uint8) if image is None else image
    frame = Frame(image, source, round(time_s * 10), time_s)
    shown = tuple(Shown(n, np.array(box, np.float32), Verdict(label, 0.95)) for n, box, label in people)
    return Moment(
        frame,
        result_of(frame, shown) if looked else None,
        tuple(one.number for one in shown) if looked else (),
        shown,
        tuple(events),
        tuple(left),
        ended,
    )


def result_of(frame: Frame, shown: Sequence[Shown]) -> FrameResult:
    boxes = np.array([one.box_xyxy for one in shown], np.float32).reshape(-1, 4)
    faces = Faces(boxes, np.full(len(shown), 0.9, np.float32), np.full((len(shown), 5, 2), np.nan, np.float32))
    chances = np.full((len(shown), 3), 0.05, np.float32)
    for row, one in zip(chances, shown, strict=True):
        row[CLASSES.index(one.verdict.label) if one.verdict.label in CLASSES else 0] = 0.9
    height, width = frame.image.shape[:2]
    return FrameResult(
        frame.source,
        frame.index,
        frame.time_s,
        width,
        height,
        faces,
        CLASSES,
        chances,
        tuple(one.verdict for one in shown),
        tracks=tuple(Track(one.number, one.verdict) for one in shown),
    )


def person(number: int = 1, first_s: float = 0.0, last_s: float = 4.0, verdict: str = "masked") -> Person:
    """Somebody who has left, having been this all the time."""
    box = np.array([10, 10, 40, 50], np.float32)
    gone = Person(number, first_s, last_s, box, Verdict(verdict, 0.9), looks=7)
    gone.seconds[verdict] = last_s - first_s
    return gone
