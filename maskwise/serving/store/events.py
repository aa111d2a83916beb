"""What happened to people: an event as others see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maskwise.serving.store.moments import iso
from maskwise.serving.store.tables import EventRow


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
