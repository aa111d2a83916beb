"""Alarms that are to be sent. To be written."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from maskwise.serving.store.tables import EventRow


def add(session: Session, rows: Sequence[EventRow]) -> None:
    """Put down whom to tell of these events, in the transaction that writes them."""
