"""What a stream came to, against plain counts over the visits that made it, and against simulated truth."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from maskwise.model.artifact import folder_of, read_card
from maskwise.model.verdict import OperatingPoint, Thresholds
from maskwise.statistics.metrics import Figure
from maskwise.statistics.sketch import OFF_BY, Sketch
from maskwise.stream.following.events import Event, Rules
from maskwise.stream.following.zones import Line, Zone
from maskwise.stream.report.error_rates import ErrorRates, error_rates
from maskwise.stream.report.summary import Summary, compliance
from maskwise.stream.report.timeline import BINS, VERDICTS
from maskwise.values import CLASSES
from tests.stream.moments import Visit, moments, steady

RATES = ErrorRates(Figure(0.95, 0.92, 0.97, 400), Figure(0.9, 0.87, 0.93, 400), "balanced")


def summed(visits: list[Visit], seconds: float, rules: Rules | None = None, **how: Any) -> dict[str, Any]:
    summary = Summary("door", CLASSES, rules, how.pop("rates", "none given"))
    for moment in moments(visits, seconds, **how):
        summary.look(moment)
    got = summary.to_json()
    assert json.loads(json.dumps(got, allow_nan=False)) == got
    return got


CROWD = [
    *(steady(i, i + 5, "masked") for i in range(6)),
    *(steady(i, i + 3, "unmasked") for i in (2, 9)),
    steady(4, 8, "incorrect"),
    steady(1, 6, "uncertain"),
    Visit(0, 10, ((0, "uncertain"), (1, "unmasked"), (4, "masked"))),
    steady(7, 7.2, "unmasked"),  # two looks: a glimpse
]


@pytest.mark.parametrize("rate", [10.0, 25.0])
def test_people_are_counted_once_each_by_the_verdict_held_longest(rate: float) -> None:
    got = summed(CROWD, 15, rate=rate)
    glimpses = 1 if rate == 10 else 0
    by_verdict = {"masked": 7, "incorrect": 1, "unmasked": 3 - glimpses, "uncertain": 1}
    assert got["people"] == {
        "n": 12 - glimpses,
        "by_verdict": by_verdict,
        "glimpses": glimpses,
        "now": 0,
        "most_at_once": max(sum(v.comes_s <= t < v.goes_s for v in CROWD[:-1]) for t in np.arange(0.3, 15, 0.1)),
    }
    assert got["frames"] == got["looks"] == 15 * rate
    assert got["compliance"]["by_person"]["value"] == pytest.approx(7 / (11 - glimpses))
    assert got["compliance"]["by_person"]["n"] == 11 - glimpses
    assert got["compliance"]["uncertain"]["value"] == pytest.approx(1 / (12 - glimpses))
    assert got["compliance"]["if_uncertain_masked"]["value"] == pytest.approx(8 / (12 - glimpses))
    assert got["compliance"]["if_uncertain_unmasked"]["value"] == pytest.approx(7 / (12 - glimpses))


def test_time_in_sight_is_that_of_the_visits() -> None:
    got = summed(CROWD[:-1], 15, rate=10)
    gap = 0.1  # from the last look to where the visit ends
    masked, unmasked = 6 * (5 - gap) + 6 - gap, 2 * (3 - gap) + 3
    assert got["seconds_in_sight"] == pytest.approx(
        {"masked": masked, "unmasked": unmasked, "incorrect": 4 - gap, "uncertain": 5 - gap + 1}
    )
    assert got["compliance"]["by_time"]["value"] == pytest.approx(masked / (masked + unmasked + 4 - gap))
    assert got["compliance"]["by_time"]["n"] == 10
    assert got["dwell_s"]["longest"] == pytest.approx(10 - gap)
    assert got["dwell_s"]["median"] == pytest.approx(5 - gap, rel=OFF_BY)


def test_looking_at_every_third_frame_only_gives_the_same_people() -> None:
    every, third = (summed(CROWD[:-1], 15, rate=30, looks_each=n) for n in (1, 3))
    assert every["people"] == third["people"]
    assert third["looks"] == every["looks"] / 3


def test_whoever_is_still_there_is_counted_as_they_are_now() -> None:
    summary = Summary("door", CLASSES)
    for moment in moments([steady(0, 2, "masked"), steady(1, 99, "unmasked")], 60):
        if moment.frame.index < 50:
            summary.look(moment)
    got = summary.to_json()
    assert got["people"] | {"by_verdict": 0} == {"n": 2, "by_verdict": 0, "glimpses": 0, "now": 1, "most_at_once": 2}
    assert got["people"]["by_verdict"]["unmasked"] == 1
    assert got == summary.to_json(), "asking changes nothing"


def test_nothing_at_all() -> None:
    got = Summary("door", CLASSES, rates=RATES).to_json()
    assert (got["frames"], got["seconds"], got["people"]["n"]) == (0, 0.0, 0)
    assert got["compliance"]["by_person"] == {"value": None, "low": None, "high": None, "n": 0}
    assert got["compliance"]["corrected"] is None
    assert "nobody" in got["compliance"]["corrected_because"]
    assert got["dwell_s"]["median"] is None


def test_zones_lines_and_events_are_counted_by_name() -> None:
    left = Zone("left", ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)))
    rules = Rules(zones=(left,), lines=(Line("door", ((0.5, 0.0), (0.5, 1.0))),))
    visits = [steady(0, 5, "masked", (10, 20)), steady(0, 4, "unmasked", (20, 20)), steady(0, 5, "masked", (50, 20))]
    events = [
        Event("crossed", "door", 1.0, 1, "masked", line="door", way="to_left"),
        Event("crossed", "door", 2.0, 2, "unmasked", line="door", way="to_right"),
        Event("crossed", "door", 3.0, 2, "unmasked", line="door", way="to_left"),
        Event("violated", "door", 3.5, 2, "unmasked", seconds=3.0),
    ]
    got = summed(visits, 6, rules, events=events)
    zone = got["zones"]["left"]
    assert zone["people"] == 2
    assert zone["by_verdict"] == {"masked": 1, "incorrect": 0, "unmasked": 1, "uncertain": 0}
    assert zone["dwell_s"]["longest"] == pytest.approx(4.9)
    assert zone["compliance"]["value"] == 0.5
    assert got["people"]["n"] == 3, "people outside the zones are people"
    assert got["lines"] == {"door": {"to_left": 2, "to_right": 1}}
    assert got["events"]["crossed"] == 3
    assert got["events"]["violated"] == 1
    assert sum(got["timeline"]["events"]["crossed"]) == 3
    assert got["timeline"]["events"]["violated"][35] == 1


def test_a_long_stream_takes_no_more_memory_than_a_short_one() -> None:
    rng = np.random.default_rng(0)
    rules = Rules(zones=(Zone("all", ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))),))
    visits = [
        steady(begin, begin + float(rng.gamma(2, 6)), str(rng.choice(VERDICTS)))
        for begin in rng.uniform(0, 20_000, 5_000)
    ]
    events = [Event("violated", "door", float(t), 1, "unmasked") for t in rng.uniform(0, 20_000, 2_000)]
    summary, held = Summary("door", CLASSES, rules, RATES), {}
    for moment in moments(visits, 20_000, rate=5, events=events, looks_each=2):
        summary.look(moment)
        if moment.frame.index + 1 in (5_000, 100_000):
            held[moment.frame.index + 1] = len(pickle.dumps(summary))
    got = summary.to_json()
    assert got["frames"] == 100_000
    assert 4_900 < got["people"]["n"] + got["people"]["glimpses"] <= 5_000
    assert held[100_000] < 1.2 * held[5_000] < 80_000
    timeline = got["timeline"]
    assert BINS / 2 <= len(timeline["most_at_once"]) <= BINS
    assert timeline["bin_s"] * len(timeline["most_at_once"]) == pytest.approx(20_000, rel=0.01)
    assert sum(timeline["events"]["violated"]) == 2_000


def test_the_timeline_keeps_every_second_however_often_it_is_made_coarser() -> None:
    visits = [steady(10 * i, 10 * i + 6, CLASSES[i % 3]) for i in range(100)]
    timeline = summed(visits, 1_000, rate=4)["timeline"]
    assert timeline["bin_s"] == pytest.approx(3.2)
    for i, name in enumerate(CLASSES):
        assert sum(timeline["seconds"][name]) == pytest.approx(6 * len(range(i, 100, 3)), abs=0.3)
    assert max(timeline["most_at_once"]) == 1
    fine = np.arange(0, 1_000, 0.01) + 0.005
    masked = (fine % 10 < 6) & (fine // 10 % 3 == 0)
    true = np.bincount((fine // 3.2).astype(int), weights=masked * 0.01)
    assert np.abs(np.array(timeline["seconds"]["masked"]) - true[: len(timeline["seconds"]["masked"])]).max() < 0.3


def test_of_a_long_silence_nobody_knows_who_was_there() -> None:
    summary = Summary("door", CLASSES)
    first = list(moments([steady(0, 99, "masked")], 1))[:-1]
    for moment in first:
        summary.look(moment)
    summary.look(replace(first[-1], frame=replace(first[-1].frame, time_s=3600.0)))
    assert sum(summary.to_json()["timeline"]["seconds"]["masked"]) < 3
    assert summary.seconds == 3600


@pytest.mark.parametrize("q", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_quantiles_are_as_near_as_promised(q: float) -> None:
    values = np.random.default_rng(0).lognormal(2, 1.5, 20_000)
    sketch = Sketch()
    for value in values:
        sketch.add(float(value))
    true = float(np.quantile(values, q, method="inverted_cdf"))
    assert sketch.quantile(q) == pytest.approx(true, rel=OFF_BY * 1.001)
    assert len(sketch.counts) < 1_100
    assert sketch.mean == pytest.approx(values.mean())


def test_the_share_of_time_knows_that_times_of_one_person_belong_together() -> None:
    """Of simulated people, most all masked or all bare, some staying ten times as long as others."""
    rng, inside, runs = np.random.default_rng(0), 0, 80
    for _ in range(runs):
        visits = []
        for _ in range(30):
            stays = 2 + rng.gamma(1, 8)
            kind = rng.random()
            said: tuple[tuple[float, str], ...] = ((0.0, "masked" if kind < 0.6 else "unmasked"),)
            if kind > 0.8:
                said = ((0.0, "unmasked"), (stays / 2, "masked"))
            visits.append(Visit(0.0, stays, said))
        got = summed(visits, 60, rate=2)["compliance"]["by_time"]
        inside += got["low"] <= 0.7 <= got["high"]
    assert inside / runs > 0.9


def test_correction_finds_the_simulated_truth_and_its_interval_holds_it() -> None:
    """500 streams of 300 people, judged by a model whose error rates were themselves measured on 400 faces."""
    rng = np.random.default_rng(1)
    truth, se, sp, n = 0.7, 0.93, 0.85, 300
    values, plain, inside = [], [], 0
    for _ in range(500):
        really = rng.random(n) < truth
        called = np.where(really, rng.random(n) < se, rng.random(n) >= sp)
        measured = [Figure(rng.binomial(400, rate) / 400, 0, 1, 400) for rate in (se, sp)]
        counts = Counter({"masked": int(called.sum()), "unmasked": int((~called).sum()), "uncertain": 9})
        got = compliance(counts, ErrorRates(measured[0], measured[1], "balanced"))
        values.append(got["corrected"]["value"])
        plain.append(got["by_person"]["value"])
        inside += got["corrected"]["low"] <= truth <= got["corrected"]["high"]
    assert np.mean(values) == pytest.approx(truth, abs=0.005)
    assert abs(np.mean(plain) - truth) > 0.003
    assert 0.92 < inside / 500 < 0.99


def test_without_error_rates_nothing_is_corrected_and_the_reason_is_given() -> None:
    people = {"masked": 8, "unmasked": 2}
    for rates, why in (
        ("the model's card has no error rates", "no error rates"),
        (ErrorRates(Figure(0.5, 0, 1, 9), Figure(0.5, 0, 1, 9), "gate"), "hardly more than chance"),
    ):
        got = compliance(people, rates)
        assert got["corrected"] is None
        assert why in got["corrected_because"]


def test_error_rates_of_the_bundled_model_are_the_counts_behind_its_card() -> None:
    """Shares of all held-out faces become shares of those that got an answer; whole faces come out as whole faces."""
    card = read_card(folder_of("default"))
    for name, point in card.operating_points.items():
        rates = error_rates(card, point.thresholds)
        assert isinstance(rates, ErrorRates)
        figures = point.figures
        masked, bare = figures["alarmed"]["n"], figures["passed"]["n"]
        alarmed, passed = figures["alarmed"]["value"] * masked, figures["passed"]["value"] * bare
        hits = figures["called_masked"]["value"] * (masked + bare) - passed
        assert rates.sensitivity.value == pytest.approx(hits / (hits + alarmed))
        others = figures["decided"]["value"] * (masked + bare) - hits - alarmed
        assert rates.specificity.value == pytest.approx(1 - passed / others)
        assert rates.sensitivity.n < masked, "faces of one scene tell less"
        width = figures["passed"]["high"] - figures["passed"]["low"]
        assert rates.specificity.high - rates.specificity.low == pytest.approx(width, rel=0.15), name


def test_error_rates_that_are_not_known() -> None:
    card = read_card(folder_of("default"))
    assert "at these thresholds" in str(error_rates(card, Thresholds(confidence=0.123)))
    assert "too few faces" in str(error_rates(replace(card, operating_points={})))
    bare = {"balanced": OperatingPoint(card.thresholds, {})}
    assert "do not say" in str(error_rates(replace(card, operating_points=bare)))
