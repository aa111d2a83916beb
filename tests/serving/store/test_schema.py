from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from maskwise.errors import StorageError
from maskwise.serving.store.database import Database
from maskwise.serving.store.engines import create_file, engine_of, url_of
from maskwise.serving.store.schema import revision_of, revisions, upgrade
from maskwise.serving.store.tables import StreamRow, Table

ROWS = (
    "INSERT INTO streams (id, name, source, how, paused, created_s) VALUES (3, 'hall', 'camera:0', '{}', false, 1.5)",
    "INSERT INTO events (id, stream_id, stream, run, at_s, time_s, kind, person, verdict) "
    "VALUES (7, 9, 'removed', 0, 10.25, 10.25, 'violated', 1, 'unmasked')",
    "INSERT INTO event_zones (event_id, zone) VALUES (7, 'door'), (7, 'desk')",
    "INSERT INTO visits (id, stream_id, stream, began_s, ended_s, verdict, masked_s, incorrect_s, unmasked_s, "
    "uncertain_s) VALUES (5, 3, 'hall', 1, 2, 'masked', 1, 0, 0, 0)",
    "INSERT INTO visit_zones (visit_id, zone) VALUES (5, 'door')",
    "INSERT INTO watched (stream_id, hour_s, stream, seconds) VALUES (3, 3600, 'hall', 12.5)",
    "INSERT INTO targets (id, name, address, kinds, created_s) VALUES (2, 'ward', 'json://x', '[\"violated\"]', 1)",
    "INSERT INTO messages (id, event_id, target_id, created_s, tries) VALUES (4, 7, 2, 11, 1)",
    "INSERT INTO tokens (id, name, role, digest, created_s) VALUES (1, 'page', 'viewer', 'abc', 1)",
    "INSERT INTO sessions (digest, token_id, csrf, created_s, expires_s) VALUES ('def', 1, 'x', 1, 2)",
    "INSERT INTO settings (name, value) VALUES ('retention_days', '7')",
)
"""Of a database as revision 0001 has it: every table, every reference."""


@contextmanager
def an_engine(url: str) -> Iterator[Engine]:
    made = engine_of(url_of(url))
    if made.dialect.name == "sqlite":
        create_file(made.url)
    try:
        yield made
    finally:
        made.dispose()


def contents(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, columns by name."""
    with engine.begin() as connection:
        names = sorted(set(inspect(connection).get_table_names()) - {"alembic_version"})
        return {
            name: sorted(
                tuple(sorted((k, str(v)) for k, v in row.items() if k != "given_up"))
                for row in connection.execute(text(f"SELECT * FROM {name}")).mappings()  # noqa: S608
            )
            for name in names
        }


def older(url: str, revision: str = "0001") -> None:
    with an_engine(url) as engine:
        upgrade(engine, revision)
        with engine.begin() as connection:
            for row in ROWS:
                connection.execute(text(row))


def start(url: str) -> None:
    Database(url).close()


def test_the_tables_are_as_the_program_has_them(database_url: str) -> None:
    with closing(Database(database_url)) as database, database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Table.metadata) == []
        assert revision_of(connection) == revisions()[0]


def test_an_older_database_keeps_every_row(database_url: str) -> None:
    older(database_url)
    with an_engine(database_url) as engine:
        before = contents(engine)
    assert all(before.values())
    with closing(Database(database_url)) as database:
        assert contents(database.engine) == before
        with database.engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), Table.metadata) == []


def test_the_number_of_a_removed_stream_is_not_given_again(database_url: str) -> None:
    older(database_url)
    with closing(Database(database_url)) as database:
        for _ in range(2):
            with database.begin() as session:
                added = StreamRow(name="new", source="camera:1", how={}, created_s=0.0)
                if database.engine.dialect.name == "postgresql":
                    added.id = 20  # the rows above were put in without its counter
                session.add(added)
                session.flush()
                number = added.id
                session.delete(added)
            assert number > 9


def test_numbers_only_rise(database_url: str) -> None:
    with closing(Database(database_url)) as database:
        numbers = []
        for _ in range(3):
            with database.begin() as session:
                added = StreamRow(name="new", source="camera:1", how={}, created_s=0.0)
                session.add(added)
                session.flush()
                numbers.append(added.id)
                session.delete(added)
        assert numbers == [1, 2, 3]


@pytest.mark.parametrize("rows", [False, True], ids=["new", "older"])
def test_several_programs_start_at_once(database_url: str, *, rows: bool) -> None:
    if rows:
        older(database_url)
    context = multiprocessing.get_context("spawn")
    starting = [context.Process(target=start, args=(database_url,)) for _ in range(2)]
    for process in starting:
        process.start()
    for process in starting:
        process.join(60)
    assert [process.exitcode for process in starting] == [0] * 2
    with an_engine(database_url) as engine, engine.connect() as connection:
        assert revision_of(connection) == revisions()[0]


def test_a_newer_database_is_left_alone(database_url: str) -> None:
    Database(database_url).close()
    with an_engine(database_url) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9000'"))
    with pytest.raises(StorageError, match=r"newer maskwise.*9000"):
        Database(database_url)


def test_tables_of_others_are_left_alone(database_url: str) -> None:
    with an_engine(database_url) as engine, engine.begin() as connection:
        connection.execute(text("CREATE TABLE events (id integer)"))
    with pytest.raises(StorageError, match="not maskwise's"):
        Database(database_url)


def test_a_revision_that_fails_changes_nothing(database_url: str) -> None:
    older(database_url)
    with an_engine(database_url) as engine:
        with engine.begin() as connection:  # the last statement of the next revision will find its name taken
            connection.execute(text("CREATE INDEX visit_zones_by_zone ON settings (name)"))
        before = contents(engine)
        with pytest.raises((StorageError, DBAPIError), match="already exists"):
            Database(database_url)
        assert contents(engine) == before
        with engine.connect() as connection:
            assert revision_of(connection) == "0001"
