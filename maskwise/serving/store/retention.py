"""What is older than was chosen is deleted, bit by bit so that nobody waits, and the disk gets its space back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, delete, inspect, select, text, tuple_
from sqlalchemy.orm import Session

from maskwise.serving.store.database import Database
from maskwise.serving.store.engines import WAIT_S
from maskwise.serving.store.tables import EventRow, MessageRow, SessionRow, SettingRow, Table, VisitRow, WatchedRow

DAYS = 30
"""Kept if nothing else was chosen."""

DAY_S = 86_400
CHUNK = 5000
"""Rows deleted in one transaction."""

QUICKLY = {"synchronize_session": False}
"""No row is held here that would have to be told."""

PAGES = 250
"""Pages (of 4 KiB) that SQLite gives back to the disk in one go: writers wait so long."""

WORTH = 0.1
"""Share of the file that has to be empty: less is filled again by what comes."""


def days(session: Session) -> int:
    """For how many days events are kept."""
    row = session.get(SettingRow, "retention_days")
    return DAYS if row is None else int(row.value)


def delete_older(database: Database, now_s: float, ends: Callable[[], bool] = lambda: False) -> dict[str, int]:
    """Delete events, visits and messages of longer ago than was chosen, and sessions that are over.

    Args:
        database: to delete from.
        now_s: seconds since 1970.
        ends: whether to stop early; what is left is for the next time.

    Returns:
        How many rows of each table went; those that went with others are not counted.

    Raises:
        StorageError: the database cannot be used; what was deleted until then stays deleted.
    """
    with database.read() as session:
        before_s = now_s - days(session) * DAY_S
    old: dict[str, tuple[type[Table], ColumnElement[bool]]] = {
        "events": (EventRow, EventRow.at_s < before_s),
        "visits": (VisitRow, VisitRow.ended_s < before_s),
        "watched": (WatchedRow, WatchedRow.hour_s < before_s - 3600),  # an hour is over when it ends
        "messages": (MessageRow, MessageRow.created_s < before_s),
        "sessions": (SessionRow, SessionRow.expires_s < now_s),
    }
    return {name: _delete(database, *which, ends) for name, which in old.items()}


def give_back(database: Database, ends: Callable[[], bool] = lambda: False) -> None:
    """SQLite's file gets smaller by what is empty in it, if that is worth it; PostgreSQL looks after itself.

    Args:
        database: to make smaller.
        ends: whether to stop early; what is left is for the next time.

    Raises:
        StorageError: the database cannot be used.
    """
    if database.engine.dialect.name != "sqlite":
        return
    empty, before = _pages(database, "freelist_count"), None
    if empty < WORTH * _pages(database, "page_count"):
        return
    while empty and empty != before and not ends():  # a file of another maker may not be able to shrink
        with database.begin() as session:  # each page is a row to be fetched
            session.connection().connection.cursor().execute(f"PRAGMA incremental_vacuum({PAGES})").fetchall()
        empty, before = _pages(database, "freelist_count"), empty
    with closing(database.engine.raw_connection()) as connection:
        cursor = connection.cursor()
        cursor.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()  # does the work and stops nobody
        cursor.execute("PRAGMA busy_timeout=0")  # it would hold up every writer until the last reader is done
        try:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            cursor.execute(f"PRAGMA busy_timeout={WAIT_S * 1000}")


def _pages(database: Database, which: str) -> int:
    with database.read() as session:
        return int(session.execute(text(f"PRAGMA {which}")).scalar_one())


def _delete(database: Database, table: type[Table], old: ColumnElement[bool], ends: Callable[[], bool]) -> int:
    keys = inspect(table).primary_key
    key = keys[0] if len(keys) == 1 else tuple_(*keys)
    some, gone = delete(table).where(key.in_(select(*keys).where(old).limit(CHUNK))), 0
    while not ends():
        with database.begin() as session:
            count = cast(CursorResult[Any], session.execute(some, execution_options=QUICKLY)).rowcount
        gone += count
        if count < CHUNK:
            break
    return gone
