"""From frames to people and events: some frames are looked at, all are told about.

Finding and judging faces takes most of the time and faces move little between two frames, so a stream is looked at
`looks_per_s` times a second whatever its rate; in between, boxes move on as they moved before. Which frames are looked at
follows from their times alone: a file gives the same answer every time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from maskwise.errors import ConfigError
from maskwise.inference.pipeline import Pipeline
from maskwise.stream.background import background
from maskwise.stream.events import Event, Events, Rules
from maskwise.stream.people import People, Person
from maskwise.stream.tracks import Following, Tracker
from maskwise.stream.votes import Voting
from maskwise.values import Frame, FrameResult, Verdict


@dataclass(frozen=True, slots=True)
class Watching:
    """How a stream is watched.

    looks_per_s: how often faces are looked for; 0 looks at every frame.
    overlapped: decode, look and tell side by side; else one after the other, which is for measuring.
    """

    looks_per_s: float = 10.0
    following: Following = field(default_factory=Following)
    voting: Voting = field(default_factory=Voting)
    rules: Rules = field(default_factory=Rules)
    overlapped: bool = True

    def __post_init__(self) -> None:
        if not self.looks_per_s >= 0:
            raise ConfigError(f"watching.looks_per_s: {self.looks_per_s} must not be below 0")


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One person as they are to be drawn in one frame: number, (4,) box in pixels, and what is said."""

    number: int
    box_xyxy: NDArray[np.float32]
    verdict: Verdict


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """One frame, and all that is known at its time.

    result: what was found in this very frame; None where it was not looked at.
    numbers: the person of each face of the result.
    here: everyone in sight, where they are by now.
    events: what has happened since the moment before.
    left: whoever has gone since then.
    """

    frame: Frame
    result: FrameResult | None
    numbers: tuple[int, ...]
    here: tuple[Shown, ...]
    events: tuple[Event, ...]
    left: tuple[Person, ...] = ()


def watch(
    frames: Iterable[Frame], pipeline: Pipeline, source: str, watching: Watching | None = None
) -> Iterator[Moment]:
    """A moment for each frame, in order, and the events of those who were still there at the end with the last one.

    Args:
        frames: of one stream, with times that do not fall.
        pipeline: finds and judges faces.
        source: the stream's public name.
        watching: how.
    """
    how = watching or Watching()
    with ExitStack() as stack:

        def step(items: Iterable[Frame] | Iterable[tuple[Frame, FrameResult | None]]) -> Iterable:  # type: ignore[type-arg]
            return stack.enter_context(closing(background(items))) if how.overlapped else items

        looked = step(_looked(step(frames), pipeline, how.looks_per_s))
        yield from _Story(pipeline.labels, source, how).told(looked)


def _looked(
    frames: Iterable[Frame], pipeline: Pipeline, looks_per_s: float
) -> Iterator[tuple[Frame, FrameResult | None]]:
    """Each frame with what was found in it, or None where no look is due."""
    due = -np.inf
    for frame in frames:
        time_s = frame.time_s or 0.0
        if time_s < due - 1e-6:
            yield frame, None
            continue
        step = 1 / looks_per_s if looks_per_s else 0.0
        due = max(due + step, time_s + step / 2)  # keeps its rhythm, and begins a new one after a gap
        yield frame, pipeline(frame)


class _Story:
    """Everything that is remembered of one stream."""

    def __init__(self, labels: tuple[str, ...], source: str, how: Watching) -> None:
        self._people = People(labels, Tracker(how.following), how.voting)
        self._events = Events(source, how.rules)

    def told(self, looked: Iterable[tuple[Frame, FrameResult | None]]) -> Iterator[Moment]:
        last: Moment | None = None
        for frame, result in looked:
            if last is not None:
                yield last
            last = self._moment(frame, result)
        if last is not None:
            yield self._closed(last)

    def _moment(self, frame: Frame, result: FrameResult | None) -> Moment:
        time_s = frame.time_s or 0.0
        height, width = frame.image.shape[:2]
        numbers = self._people.look(result, time_s) if result else ()
        left = tuple(self._people.leave(time_s))
        here = self._people.here
        events = self._events.look(list(here.values()), time_s, width, height) if result else []
        events += [self._events.left(person, width, height) for person in left]
        shown = tuple(
            Shown(number, box, here[number].verdict)
            for number, box in self._people.where(time_s).items()
            if number in here
        )
        return Moment(frame, result, numbers, shown, tuple(events), left)

    def _closed(self, moment: Moment) -> Moment:
        """The last moment, with whoever is still there leaving as the stream does."""
        height, width = moment.frame.image.shape[:2]
        still = tuple(self._people.here.values())
        events = tuple(chain(moment.events, (self._events.left(person, width, height) for person in still)))
        return Moment(moment.frame, moment.result, moment.numbers, moment.here, events, (*moment.left, *still))
