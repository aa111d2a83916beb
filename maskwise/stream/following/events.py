"""What happens to people: they appear, change, go without a mask for too long, cross lines, leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from maskwise.errors import ConfigError
from maskwise.stream.following.people import Person
from maskwise.stream.following.zones import Line, Point, Zone, middle
from maskwise.values import CLASSES, INCORRECT, UNCERTAIN, UNMASKED

GAP_S = 0.5
"""A face that is not found for longer has no answer for the rest of the time."""

ROUNDING_S = 1e-6

CLEAR = 0.01
"""Share of the picture by which a face has to be past a line: one that stands on it must not cross it all the time."""

Kind = Literal["appeared", "changed", "violated", "complied", "crossed", "left"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Rules:
    """When something is worth telling.

    violations: verdicts that are to be told of.
    after_s: for how long one of them has to be held. Time without an answer neither counts nor starts anew; an answer
        that is no violation does, and so does a step out of all zones.
    zones: where violations count; none given: everywhere.
    lines: crossings to count.
    """

    violations: tuple[str, ...] = (UNMASKED, INCORRECT)
    after_s: float = 3.0
    zones: tuple[Zone, ...] = ()
    lines: tuple[Line, ...] = ()

    def __post_init__(self) -> None:
        for name in self.violations:
            if name not in CLASSES:
                raise ConfigError(f"rules.violations: {name!r} is not one of {', '.join(CLASSES)}")
        if not self.after_s >= 0:
            raise ConfigError(f"rules.after_s: {self.after_s} must not be below 0")
        names = [zone.name for zone in self.zones] + [line.name for line in self.lines]
        for name in names:
            if names.count(name) > 1:
                raise ConfigError(f"rules: {name!r} names two zones or lines; give each its own name")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to one person.

    kind: `appeared`; `changed`, from one verdict to another; `violated`, once a violation has lasted; `complied`, when
        whoever was told of holds a verdict that is no violation; `crossed` a line; `left`.
    source: the stream's public name.
    time_s: seconds since the stream began; of `left`, when the face was last found, which is told a little later.
    person: the number of the track.
    verdict: what is said of the person now; of one who left, the verdict held longest.
    was: the verdict before, of `changed`.
    zones: names of the zones the person is in.
    line, way: of `crossed`.
    seconds: of `violated`, how long it has lasted; of `left`, how long the person was in sight.
    """

    kind: Kind
    source: str
    time_s: float
    person: int
    verdict: str
    was: str | None = None
    zones: tuple[str, ...] = ()
    line: str | None = None
    way: str | None = None
    seconds: float | None = None

    def to_json(self) -> dict[str, Any]:
        """One event; docs/reference/events.md describes it."""
        return {
            "kind": self.kind,
            "source": self.source,
            "time_s": round(self.time_s, 3),
            "person": self.person,
            "verdict": self.verdict,
            "was": self.was,
            "zones": list(self.zones),
            "line": self.line,
            "way": self.way,
            "seconds": None if self.seconds is None else round(self.seconds, 3),
        }


@dataclass(slots=True)
class _Story:
    """What is known of one person so far.

    verdict, watched: what was said, and whether in a zone, at time_s: when the face was last found.
    violating_s: how long the violation has lasted; told: whether it was told.
    beside: where the person was when last clear of each line.
    """

    verdict: str
    time_s: float
    violating_s: float = 0.0
    watched: bool = False
    told: bool = False
    beside: dict[str, Point] = field(default_factory=dict)


@dataclass(slots=True)
class Events:
    """Turns people into events."""

    source: str
    rules: Rules = field(default_factory=Rules)
    _stories: dict[int, _Story] = field(default_factory=dict)

    def look(self, here: Sequence[Person], time_s: float, width: int, height: int) -> list[Event]:
        """What has happened to those in sight since the last look."""
        events: list[Event] = []
        for person in here:
            if person.last_s < time_s:  # not found in this look
                continue
            at = middle(person.box_xyxy, width, height)
            story = self._stories.get(person.number)
            if story is None:
                story = self._stories[person.number] = _Story(person.verdict.label, time_s)
                events.append(self._event("appeared", person, time_s, at))
            events += self._changes(story, person, at, time_s)
        return events

    def left(self, person: Person, width: int, height: int) -> Event:
        """Somebody is gone."""
        self._stories.pop(person.number, None)
        at = middle(person.box_xyxy, width, height)
        zones = self._zones(at)
        dwell = person.last_s - person.first_s
        return Event("left", self.source, person.last_s, person.number, person.summary, zones=zones, seconds=dwell)

    def _changes(self, story: _Story, person: Person, at: Point, time_s: float) -> list[Event]:
        events = self._crossings(story, person, at, time_s)
        now, was = person.verdict.label, story.verdict
        if now != was:
            events.append(self._event("changed", person, time_s, at, was=was))
        if was in self.rules.violations and story.watched:
            story.violating_s += min(time_s - story.time_s, GAP_S)
        watched = not self.rules.zones or bool(self._zones(at))
        if now in self.rules.violations:
            if not watched:
                story.violating_s = 0.0
            elif story.violating_s > self.rules.after_s - ROUNDING_S and not story.told:
                story.told = True
                events.append(self._event("violated", person, time_s, at, seconds=story.violating_s))
        elif now != UNCERTAIN:
            story.violating_s = 0.0
            if story.told:
                story.told = False
                events.append(self._event("complied", person, time_s, at))
        story.verdict, story.watched, story.time_s = now, watched, time_s
        return events

    def _crossings(self, story: _Story, person: Person, at: Point, time_s: float) -> list[Event]:
        events = []
        for line in self.rules.lines:
            if abs(line.distance(at)) < CLEAR:
                continue
            way = line.crossed(story.beside.get(line.name, at), at)
            story.beside[line.name] = at
            if way:
                events.append(self._event("crossed", person, time_s, at, line=line.name, way=way))
        return events

    def _event(self, kind: Kind, person: Person, time_s: float, at: Point, **more: Any) -> Event:
        zones = self._zones(at)
        return Event(kind, self.source, time_s, person.number, person.verdict.label, zones=zones, **more)

    def _zones(self, at: Point) -> tuple[str, ...]:
        return tuple(zone.name for zone in self.rules.zones if zone.holds(at))
