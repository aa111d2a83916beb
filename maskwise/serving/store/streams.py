"""The streams that are to be watched, as they are remembered."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from maskwise.serving.store.tables import StreamRow


@dataclass(frozen=True, slots=True)
class StoredStream:
    """One stream, outside of any transaction.

    source: as it was given; may hold a password.
    how: see `maskwise.serving.cameras.how`.
    paused: not to be watched now.
    """

    id: int
    name: str
    source: str
    how: dict[str, Any]
    paused: bool


def every(session: Session) -> list[StoredStream]:
    """All of them, the oldest first."""
    return [_stored(row) for row in session.scalars(select(StreamRow).order_by(StreamRow.id))]


def add(session: Session, name: str, source: str, how: dict[str, Any]) -> StoredStream:
    """Remember one more.

    Raises:
        sqlalchemy.exc.IntegrityError: the name is taken.
    """
    row = StreamRow(name=name, source=source, how=how, paused=False, created_s=time.time())
    session.add(row)
    session.flush()
    return _stored(row)


def change(session: Session, stream: StoredStream) -> bool:
    """Remember it as it is now; False where it is no longer there.

    Raises:
        sqlalchemy.exc.IntegrityError: the name is taken.
    """
    row = session.get(StreamRow, stream.id)
    if row is None:
        return False
    row.name, row.source, row.how, row.paused = stream.name, stream.source, stream.how, stream.paused
    session.flush()
    return True


def remove(session: Session, stream_id: int) -> None:
    """Forget it; what happened there stays."""
    row = session.get(StreamRow, stream_id)
    if row is not None:
        session.delete(row)


def _stored(row: StreamRow) -> StoredStream:
    return StoredStream(row.id, row.name, row.source, row.how, row.paused)
