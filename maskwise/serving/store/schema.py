"""The tables of a database are brought up to date: one revision after the other, all of them or none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

from maskwise.errors import StorageError

HEAD = "head"
LOCK = 7_062_753_180
"""The number under which programs that change the tables of a PostgreSQL database wait for each other."""

_one_at_a_time = threading.Lock()  # Alembic hands its context to revisions through a global


@cache
def revisions() -> tuple[str, ...]:
    """Every revision that this program knows, the newest first."""
    return tuple(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def revision_of(connection: Connection) -> str | None:
    """Which revision the tables are of; None where there are none of ours."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(engine: Engine, target: str = HEAD) -> None:
    """Bring the tables up to date; several programs may do so at once.

    Args:
        engine: of the database.
        target: the revision to stop at.

    Raises:
        StorageError: the tables are of a newer program, or not of this program.
    """
    with engine.connect() as connection:
        if check_known(connection) == revisions()[0]:
            return
    with rebuilding(engine) as connection:
        check_known(connection)  # somebody may have been quicker
        upgrade_within(connection, target)


def upgrade_within(connection: Connection, target: str = HEAD) -> None:
    """The same within a transaction of `rebuilding`."""
    config = _config()
    config.attributes["connection"] = connection
    with _one_at_a_time:
        command.upgrade(config, target)


def check_known(connection: Connection) -> str | None:
    """Which revision the tables are of.

    Raises:
        StorageError: of none that is known here.
    """
    revision = revision_of(connection)
    if revision is None and inspect(connection).get_table_names():
        raise StorageError("the database holds tables that are not maskwise's; name an empty one")
    if revision is not None and revision not in revisions():
        raise StorageError(
            f"the database is of a newer maskwise (revision {revision}; this one knows up to {revisions()[0]}); "
            "run that version, or restore a backup into an empty database"
        )
    return revision


@contextmanager
def rebuilding(engine: Engine) -> Iterator[Connection]:
    """A transaction in which tables may be made, rebuilt and dropped; only one program at a time is in it."""
    is_sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        if is_sqlite:  # SQLite rebuilds a table by dropping it, which would take along the rows that refer to it
            connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                if not is_sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
                yield connection
                if is_sqlite:
                    _check_references(connection)
        finally:
            if is_sqlite:
                connection.connection.cursor().execute("PRAGMA foreign_keys=ON")


def _check_references(connection: Connection) -> None:
    broken = connection.execute(text("PRAGMA foreign_key_check")).fetchall()
    if broken:
        raise StorageError(
            f"{len(broken)} rows of {broken[0][0]} refer to rows that are not there; nothing was changed"
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "maskwise.serving.store:migrations")
    return config
