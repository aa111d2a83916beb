"""Moments of a stream of which everything is known: who is there when, and what is said of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskwise.stream.following.events import Event
from maskwise.stream.following.people import Person
from maskwise.stream.watching import Moment, Shown
from maskwise.values import CLASSES, Faces, Frame, FrameResult, Image, Verdict

WIDTH, HEIGHT = 64, 48
GREY: Image = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)


@dataclass(frozen=True)
class Visit:
    """Somebody who is found in every look of [comes_s, goes_s).

    verdicts: (from second on, what is said).
    place: middle of the face, pixels.
    """

    comes_s: float
    goes_s: float
    verdicts: tuple[tuple[float, str], ...]
    place: tuple[float, float] = (32.0, 24.0)
    size: float = 12.0

    @property
    def box_xyxy(self) -> NDArray[np.float32]:
        (x, y), half = self.place, self.size / 2
        return np.array([x - half, y - half, x + half, y + half], np.float32)

    def said(self, time_s: float) -> str:
        return [verdict for since, verdict in self.verdicts if since <= time_s][-1]


def steady(comes_s: float, goes_s: float, verdict: str, place: tuple[float, float] = (32.0, 24.0)) -> Visit:
    return Visit(comes_s, goes_s, ((0.0, verdict),), place)


def moments(
    visits: Sequence[Visit],
    seconds: float,
    rate: float = 10.0,
    events: Sequence[Event] = (),
    image: Image = GREY,
    looks_each: int = 1,
) -> Iterator[Moment]:
    """Frame by frame; whoever goes is gone at once. Events come with the first frame at their time or later."""
    here: dict[int, Person] = {}
    comes, goes = defaultdict(list), defaultdict(list)
    for number, visit in enumerate(visits, start=1):
        comes[max(0, int(np.ceil(visit.comes_s * rate - 1e-9)))].append(number)
        goes[int(np.ceil(visit.goes_s * rate - 1e-9))].append(number)
    told = sorted(events, key=lambda event: event.time_s)
    last = round(seconds * rate) - 1
    for index in range(last + 1):
        time_s, looked = index / rate, index % looks_each == 0
        left = [here.pop(number) for number in goes[index] if number in here]
        for number in list(here) + comes[index]:
            visit = visits[number - 1]
            verdict = Verdict(visit.said(time_s), 0.9)
            person = here.get(number)
            if person is None:
                here[number] = Person(number, time_s, time_s, visit.box_xyxy, verdict)
            elif looked:
                person.seconds[person.verdict.label] += time_s - person.last_s
                person.last_s, person.verdict = time_s, verdict
                person.looks += 1
        now = []
        while told and told[0].time_s <= time_s + 1e-9:
            now.append(told.pop(0))
        if index == last:
            left += here.values()
        yield _moment(index, time_s, image, here, looked, tuple(now), tuple(left))


def _moment(
    index: int,
    time_s: float,
    image: Image,
    here: dict[int, Person],
    looked: bool,
    events: tuple[Event, ...],
    left: tuple[Person, ...],
) -> Moment:
    shown = tuple(Shown(n, person.box_xyxy, person.verdict) for n, person in here.items())
    return Moment(
        Frame(image, "door", index, time_s),
        _result(index, time_s, image, shown) if looked else None,
        tuple(here) if looked else (),
        shown,
        events,
        left,
    )


def _result(index: int, time_s: float, image: Image, shown: tuple[Shown, ...]) -> FrameResult:
    n = len(shown)
    boxes = np.array([s.box_xyxy for s in shown], np.float32).reshape(n, 4)
    faces = Faces(boxes, np.ones(n, np.float32), np.full((n, 5, 2), np.nan, np.float32))
    chances = np.full((n, 3), 1 / 3, np.float32)
    height, width = image.shape[:2]
    verdicts = tuple(s.verdict for s in shown)
    return FrameResult("door", index, time_s, width, height, faces, CLASSES, chances, verdicts)
