"""Events as streams write them."""

from __future__ import annotations

from collections.abc import Sequence

from maskwise.serving.store import outbox, targets
from maskwise.serving.store.database import Database
from maskwise.serving.store.tables import EventRow, EventZoneRow


def event_row(person: int = 1, kind: str = "violated", stream_id: int = 1, at_s: float = 0.0) -> EventRow:
    return EventRow(
        stream_id=stream_id, stream=f"door {stream_id}", run=0.0, at_s=at_s, time_s=61.0, kind=kind, person=person,
        verdict="unmasked", was=None, line=None, way=None, seconds=4.0,
    )  # fmt: skip


def write(database: Database, rows: Sequence[EventRow], now_s: float, zones: Sequence[str] = ()) -> int:
    """As the recorder does it: events and their messages at once."""
    with database.begin() as session:
        session.add_all(rows)
        session.flush()
        session.add_all(EventZoneRow(event_id=row.id, zone=zone) for row in rows for zone in zones)
        return outbox.add(session, rows, now_s)


def add_target(database: Database, address: str, name: str = "guard", kinds: Sequence[str] = ("violated",)) -> int:
    with database.begin() as session:
        return targets.add(session, name, address, kinds).id
