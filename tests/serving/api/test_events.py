from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import pytest
from starlette.testclient import TestClient

from maskwise.serving.api import events
from maskwise.serving.store.database import Database
from maskwise.serving.store.events import Cursor
from maskwise.serving.store.recording import Batch, record
from maskwise.stream.following.events import Event, Kind
from maskwise.stream.outputs.audit_log import verify
from tests.serving.api.asked import client_of

RUN = 1_700_000_000.0
VERDICTS = ("masked", "incorrect", "unmasked", "uncertain")


@pytest.fixture
def asked(tmp_path: Path, database_url: str) -> Iterator[tuple[TestClient, Database]]:
    with client_of(events.router, tmp_path, database_url) as both:
        yield both


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """For what never gets as far as the database."""
    folder = tmp_path_factory.mktemp("events")
    with client_of(events.router, folder, f"sqlite:///{folder / 'a.db'}") as (made, _):
        yield made


def some(database: Database, count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Events of two streams, several at the same moment; as they were told."""
    rng, told = random.Random(seed), []
    for stream in (1, 2):
        happened = []
        for i in range(count // 2):
            zones = tuple(rng.sample(["door", "desk", "bed"], rng.randint(0, 2)))
            kind, verdict, seconds = rng.choice(get_args(Kind)), rng.choice(VERDICTS), rng.choice([None, 3.25])
            time_s = float(rng.randint(0, count // 3))
            happened.append(Event(kind, "x", time_s, i, verdict, zones=zones, seconds=seconds))
        told += record(database, Batch(stream, f"stream {stream}", RUN, tuple(happened)))
    return told


def newest_first(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows = [{**event, "zones": sorted(event["zones"])} for event in told]
    return sorted(rows, key=lambda event: (event["at"], event["id"]), reverse=True)


def every_page(client: TestClient, limit: int, **filters: Any) -> Iterator[list[dict[str, Any]]]:
    more: str | None = ""
    while more is not None:
        answer = client.get("/v1/events", params={"limit": limit, **filters, **({"after": more} if more else {})})
        assert answer.status_code == 200, answer.text
        yield answer.json()["events"]
        more = answer.json()["next"]


def test_pages_hold_each_event_once(asked: tuple[TestClient, Database]) -> None:
    client, database = asked
    told = newest_first(some(database, 50))
    for limit in (1, 7, 50, 1000):
        pages = list(every_page(client, limit))
        assert [event for page in pages for event in page] == told
        assert all(len(page) == limit for page in pages[:-1])
        assert pages[-1]


def test_what_is_added_meanwhile_moves_nothing(asked: tuple[TestClient, Database]) -> None:
    client, database = asked
    told, found = newest_first(some(database, 30)), []
    for number, page in enumerate(every_page(client, 10)):
        found += page
        later = Event("appeared", "x", 1000.0 + number, 1, "masked")
        record(database, Batch(1, "stream 1", RUN, (later, later)))
    assert found == told


FILTERS: tuple[dict[str, Any], ...] = (
    {"stream": 2},
    {"kind": "violated"},
    {"kind": ["violated", "left"], "verdict": ["unmasked", "incorrect"]},
    {"verdict": "uncertain"},
    {"zone": "door"},
    {"zone": "nowhere"},
    {"since": "2023-11-14T22:13:25Z", "until": "2023-11-14T22:13:30+00:00"},
    {"since": "2023-11-14T23:13:25+01:00"},
    {"stream": 1, "zone": "desk", "kind": "changed", "until": "2023-11-14T22:13:32Z"},
    {"since": "0001-01-01T00:00:00+14:00", "until": "9999-12-31T23:59:59-12:00"},
)


def test_filters(asked: tuple[TestClient, Database]) -> None:
    client, database = asked
    every = newest_first(some(database, 60))
    for filters in FILTERS:
        told = [event for event in every if fits(event, filters)]
        assert [event for page in every_page(client, 4, **filters) for event in page] == told, filters
        table = list(csv.DictReader(io.StringIO(client.get("/v1/events.csv", params=filters).text)))
        assert [int(row["id"]) for row in table] == [event["id"] for event in told], filters


def fits(event: dict[str, Any], filters: dict[str, Any]) -> bool:
    at = datetime.fromisoformat(event["at"])
    wanted = {k: v if isinstance(v, list) else [v] for k, v in filters.items()}
    return (
        event["stream_id"] in wanted.get("stream", [event["stream_id"]])
        and event["kind"] in wanted.get("kind", [event["kind"]])
        and event["verdict"] in wanted.get("verdict", [event["verdict"]])
        and ("zone" not in wanted or wanted["zone"][0] in event["zones"])
        and ("since" not in wanted or at >= datetime.fromisoformat(filters["since"]))
        and ("until" not in wanted or at < datetime.fromisoformat(filters["until"]))
    )


@pytest.mark.parametrize(
    ("asked_with", "where"),
    [
        ({"after": "nonsense"}, "after"),
        ({"after": "AAAAAAAAAAAAAAA="}, "after"),
        ({"after": "f_gAAAAAAAAAAAAB"}, "after"),
        ({"after": "ä" * 16}, "after"),
        ({"after": ""}, "after"),
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"since": "2023-11-14T22:13:25"}, "since"),
        ({"since": "1700000000"}, "since"),
        ({"until": "yesterday"}, "until"),
        ({"until": "2023-02-30T00:00:00Z"}, "until"),
        ({"kind": "exploded"}, "kind"),
        ({"verdict": "maybe"}, "verdict"),
        ({"stream": 2**31}, "stream"),
        ({"stream": "hall"}, "stream"),
        ({"zone": "a\x00b"}, "zone"),
        ({"knid": "violated"}, "knid"),
    ],
    ids=str,
)
def test_what_cannot_be_asked(client: TestClient, asked_with: dict[str, Any], where: str) -> None:
    answer = client.get("/v1/events", params=asked_with)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert where in answer.json()["detail"]


def test_a_cursor_comes_back_as_it_was() -> None:
    for cursor in (Cursor(1_700_000_000.123456, 1), Cursor(0.0, 2**31)):
        assert Cursor.parse(str(cursor)) == cursor


def test_the_table_says_what_the_events_say_and_is_recorded(asked: tuple[TestClient, Database], tmp_path: Path) -> None:
    client, database = asked
    told = newest_first(some(database, 2100))  # more than are fetched at once
    answer = client.get("/v1/events.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="maskwise-events.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    for row, event in zip(rows, told, strict=True):
        plain = {name: "" if value is None else str(value) for name, value in event.items()}
        assert row == {**plain, "zones": "; ".join(event["zones"])}
    entry = (tmp_path / "audit.log").read_text()
    assert '"export"' in entry
    assert '"local"' in entry
    assert verify(tmp_path / "audit.log").broken is None


def test_no_name_runs_as_a_formula(asked: tuple[TestClient, Database]) -> None:
    client, database = asked
    names = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"]
    for number, name in enumerate(names, start=1):
        event = Event("crossed", "x", 1.0, 1, "masked", zones=(name,), line=name, way="in")
        record(database, Batch(number, name, RUN, (event,)))
    rows = csv.DictReader(io.StringIO(client.get("/v1/events.csv").text, newline=""))
    for row, name in zip(rows, reversed(names), strict=True):
        assert {row["stream"], row["zones"], row["line"]} == {f"'{name}"}
        assert row["person"] == "1"


def test_a_store_out_of_reach_is_said_without_secrets(tmp_path: Path) -> None:
    path = tmp_path / "geheim.db"
    with client_of(events.router, tmp_path, f"sqlite:///{path}") as (client, database):
        database.engine.dispose()
        for file in tmp_path.glob("geheim.db*"):
            file.unlink()
        path.write_bytes(b"no database" * 1000)
        answer = client.get("/v1/events")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert "geheim" not in answer.text
