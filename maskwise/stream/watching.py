"""From frames to people and events: some frames are looked at, all are told about.

Finding and judging faces takes most of the time and faces move little between two frames, so a stream is looked at
`looks_per_s` times a second whatever its rate; in between, boxes move on as they moved before. Which frames are looked
at follows from their times alone: a file gives the same answer every time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from maskwise.errors import ConfigError
from maskwise.inference.pipeline import Pipeline
from maskwise.stream.background import DEPTH, background
from maskwise.stream.following.events import Event, Events, Rules
from maskwise.stream.following.people import People, Person
from maskwise.stream.following.tracks import Following, Tracker
from maskwise.stream.following.votes import Voting
from maskwise.values import Frame, FrameResult, Track, Verdict

_Looked = tuple[Frame, FrameResult | None]


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
    ended: the stream is over: the frame is the last one once more, and whoever was still there leaves.
    """

    frame: Frame
    result: FrameResult | None
    numbers: tuple[int, ...]
    here: tuple[Shown, ...]
    events: tuple[Event, ...]
    left: tuple[Person, ...] = ()
    ended: bool = False


def watch(
    frames: Iterable[Frame],
    pipeline: Pipeline,
    source: str,
    watching: Watching | None = None,
    *,
    live: bool = False,
) -> Iterator[Moment]:
    """A moment for each frame, in order, and one more when the stream is over.

    Args:
        frames: of one stream, with times that do not fall.
        pipeline: finds and judges faces.
        source: the stream's public name.
        watching: how.
        live: frames are read ahead of here already and only the newest counts: none may wait in between.
    """
    how = watching or Watching()
    with ExitStack() as stack:
        if how.overlapped and not live:
            frames = stack.enter_context(closing(background(frames)))
        looked: Iterable[_Looked] = _looks(frames, pipeline, how.looks_per_s)
        if how.overlapped:
            looked = stack.enter_context(closing(background(looked, depth=1 if live else DEPTH)))
        yield from _Story(pipeline.labels, source, how).told(looked)


def _looks(frames: Iterable[Frame], pipeline: Pipeline, looks_per_s: float) -> Iterator[_Looked]:
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

    def told(self, looked: Iterable[_Looked]) -> Iterator[Moment]:
        last: Moment | None = None
        for frame, result in looked:
            last = self._moment(frame, result)
            yield last
        if last is not None:
            yield self._end(last.frame)

    def _moment(self, frame: Frame, result: FrameResult | None) -> Moment:
        time_s = frame.time_s or 0.0
        height, width = frame.image.shape[:2]
        numbers = self._people.look(result, time_s) if result else ()
        if result is not None:
            tracks = tuple(Track(number, self._people.here[number].verdict) for number in numbers)
            result = replace(result, tracks=tracks)
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

    def _end(self, frame: Frame) -> Moment:
        """Whoever is still there leaves as the stream does."""
        height, width = frame.image.shape[:2]
        still = tuple(self._people.here.values())
        events = tuple(self._events.left(person, width, height) for person in still)
        return Moment(frame, None, (), (), events, still, ended=True)
