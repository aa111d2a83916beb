from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from maskwise.serving.operating.upkeep import Upkeep
from maskwise.serving.store import retention
from maskwise.serving.store.database import Database
from maskwise.serving.store.engines import WAIT_S
from maskwise.serving.store.recording import Batch, Visit, record
from maskwise.serving.store.tables import (
    EventRow,
    EventZoneRow,
    MessageRow,
    SessionRow,
    SettingRow,
    Table,
    TargetRow,
    TokenRow,
    VisitRow,
    VisitZoneRow,
    WatchedRow,
)
from maskwise.stream.following.events import Event
from maskwise.stream.outputs.audit_log import AuditLog, verify

DAY_S = 86_400
NOW = 1_790_000_000.0


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with closing(Database(database_url)) as made:
        yield made


def fill(database: Database, ages: range) -> None:
    """On each of these days before now: an event in a zone, a message, a visit in a zone, an hour."""
    with database.begin() as session:
        session.add(TargetRow(id=1, name="ward", address="json://x", kinds=[], created_s=0.0))
    for age in ages:
        at_s = NOW - age * DAY_S
        event = Event("violated", "hall", 0.0, 1, "unmasked", zones=("door",))
        visit = Visit(at_s - 5, at_s, "masked", {"masked": 5.0}, ("door",))
        (told,) = record(database, Batch(1, "hall", at_s, (event,), (visit,), {int(at_s) // 3600 * 3600: 60.0}))
        with database.begin() as session:
            session.add(MessageRow(event_id=told["id"], target_id=1, created_s=at_s))


def numbers(database: Database) -> dict[str, int]:
    tables: tuple[type[Table], ...] = (EventRow, EventZoneRow, MessageRow, VisitRow, VisitZoneRow, WatchedRow)
    with database.read() as session:
        return {t.__tablename__: session.scalar(select(func.count()).select_from(t)) or 0 for t in tables}


def audit_of(folder: Path) -> AuditLog:
    return AuditLog(folder / "audit.log")


def entries(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "audit.log").read_text().splitlines()]


def test_what_is_older_goes_and_the_rest_stays(database: Database, tmp_path: Path) -> None:
    fill(database, range(0, 40, 2))  # 30 days ago is still kept to the moment
    upkeep = Upkeep(database, audit_of(tmp_path), lambda: NOW)
    gone = upkeep.delete_due()
    assert (gone["events"], gone["visits"], gone["watched"]) == (4, 4, 4)
    assert set(numbers(database).values()) <= {16, 17}
    assert numbers(database)["events"] == numbers(database)["event_zones"] == 16
    (entry,) = entries(tmp_path)
    assert entry["kind"] == "retention"
    assert entry["facts"] == {"by": "maskwise", **gone}
    assert verify(tmp_path / "audit.log").broken is None
    assert set(upkeep.delete_due().values()) == {0}
    assert len(entries(tmp_path)) == 1  # nothing went: nothing is told


@pytest.mark.parametrize("days", [1, 7, 365])
def test_the_days_that_were_chosen_hold(database: Database, tmp_path: Path, days: int) -> None:
    fill(database, range(0, 40, 5))
    with database.begin() as session:
        session.add(SettingRow(name="retention_days", value=days))
    Upkeep(database, audit_of(tmp_path), lambda: NOW + 1).delete_due()
    assert numbers(database)["events"] == sum(age < days for age in range(0, 40, 5))


def test_sessions_that_are_over_go(database: Database, tmp_path: Path) -> None:
    with database.begin() as session:
        session.add(TokenRow(id=1, name="page", role="viewer", digest="x", created_s=0.0))
        session.flush()
        for name, expires_s in (("over", NOW - 1), ("on", NOW + 1)):
            session.add(SessionRow(digest=name, token_id=1, csrf="c", created_s=0.0, expires_s=expires_s))
    assert Upkeep(database, audit_of(tmp_path), lambda: NOW).delete_due()["sessions"] == 1
    with database.read() as session:
        assert [row.digest for row in session.scalars(select(SessionRow))] == ["on"]


def test_many_go_in_parts_and_the_disk_gets_its_space_back(database: Database, tmp_path: Path) -> None:
    rows = [
        {"stream_id": 1, "stream": "hall", "run": 0.0, "at_s": float(i), "time_s": 0.0}
        | {"kind": "left", "person": i, "verdict": "masked"}
        for i in range(3 * retention.CHUNK + 7)
    ]
    with database.begin() as session:
        session.execute(insert(EventRow), rows)
        session.execute(insert(EventRow), {**rows[0], "at_s": NOW})
    before = size_of(database)
    assert Upkeep(database, audit_of(tmp_path), lambda: NOW).delete_due()["events"] == len(rows)
    assert numbers(database)["events"] == 1
    if database.engine.dialect.name == "sqlite":
        assert size_of(database) < before / 5


def test_somebody_who_still_reads_holds_up_nobody(database: Database, tmp_path: Path) -> None:
    """A backup sees one moment until it is done; what was deleted since then cannot be folded in meanwhile."""
    fill(database, range(0, 40, 2))
    with database.read() as session:
        before = session.query(EventRow).count()
        upkeep = threading.Thread(target=Upkeep(database, audit_of(tmp_path), lambda: NOW).delete_due, daemon=True)
        upkeep.start()
        upkeep.join(WAIT_S / 2)
        assert not upkeep.is_alive()
        assert session.query(EventRow).count() == before
    assert numbers(database)["events"] < before
    with closing(database.engine.raw_connection()) as connection:
        if database.engine.dialect.name == "sqlite":
            assert connection.cursor().execute("PRAGMA busy_timeout").fetchone() == (WAIT_S * 1000,)


def size_of(database: Database) -> int:
    name = database.engine.url.database or ""
    return sum(path.stat().st_size for path in Path(name).parent.glob("maskwise.db*"))


def test_it_runs_at_start_and_whenever_something_is_due(database: Database, tmp_path: Path) -> None:
    fill(database, range(0, 40, 10))
    now = [NOW + 1]

    with Upkeep(database, audit_of(tmp_path), lambda: now[0], every_s=0.02):
        wait_for(database, events=3)
        now[0] += 15 * DAY_S
        wait_for(database, events=2)
    assert [entry["kind"] for entry in entries(tmp_path)] == ["retention"] * 2


def wait_for(database: Database, events: int) -> None:
    for _ in range(250):
        if numbers(database)["events"] == events:
            return
        time.sleep(0.02)
    raise AssertionError(f"{numbers(database)['events']} events are left")


def test_it_goes_on_after_something_went_wrong(tmp_path: Path, database: Database) -> None:
    fill(database, range(0, 40, 10))
    wrong = [True]

    def clock() -> float:
        if wrong and wrong.pop():
            raise OSError("no clock")  # once
        return NOW + 1

    with Upkeep(database, audit_of(tmp_path), clock, every_s=0.02):
        wait_for(database, events=3)
