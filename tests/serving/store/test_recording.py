from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from maskwise.errors import StorageError
from maskwise.serving.cameras.recorder import Recorder
from maskwise.serving.store.database import Database
from maskwise.serving.store.recording import Batch, Visit, record
from maskwise.serving.store.tables import EventRow, EventZoneRow, MessageRow, Table, VisitRow, WatchedRow
from maskwise.stream.following.events import Event
from tests.serving.store.events import add_target

RUN = 1_700_000_000.1
EVENTS = (
    Event("violated", "x", 12.3, 1, "unmasked", zones=("door", "desk"), seconds=3.0),
    Event("crossed", "x", 12.3, 1, "unmasked", line="sill", way="in"),
    Event("left", "x", 11.7, 2, "masked", seconds=4.0),
)
BATCH = Batch(
    3, "hall", RUN, EVENTS, (Visit(RUN, RUN + 11.7, "masked", {"masked": 4.0}),), {1_699_999_200: 10.0}
)  # fmt: skip
LOOK_ALIKES = (
    replace(BATCH, run=RUN + 20),
    replace(BATCH, stream_id=4),
    replace(BATCH, events=(EVENTS[1],), visits=(), watched={}),
    replace(BATCH, events=(replace(EVENTS[1], line="door"),), visits=(), watched={}),
    replace(BATCH, events=(replace(EVENTS[1], time_s=12.4),), visits=(), watched={}),
)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with closing(Database(database_url)) as database:
        add_target(database, "json://a", kinds=("violated", "left"))
        yield database


def counts(database: Database) -> list[int]:
    tables: list[type[Table]] = [EventRow, EventZoneRow, VisitRow, MessageRow]
    with database.read() as session:
        watched = session.scalar(select(func.sum(WatchedRow.seconds))) or 0
        return [*(session.scalar(select(func.count()).select_from(table)) or 0 for table in tables), round(watched)]


def test_what_was_kept_is_not_kept_twice(database: Database) -> None:
    """The database went away after it had kept it, and before it said so."""
    told = record(database, BATCH)
    assert counts(database) == [3, 2, 1, 2, 10]
    assert record(database, replace(BATCH, again=True)) == told
    assert counts(database) == [3, 2, 1, 2, 10]


def test_what_only_looks_like_it_is_kept(database: Database) -> None:
    record(database, replace(BATCH, events=EVENTS[:1]))
    before = counts(database)[0]
    for i, other in enumerate(LOOK_ALIKES):
        told = record(database, replace(other, again=True))
        before += len(other.events)
        assert (i, len(told), counts(database)[0]) == (i, len(other.events), before)


def test_a_commit_whose_answer_is_lost_is_told_once(database: Database) -> None:
    told: list[Any] = []
    answers = iter([False, False, True])

    def lost(batch: Batch) -> list[dict[str, Any]]:
        kept = record(database, batch)
        if not next(answers):
            raise StorageError("the server closed the connection")
        return kept

    recorder = Recorder(lost, told.append)
    recorder.start()
    recorder.hand_over(BATCH)
    recorder.close(20)
    assert [event["kind"] for event in told] == ["violated", "crossed", "left"]
    assert (counts(database), recorder.lost) == ([3, 2, 1, 2, 10], 0)
