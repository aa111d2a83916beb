"""How masks are worn over time: persons, shares, seconds and violations, each rate with its interval.

A person counts once, in the bucket in which the visit ended, so that a bucket that is over never changes again.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from maskwise.serving.store import counting
from maskwise.serving.store.buckets import HOUR_S, QUARTER_S, By, check_number, edges, step_of, whole_quarters
from maskwise.serving.store.counting import Group, Key, Span
from maskwise.serving.store.moments import iso
from maskwise.statistics.metrics import UNDEFINED, Figure, wilson
from maskwise.statistics.rates import rate
from maskwise.values import CLASSES, MASKED, UNCERTAIN

VERDICTS = (*CLASSES, UNCERTAIN)
"""The order in which seconds are counted."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be counted.

    since_s, until_s: seconds since 1970; widened to whole quarters of an hour.
    by: how long a bucket is, by the clock of `timezone`.
    stream, zone: only there, if given.
    group: buckets apart for each stream or zone.
    """

    since_s: float
    until_s: float
    by: By = "hour"
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    stream: int | None = None
    zone: str | None = None
    group: Group = "none"


@dataclass(slots=True)
class Sums:
    """What was counted in one bucket."""

    persons: dict[str, int] = field(default_factory=lambda: dict.fromkeys(VERDICTS, 0))
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(VERDICTS, 0.0))
    violations: int = 0
    watched_s: float = 0.0

    def add(self, other: Sums) -> None:
        """What was counted elsewhere, too."""
        for label in VERDICTS:
            self.persons[label] += other.persons[label]
            self.seconds[label] += other.seconds[label]
        self.violations += other.violations
        self.watched_s += other.watched_s

    def to_json(self) -> dict[str, Any]:
        """Counts, and what follows from them; docs/reference/rest.md describes it."""
        hours = self.watched_s / HOUR_S
        return {
            "persons": dict(self.persons),
            "compliance": compliance(self.persons).to_json(),
            "person_seconds": {label: round(seconds, 3) for label, seconds in self.seconds.items()},
            "violations": self.violations,
            "watched_hours": round(hours, 4),
            "violations_per_hour": rate(self.violations, hours).to_json(),
        }


def compliance(persons: Mapping[str, int]) -> Figure:
    """The share of persons with a mask worn properly among those of whom anything can be said."""
    masked, decided = persons[MASKED], sum(persons[label] for label in CLASSES)
    return Figure(masked / decided, *wilson(masked, decided), decided) if decided else UNDEFINED


def count(session: Session, question: Question, now_s: float) -> dict[str, Any]:
    """Answer it: docs/reference/rest.md describes how.

    Args:
        session: to read with.
        question: what is asked.
        now_s: seconds since 1970; of the present hour only what is over can have been watched.

    Raises:
        InputError: the span is empty, or there would be too many buckets.
    """
    first, last = whole_quarters(question.since_s, question.until_s)
    moments = edges(first, last, question.by, question.timezone)
    table = _Table(session, question, moments, now_s)
    whole = table
    if question.group == "zone" and question.zone is None:  # who was in two zones is still one person
        whole = _Table(session, replace(question, group="none"), [first, last], now_s)
    return {
        "since": iso(first),
        "until": iso(last),
        "by": question.by,
        "timezone": question.timezone.key,
        "buckets": list(table.rows()),
        "total": whole.total(),
    }


class _Table:
    """Sums by group and bucket."""

    def __init__(self, session: Session, question: Question, moments: Sequence[int], now_s: float) -> None:
        self._question, self._moments = question, moments
        self._streams = counting.streams(session, moments[0], moments[-1])
        zones = question.zone is not None or question.group == "zone"
        self._zones = counting.zones(session, moments[0], moments[-1]) if zones else {}
        self._sums = {key: [Sums() for _ in moments[1:]] for key in self._keys()}
        check_number(len(self._sums) * (len(moments) - 1))
        self._count(session)
        self._watch(session, now_s)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Buckets as others see them: by time, then by group."""
        for at, (begins, ends) in enumerate(zip(self._moments, self._moments[1:], strict=False)):
            for key, sums in self._sums.items():
                yield {"from": iso(begins), "to": iso(ends), **self._name(key), **sums[at].to_json()}

    def total(self) -> dict[str, Any]:
        """All of it, as one bucket."""
        whole = Sums()
        for sums in self._sums.values():
            for one in sums:
                whole.add(one)
        span = {"from": iso(self._moments[0]), "to": iso(self._moments[-1])}
        return {**span, **self._name(None), **whole.to_json()}

    def _keys(self) -> list[Key]:
        asked = self._question
        if asked.group == "stream":
            return [*self._streams] if asked.stream is None else [asked.stream]
        if asked.group == "zone":
            here = [zone for zone, streams in self._zones.items() if asked.stream in (None, *streams)]
            return [*here] if asked.zone is None else [asked.zone]
        return [None]

    def _name(self, key: Key) -> dict[str, Any]:
        number = key if isinstance(key, int) else self._question.stream
        zone = key if isinstance(key, str) else self._question.zone
        name = None if number is None else self._streams.get(number)
        return {"stream_id": number, "stream": name, "zone": zone}

    def _count(self, session: Session) -> None:
        asked, moments = self._question, self._moments
        step = step_of(moments)
        span = Span(moments[0], moments[-1], step, asked.stream, asked.zone, asked.group)
        for at, key, verdict, number, seconds in counting.visits(session, span):
            sums = self._bucket(key, at * step)
            sums.persons[verdict] += number
            for label, more in zip(VERDICTS, seconds, strict=True):
                sums.seconds[label] += more
        for at, key, number in counting.violations(session, span):
            self._bucket(key, at * step).violations += number

    def _bucket(self, key: Key, after_s: int) -> Sums:
        at = bisect_right(self._moments, self._moments[0] + after_s) - 1
        if key not in self._sums:  # of a stream or zone that is no more
            self._sums[key] = [Sums() for _ in self._moments[1:]]
        return self._sums[key][at]

    def _watch(self, session: Session, now_s: float) -> None:
        """A zone is watched while its stream is; of several streams the hours add up."""
        for stream, hour_s, seconds in counting.watched(session, self._moments[0], self._moments[-1]):
            if self._question.stream in (None, stream):
                for at, part in self._parts(hour_s, now_s):
                    for key in self._watched_as(stream):
                        self._sums[key][at].watched_s += seconds * part

    def _watched_as(self, stream: int) -> list[Key]:
        zone, group = self._question.zone, self._question.group
        if zone is not None and stream not in self._zones.get(zone, ()):
            return []
        if group == "zone":
            return [key for key in self._sums if stream in self._zones.get(str(key), ())]
        return [stream if group == "stream" else None]

    def _parts(self, hour_s: int, now_s: float) -> Iterator[tuple[int, float]]:
        """The buckets an hour lies in, and how much of it: where one cuts it, it counts as watched evenly."""
        begun = (now_s - hour_s) // QUARTER_S * QUARTER_S + QUARTER_S  # quarters to come were not watched yet
        ends_s = hour_s + min(max(int(begun), QUARTER_S), HOUR_S)
        at = max(bisect_right(self._moments, hour_s) - 1, 0)
        while at < len(self._moments) - 1 and self._moments[at] < ends_s:
            overlap = min(self._moments[at + 1], ends_s) - max(self._moments[at], hour_s)
            if overlap > 0:
                yield at, overlap / (ends_s - hour_s)
            at += 1
