"""Films told by hand, so that every figure can be counted on the fingers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from maskwise.stream.following.events import Event, Rules
from maskwise.stream.measuring.judging import Judge
from maskwise.stream.measuring.truth import Seen, Truth
from maskwise.stream.watching import Moment, Shown
from maskwise.values import Frame, Verdict

RATE = 10
BLANK = np.zeros((48, 64, 3), np.uint8)


def box(x: float) -> np.ndarray:
    return np.array([x, 0, x + 10, 10], np.float32)


def listed(*people: Callable[[float], str | None], seconds: float = 10.0) -> Truth:
    """People at x = 0, 100 ... with a label, or None for out of sight, at each time."""
    rows = [
        Seen(i / RATE, f"p{k}", box(100 * k), label)
        for k, says in enumerate(people)
        for i in range(round(seconds * RATE))
        if (label := says(i / RATE))
    ]
    return Truth(rows)


def judged(
    truth: Truth,
    shown: Callable[[float], list[tuple[int, float, str]]],
    alarms: list[tuple[float, int]] | None = None,
    seconds: float = 10.0,
) -> Judge:
    """shown: number, x and verdict of everybody at a time; alarms: at which time for which number."""
    judge = Judge(truth, Rules(after_s=3.0))
    for i in range(round(seconds * RATE)):
        time_s = i / RATE
        here = tuple(Shown(number, box(x), Verdict(label, 0.9)) for number, x, label in shown(time_s))
        events = tuple(
            Event("violated", "film", at, number, "unmasked") for at, number in alarms or [] if round(at * RATE) == i
        )
        judge.look(Moment(Frame(BLANK, "film", i, time_s), None, (), here, events))
    judge.look(Moment(Frame(BLANK, "film", i, time_s), None, (), (), (), ended=True))  # counts for nothing
    return judge


def changes(*steps: tuple[float, str | None]) -> Callable[[float], Any]:
    return lambda t: [label for since, label in steps if since <= t + 1e-9][-1]


BARE = changes((0.0, "unmasked"))
PUTS_ON = changes((0.0, "unmasked"), (5.0, "masked"))


def test_right_uncertain_found_of_one_person() -> None:
    says = changes((0.0, None), (1.0, "uncertain"), (2.0, "masked"), (3.0, "unmasked"))
    judge = judged(listed(BARE), lambda t: [(7, 1.0, says(t))] if says(t) else [])
    report = judge.to_json()["people"][0]
    assert report["found"] == {"value": 0.9, "low": None, "high": None, "n": 100}
    assert report["uncertain"]["value"] == pytest.approx(1 / 9)
    assert report["right"]["value"] == pytest.approx(7 / 9)
    assert (report["label"], report["said"], report["right_person"]) == ("unmasked", "unmasked", True)
    assert (report["tracks"], report["seconds"]) == ([7], 9.9)


def test_one_person_counts_once_by_the_verdict_said_longest() -> None:
    truth = listed(BARE, BARE, BARE)
    report = judged(truth, lambda t: [(1, 0, "unmasked"), (2, 100, "masked" if t > 3 else "unmasked")]).to_json()
    assert [p["right_person"] for p in report["people"]] == [True, False, False]
    assert report["persons_right"]["value"] == pytest.approx(1 / 3)
    assert report["persons_right"]["n"] == 3
    assert (report["persons_right"]["low"], report["persons_right"]["high"]) == (
        pytest.approx(0.0615, abs=1e-3),  # Wilson for 1 of 3
        pytest.approx(0.7923, abs=1e-3),
    )


def test_time_to_a_right_verdict_after_coming_and_after_a_change() -> None:
    says = changes((0.0, "uncertain"), (0.4, "unmasked"), (6.5, "masked"))
    report = judged(listed(PUTS_ON), lambda t: [(1, 0, says(t))]).to_json()
    assert report["first_right_s"]["value"] == pytest.approx(0.4)
    assert report["changed_right_s"] == {"value": pytest.approx(1.5), "low": None, "high": None, "n": 1, "never": 0}
    never = judged(listed(PUTS_ON), lambda _: [(1, 0, "unmasked")]).to_json()
    assert never["changed_right_s"] == {"value": None, "low": None, "high": None, "n": 1, "never": 1}


def test_a_switch_is_a_new_number_while_in_sight_and_not_after_coming_back() -> None:
    steady = judged(listed(BARE), lambda t: [(1 if t < 5 else 2, 0, "unmasked")]).to_json()
    assert steady["people"][0]["switches"] == 1
    assert steady["switches_per_person_minute"]["value"] == pytest.approx(60 / 9.9)
    away = changes((0.0, "unmasked"), (4.0, None), (6.0, "unmasked"))
    back = judged(listed(away), lambda t: [(1 if t < 5 else 2, 0, "unmasked")]).to_json()
    assert back["people"][0]["switches"] == 0
    assert back["people"][0]["tracks"] == [1, 2]


@pytest.mark.parametrize(
    ("steps", "flicker"),
    [
        (((0.0, "uncertain"), (1.0, "unmasked"), (6.0, "masked")), 0),
        (((0.0, "unmasked"), (6.0, "uncertain"), (6.5, "masked")), 1),
        (((0.0, "unmasked"), (1.0, "masked"), (2.0, "unmasked"), (6.0, "masked")), 2),
        (((0.0, "unmasked"),), 0),
    ],
)
def test_flicker_is_what_changed_beyond_the_truth(steps: tuple[tuple[float, str], ...], flicker: int) -> None:
    says = changes(*steps)
    assert judged(listed(PUTS_ON), lambda t: [(1, 0, says(t))]).people["p0"].flicker == flicker


@pytest.mark.parametrize(
    ("alarms", "delays", "repeated", "false"),
    [
        ([], (), 0, 0),
        ([(3.2, 1)], (0.2,), 0, 0),
        ([(2.5, 1)], (-0.5,), 0, 0),
        ([(3.2, 1), (4.0, 1)], (0.2,), 1, 0),
        ([(7.5, 1)], (4.5,), 0, 0),  # the violation ended at 5 s: within the grace
        ([(9.0, 1)], (), 0, 1),  # too late to belong to it
        ([(3.2, 2)], (), 0, 1),  # the other person, who wears a mask
        ([(3.2, 3)], (), 0, 1),  # nobody of the list
    ],
)
def test_alarms_are_due_early_late_repeated_or_false(
    alarms: list[tuple[float, int]], delays: tuple[float, ...], repeated: int, false: int
) -> None:
    shown = [(1, 0.0, "unmasked"), (2, 100.0, "masked"), (3, 500.0, "unmasked")]
    judge = judged(listed(PUTS_ON, changes((0.0, "masked"))), lambda _: shown, alarms)
    told = judge.alarms()
    assert told.due == 1
    assert told.delays_s == pytest.approx(delays)
    assert (told.repeated, told.false, told.missed) == (repeated, false, 1 - len(delays))
    assert judge.to_json()["false_alarms_per_hour"]["value"] == pytest.approx(false / 9.9 * 3600)
    assert judge.to_json()["nobody"] == 1


def test_an_alarm_belongs_to_whom_the_number_was_on_then() -> None:
    """The number moves from one who violates to one who does not; the alarm came before that."""
    truth = listed(BARE, changes((0.0, "masked")))
    judge = judged(truth, lambda t: [(1, 0.0 if t < 5 else 100.0, "unmasked")], [(3.1, 1)])
    assert judge.alarms().false == 0


@pytest.mark.parametrize(
    ("says", "due"),
    [
        (BARE, 1),
        (changes((0.0, "unmasked"), (2.0, "incorrect"), (4.0, "masked")), 1),  # one violation after another
        (changes((0.0, "unmasked"), (2.5, "masked"), (3.0, "unmasked"), (5.5, "masked")), 0),
        (changes((0.0, "unmasked"), (4.0, None), (6.0, "unmasked")), 2),  # comes back: somebody new
        (changes((0.0, "masked")), 0),
    ],
)
def test_violations_that_are_due(says: Callable[[float], Any], due: int) -> None:
    assert judged(listed(says), lambda _: []).alarms().due == due


def test_a_film_without_anybody() -> None:
    report = judged(Truth([]), lambda _: []).to_json()
    assert report["people"] == []
    assert report["persons_right"] == {"value": None, "low": None, "high": None, "n": 0}
    assert report["false_alarms_per_hour"]["value"] == 0
    assert report["false_alarms_per_hour"]["high"] == pytest.approx(-math.log(0.025) * 3600 / 9.9)
