from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from itertools import product
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest

from maskwise.errors import InputError
from maskwise.serving.store.buckets import By
from maskwise.serving.store.counting import Group
from maskwise.serving.store.database import Database
from maskwise.serving.store.recording import Batch, Visit, record
from maskwise.serving.store.statistics import Question, compliance, count
from maskwise.statistics.metrics import wilson
from maskwise.statistics.rates import rate
from tests.serving.store.rows import STREAMS, VERDICTS, ZONES, Told, add_streams, fill

ZURICH = ZoneInfo("Europe/Zurich")
FIRST = round(datetime(2026, 3, 28, 21, 0, tzinfo=ZURICH).timestamp())
LAST = round(datetime(2026, 3, 30, 3, 0, tzinfo=ZURICH).timestamp())  # 29 hours: one of them was left out
LATER = LAST + 1_000_000


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with closing(Database(database_url)) as made:
        add_streams(made)
        yield made


def asked(database: Database, question: Question, now_s: float = LATER) -> dict[str, Any]:
    with database.read() as session:
        return count(session, question, now_s)


def plain(told: Told, begins: float, ends: float, stream: int | None, zone: str | None) -> dict[str, Any]:
    """The same bucket, counted from what went in, one by one."""
    streams = [s for s in STREAMS if stream in (None, s) and (zone is None or zone in ZONES[s])]
    seen = [
        v for s, v in told.visits if s in streams and begins <= v.ended_s < ends and (zone is None or zone in v.zones)
    ]
    violations = sum(s in streams and begins <= t < ends and (zone is None or zone in z) for s, t, z in told.violations)
    persons = {label: sum(v.verdict == label for v in seen) for label in VERDICTS}
    decided = persons["masked"] + persons["incorrect"] + persons["unmasked"]
    low, high = wilson(persons["masked"], decided)
    hours = sum(seconds for (s, h), seconds in told.watched.items() if s in streams and begins <= h < ends) / 3600
    return {
        "persons": persons,
        "compliance": {"value": persons["masked"] / decided, "low": low, "high": high, "n": decided}
        if decided
        else {"value": None, "low": None, "high": None, "n": 0},
        "person_seconds": {
            label: pytest.approx(sum(v.seconds.get(label, 0.0) for v in seen), abs=1e-3) for label in VERDICTS
        },
        "violations": violations,
        "watched_hours": pytest.approx(hours, abs=1e-4),
        "violations_per_hour": pytest.approx(rate(violations, hours).to_json()),
    }


def test_every_bucket_is_what_a_plain_count_says(database: Database) -> None:
    told = fill(database, FIRST, LAST)
    wheres: list[dict[str, Any]] = [{}, {"stream": 2}, {"zone": "door"}, {"stream": 1, "zone": "desk"}]
    for by, group, where in product(get_args(By), get_args(Group), wheres):
        answer = asked(database, Question(FIRST, LAST, by, ZURICH, group=group, **where))
        check(told, answer, by, group, where)


def check(told: Told, answer: dict[str, Any], by: str, group: str, where: dict[str, Any]) -> None:
    spans = sorted({(bucket["from"], bucket["to"]) for bucket in answer["buckets"]})
    groups = {(bucket["stream_id"], bucket["zone"]) for bucket in answer["buckets"]}
    assert len(spans) == {"hour": 29, "day": 3, "all": 1}[by]
    assert len(answer["buckets"]) == len(spans) * len(groups)  # empty ones too
    for bucket in [*answer["buckets"], answer["total"]]:
        begins, ends = (datetime.fromisoformat(bucket[name]).timestamp() for name in ("from", "to"))
        expected = plain(told, begins, ends, bucket["stream_id"], bucket["zone"])
        assert {name: bucket[name] for name in expected} == expected
        assert bucket["stream"] == STREAMS.get(bucket["stream_id"])
    assert groups == expected_groups(group, where)
    assert (answer["total"]["stream_id"], answer["total"]["zone"]) == (where.get("stream"), where.get("zone"))


def expected_groups(group: str, where: dict[str, Any]) -> set[tuple[int | None, str | None]]:
    stream, zone = where.get("stream"), where.get("zone")
    if group == "stream" and stream is None:
        return {(number, zone) for number in STREAMS}
    if group == "zone" and zone is None:
        here = {name for number in STREAMS for name in ZONES[number] if stream in (None, number)}
        return {(stream, name) for name in here}
    return {(stream, zone)}


def test_where_nothing_was_the_answer_is_empty_not_wrong(database: Database) -> None:
    answer = asked(database, Question(FIRST, FIRST + 3600 * 3))
    assert len(answer["buckets"]) == 3
    nothing = {"value": None, "low": None, "high": None, "n": 0}
    for bucket in [*answer["buckets"], answer["total"]]:
        assert bucket["persons"] == dict.fromkeys(VERDICTS, 0)
        assert bucket["compliance"] == bucket["violations_per_hour"] == nothing
        assert bucket["watched_hours"] == 0


def test_a_stream_that_was_removed_still_counts(database: Database) -> None:
    visit = Visit(FIRST, FIRST + 5.0, "masked", {"masked": 5.0}, ("gate",))
    record(database, Batch(9, "removed", float(FIRST), visits=(visit,), watched={FIRST: 60.0}))
    by_stream = asked(database, Question(FIRST, FIRST + 3600, "all", group="stream"))["buckets"]
    assert [(b["stream_id"], b["stream"], b["persons"]["masked"]) for b in by_stream] == [
        (1, "hall", 0),
        (2, "ward", 0),
        (9, "removed", 1),
    ]
    by_zone = asked(database, Question(FIRST, FIRST + 3600, "all", group="zone"))["buckets"]
    assert {b["zone"]: (b["persons"]["masked"], b["watched_hours"]) for b in by_zone} == {
        **dict.fromkeys(("bed", "desk", "door"), (0, 0.0)),
        "gate": (1, 0.0167),
    }


def test_an_hour_that_is_cut_counts_as_watched_evenly(database: Database) -> None:
    record(database, Batch(1, "hall", 0.0, watched={FIRST: 1800.0}))
    for since, until, now, hours in (
        (0, 3600, 10_000, 0.5),  # the whole hour
        (0, 1800, 10_000, 0.25),  # half of it
        (900, 1800, 10_000, 0.125),
        (0, 1200, 1200, 0.5),  # it is not over: all of what was watched lies before now
        (0, 900, 1200, 0.25),
        (-3600, 7200, 10_000, 0.5),
    ):
        answer = asked(database, Question(FIRST + since, FIRST + until, "all"), FIRST + now)
        assert answer["total"]["watched_hours"] == pytest.approx(hours), (since, until, now)


def test_where_the_clock_is_half_an_hour_off_no_watched_time_is_lost(database: Database) -> None:
    told = fill(database, FIRST, LAST)
    answer = asked(database, Question(FIRST, LAST, "hour", ZoneInfo("Asia/Kolkata")))
    total = sum(told.watched.values()) / 3600
    assert sum(bucket["watched_hours"] for bucket in answer["buckets"]) == pytest.approx(total, abs=0.01)
    assert answer["total"]["watched_hours"] == pytest.approx(total, abs=1e-3)


def test_too_many_buckets_are_refused(database: Database) -> None:
    year = 365 * 86_400
    with pytest.raises(InputError, match="17520 buckets, and 10000 are the most"):
        asked(database, Question(FIRST, FIRST + year, "hour", group="stream"))
    assert len(asked(database, Question(FIRST, FIRST + year, "hour"))["buckets"]) == 8760


def test_compliance_of_nobody_is_not_known() -> None:
    assert compliance({"masked": 0, "incorrect": 0, "unmasked": 0, "uncertain": 5}).n == 0
