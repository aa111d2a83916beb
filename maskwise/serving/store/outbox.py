"""Alarms that are to be sent. They are written in the transaction that writes their events: neither is there alone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from maskwise.serving.store.tables import EventRow, EventZoneRow, MessageRow, TargetRow
from maskwise.stream.following.events import Event

MOST = 10_000
"""Messages that are read at once: what piled up while nothing could be sent must fit the memory."""


@dataclass(frozen=True, slots=True)
class Due:
    """What waits for one target about one stream: one message is to tell of all of it.

    messages: their numbers, the oldest first.
    created_s: when each was written.
    event: the newest event that waits.
    tries: how often it was tried.
    last_s: when something about this stream was last sent there.
    """

    target_id: int
    address: str
    stream_id: int
    messages: tuple[int, ...]
    created_s: tuple[float, ...]
    event: Event
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


def due(session: Session) -> list[Due]:
    """Everything that waits, by target and stream."""
    waiting = (
        select(MessageRow, EventRow, TargetRow.address)
        .join(EventRow, EventRow.id == MessageRow.event_id)
        .join(TargetRow, TargetRow.id == MessageRow.target_id)
        .where(MessageRow.sent_s.is_(None), MessageRow.given_up.is_(False))
        .order_by(MessageRow.id)
        .limit(MOST)
    )
    rows = sorted(session.execute(waiting).all(), key=lambda row: (row[0].target_id, row[1].stream_id, row[0].id))
    found = []
    for (target_id, stream_id), group in groupby(rows, key=lambda row: (row[0].target_id, row[1].stream_id)):
        messages, events, addresses = zip(*group, strict=True)
        found.append(
            Due(
                target_id,
                addresses[0],
                stream_id,
                tuple(one.id for one in messages),
                tuple(one.created_s for one in messages),
                _event(session, events[-1]),
                max(one.tries for one in messages),
                _last_s(session, target_id, stream_id),
            )
        )
    return found


def sent(session: Session, messages: Sequence[int], now_s: float) -> None:
    """They were."""
    session.execute(update(MessageRow).where(MessageRow.id.in_(messages)).values(sent_s=now_s))


def tried(session: Session, messages: Sequence[int]) -> None:
    """They could not be sent this time."""
    session.execute(update(MessageRow).where(MessageRow.id.in_(messages)).values(tries=MessageRow.tries + 1))


def give_up(session: Session, before_s: float) -> int:
    """Try no more what was written before; how many that were."""
    old = (MessageRow.sent_s.is_(None), MessageRow.given_up.is_(False), MessageRow.created_s < before_s)
    count = session.scalar(select(func.count()).select_from(MessageRow).where(*old)) or 0
    if count:
        session.execute(update(MessageRow).where(*old).values(given_up=True))
    return count


def _last_s(session: Session, target_id: int, stream_id: int) -> float | None:
    return session.scalar(
        select(func.max(MessageRow.sent_s))
        .join(EventRow, EventRow.id == MessageRow.event_id)
        .where(MessageRow.target_id == target_id, EventRow.stream_id == stream_id)
    )


def _event(session: Session, row: EventRow) -> Event:
    zones = session.scalars(
        select(EventZoneRow.zone).where(EventZoneRow.event_id == row.id).order_by(EventZoneRow.zone)
    )
    return Event(
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
