from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from maskwise.statistics import intervals, metrics
from maskwise.statistics.metrics import Figure

SIMULATIONS = 300


def coverage(truth: float, simulate: Callable[[np.random.Generator], Figure]) -> float:
    """How many of the intervals hold the truth."""
    figures = [simulate(np.random.default_rng(seed)) for seed in range(SIMULATIONS)]
    return float(np.mean([figure.low <= truth <= figure.high for figure in figures]))


def clustered(rng: np.random.Generator, groups: int, size: int, share: float, likeness: float) -> tuple[Any, Any]:
    """Faces of people who are each easier or harder; likeness is the correlation of two faces of one person."""
    spread = (1 - likeness) / likeness
    ease = rng.beta(share * spread, (1 - share) * spread, groups)
    members = np.repeat(np.arange(groups), rng.integers(1, 2 * size, groups))
    return rng.random(len(members)) < ease[members], members


@pytest.mark.parametrize("share", [0.5, 0.9, 0.98])
def test_about_95_of_100_intervals_hold_the_truth_for_independent_faces(share: float) -> None:
    def simulate(rng: np.random.Generator) -> Figure:
        return intervals.proportion(rng.random(100) < share, np.arange(100))

    assert 0.90 <= coverage(share, simulate) <= 0.99


@pytest.mark.parametrize(
    ("groups", "size", "share", "likeness"),
    [(20, 10, 0.9, 0.3), (40, 20, 0.97, 0.05), (60, 10, 0.5, 0.3), (8, 20, 0.9, 0.2)],
)
def test_about_95_of_100_intervals_hold_the_truth_for_faces_of_the_same_people(
    groups: int, size: int, share: float, likeness: float
) -> None:
    def simulate(rng: np.random.Generator) -> Figure:
        return intervals.proportion(*clustered(rng, groups, size, share, likeness))

    def careless(rng: np.random.Generator) -> Figure:
        right, _ = clustered(rng, groups, size, share, likeness)
        return intervals.proportion(right, np.arange(len(right)))

    honest = coverage(share, simulate)
    assert honest >= 0.90
    assert honest > coverage(share, careless) + 0.05  # else the groups would not matter and this would test nothing


@pytest.mark.parametrize(
    ("supports", "recalls"), [((30, 30), (0.97, 0.97)), ((5, 500), (0.9, 0.99)), ((100, 100, 20), (0.95, 0.97, 0.7))]
)
def test_balanced_accuracy_holds_the_truth_where_a_bootstrap_alone_does_not(
    supports: tuple[int, ...], recalls: tuple[float, ...]
) -> None:
    k, n, target = len(supports), sum(supports), np.repeat(np.arange(len(supports)), supports)

    def simulate(rng: np.random.Generator) -> Figure:
        right = rng.random(n) < np.array(recalls)[target]
        predicted = np.where(right, target, (target + 1) % k)
        parts = [intervals.proportion(right[target == i], np.arange(supports[i])) for i in range(k)]
        single = np.zeros((n, k, k), np.int64)
        single[np.arange(n), target, predicted] = 1
        samples = metrics.recall(intervals.resampled_confusions(single, np.arange(n), 500)).mean(axis=1)
        return intervals.mean_of(parts, samples, n, n)

    assert coverage(float(np.mean(recalls)), simulate) >= 0.93


def test_f1_holds_the_truth() -> None:
    table = np.array([[0.18, 0.02], [0.03, 0.77]])
    truth = float(metrics.f1(table)[0])

    def simulate(rng: np.random.Generator) -> Figure:
        cells = rng.choice(4, 120, p=table.ravel())
        return intervals.f1_of(cells // 2 == 0, cells % 2 == 0, np.arange(120))

    assert 0.91 <= coverage(truth, simulate) <= 0.99


def test_roc_area_holds_the_truth() -> None:
    apart = 2.0

    def simulate(rng: np.random.Generator) -> Figure:
        members = np.repeat(np.arange(25), 4)
        positive = rng.random(100) < 0.5
        scores = (
            positive * apart + math.sqrt(0.3) * rng.normal(size=25)[members] + math.sqrt(0.7) * rng.normal(size=100)
        )
        return intervals.areas_of(scores, positive, members)[0]

    assert coverage(NormalDist().cdf(apart / math.sqrt(2)), simulate) >= 0.91


def test_no_error_is_not_perfection() -> None:
    """A bootstrap of a flawless test is [1, 1]; what is known depends on how many independent groups were flawless."""
    right = np.ones(300, bool)
    alone, together = (intervals.proportion(right, np.arange(300) // size) for size in (1, 30))
    assert (alone.low, alone.high) == pytest.approx(metrics.wilson(300, 300))
    assert (together.low, together.high) == pytest.approx(metrics.wilson(10, 10))
    roc, average = intervals.areas_of(np.arange(20.0), np.arange(20) >= 10, np.arange(20))
    for figure in (roc, average):
        assert (figure.value, figure.low, figure.high) == pytest.approx((1.0, *metrics.wilson(10, 10)))


def test_a_perfect_class_of_five_faces_keeps_balanced_accuracy_humble() -> None:
    parts = [Figure(1.0, *metrics.wilson(5, 5), 5), Figure(0.99, *metrics.wilson(990, 1000), 1000)]
    samples = np.full(100, 0.995)  # resampling five right answers can only give five right answers
    figure = intervals.mean_of(parts, samples, 1005, 1005)
    assert figure.value == pytest.approx(0.995)
    assert figure.low < 0.81


def test_one_group_says_as_much_as_one_face() -> None:
    figure = intervals.proportion(np.array([True] * 9 + [False]), np.zeros(10, np.int64))
    assert figure.value == 0.9
    assert figure.high - figure.low > 0.7


def test_one_face_per_group_is_wilson_whatever_the_groups_are_called() -> None:
    right = np.array([True, True, False, True])
    figure = intervals.proportion(right, np.array([70, 3, 12, 5]))
    assert (figure.low, figure.high) == metrics.wilson(3, 4)


def test_nothing_measured_is_undefined() -> None:
    assert intervals.proportion(np.zeros(0, bool), np.zeros(0, np.int64)) == metrics.UNDEFINED


def test_a_class_without_examples_has_no_f1_and_no_areas() -> None:
    none, some = np.zeros(4, bool), np.array([True, False, False, False])
    assert intervals.f1_of(none, some, np.arange(4)) == metrics.UNDEFINED
    assert intervals.areas_of(np.arange(4.0), none, np.arange(4)) == (metrics.UNDEFINED, metrics.UNDEFINED)
    assert intervals.areas_of(np.arange(4.0), ~none, np.arange(4)) == (metrics.UNDEFINED, metrics.UNDEFINED)


def test_resampling_kinds_of_groups_is_resampling_groups() -> None:
    """The shortcut over kinds of groups has the mean and the covariance of a plain bootstrap over groups."""
    rng = np.random.default_rng(0)
    groups = np.sort(rng.integers(0, 12, 60))
    groups = intervals.compact(groups)
    features = rng.integers(0, 2, (60, 2))
    per_group = np.stack([np.bincount(groups, weights=f) for f in features.T], axis=1)
    draws = rng.integers(0, len(per_group), (40_000, len(per_group)))
    plain = per_group[draws].sum(axis=1)
    short = intervals.resampled(features, groups, 40_000)
    np.testing.assert_allclose(short.mean(axis=0), plain.mean(axis=0), rtol=0.01)
    np.testing.assert_allclose(np.cov(short.T), np.cov(plain.T), rtol=0.05, atol=0.2)


def test_resamples_keep_groups_whole() -> None:
    groups = np.repeat(np.arange(5), [1, 2, 3, 4, 5])
    for weights in intervals.group_weights(groups, 50):
        for group in range(5):
            assert len(np.unique(weights[0, groups == group])) == 1
    sums = intervals.resampled(np.ones((15, 1)), groups, 200)
    assert sums.min() >= 5  # five groups of at least one face each
    assert len(np.unique(sums)) > 5


def test_chunks_change_memory_only(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = np.arange(30) // 2
    features = np.random.default_rng(1).integers(0, 5, (30, 3))
    whole = intervals.resampled(features, groups, 100)
    weights = np.concatenate(list(intervals.group_weights(groups, 100)))
    monkeypatch.setattr(intervals, "CHUNK", 70)
    np.testing.assert_array_equal(intervals.resampled(features, groups, 100), whole)
    parts = list(intervals.group_weights(groups, 100))
    assert len(parts) == 50
    np.testing.assert_array_equal(np.concatenate(parts), weights)


@given(st.integers(0, 10_000))
def test_areas_are_scikit_learns_with_ties_and_weights(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 40))
    scores, positive = rng.integers(0, 6, n) / 5, rng.random(n) < 0.5
    positive[:2] = True, False
    weights: NDArray[np.int64] = rng.integers(0, 3, (4, n))
    weights[:, :2] += 1  # both sides there
    roc, average = intervals.areas(scores, positive, weights)
    for b in range(4):
        assert roc[b] == pytest.approx(roc_auc_score(positive, scores, sample_weight=weights[b]))
        assert average[b] == pytest.approx(average_precision_score(positive, scores, sample_weight=weights[b]))


def test_the_same_seed_gives_the_same_interval() -> None:
    right, groups = clustered(np.random.default_rng(3), 10, 10, 0.8, 0.2)
    assert intervals.proportion(right, groups, 7) == intervals.proportion(right, groups, 7)
    assert intervals.proportion(right, groups, 7) != intervals.proportion(right, groups, 8)


def test_many_faces_get_fewer_rankings() -> None:
    assert [intervals.ranking_resamples(n) for n in (1, 40_000, 100_000, 10**7)] == [500, 500, 200, 100]
