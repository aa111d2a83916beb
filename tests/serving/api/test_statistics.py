from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from maskwise.serving.api import statistics
from maskwise.serving.store.database import Database
from maskwise.serving.store.recording import Batch, Visit, record
from maskwise.serving.store.tables import SettingRow
from tests.serving.api.asked import client_of
from tests.serving.store.rows import add_streams, fill

FIRST = round(datetime.fromisoformat("2026-10-24T22:00:00Z").timestamp())  # midnight in Zurich, of a day of 25 hours
LAST = FIRST + 25 * 3600


@pytest.fixture
def asked(tmp_path: Path, database_url: str) -> Iterator[tuple[TestClient, Database]]:
    with client_of(statistics.router, tmp_path, database_url) as both:
        yield both


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """For what is refused before anything is counted."""
    folder = tmp_path_factory.mktemp("statistics")
    with client_of(statistics.router, folder, f"sqlite:///{folder / 'a.db'}") as (made, _):
        yield made


def test_a_day_of_25_hours(asked: tuple[TestClient, Database]) -> None:
    client, database = asked
    add_streams(database)
    told = fill(database, FIRST, LAST)
    params = {"since": "2026-10-25T00:00:00+02:00", "until": "2026-10-26T00:00:00+01:00", "timezone": "Europe/Zurich"}
    by_hour = client.get("/v1/statistics", params=params).json()
    by_day = client.get("/v1/statistics", params={**params, "by": "day"}).json()
    assert (len(by_hour["buckets"]), len(by_day["buckets"])) == (25, 1)
    assert by_hour["total"] == by_day["total"]
    assert sum(by_day["total"]["persons"].values()) == len(told.visits)
    assert by_day["since"] == by_day["buckets"][0]["from"] == "2026-10-24T22:00:00.000Z"
    assert by_day["until"] == by_day["buckets"][0]["to"] == "2026-10-25T23:00:00.000Z"
    assert (by_day["by"], by_day["timezone"], by_day["retention_days"]) == ("day", "Europe/Zurich", 30)


def test_without_a_span_it_is_the_last_day(asked: tuple[TestClient, Database]) -> None:
    client, database = asked
    with database.begin() as session:
        session.add(SettingRow(name="retention_days", value=7))
    answer = client.get("/v1/statistics").json()
    assert len(answer["buckets"]) in (25, 26)
    assert answer["retention_days"] == 7
    assert answer["total"]["compliance"] == {"value": None, "low": None, "high": None, "n": 0}


def test_the_table_says_the_same(asked: tuple[TestClient, Database], tmp_path: Path) -> None:
    client, database = asked
    add_streams(database)
    fill(database, FIRST, LAST)
    record(database, Batch(9, "=evil()", 0.0, visits=(Visit(FIRST, FIRST + 1.0, "masked", {}),), watched={FIRST: 9.0}))
    params = {"since": "2026-10-24T22:00:00Z", "until": "2026-10-25T22:00:00Z", "by": "day", "group": "stream"}
    answer = client.get("/v1/statistics.csv", params=params)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    buckets = client.get("/v1/statistics", params=params).json()["buckets"]
    assert [row["stream"] for row in rows] == ["hall", "ward", "'=evil()"] * 2
    for row, bucket in zip(rows, buckets, strict=True):
        for name, value in bucket.items():
            inner = value if isinstance(value, dict) else {}
            found = {f"{name}_{key}": row[f"{name}_{key}"] for key in inner}
            assert found == {f"{name}_{key}": "" if one is None else str(one) for key, one in inner.items()}
        assert row["violations"] == str(bucket["violations"])
    assert '"what":"statistics"' in (tmp_path / "audit.log").read_text()


@pytest.mark.parametrize("table", ["", ".csv"])
@pytest.mark.parametrize(
    ("asked_with", "said"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone: 'Mars/Olympus' is not known"),
        ({"timezone": "America"}, "timezone: 'America' is not known"),
        ({"timezone": "../../etc/passwd"}, "timezone"),
        ({"timezone": "a\x00b"}, "timezone"),
        ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "before until"),
        ({"since": "0001-01-01T00:00:00Z", "until": "9999-12-31T23:59:59Z", "by": "all"}, "1970"),
        ({"since": "2020-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "10000 are the most; ask for"),
        ({"since": "2026-01-01"}, "since"),
        ({"by": "week"}, "by"),
        ({"group": "both"}, "group"),
        ({"stream": 0}, "stream"),
        ({"zone": ""}, "zone"),
        ({"zones": "door"}, "zones"),
    ],
    ids=str,
)
def test_what_cannot_be_asked(client: TestClient, table: str, asked_with: dict[str, Any], said: str) -> None:
    answer = client.get(f"/v1/statistics{table}", params=asked_with)
    assert answer.status_code == 422, answer.text
    assert said in answer.json()["detail"]
