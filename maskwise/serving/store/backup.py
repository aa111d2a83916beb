"""All that is remembered as one file, and back from it into a database of either kind.

The file holds addresses with passwords, so it is for its owner alone. Browsers that are signed in are left out: they
sign in again.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, cast

import psycopg
from psycopg.types.json import Json
from sqlalchemy import JSON, Connection, Engine, MetaData, Table, inspect, select, text
from sqlalchemy.exc import DBAPIError

from maskwise import __version__
from maskwise.errors import InputError, StorageError, UsageError
from maskwise.model.storage import written_whole
from maskwise.serving.store import archive, schema
from maskwise.serving.store.archive import Header
from maskwise.serving.store.database import Database
from maskwise.serving.store.engines import engine_of, is_there, reading, told, url_of
from maskwise.serving.store.tables import Table as Root

VERSION_TABLE = "alembic_version"
LEFT_OUT = (VERSION_TABLE, "sessions")
CHUNK = 1000
"""Rows held at once."""

STREAMS_TAKEN = """SELECT max(n) FROM (SELECT max(id) AS n FROM streams UNION SELECT max(stream_id) FROM events
UNION SELECT max(stream_id) FROM visits UNION SELECT max(stream_id) FROM watched) AS taken"""
"""Numbers of streams that were removed, too: what they left behind must not fall to a new one."""


def back_up(given_url: str, path: Path) -> Header:
    """Write everything to a file, as of one moment, while the service runs.

    Args:
        given_url: of the database, see `engines.url_of`; its tables are not brought up to date.
        path: of the file; it is there whole or not at all, for this user alone.

    Returns:
        What it holds.

    Raises:
        ConfigError: the URL is of no kind that can be used.
        StorageError: the database cannot be read, or the file not be written.
    """
    url = url_of(given_url)
    if not is_there(url):
        raise StorageError("there is no database yet: nothing to back up")
    with told(url), _disposed(engine_of(url)) as engine, reading(engine).connect() as connection:
        with written_whole(path) as partial:
            os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
            partial.chmod(0o600)  # one of an earlier try may have been there
            header = _write(connection, partial)
            with partial.open("rb") as written:
                os.fsync(written.fileno())
        return header


def restore(given_url: str, path: Path, *, replace: bool = False) -> Header:
    """Read everything from a file, all of it or nothing; the tables are brought up to date.

    Args:
        given_url: of the database, made if it is not there.
        path: of the file; every byte is looked at before the database is touched.
        replace: what is in the database is deleted.

    Returns:
        What it held.

    Raises:
        ConfigError: the URL is of no kind that can be used.
        InputError: the file is no sound backup, or of a newer program.
        UsageError: the database holds something, and is not to be replaced.
        StorageError: the database cannot be used.
    """
    header = archive.check(path)
    if header.revision not in schema.revisions():
        raise InputError(f"the backup is of a newer maskwise ({header.version}); use that one")
    with closing(Database(given_url)) as database:
        try:
            with told(database.engine.url), schema.rebuilding(database.engine) as connection:
                if not replace and _holds_something(connection):
                    raise UsageError("the database is not empty; name another one, or add --replace to delete it all")
                _refill(connection, header, path)
        except (DBAPIError, psycopg.Error) as error:
            said = str(getattr(error, "orig", error)).splitlines()[0]
            raise InputError(f"the backup cannot be restored, nothing was changed: {said}") from error
    return header


def _write(connection: Connection, path: Path) -> Header:
    revision = schema.check_known(connection)
    if revision is None:
        raise StorageError("the database is empty: nothing to back up")
    made_at, tables = datetime.now(UTC).isoformat(timespec="seconds"), {}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as file:
        for table in _tables(connection):
            asked = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=CHUNK)
            tables[table.name] = archive.add(file, table.name, table.columns.keys(), connection.execute(asked))
        header = Header(archive.FORMAT, revision, __version__, made_at, tables)
        archive.finish(file, header)
    return header


def _refill(connection: Connection, header: Header, path: Path) -> None:
    """The tables are made as they were when the file was written, filled, and brought up to date from there."""
    _ours(connection).drop_all(connection)
    schema.upgrade_within(connection, header.revision)
    tables = {table.name: table for table in _tables(connection)}
    if {name: set(table.columns.keys()) for name, table in tables.items()} != {
        name: set(member.columns) for name, member in header.tables.items()
    }:
        raise InputError(f"the backup has not the tables of revision {header.revision}; nothing was changed")
    for name, table in tables.items():
        _fill(connection, table, header.tables[name].columns, archive.rows_of(path, name))
    _number_on(connection, tables)
    schema.upgrade_within(connection)


def _fill(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[list[Any]]) -> None:
    if connection.dialect.name == "postgresql":
        _copy(connection, table, columns, rows)
        return
    waiting = iter(rows)
    while some := [dict(zip(columns, row, strict=True)) for row in islice(waiting, CHUNK)]:
        connection.execute(table.insert(), some)


def _copy(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[list[Any]]) -> None:
    """By PostgreSQL's own way in, several times as fast as statements."""
    written: list[Callable[[Any], Any]] = [Json if isinstance(table.c[name].type, JSON) else _same for name in columns]
    names = ", ".join(f'"{name}"' for name in columns)
    driver = cast(psycopg.Connection[Any], connection.connection.driver_connection)
    with driver.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN'.encode()) as copy:
        for row in rows:
            copy.write_row([write(value) for write, value in zip(written, row, strict=True)])


def _same(value: Any) -> Any:
    return value


def _number_on(connection: Connection, tables: dict[str, Table]) -> None:
    """New rows get numbers that none of these has."""
    if connection.dialect.name == "postgresql":
        for name, table in tables.items():
            if "id" in table.columns:
                taken = STREAMS_TAKEN if name == "streams" else f"SELECT max(id) FROM {name}"  # noqa: S608
                sequence = f"pg_get_serial_sequence('{name}', 'id')"
                connection.execute(
                    text(f"SELECT setval({sequence}, coalesce(n, 1), n IS NOT NULL) FROM ({taken}) AS t(n)")  # noqa: S608
                )
    elif "sqlite_sequence" in inspect(connection).get_table_names(sqlite_include_internal=True):
        connection.execute(text("DELETE FROM sqlite_sequence WHERE name = 'streams'"))
        connection.execute(text(f"INSERT INTO sqlite_sequence SELECT 'streams', coalesce(({STREAMS_TAKEN}), 0)"))


def _tables(connection: Connection) -> list[Table]:
    """The tables as they are in the database, each after those it refers to."""
    return [table for table in _ours(connection).sorted_tables if table.name not in LEFT_OUT]


def _ours(connection: Connection) -> MetaData:
    """Our tables; others may have put theirs beside them."""
    found, ours = MetaData(), {*Root.metadata.tables, VERSION_TABLE}
    found.reflect(connection, only=[name for name in inspect(connection).get_table_names() if name in ours])
    return found


def _holds_something(connection: Connection) -> bool:
    return any(connection.execute(select(table).limit(1)).first() for table in _tables(connection))


@contextmanager
def _disposed(engine: Engine) -> Iterator[Engine]:
    try:
        yield engine
    finally:
        engine.dispose()
