from __future__ import annotations

from collections import Counter

import pytest

from maskwise.serving.cameras.story import HOUR_S, LONGEST_GAP_S, Heard, Story, by_hour
from maskwise.serving.store.recording import Visit
from maskwise.stream.following.events import Event
from maskwise.stream.following.zones import Zone
from tests.stream.moments import Visit as Stay
from tests.stream.moments import moments, steady

RUN = 1_700_000_000.0
LEFT = Zone("left", ((0, 0), (0.5, 0), (0.5, 1), (0, 1)))
ALL = Zone("all", ((0, 0), (1, 0), (1, 1), (0, 1)))


def heard(story: Story, stays: list[Stay], seconds: float, **more: object) -> list[Heard]:
    said = [story.look(moment) for moment in moments(stays, seconds, **more)]  # type: ignore[arg-type]
    return [one for one in (*said, story.rest()) if one]


def total(parts: list[Heard]) -> dict[int, float]:
    watched: Counter[int] = Counter()
    for part in parts:
        watched.update(part.watched)
    return dict(watched)


@pytest.mark.parametrize(
    ("at_s", "seconds"), [(0.0, 1.5), (3599.5, 1.0), (7199.25, 7202.0), (3600.0, 3600.0), (5.0, 0.0), (RUN, 2.0)]
)
def test_hours_share_a_stretch_as_counting_tenths_does(at_s: float, seconds: float) -> None:
    plain: Counter[int] = Counter()
    for i in range(round(seconds * 100)):
        plain[int((at_s + (i + 0.5) / 100) // HOUR_S) * HOUR_S] += 1
    assert by_hour(at_s, seconds) == pytest.approx({hour: n / 100 for hour, n in plain.items()}, abs=0.011)


def test_everybody_is_one_visit_at_its_true_time() -> None:
    stays = [steady(1.0, 3.0, "masked"), steady(2.0, 4.0, "unmasked", (10.0, 10.0))]
    parts = heard(Story(RUN), stays, 6.0)
    visits = [visit for part in parts for visit in part.visits]
    assert [visit.verdict for visit in visits] == ["masked", "unmasked"]
    assert visits[0].began_s == pytest.approx(RUN + 1.0)
    assert visits[0].ended_s == pytest.approx(RUN + 2.9)
    assert visits[0].seconds == pytest.approx({"masked": 1.9})


def test_whoever_is_there_at_the_end_is_a_visit_too() -> None:
    (visit,) = [visit for part in heard(Story(RUN), [steady(0.5, 99.0, "masked")], 2.0) for visit in part.visits]
    assert visit.ended_s == pytest.approx(RUN + 1.9)


def test_a_visit_knows_the_zones_it_was_in() -> None:
    stays = [steady(0.0, 1.0, "masked", (10.0, 24.0)), steady(0.0, 1.0, "masked", (50.0, 24.0))]
    visits = [visit for part in heard(Story(RUN, (LEFT, ALL)), stays, 2.0) for visit in part.visits]
    assert sorted(visit.zones for visit in visits) == [("all",), ("left", "all")]


def test_watched_time_adds_up_to_the_stream_and_is_said_often() -> None:
    parts = heard(Story(RUN), [], 35.0)
    assert sum(total(parts).values()) == pytest.approx(34.9, abs=0.001)
    assert len(parts) >= 3
    assert all(hour % HOUR_S == 0 for hour in total(parts))


def test_watched_time_is_put_down_to_its_hour() -> None:
    run = RUN // HOUR_S * HOUR_S + HOUR_S - 10.0
    watched = total(heard(Story(run), [], 25.0))
    assert watched == pytest.approx({run + 10 - HOUR_S: 10.0, run + 10: 14.9}, abs=0.001)


def test_a_long_gap_was_not_watched() -> None:
    story = Story(RUN)
    said = [story.look(moment) for moment in moments([], 100.0, rate=0.1)]
    parts = [one for one in said if one]
    assert sum(total([*parts, story.rest()]).values()) == pytest.approx(9 * LONGEST_GAP_S, abs=0.001)


def test_a_frozen_picture_is_not_watched() -> None:
    story = Story(RUN)
    for moment in moments([], 5.0):
        story.look(moment, frozen=True)
    assert not story.rest()


def test_events_are_said_at_once() -> None:
    event = Event("appeared", "x", 0.5, 1, "masked")
    said = [one for one in heard(Story(RUN), [], 1.0, events=[event]) if one.events]
    assert [one.events for one in said] == [(event,)]
    batch = said[0].batch(3, "door", RUN)
    assert (batch.stream_id, batch.stream, batch.run, batch.events) == (3, "door", RUN, (event,))
    assert all(isinstance(visit, Visit) for visit in batch.visits)
