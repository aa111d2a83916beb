from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwise.errors import InputError
from maskwise.serving.store.buckets import DAY_S, HOUR_S, QUARTER_S, edges, step_of, whole_quarters

ZURICH = ZoneInfo("Europe/Zurich")
ZONES = (
    "UTC",
    "Europe/Zurich",
    "America/New_York",
    "Asia/Kathmandu",  # 5:45
    "Australia/Lord_Howe",  # clocks change by half an hour
    "Africa/Cairo",  # at midnight
    "America/Havana",  # midnight comes twice
    "Pacific/Apia",  # left out 30 December 2011
)


def at(text: str, zone: str = "Europe/Zurich") -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)], ids=["spring", "autumn", "summer"]
)
def test_days_are_as_long_as_the_clock_makes_them(day: str, hours: int) -> None:
    first = at(day)
    assert edges(first, first + hours * HOUR_S, "day", ZURICH) == [first, first + hours * HOUR_S]
    assert len(edges(first, first + hours * HOUR_S, "hour", ZURICH)) == hours + 1


def test_the_outer_buckets_may_be_parts() -> None:
    moments = edges(at("2026-03-28T22:15"), at("2026-03-30T01:30"), "day", ZURICH)
    assert moments == [at(text) for text in ("2026-03-28T22:15", "2026-03-29", "2026-03-30", "2026-03-30T01:30")]
    assert step_of(moments) == QUARTER_S


def test_a_day_that_was_left_out_has_no_bucket() -> None:
    first, last = at("2011-12-29", "Pacific/Apia"), at("2012-01-01", "Pacific/Apia")
    assert edges(first, last, "day", ZoneInfo("Pacific/Apia")) == [first, first + DAY_S, last]


@given(st.sampled_from(ZONES), st.integers(1_300_000_000 // QUARTER_S, 1_900_000_000 // QUARTER_S), st.integers(1, 400))
@settings(deadline=None, max_examples=150)
def test_each_quarter_lies_in_the_bucket_of_its_hour_and_day(name: str, first: int, quarters: int) -> None:
    """A bucket ends where the clock's hour (or day) does: asked of the calendar for each quarter of an hour."""
    zone, start, end = ZoneInfo(name), first * QUARTER_S, (first + quarters) * QUARTER_S
    clock = {moment: datetime.fromtimestamp(moment, zone) for moment in range(start, end, QUARTER_S)}
    days, hours = edges(start, end, "day", zone), edges(start, end, "hour", zone)
    for moments in (days, hours):
        assert (moments[0], moments[-1]) == (start, end)
        assert moments == sorted(set(moments))
    changes = [m for m in clock if m > start and clock[m].date() > max(c.date() for k, c in clock.items() if k < m)]
    assert days[1:-1] == changes
    assert {m for m in clock if m > start and clock[m].minute == 0} <= set(hours)
    assert {clock[m].minute for m in hours[1:-1]} <= {0, 30}


def test_spans_are_widened_to_whole_quarters() -> None:
    assert whole_quarters(1000.5, 1801.0) == (900, 2700)
    assert whole_quarters(900, 1800) == (900, 1800)


@pytest.mark.parametrize("span", [(10.0, 10.0), (10.0, 5.0), (-5000.0, 5.0), (0.0, 1e12)])
def test_spans_that_cannot_be(span: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="since"):
        whole_quarters(*span)


@pytest.mark.parametrize("by", ["hour", "day"])
def test_more_buckets_than_anybody_looks_at_are_refused_before_they_are_made(by: str) -> None:
    with pytest.raises(InputError, match="10000 are the most; ask for"):
        edges(0, 250_000_000_000, by, ZURICH)  # type: ignore[arg-type]
    assert edges(0, 250_000_000_200, "all", ZURICH) == [0, 250_000_000_200]
