"""What happened to people: found again, newest first, a page at a time."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import Session

from maskwise.errors import InputError
from maskwise.serving.store.database import Database
from maskwise.serving.store.moments import iso
from maskwise.serving.store.tables import EventRow, EventZoneRow

CHUNK = 1000
"""Events fetched at once when all are wanted."""

_CURSOR = struct.Struct(">dI")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events; what is None or empty does not matter.

    stream: number of their stream.
    zone: name of a zone they happened in.
    since_s, until_s: from the one, and before the other, in seconds since 1970.
    """

    stream: int | None = None
    kinds: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
    zone: str | None = None
    since_s: float | None = None
    until_s: float | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last event that was seen. Events that are added meanwhile move nothing: older ones follow it as before."""

    at_s: float
    id: int

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(_CURSOR.pack(self.at_s, self.id)).decode()

    @classmethod
    def parse(cls, given: str) -> Self:
        """One that was handed out before.

        Raises:
            InputError: it never was.
        """
        try:
            at_s, number = _CURSOR.unpack(base64.b64decode(given, altchars=b"-_", validate=True))
        except (ValueError, struct.error) as error:
            raise InputError("this is no cursor; use what `next` of the page before said") from error
        if not math.isfinite(at_s):
            raise InputError("this is no cursor; use what `next` of the page before said")
        return cls(at_s, number)


def page(
    session: Session, wanted: Wanted, limit: int, after: Cursor | None = None
) -> tuple[list[dict[str, Any]], Cursor | None]:
    """So many of the events, the newest first.

    Args:
        session: to read with.
        wanted: which.
        limit: how many at most.
        after: where the page before ended.

    Returns:
        Events as others see them, and where the next page begins; None if this is the last.
    """
    asked = _asked(wanted)
    if after:
        asked = asked.where(tuple_(EventRow.at_s, EventRow.id) < (after.at_s, after.id))
    rows = session.scalars(asked.order_by(EventRow.at_s.desc(), EventRow.id.desc()).limit(limit + 1)).all()
    kept = rows[:limit]
    zones = _zones(session, [row.id for row in kept])
    more = Cursor(kept[-1].at_s, kept[-1].id) if len(rows) > limit else None
    return [to_json(row, zones.get(row.id, ())) for row in kept], more


def every(database: Database, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """All of the events, the newest first, in bounded memory.

    No transaction is held meanwhile: a slow reader must neither take a connection from others nor keep SQLite's log
    from being folded in.
    """
    after: Cursor | None = None
    while True:
        with database.read() as session:
            events, after = page(session, wanted, CHUNK, after)
        yield from events
        if after is None:
            return


def to_json(row: EventRow, zones: Sequence[str]) -> dict[str, Any]:
    """One event; docs/reference/rest.md describes it."""
    return {
        "id": row.id,
        "at": iso(row.at_s),
        "stream_id": row.stream_id,
        "stream": row.stream,
        "kind": row.kind,
        "person": row.person,
        "verdict": row.verdict,
        "was": row.was,
        "zones": list(zones),
        "line": row.line,
        "way": row.way,
        "seconds": None if row.seconds is None else round(row.seconds, 3),
        "time_s": round(row.time_s, 3),
    }


def _asked(wanted: Wanted) -> Select[EventRow]:
    asked = select(EventRow)
    if wanted.stream is not None:
        asked = asked.where(EventRow.stream_id == wanted.stream)
    if wanted.kinds:
        asked = asked.where(EventRow.kind.in_(wanted.kinds))
    if wanted.verdicts:
        asked = asked.where(EventRow.verdict.in_(wanted.verdicts))
    if wanted.since_s is not None:
        asked = asked.where(EventRow.at_s >= wanted.since_s)
    if wanted.until_s is not None:
        asked = asked.where(EventRow.at_s < wanted.until_s)
    if wanted.zone is not None:
        there = select(EventZoneRow).where(EventZoneRow.event_id == EventRow.id, EventZoneRow.zone == wanted.zone)
        asked = asked.where(there.exists())
    return asked


def _zones(session: Session, ids: Sequence[int]) -> dict[int, list[str]]:
    asked = select(EventZoneRow.event_id, EventZoneRow.zone).where(EventZoneRow.event_id.in_(ids))
    found: dict[int, list[str]] = {}
    for number, zone in session.execute(asked.order_by(EventZoneRow.zone)):
        found.setdefault(number, []).append(zone)
    return found
