"""From moments to what is remembered: events, visits that are over, and for how long was watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from maskwise.serving.store.recording import Batch, Visit
from maskwise.stream.following.events import Event
from maskwise.stream.following.people import Person
from maskwise.stream.following.zones import Zone, middle
from maskwise.stream.watching import Moment

HOUR_S = 3600

LONGEST_GAP_S = 2.0
"""Between two frames; of a longer time without a frame no more than this was watched."""

OFTEN_S = 10.0
"""Watched time is written down so often where nothing else is."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a stretch of a stream comes to; see `Batch`."""

    events: tuple[Event, ...]
    visits: tuple[Visit, ...]
    watched: dict[int, float]

    def __bool__(self) -> bool:
        return bool(self.events or self.visits or self.watched)

    def batch(self, stream_id: int, stream: str, run: float) -> Batch:
        """The same, of this stream."""
        return Batch(stream_id, stream, run, self.events, self.visits, self.watched)


class Story:
    """Collects what one run of a stream has to say, until it is worth writing down."""

    def __init__(self, run: float, zones: Sequence[Zone] = ()) -> None:
        """Begin.

        Args:
            run: when the stream began, seconds since 1970; its times count from there.
            zones: places that people may be in.
        """
        self._run, self._zones = run, zones
        self._been: dict[int, dict[str, None]] = {}
        self._watched: dict[int, float] = {}
        self._unsaid_s = 0.0
        self._last_s: float | None = None

    def look(self, moment: Moment, *, frozen: bool = False) -> Heard | None:
        """Take in a moment; what there is to be written down now, if anything.

        Args:
            moment: the next one.
            frozen: the picture has stood still for long, so that nothing was watched.
        """
        self._watch(moment.frame.time_s or 0.0, counts=not frozen)
        if moment.result is not None and self._zones:
            self._note_zones(moment)
        visits = tuple(self._visit(person) for person in moment.left)
        if moment.events or visits or moment.ended or self._unsaid_s >= OFTEN_S:
            return self._said(moment.events, visits)
        return None

    def rest(self) -> Heard:
        """What is left where the stream breaks off without an end."""
        return self._said((), ())

    def _said(self, events: tuple[Event, ...], visits: tuple[Visit, ...]) -> Heard:
        watched, self._watched, self._unsaid_s = self._watched, {}, 0.0
        return Heard(events, visits, watched)

    def _watch(self, time_s: float, *, counts: bool) -> None:
        last_s, self._last_s = self._last_s, time_s
        if last_s is None or not counts:
            return
        lasted = min(time_s - last_s, LONGEST_GAP_S)
        for hour_s, share_s in by_hour(self._run + time_s - lasted, lasted).items():
            self._watched[hour_s] = self._watched.get(hour_s, 0.0) + share_s
        self._unsaid_s += lasted

    def _note_zones(self, moment: Moment) -> None:
        height, width = moment.frame.image.shape[:2]
        for person in moment.here:
            if person.number in moment.numbers:  # where others are is only guessed
                been = self._been.setdefault(person.number, {})
                at = middle(person.box_xyxy, width, height)
                been.update({zone.name: None for zone in self._zones if zone.holds(at)})

    def _visit(self, person: Person) -> Visit:
        began_s, ended_s = self._run + person.first_s, self._run + person.last_s
        zones = tuple(self._been.pop(person.number, {}))
        return Visit(began_s, ended_s, person.summary, dict(person.seconds), zones)


def by_hour(at_s: float, seconds: float) -> dict[int, float]:
    """How much of a stretch of time lies in which hour, by the hour's beginning, in seconds since 1970."""
    parts: dict[int, float] = {}
    end_s = at_s + seconds
    while at_s < end_s:
        hour_s = int(at_s // HOUR_S) * HOUR_S
        until_s = min(end_s, float(hour_s + HOUR_S))
        parts[hour_s] = until_s - at_s
        at_s = until_s
    return parts
