"""What a service remembers of a day, written as it would have been: for History, whatever the clock says."""

from __future__ import annotations

import time

from maskwise.serving.store.tables import EventRow, EventZoneRow, VisitRow, WatchedRow
from tests.serving.page.conftest import Running

HOUR_S = 3600
STREAM = "Old <i>gate</i>"
"""A name with markup in it: it is to be shown as it is."""

PEOPLE = {"masked": 40, "incorrect": 2, "unmasked": 6, "uncertain": 3}
ALARMS = 60


def remember(service: Running) -> None:
    """Fifty-one people and sixty alarms of the last hours, of a stream that is no more."""
    now_s = time.time()
    with service.parts.database.begin() as session:
        session.add_all(_visit(verdict, now_s - 600 - 300 * i) for i, verdict in enumerate(_verdicts()))
        events = [violation(now_s - 400 - 100 * i, i + 1) for i in range(ALARMS)]
        session.add_all(events)
        session.flush()
        session.add_all(EventZoneRow(event_id=event.id, zone="desk") for event in events[::2])
        session.add(WatchedRow(stream_id=900, hour_s=int(now_s // HOUR_S * HOUR_S), stream=STREAM, seconds=1800.0))


def _verdicts() -> list[str]:
    return [verdict for verdict, many in PEOPLE.items() for _ in range(many)]


def _visit(verdict: str, at_s: float) -> VisitRow:
    held = {f"{name}_s": 10.0 if name == verdict else 0.0 for name in PEOPLE}
    return VisitRow(stream_id=900, stream=STREAM, began_s=at_s - 10, ended_s=at_s, verdict=verdict, **held)


def violation(at_s: float, person: int) -> EventRow:
    """Somebody without a mask at that moment."""
    return EventRow(
        stream_id=900, stream=STREAM, run=0.0, at_s=at_s, time_s=1.0, kind="violated", person=person,
        verdict="unmasked", was=None, line=None, way=None, seconds=3.0,
    )  # fmt: skip
