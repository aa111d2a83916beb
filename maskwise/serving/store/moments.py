"""Moments: seconds since 1970 inside, ISO 8601 in UTC outside."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(at_s: float) -> str:
    """A moment as `2026-01-31T09:00:00.000Z`."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
