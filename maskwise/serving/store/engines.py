"""Connections to SQLite and PostgreSQL, so made that both keep the same promises."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, InterfaceError, OperationalError, TimeoutError

from maskwise.errors import ConfigError, StorageError

ALLOWED = "write postgresql://USER:PASSWORD@HOST:PORT/NAME, or sqlite:////FOLDER/FILE.db"
DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
}
"""How each kind of URL may be written, and what reads it."""

WAIT_S = 30
"""For how long a writer waits for those before it."""

KEEPALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 30_000}
"""A server whose machine or network is gone without a word is given up after a minute, not after two hours."""

READS = "maskwise_reads"
"""The option of a connection that is only to read."""

PRAGMAS = (
    f"busy_timeout={WAIT_S * 1000}",  # first, since the others may have to wait
    "auto_vacuum=INCREMENTAL",  # before the first table: what retention deletes is given back bit by bit
    "journal_mode=WAL",
    "synchronous=FULL",  # what was told of is still known after the power failed
    "foreign_keys=ON",
    "secure_delete=ON",  # what is deleted is overwritten, not only forgotten
)


def url_of(given: str) -> URL:
    """What the operator wrote, as the address of a database that can be used.

    Raises:
        ConfigError: it is no URL, or one of another kind. What was written is never repeated: it may hold a password.
    """
    try:
        url = make_url(given)
    except (ArgumentError, ValueError) as error:
        raise ConfigError(f"database: this is no URL of a database; {ALLOWED}") from error
    if url.drivername not in DRIVERS:
        raise ConfigError(f"database: {url.drivername}:// is no kind that can be used; {ALLOWED}")
    if DRIVERS[url.drivername] == "sqlite" and (url.database or ":memory:") == ":memory:":
        raise ConfigError(f"database: SQLite without a file would forget everything; {ALLOWED}")
    return url.set(drivername=DRIVERS[url.drivername])


def engine_of(url: URL) -> Engine:
    """An engine whose transactions are whole, ordered and safe on disk; nothing is connected yet."""
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, hide_parameters=True, pool_size=10, max_overflow=30)
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        return engine
    wait: dict[str, Any] = {"connect_timeout": 10, "application_name": "maskwise", **KEEPALIVE}
    # What was lost with a restart of the server is noticed before it is used, not by whoever uses it.
    return create_engine(
        url, hide_parameters=True, pool_pre_ping=True, pool_size=10, max_overflow=30, connect_args=wait
    )


def reading(engine: Engine) -> Engine:
    """The same connections, for transactions that see one moment and change nothing."""
    if engine.dialect.name == "sqlite":
        return engine.execution_options(**{READS: True})
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def create_file(url: URL) -> None:
    """Make the file and the folder of an SQLite database, for this user alone; nothing where they are there.

    Raises:
        StorageError: they cannot be made.
    """
    path = Path(url.database or "")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StorageError(f"cannot write the database {path}: {error.strerror or error}") from error


def is_there(url: URL) -> bool:
    """Whether there is a file; a server has to be asked."""
    return url.get_backend_name() != "sqlite" or Path(url.database or "").exists()


@contextmanager
def told(url: URL) -> Iterator[None]:
    """What the database itself complains of becomes one line that holds no password.

    Raises:
        StorageError: it cannot be reached or used. What a statement did wrong is raised as it is.
    """
    try:
        yield
    except TimeoutError as error:
        raise StorageError("the database is too busy: every connection is in use; try again") from error
    except DBAPIError as error:
        if isinstance(error, OperationalError | InterfaceError) or type(error) is DatabaseError:
            raise StorageError(f"the database {_name(url)} cannot be used: {_reason(error, url)}") from error
        raise


def _name(url: URL) -> str:
    return f"file {Path(url.database or '').name}" if url.get_backend_name() == "sqlite" else f"at {url.host or 'here'}"


def _reason(error: DBAPIError, url: URL) -> str:
    said = " ".join(str(error.orig).split())
    for secret in (url.password, url.render_as_string(hide_password=False)):
        said = said.replace(str(secret), "***") if secret else said
    return said


def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where we say so
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").fetchall()


def _begin(connection: Connection) -> None:
    """Who will write says so at once: two that first read and then both want to write would block each other."""
    reads = bool(connection.get_execution_options().get(READS))
    connection.exec_driver_sql(f"PRAGMA query_only={int(reads)}")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
