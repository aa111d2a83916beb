"""What a stream has seen is written down: all of it or nothing, and the alarms with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from maskwise.serving.store import events as events_
from maskwise.serving.store import outbox
from maskwise.serving.store.database import Database
from maskwise.serving.store.tables import EventRow, EventZoneRow, VisitRow, VisitZoneRow, WatchedRow
from maskwise.stream.following.events import Event
from maskwise.values import INCORRECT, MASKED, UNCERTAIN, UNMASKED


@dataclass(frozen=True, slots=True)
class Visit:
    """One person's time in sight, when it is over.

    began_s, ended_s: when, in seconds since 1970.
    verdict: the one held longest, `uncertain` only where there was no other.
    seconds: how long each verdict was held; one that is missing never was.
    zones: names of those in which the person was.
    """

    began_s: float
    ended_s: float
    verdict: str
    seconds: Mapping[str, float]
    zones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """What one stream has to say.

    stream_id, stream: its number and name.
    run: when it was last begun, in seconds since 1970; events count their time from there.
    events: in the order in which they happened.
    visits: those that are over.
    watched: for how many seconds more it was watched in the hour that began at this moment.
    again: it was tried before, and may have been kept: the database went away before it said so.
    """

    stream_id: int
    stream: str
    run: float
    events: tuple[Event, ...] = ()
    visits: tuple[Visit, ...] = ()
    watched: Mapping[int, float] = field(default_factory=dict)
    again: bool = False


def record(database: Database, batch: Batch) -> list[dict[str, Any]]:
    """Keep all of it, in one transaction, and what is to be sent because of it.

    Returns:
        The events as others see them, in their order, with their numbers. They are kept: only now tell anybody.

    Raises:
        StorageError: nothing of it is kept.
    """
    if not (batch.events or batch.visits or batch.watched):
        return []
    with database.begin() as session:
        rows = _kept(session, batch)
        if rows:
            return _told(rows, batch)
        rows = _add_events(session, batch)
        _add_visits(session, batch)
        _add_watched(session, batch)
        outbox.add(session, rows)
    return _told(rows, batch)


def _told(rows: Sequence[EventRow], batch: Batch) -> list[dict[str, Any]]:
    return [events_.to_json(row, event.zones) for row, event in zip(rows, batch.events, strict=True)]


def _kept(session: Session, batch: Batch) -> Sequence[EventRow]:
    """The rows of its events, if they are there already; no two events of a run are the same."""
    if not (batch.again and batch.events):
        return ()
    first, run = batch.events[0], (EventRow.stream_id == batch.stream_id, EventRow.run == batch.run)
    same = (
        EventRow.at_s == batch.run + first.time_s,
        EventRow.kind == first.kind,
        EventRow.person == first.person,
        EventRow.line == first.line if first.line else EventRow.line.is_(None),
    )
    number = session.scalar(select(EventRow.id).where(*run, *same).limit(1))
    if number is None:
        return ()
    following = select(EventRow).where(*run, EventRow.id >= number).order_by(EventRow.id)
    return session.scalars(following.limit(len(batch.events))).all()


def _add_events(session: Session, batch: Batch) -> Sequence[EventRow]:
    rows = [_row_of(event, batch) for event in batch.events]
    session.add_all(rows)
    session.flush()  # numbers them
    zones = [(row, zone) for row, event in zip(rows, batch.events, strict=True) for zone in dict.fromkeys(event.zones)]
    session.add_all(EventZoneRow(event_id=row.id, zone=zone) for row, zone in zones)
    return rows


def _row_of(event: Event, batch: Batch) -> EventRow:
    return EventRow(
        stream_id=batch.stream_id,
        stream=batch.stream,
        run=batch.run,
        at_s=batch.run + event.time_s,
        time_s=event.time_s,
        kind=event.kind,
        person=event.person,
        verdict=event.verdict,
        was=event.was,
        line=event.line,
        way=event.way,
        seconds=event.seconds,
    )


def _add_visits(session: Session, batch: Batch) -> None:
    rows = [_row_of_visit(visit, batch) for visit in batch.visits]
    session.add_all(rows)
    session.flush()
    zones = [(row, zone) for row, visit in zip(rows, batch.visits, strict=True) for zone in dict.fromkeys(visit.zones)]
    session.add_all(VisitZoneRow(visit_id=row.id, zone=zone) for row, zone in zones)


def _row_of_visit(visit: Visit, batch: Batch) -> VisitRow:
    return VisitRow(
        stream_id=batch.stream_id,
        stream=batch.stream,
        began_s=visit.began_s,
        ended_s=visit.ended_s,
        verdict=visit.verdict,
        masked_s=visit.seconds.get(MASKED, 0.0),
        incorrect_s=visit.seconds.get(INCORRECT, 0.0),
        unmasked_s=visit.seconds.get(UNMASKED, 0.0),
        uncertain_s=visit.seconds.get(UNCERTAIN, 0.0),
    )


def _add_watched(session: Session, batch: Batch) -> None:
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    for hour_s, seconds in sorted(batch.watched.items()):
        new = insert(WatchedRow).values(stream_id=batch.stream_id, hour_s=hour_s, stream=batch.stream, seconds=seconds)
        more = {"seconds": WatchedRow.seconds + new.excluded.seconds, "stream": new.excluded.stream}
        session.execute(new.on_conflict_do_update(index_elements=["stream_id", "hour_s"], set_=more))
