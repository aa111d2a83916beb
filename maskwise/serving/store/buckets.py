"""Time cut into hours and days as the clock on the wall has them: days of 23 and 25 hours, hours of 30 minutes.

Everything here is in whole seconds since 1970, so nothing is lost or counted twice where clocks are changed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from maskwise.errors import InputError

By = Literal["hour", "day", "all"]

QUARTER_S, HOUR_S, DAY_S = 900, 3600, 86_400
MOST = 10_000
"""Buckets in one answer."""


def whole_quarters(since_s: float, until_s: float) -> tuple[int, int]:
    """The quarters of an hour that a span touches: from the start of the first to the end of the last.

    Raises:
        InputError: the span is empty or lies outside the calendar.
    """
    if not since_s < until_s:
        raise InputError("since: it has to be before until")
    first, last = math.floor(since_s / QUARTER_S) * QUARTER_S, math.ceil(until_s / QUARTER_S) * QUARTER_S
    if first < 0 or last > datetime(9999, 1, 1, tzinfo=UTC).timestamp():
        raise InputError("since and until: they have to be from 1970 to 9998")
    return first, last


def edges(first: int, last: int, by: By, zone: ZoneInfo) -> list[int]:
    """Where buckets begin, and last where they end: n + 1 moments for n buckets; the outer two may be parts.

    Args:
        first: where the first begins.
        last: where the last ends.
        by: how long they are; `all` is one.
        zone: whose clock.

    Raises:
        InputError: there would be more than `MOST`.
    """
    check_number(0 if by == "all" else (last - first) // (HOUR_S if by == "hour" else DAY_S))
    if by == "all":
        return [first, last]
    following: Callable[[int, ZoneInfo], int] = _next_hour if by == "hour" else _next_midnight
    found = [first]
    while found[-1] < last:
        found.append(min(following(found[-1], zone), last))
    check_number(len(found) - 1)
    return found


def check_number(buckets: int) -> None:
    """Refuse more than a person or a page can look at.

    Raises:
        InputError: more than `MOST`.
    """
    if buckets > MOST:
        raise InputError(
            f"this makes {buckets} buckets, and {MOST} are the most; "
            "ask for a shorter time, longer buckets or fewer groups"
        )


def step_of(moments: Sequence[int]) -> int:
    """The longest step that meets every edge: what the database has to count by, at the coarsest."""
    return math.gcd(*(moment - moments[0] for moment in moments[1:]))


def _next_hour(at: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(at, zone).utcoffset() or timedelta()
    return at - (at + round(offset.total_seconds())) % HOUR_S + HOUR_S


def _next_midnight(at: int, zone: ZoneInfo) -> int:
    day = datetime.fromtimestamp(at, zone).date()
    while True:  # a day that a zone left out has no length: the one after it is next
        day += timedelta(days=1)
        midnight = round(datetime.combine(day, time(), zone).timestamp())
        if midnight > at:
            return midnight
