"""Who is told of alarms."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from maskwise.serving.store.tables import TargetRow


class NameTakenError(Exception):
    """Another target has this name."""


def all_of(session: Session) -> Sequence[TargetRow]:
    """In the order in which they were added."""
    return session.scalars(select(TargetRow).order_by(TargetRow.id)).all()


def one(session: Session, number: int) -> TargetRow | None:
    """By its number."""
    return session.get(TargetRow, number)


def add(session: Session, name: str, address: str, kinds: Sequence[str]) -> TargetRow:
    """A new target.

    Args:
        session: a transaction; it cannot go on after an error.
        name: as nobody else's.
        address: that Apprise knows.
        kinds: of events that are told.

    Raises:
        NameTakenError: the name is another's.
    """
    row = TargetRow(name=name, address=address, kinds=list(dict.fromkeys(kinds)), created_s=time.time())
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise NameTakenError(name) from error
    return row


def remove(session: Session, number: int) -> TargetRow | None:
    """Take a target away, with what waits for it; None: there was none."""
    row = session.get(TargetRow, number)
    if row is not None:
        session.delete(row)
    return row
