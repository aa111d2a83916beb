"""Votes over time, against what the update promises: rate does not matter, changes are believed, nothing flickers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from maskwise.errors import ConfigError
from maskwise.stream.following.votes import Votes, Voting
from maskwise.values import CLASSES

MASKED = np.array([0.94, 0.03, 0.03], np.float32)
BARE = np.array([0.02, 0.04, 0.94], np.float32)
TORN = np.array([0.47, 0.48, 0.05], np.float32)


def run(looks: list[tuple[float, np.ndarray]], voting: Voting | None = None) -> list[str]:
    votes = Votes(CLASSES, voting)
    return [votes.look(p, t).label for t, p in looks]


def steady(p: np.ndarray, rate: float, seconds: float, start: float = 0.0) -> list[tuple[float, np.ndarray]]:
    return [(start + i / rate, p) for i in range(round(rate * seconds))]


def test_one_look_is_not_enough_and_a_second_later_it_is_said() -> None:
    labels = run(steady(MASKED, 10, 2))
    assert labels[0] == "uncertain"
    assert labels[10] == "masked"


@pytest.mark.parametrize("rate", [5, 10, 30, 120])
@pytest.mark.parametrize("memory_s", [0.5, 1.0, 2.0])
def test_how_sure_depends_on_the_time_seen_and_not_on_the_number_of_looks(rate: float, memory_s: float) -> None:
    votes = Votes(CLASSES, Voting(alike_s=0.5, memory_s=memory_s))
    for t, p in steady(np.array([0.6, 0.2, 0.2], np.float32), rate, 10):
        verdict = votes.look(p, t)
    odds = 3 ** (memory_s / 0.5)  # as many votes of 3 to 1 as fit into the memory
    assert verdict.confidence == pytest.approx(odds / (odds + 2), abs=0.06)


@pytest.mark.parametrize("rate", [5, 10, 30, 120])
def test_a_change_is_believed_within_two_and_a_half_seconds_and_not_in_the_blink_of_an_eye(rate: float) -> None:
    labels = run(steady(MASKED, rate, 10) + steady(BARE, rate, 10, start=10))
    changed = labels.index("unmasked") / rate - 10
    assert 0.7 < changed < 2.5
    assert set(labels[round(rate * 13) :]) == {"unmasked"}


def test_a_face_at_the_border_stays_uncertain() -> None:
    assert set(run(steady(TORN, 10, 20))) == {"uncertain"}


def test_noise_at_the_border_does_not_flicker() -> None:
    rng = np.random.default_rng(0)
    looks = [(i / 10, p) for i, p in enumerate(rng.dirichlet([8, 5, 1], 600).astype(np.float32))]
    single = [CLASSES[int(p.argmax())] for _, p in looks]
    flips = [sum(a != b for a, b in pairwise(run_)) for run_ in (single, run(looks))]
    assert flips[0] > 150
    assert flips[1] < flips[0] / 8


def test_one_wild_look_changes_nothing() -> None:
    looks = steady(MASKED, 10, 5)
    looks[30] = (3.0, np.array([0.0, 0.0, 1.0], np.float32))
    assert set(run(looks)[10:]) == {"masked"}


def test_what_cannot_be_seen_well_adds_nothing_and_what_was_known_fades() -> None:
    votes = Votes(CLASSES)
    for t, p in steady(MASKED, 10, 3):
        votes.look(p, t)
    sure = votes.verdict().confidence
    for i in range(10):
        verdict = votes.look(BARE, 3 + i / 10, clear=False)
    assert verdict.label == "masked"
    assert verdict.confidence < sure
    for i in range(300):
        verdict = votes.look(BARE, 4 + i / 10, clear=False)
    assert verdict.label == "uncertain"


def test_two_classes_work_as_well() -> None:
    votes = Votes(("masked", "unmasked"))
    for i in range(20):
        verdict = votes.look(np.array([0.1, 0.9], np.float32), i / 10)
    assert verdict.label == "unmasked"


@pytest.mark.parametrize("wrong", [{"alike_s": 0}, {"memory_s": -1}, {"enter": 0.4}, {"leave": -0.1}, {"enter": 1.5}])
def test_wrong_settings(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="voting"):
        Voting(**wrong)
