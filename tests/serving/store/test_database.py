from __future__ import annotations

import os
import pwd
import socket
import stat
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from maskwise.errors import ConfigError, StorageError
from maskwise.serving.store.database import Database
from maskwise.serving.store.engines import url_of
from maskwise.serving.store.tables import EventRow, EventZoneRow, SettingRow, StreamRow
from tests.serving.postgres import PASSWORD, WRITTEN, Server


def stream(name: str) -> StreamRow:
    return StreamRow(name=name, source="camera:0", how={"zones": []}, created_s=1.0)


def names(database: Database) -> list[str]:
    with database.read() as session:
        return [row.name for row in session.query(StreamRow).order_by(StreamRow.id)]


@pytest.mark.parametrize(
    ("given", "driver"),
    [
        ("postgresql://u:p@h/n", "postgresql+psycopg"),
        ("postgres://u:p@h/n", "postgresql+psycopg"),
        ("postgresql+psycopg://u:p@h/n", "postgresql+psycopg"),
        ("sqlite:////tmp/x.db", "sqlite"),
    ],
)
def test_what_a_url_may_be(given: str, driver: str) -> None:
    assert url_of(given).drivername == driver


@pytest.mark.parametrize(
    "given",
    ["mysql://u:geheim@h/n", "postgresql+asyncpg://u:geheim@h/n", "geheim", "", "sqlite://", "sqlite:///:memory:"],
)
def test_other_urls_are_refused_without_repeating_them(given: str) -> None:
    with pytest.raises(ConfigError, match=r"postgresql://USER:PASSWORD@HOST:PORT/NAME") as caught:
        Database(given)
    assert "geheim" not in str(caught.value)


def test_all_or_nothing(database_url: str) -> None:
    with closing(Database(database_url)) as database:
        with pytest.raises(ValueError, match="no"), database.begin() as session:  # noqa: PT012 - what follows is undone
            session.add(stream("a"))
            session.flush()
            raise ValueError("no")
        assert names(database) == []
        with database.begin() as session:
            session.add(stream("a"))
        assert names(database) == ["a"]


def test_what_a_statement_does_wrong_is_raised_as_it_is(database_url: str) -> None:
    with closing(Database(database_url)) as database:
        with database.begin() as session:
            session.add(stream("a"))
        with pytest.raises(IntegrityError), database.begin() as session:
            session.add(stream("a"))
        with pytest.raises(IntegrityError), database.begin() as session:
            session.add(EventZoneRow(event_id=5, zone="nowhere"))


def test_what_goes_takes_what_refers_to_it_along(database_url: str) -> None:
    facts = {"run": 0.0, "time_s": 1.0, "kind": "left", "person": 1, "verdict": "masked"}
    with closing(Database(database_url)) as database:
        with database.begin() as session:
            session.add(event := EventRow(stream_id=1, stream="a", at_s=1.0, **facts))
            session.flush()
            session.add(EventZoneRow(event_id=event.id, zone="door"))
        with database.begin() as session:
            session.execute(text("DELETE FROM events"))
        with database.read() as session:
            assert session.query(EventZoneRow).count() == 0


def test_reading_changes_nothing(database_url: str) -> None:
    with closing(Database(database_url)) as database:
        with pytest.raises((StorageError, DBAPIError), match=r"read.?only"), database.read() as session:
            session.add(stream("a"))
        with database.begin() as session:  # the same connection may write again
            session.add(stream("b"))
        assert names(database) == ["b"]


def test_a_reader_sees_one_moment_and_stops_no_writer(database_url: str) -> None:
    with closing(Database(database_url)) as database, database.read() as session:
        assert session.query(StreamRow).count() == 0
        with database.begin() as other:
            other.add(stream("a"))
        assert session.query(StreamRow).count() == 0
        assert names(database) == ["a"]


def test_writers_take_turns(database_url: str) -> None:
    """Each reads a number and writes one more: of two that read the same, one would be lost or stopped."""
    with closing(Database(database_url)) as database, closing(Database(database_url)) as second:
        with database.begin() as session:
            session.add(SettingRow(name="count", value=0))
        failed: list[BaseException] = []

        def add(to: Database) -> None:
            try:
                for _ in range(25):
                    with to.begin() as session:
                        row = session.get(SettingRow, "count", with_for_update=True)
                        assert row is not None
                        row.value += 1
            except BaseException as error:  # noqa: BLE001 - whatever it is, the test is to show it
                failed.append(error)

        threads = [threading.Thread(target=add, args=(to,)) for to in (database, database, second, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        with database.read() as session:
            row = session.get(SettingRow, "count")
            assert row is not None
            assert row.value == 100


def test_file_and_folder_are_for_this_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "maskwise.db"
    with closing(Database(f"sqlite:///{path}")) as database:
        with database.begin() as session:
            session.add(stream("a"))
        found = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert found == {"maskwise.db": 0o600, "maskwise.db-wal": 0o600, "maskwise.db-shm": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_sqlite_promises(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'a.db'}")) as database, database.read() as session:
        asked = ("journal_mode", "synchronous", "foreign_keys", "auto_vacuum", "secure_delete")
        found = {name: session.execute(text(f"PRAGMA {name}")).scalar() for name in asked}
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "auto_vacuum": 2, "secure_delete": 1}


@pytest.mark.parametrize("damage", [b"this is no database " * 400, b"SQLite format 3\0" + b"\xff" * 8000])
def test_a_damaged_file_is_one_clear_error(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "maskwise.db"
    path.write_bytes(damage)
    with pytest.raises(StorageError, match=r"the database file maskwise.db cannot be used: ") as caught:
        Database(f"sqlite:///{path}")
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == damage


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot write the database"):
        Database(f"sqlite:///{tmp_path / 'file' / 'maskwise.db'}")


@pytest.mark.parametrize("there", [False, True], ids=["nothing there", "a database there"])
def test_a_folder_that_may_only_be_read(tmp_path: Path, *, there: bool) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    if there:
        Database(f"sqlite:///{folder / 'maskwise.db'}").close()
    for path in (folder, *folder.iterdir()):
        path.chmod(0o555 if path.is_dir() else 0o444)
    code = f"""
import os
from maskwise.errors import StorageError
from maskwise.serving.store.database import Database
os.chdir({str(folder)!r})
if os.geteuid() == 0:  # may write everywhere
    os.setgroups([]); os.setgid({pwd.getpwnam("nobody").pw_gid}); os.setuid({pwd.getpwnam("nobody").pw_uid})
try:
    Database("sqlite:///maskwise.db")
except StorageError as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "database" in said.stdout, said.stderr[-1500:]
    assert len(said.stdout.splitlines()) == 1


def test_postgresql_out_of_reach() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: refused at once
        url = f"postgresql://maskwise:{WRITTEN}@127.0.0.1:{taken.getsockname()[1]}/maskwise"
        with pytest.raises(StorageError, match=r"the database at 127.0.0.1 cannot be used: .*refused") as caught:
            Database(url)
    assert_one_line_without_password(caught.value)


def test_postgresql_refuses(postgres: Server) -> None:
    url = postgres.new_database()
    with pytest.raises(StorageError, match="password authentication failed") as caught:
        Database(url.replace(WRITTEN, "geheim"))
    assert_one_line_without_password(caught.value)
    with pytest.raises(StorageError, match='"nowhere" does not exist') as caught:
        Database(postgres.url("nowhere"))
    assert_one_line_without_password(caught.value)


def assert_one_line_without_password(error: BaseException) -> None:
    assert "\n" not in str(error)
    for secret in (PASSWORD, WRITTEN, "geheim"):
        assert secret not in str(error)


def test_a_server_that_was_started_again_is_used_again(postgres: Server) -> None:
    with closing(Database(postgres.new_database())) as database:
        with database.begin() as session:
            session.add(stream("before"))
        with database.read() as one, database.read() as two:  # several connections are kept
            assert one.query(StreamRow).count() == two.query(StreamRow).count() == 1
        postgres.stop()
        try:
            with pytest.raises(StorageError, match="cannot be used") as caught, database.read() as session:
                session.query(StreamRow).count()
            assert_one_line_without_password(caught.value)
        finally:
            postgres.start()
        with database.begin() as session:
            session.add(stream("after"))
        assert names(database) == ["before", "after"]


def test_a_connection_that_breaks_within_a_transaction(postgres: Server) -> None:
    with closing(Database(postgres.new_database())) as database:
        with pytest.raises(StorageError, match="cannot be used"), database.begin() as session:  # noqa: PT012
            session.add(stream("lost"))
            session.flush()
            number = session.execute(text("SELECT pg_backend_pid()")).scalar()
            postgres.sql(f"SELECT pg_terminate_backend({number})")
            time.sleep(0.05)
            session.execute(text("SELECT 1"))
        assert names(database) == []


def test_two_programs_write(tmp_path: Path) -> None:
    """Each in a process of its own, into one SQLite file."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    Database(url).close()
    code = """
import sys
from maskwise.serving.store.database import Database
from maskwise.serving.store.tables import StreamRow
database = Database(sys.argv[1])
for i in range(50):
    with database.begin() as session:
        session.add(StreamRow(name=f"{sys.argv[2]} {i}", source="camera:0", how={}, created_s=0.0))
"""
    running = [subprocess.Popen([sys.executable, "-c", code, url, name], env={**os.environ}) for name in ("a", "b")]
    assert [process.wait(60) for process in running] == [0, 0]
    with closing(Database(url)) as database:
        assert len(names(database)) == 100
