"""Visits, violations and watched time, added up by the database to steps of time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Float, Integer, cast, func, literal, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from maskwise.serving.store.tables import EventRow, EventZoneRow, StreamRow, VisitRow, VisitZoneRow, WatchedRow

Group = Literal["none", "stream", "zone"]
Key = int | str | None
"""What a group is told by: nothing, the number of a stream, the name of a zone."""


@dataclass(frozen=True, slots=True)
class Span:
    """What is counted.

    first, last: from the one, and before the other.
    step: how finely, seconds.
    stream, zone: only there, if given.
    group: apart by what.
    """

    first: int
    last: int
    step: int
    stream: int | None = None
    zone: str | None = None
    group: Group = "none"


def visits(session: Session, span: Span) -> Iterator[tuple[int, Key, str, int, tuple[float, ...]]]:
    """Step, group, verdict, how many visits ended there so, and seconds: masked, incorrect, unmasked, uncertain."""
    sums = (VisitRow.masked_s, VisitRow.incorrect_s, VisitRow.unmasked_s, VisitRow.uncertain_s)
    by = [_step(session, VisitRow.ended_s, span), *_keys(VisitRow.stream_id, VisitZoneRow.zone, span), VisitRow.verdict]
    asked: Any = select(*by, func.count(), *(func.sum(seconds) for seconds in sums)).group_by(*by)
    asked = _within(asked, VisitRow.ended_s, VisitRow.stream_id, span)
    if span.zone is not None or span.group == "zone":
        asked = asked.join(VisitZoneRow, VisitZoneRow.visit_id == VisitRow.id)
        asked = asked if span.zone is None else asked.where(VisitZoneRow.zone == span.zone)
    for step, *key, verdict, count, masked, incorrect, unmasked, uncertain in session.execute(asked):
        yield int(step), key[0] if key else None, verdict, count, (masked, incorrect, unmasked, uncertain)


def violations(session: Session, span: Span) -> Iterator[tuple[int, Key, int]]:
    """Step, group, and how many violations were told of there."""
    by = [_step(session, EventRow.at_s, span), *_keys(EventRow.stream_id, EventZoneRow.zone, span)]
    asked: Any = select(*by, func.count()).where(EventRow.kind == "violated").group_by(*by)
    asked = _within(asked, EventRow.at_s, EventRow.stream_id, span)
    if span.zone is not None or span.group == "zone":
        asked = asked.join(EventZoneRow, EventZoneRow.event_id == EventRow.id)
        asked = asked if span.zone is None else asked.where(EventZoneRow.zone == span.zone)
    for step, *key, count in session.execute(asked):
        yield int(step), key[0] if key else None, count


def watched(session: Session, first: int, last: int) -> Iterator[tuple[int, int, float]]:
    """Stream, start of an hour, and for how many of its seconds it was watched."""
    asked = select(WatchedRow.stream_id, WatchedRow.hour_s, WatchedRow.seconds)
    for row in session.execute(asked.where(WatchedRow.hour_s > first - 3600, WatchedRow.hour_s < last)):
        yield row[0], row[1], row[2]


def streams(session: Session, first: int, last: int) -> dict[int, str]:
    """Number and name of every stream that there is, or was in this time."""
    asked = select(WatchedRow.stream_id, func.max(WatchedRow.stream))
    asked = asked.where(WatchedRow.hour_s > first - 3600, WatchedRow.hour_s < last).group_by(WatchedRow.stream_id)
    found = {row[0]: row[1] for row in session.execute(asked)}
    found |= {row[0]: row[1] for row in session.execute(select(StreamRow.id, StreamRow.name))}
    return dict(sorted(found.items()))


def zones(session: Session, first: int, last: int) -> dict[str, set[int]]:
    """The streams with a zone of each name, now or with somebody in it in this time."""
    found: dict[str, set[int]] = {}
    for number, how in session.execute(select(StreamRow.id, StreamRow.how)):
        for zone in how.get("zones", ()):
            found.setdefault(zone["name"], set()).add(number)
    asked = select(VisitZoneRow.zone, VisitRow.stream_id).join(VisitRow, VisitRow.id == VisitZoneRow.visit_id)
    asked = asked.where(VisitRow.ended_s >= first, VisitRow.ended_s < last).distinct()
    for zone, number in session.execute(asked):
        found.setdefault(zone, set()).add(number)
    return dict(sorted(found.items()))


def _step(session: Session, moment: InstrumentedAttribute[float], span: Span) -> ColumnElement[Any]:
    """Which step a moment falls into, from 0: no moment is before the first, so cutting off is rounding down."""
    share = (moment - literal(float(span.first), Float)) / literal(float(span.step), Float)
    return func.floor(share) if session.get_bind().dialect.name == "postgresql" else cast(share, Integer)


def _keys(
    stream: InstrumentedAttribute[int], zone: InstrumentedAttribute[str], span: Span
) -> list[InstrumentedAttribute[Any]]:
    keys: dict[Group, list[InstrumentedAttribute[Any]]] = {"none": [], "stream": [stream], "zone": [zone]}
    return keys[span.group]


def _within(asked: Any, moment: InstrumentedAttribute[float], stream: InstrumentedAttribute[int], span: Span) -> Any:
    asked = asked.where(moment >= span.first, moment < span.last)
    return asked if span.stream is None else asked.where(stream == span.stream)
