from __future__ import annotations

import json
import stat
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import delete, func, insert, select, text

from maskwise.errors import InputError, StorageError, UsageError
from maskwise.serving.store import archive
from maskwise.serving.store.backup import back_up, restore
from maskwise.serving.store.database import Database
from maskwise.serving.store.recording import Batch, Visit, record
from maskwise.serving.store.schema import revision_of, revisions
from maskwise.serving.store.tables import (
    EventRow,
    MessageRow,
    SessionRow,
    SettingRow,
    StreamRow,
    TargetRow,
    TokenRow,
    VisitRow,
)
from maskwise.stream.following.events import Event
from tests.cli.command_line import run
from tests.serving.postgres import Server, empty
from tests.serving.store.rows import add_streams, fill
from tests.serving.store.test_schema import an_engine, older

FIRST = 1_700_000_000


@pytest.fixture(params=["sqlite", "postgresql"])
def other_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A second database, of either kind."""
    with empty(request.param, request, tmp_path / "other") as url:
        yield url


def furnish(url: str) -> None:
    """A row at least in every table, with whatever is hard to write down."""
    with closing(Database(url)) as database:
        add_streams(database)
        fill(database, FIRST, FIRST + 7200, 20)
        with database.begin() as session:
            odd = {"zones": [], "note": "ö 雪 \n \"'\\", "share": 1 / 3, "none": None, "many": [1, True, 1e-300]}
            session.add(
                StreamRow(id=3, name="=évil\t雪", source="rtsp://u:p@h/1", how=odd, paused=True, created_s=0.1 + 0.2)
            )
            session.add(TargetRow(id=4, name="ward", address="json://u:p@h", kinds=["violated"], created_s=1.0))
            session.add(TokenRow(id=6, name="page", role="viewer", digest="d", created_s=1.0, expires_s=2e9))
            session.add_all([SettingRow(name="quiet", value=None), SettingRow(name="pause_s", value=0.1)])
            session.flush()
            event = session.scalars(select(EventRow.id).limit(1)).one()
            session.add(MessageRow(event_id=event, target_id=4, created_s=1.0, tries=3, given_up=True))
            session.add(SessionRow(digest="s", token_id=6, csrf="c", created_s=1.0, expires_s=2e9))
            session.execute(delete(StreamRow).where(StreamRow.id == 2))  # its visits stay


def everything(url: str) -> dict[str, list[list[object]]]:
    """Every value of every table, as Python has them; without sessions."""
    with closing(Database(url)) as database, database.read() as session:
        tables = [table for table in StreamRow.metadata.sorted_tables if table.name != "sessions"]
        return {
            table.name: [list(row) for row in session.execute(select(table).order_by(*table.primary_key.columns))]
            for table in tables
        }


def test_everything_comes_back_in_either_kind(database_url: str, other_url: str, tmp_path: Path) -> None:
    furnish(database_url)
    header = back_up(database_url, tmp_path / "kept.zip")
    assert restore(other_url, tmp_path / "kept.zip") == header
    before = everything(database_url)
    assert everything(other_url) == before
    assert all(before.values())
    assert {name: member.rows for name, member in header.tables.items()} == {n: len(rows) for n, rows in before.items()}
    with closing(Database(other_url)) as database, database.read() as session:
        assert session.scalar(select(func.count()).select_from(SessionRow)) == 0


def test_life_goes_on_after_it(database_url: str, other_url: str, tmp_path: Path) -> None:
    """New rows get numbers of their own, a new stream not that of one which was removed."""
    with closing(Database(database_url)) as database:
        record(database, Batch(40, "removed", 0.0, (Event("left", "x", 1.0, 1, "masked"),)))
    furnish(database_url)
    back_up(database_url, tmp_path / "kept.zip")
    restore(other_url, tmp_path / "kept.zip")
    with closing(Database(other_url)) as database:
        most = max(int(str(row[0])) for row in everything(other_url)["events"])
        (told,) = record(database, Batch(1, "hall", 0.0, (Event("left", "x", 1.0, 1, "masked"),)))
        assert told["id"] == most + 1
        with database.begin() as session:
            session.add(new := StreamRow(name="new", source="camera:0", how={}, created_s=0.0))
            session.add(token := TokenRow(name="new", role="viewer", digest="n", created_s=0.0))
            session.flush()
            assert new.id == 41
            assert token.id == 7


def test_a_backup_of_an_older_revision(database_url: str, other_url: str, tmp_path: Path) -> None:
    older(database_url)
    header = back_up(database_url, tmp_path / "kept.zip")
    assert header.revision == "0001"
    with an_engine(database_url) as engine, engine.connect() as connection:
        assert revision_of(connection) == "0001"  # to back up changes nothing
    restore(other_url, tmp_path / "kept.zip")
    with an_engine(other_url) as engine, engine.connect() as connection:
        assert revision_of(connection) == revisions()[0]
    assert everything(other_url) == everything(database_url)


def test_what_is_there_is_not_overwritten_unasked(database_url: str, tmp_path: Path) -> None:
    furnish(database_url)
    back_up(database_url, tmp_path / "kept.zip")
    before = everything(database_url)
    with closing(Database(database_url)) as database:
        add = {"id": 9, "name": "later", "source": "camera:0", "how": {}, "paused": False, "created_s": 0.0}
        with database.begin() as session:
            session.execute(insert(StreamRow), [add])
    changed = everything(database_url)
    with pytest.raises(UsageError, match="--replace"):
        restore(database_url, tmp_path / "kept.zip")
    assert everything(database_url) == changed
    restore(database_url, tmp_path / "kept.zip", replace=True)
    assert everything(database_url) == before


def test_tables_of_others_survive(database_url: str, tmp_path: Path) -> None:
    furnish(database_url)
    back_up(database_url, tmp_path / "kept.zip")
    with an_engine(database_url) as engine, engine.begin() as connection:
        connection.execute(text("CREATE TABLE theirs (id integer)"))
        connection.execute(text("INSERT INTO theirs VALUES (1)"))
    restore(database_url, tmp_path / "kept.zip", replace=True)
    with an_engine(database_url) as engine, engine.connect() as connection:
        assert connection.execute(text("SELECT id FROM theirs")).scalars().all() == [1]


def test_it_is_of_one_moment_while_others_write(database_url: str, tmp_path: Path) -> None:
    """Each transaction writes an event and a visit: a backup has as many of the one as of the other."""
    Database(database_url).close()
    ends = threading.Event()

    def write() -> None:
        with closing(Database(database_url)) as database:
            for i in range(100_000):
                event, visit = Event("left", "x", float(i), 1, "masked"), Visit(0.0, float(i), "masked", {})
                record(database, Batch(1, "hall", 0.0, (event,) * 20, (visit,) * 20))
                if ends.is_set():
                    return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        counts: list[int] = []
        while len(counts) < 5 or counts[-1] == counts[0]:
            header = back_up(database_url, tmp_path / "kept.zip")
            counts.append(header.tables["events"].rows)
            assert header.tables["visits"].rows == counts[-1]
            assert archive.check(tmp_path / "kept.zip") == header
    finally:
        ends.set()
        writer.join()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0x55
    path.write_bytes(content)


def rewritten(path: Path, change: Callable[[str, bytes], bytes | None]) -> None:
    with zipfile.ZipFile(path) as file:
        members = {name: change(name, file.read(name)) for name in file.namelist()}
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            if content is not None:
                file.writestr(name, content)


def edited(path: Path) -> None:
    rewritten(path, lambda name, content: content.replace(b"masked", b"MASKED") if name == "visits.jsonl" else content)


def without_a_table(path: Path) -> None:
    rewritten(path, lambda name, content: None if name == "visits.jsonl" else content)


def without_a_header(path: Path) -> None:
    rewritten(path, lambda name, content: None if name == "header.json" else content)


def of_a_newer_revision(path: Path) -> None:
    rewritten(
        path, lambda name, content: content.replace(revisions()[0].encode(), b"9000") if "header" in name else content
    )


def of_a_newer_format(path: Path) -> None:
    rewritten(
        path, lambda name, content: content.replace(b'"format": 1', b'"format": 2') if "header" in name else content
    )


def of_other_columns(path: Path) -> None:
    rewritten(path, lambda name, content: content.replace(b'"began_s"', b'"began"') if "header" in name else content)


@pytest.mark.parametrize(
    "damage",
    [
        cut,
        cut_short,
        emptied,
        flipped,
        edited,
        without_a_table,
        without_a_header,
        of_a_newer_revision,
        of_a_newer_format,
        of_other_columns,
    ],
)
def test_a_file_that_is_not_sound_is_refused_and_nothing_is_touched(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    database_url = f"sqlite:///{tmp_path / 'a.db'}"
    furnish(database_url)
    before = everything(database_url)
    back_up(database_url, tmp_path / "kept.zip")
    damage(tmp_path / "kept.zip")
    with pytest.raises(InputError, match=r"backup|kept\.zip") as caught:
        restore(database_url, tmp_path / "kept.zip", replace=True)
    assert "\n" not in str(caught.value)
    assert everything(database_url) == before


def test_rows_that_do_not_fit_undo_everything(database_url: str, tmp_path: Path) -> None:
    furnish(database_url)
    back_up(database_url, tmp_path / "kept.zip")
    header = json.loads(zipfile.ZipFile(tmp_path / "kept.zip").read("header.json"))
    with zipfile.ZipFile(tmp_path / "kept.zip") as file:
        rows = {name: list(archive.rows_of(tmp_path / "kept.zip", name)) for name in header["tables"]}
        assert file.testzip() is None
    rows["event_zones"].append([10_000, "of no event"])
    tables = {}
    with zipfile.ZipFile(tmp_path / "kept.zip", "w") as file:
        for name, member in header["tables"].items():
            tables[name] = archive.add(file, name, member["columns"], rows[name])
        archive.finish(file, archive.Header(**{**header, "tables": tables}))
    before = everything(database_url)
    with pytest.raises((InputError, StorageError), match="nothing was changed"):
        restore(database_url, tmp_path / "kept.zip", replace=True)
    assert everything(database_url) == before


def test_the_file_is_for_its_owner_and_whole_or_not_at_all(tmp_path: Path) -> None:
    url, path = f"sqlite:///{tmp_path / 'a.db'}", tmp_path / "kept.zip"
    furnish(url)
    path.write_text("an older one")
    path.chmod(0o644)
    back_up(url, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    good = path.read_bytes()
    (tmp_path / "a.db").write_bytes(b"no database" * 1000)
    for log in tmp_path.glob("a.db-*"):
        log.unlink()
    with pytest.raises(StorageError, match="cannot be used"):
        back_up(url, path)
    assert path.read_bytes() == good
    assert sorted(file.name for file in tmp_path.iterdir() if "kept" in file.name) == ["kept.zip"]


def test_no_database_is_made_by_backing_up(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no database yet"):
        back_up(f"sqlite:///{tmp_path / 'a.db'}", tmp_path / "kept.zip")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_database_is_not_backed_up(postgres: Server, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="nothing to back up"):
        back_up(postgres.new_database(), tmp_path / "kept.zip")
    assert list(tmp_path.iterdir()) == []


def test_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], database_url: str
) -> None:
    monkeypatch.setenv("MASKWISE_FOLDER", str(tmp_path / "one"))
    monkeypatch.setenv("MASKWISE_DATABASE", database_url)
    assert run(monkeypatch, capsys, "database", "upgrade")[0] == 0
    furnish(database_url)
    kept = str(tmp_path / "kept.zip")
    code, _, said = run(monkeypatch, capsys, "database", "backup", kept)
    assert (code, "visits 40" in said) == (0, True)
    code, _, said = run(monkeypatch, capsys, "database", "restore", kept)
    assert (code, "--replace" in said) == (2, True)
    assert run(monkeypatch, capsys, "database", "restore", kept, "--replace")[0] == 0
    monkeypatch.delenv("MASKWISE_DATABASE")
    assert run(monkeypatch, capsys, "database", "restore", kept, "--folder", str(tmp_path / "two"))[0] == 0
    assert stat.S_IMODE((tmp_path / "two").stat().st_mode) == 0o700
    with closing(Database(f"sqlite:///{tmp_path / 'two' / 'maskwise.db'}")) as database, database.read() as session:
        assert session.scalar(select(func.count()).select_from(VisitRow)) == 40
    log = [json.loads(line) for line in (tmp_path / "one" / "audit.log").read_text().splitlines()]
    assert [entry["kind"] for entry in log] == ["backup", "restore"]
    assert "p@h" not in str(log)
    code, _, said = run(monkeypatch, capsys, "database", "backup", kept, "--database", "mysql://u:geheim@h/x")
    assert (code, "geheim" in said) == (2, False)
