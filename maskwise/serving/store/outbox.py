"""Alarms that are to be sent. They are written in the transaction that writes their events: neither is there alone."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, func, select, update
from sqlalchemy.orm import Session

from maskwise.serving.store.tables import EventRow, EventZoneRow, MessageRow, TargetRow
from maskwise.stream.following.events import Event

QUICKLY = {"synchronize_session": False}
"""No row is held here that would have to be told."""


@dataclass(frozen=True, slots=True)
class Due:
    """What waits for one target about one stream: one message is to tell of all of it.

    newest: the number of the newest message that waits.
    count: how many wait.
    event, at_s: of the newest, and when it happened.
    tries: how often it was tried.
    last_s: when something about this stream was last sent there.
    """

    target_id: int
    address: str
    stream_id: int
    newest: int
    count: int
    event: Event
    at_s: float
    tries: int
    last_s: float | None


def add(session: Session, rows: Sequence[EventRow], now_s: float | None = None) -> int:
    """Write a message for each target that is to be told of each event.

    Args:
        session: the transaction that writes the events.
        rows: of events; they are flushed here, so that they have numbers.
        now_s: the moment; the clock's if None.

    Returns:
        How many messages were written.
    """
    told = [(target.id, set(target.kinds)) for target in session.scalars(select(TargetRow))] if rows else []
    if not told:
        return 0
    session.flush()
    now_s = time.time() if now_s is None else now_s
    messages = [
        MessageRow(event_id=row.id, target_id=target_id, created_s=now_s, sent_s=None)
        for row in rows
        for target_id, kinds in told
        if row.kind in kinds
    ]
    session.add_all(messages)
    return len(messages)


def due(session: Session, besides: Collection[int] = ()) -> list[Due]:
    """Everything that waits, by target and stream, however much it is: what piles up is counted by the database.

    Args:
        session: to read with.
        besides: targets that are left out.
    """
    groups = (
        select(
            MessageRow.target_id,
            EventRow.stream_id,
            func.max(MessageRow.id),
            func.count(),
            func.max(MessageRow.tries),
        )
        .join(EventRow, EventRow.id == MessageRow.event_id)
        .where(MessageRow.sent_s.is_(None), MessageRow.target_id.not_in(list(besides)))
        .group_by(MessageRow.target_id, EventRow.stream_id)
        .order_by(MessageRow.target_id, EventRow.stream_id)
    )
    found = []
    for target_id, stream_id, newest, count, tries in session.execute(groups):
        address = session.scalars(select(TargetRow.address).where(TargetRow.id == target_id)).one()
        event, at_s = _event(session, newest)
        last_s = _last_s(session, target_id, stream_id)
        found.append(Due(target_id, address, stream_id, newest, count, event, at_s, tries, last_s))
    return found


def sent(session: Session, one: Due, now_s: float) -> None:
    """It was."""
    session.execute(update(MessageRow).where(*_told_by(one)).values(sent_s=now_s), execution_options=QUICKLY)


def tried(session: Session, one: Due) -> None:
    """It could not be sent this time."""
    more = {"tries": MessageRow.tries + 1}
    session.execute(update(MessageRow).where(*_told_by(one)).values(more), execution_options=QUICKLY)


def give_up(session: Session, before_s: float, now_s: float) -> int:
    """Try no more what was written before; how many that were."""
    old = update(MessageRow).where(MessageRow.sent_s.is_(None), MessageRow.created_s < before_s)
    done = session.execute(old.values(given_up=True, sent_s=now_s), execution_options=QUICKLY)
    return cast(CursorResult[Any], done).rowcount


def _told_by(one: Due) -> tuple[ColumnElement[bool], ...]:
    """Which messages it tells of."""
    theirs = select(EventRow.id).where(EventRow.id == MessageRow.event_id, EventRow.stream_id == one.stream_id)
    return (
        MessageRow.target_id == one.target_id,
        MessageRow.id <= one.newest,
        MessageRow.sent_s.is_(None),
        theirs.exists(),
    )


def _last_s(session: Session, target_id: int, stream_id: int) -> float | None:
    """Looked for from the newest on: it is among the last few."""
    return session.scalar(
        select(MessageRow.sent_s)
        .join(EventRow, EventRow.id == MessageRow.event_id)
        .where(MessageRow.target_id == target_id, EventRow.stream_id == stream_id)
        .where(MessageRow.sent_s.is_not(None), MessageRow.given_up.is_(False))
        .order_by(MessageRow.id.desc())
        .limit(1)
    )


def _event(session: Session, message_id: int) -> tuple[Event, float]:
    of_it = select(EventRow).join(MessageRow, MessageRow.event_id == EventRow.id).where(MessageRow.id == message_id)
    row = session.scalars(of_it).one()
    zones = session.scalars(
        select(EventZoneRow.zone).where(EventZoneRow.event_id == row.id).order_by(EventZoneRow.zone)
    )
    event = Event(
        row.kind,  # type: ignore[arg-type]  # what was written there is a Kind
        row.stream,
        row.time_s,
        row.person,
        row.verdict,
        row.was,
        tuple(zones),
        row.line,
        row.way,
        row.seconds,
    )
    return event, row.at_s
