from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy.stats import binomtest  # type: ignore[import-untyped, unused-ignore]
from sklearn import metrics as sklearn

from maskwise.errors import ShapeError
from maskwise.statistics import metrics

Counts = NDArray[np.int64]

COUNTS = st.integers(2, 3).flatmap(lambda k: hnp.arrays(np.int64, (k, k), elements=st.integers(0, 12)))


def pairs(counts: Counts) -> tuple[Counts, Counts]:
    """The faces behind a table of counts: true and predicted classes."""
    k = len(counts)
    cells = np.repeat(np.arange(k * k), counts.ravel())
    return cells // k, cells % k


@given(COUNTS)
def test_counting_the_faces_behind_a_table_gives_the_table(counts: Counts) -> None:
    assert metrics.confusion(*pairs(counts), len(counts)).tolist() == counts.tolist()


def test_rows_are_true_and_columns_predicted() -> None:
    assert metrics.confusion(np.array([0, 0, 1]), np.array([1, 1, 1]), 2).tolist() == [[0, 2], [0, 1]]


@given(COUNTS.filter(lambda c: c.sum() > 0))
def test_every_figure_is_scikit_learns(counts: Counts) -> None:
    target, predicted = pairs(counts)
    labels = list(range(len(counts)))
    precision, recall, f1, support = sklearn.precision_recall_fscore_support(
        target, predicted, labels=labels, zero_division=np.nan
    )
    there = support > 0
    assert metrics.accuracy(counts) == pytest.approx(sklearn.accuracy_score(target, predicted))
    np.testing.assert_allclose(metrics.recall(counts), recall)
    np.testing.assert_allclose(metrics.precision(counts), precision)
    np.testing.assert_allclose(metrics.f1(counts)[there], f1[there])
    assert metrics.balanced_accuracy(counts) == pytest.approx(float(recall[there].mean()))


@given(COUNTS)
def test_a_class_without_examples_has_no_recall_and_no_f1(counts: Counts) -> None:
    counts[0] = 0
    assert math.isnan(metrics.recall(counts)[0])
    assert math.isnan(metrics.f1(counts)[0])
    assert np.isnan(metrics.rates(counts)[0]).all()


def test_a_class_never_called_has_no_precision_but_an_f1_of_zero() -> None:
    counts = np.array([[5, 0], [3, 0]])
    assert math.isnan(metrics.precision(counts)[1])
    assert metrics.f1(counts)[1] == 0


def test_nothing_tested_is_undefined_not_zero() -> None:
    empty = metrics.confusion(np.array([], np.int64), np.array([], np.int64), 2)
    assert math.isnan(metrics.accuracy(empty))
    assert math.isnan(metrics.balanced_accuracy(empty))


def test_many_tables_at_once_are_each_table_alone() -> None:
    tables = np.random.default_rng(0).integers(0, 9, (5, 4, 3, 3))
    for figure in (metrics.accuracy, metrics.balanced_accuracy, metrics.recall, metrics.precision, metrics.f1):
        together = figure(tables)
        assert together.shape[:2] == (5, 4)
        np.testing.assert_allclose(together[2, 3], figure(tables[2, 3]))


@pytest.mark.parametrize("wrong", [([0, 1], [0]), ([0, 2], [0, 1]), ([-1], [0])])
def test_pairs_that_cannot_be_counted_are_refused(wrong: tuple[list[int], list[int]]) -> None:
    with pytest.raises(ShapeError, match="confusion: expected"):
        metrics.confusion(np.array(wrong[0]), np.array(wrong[1]), 2)


@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from([0.9, 0.95]))
def test_wilson_is_scipys(trials: tuple[int, int], level: float) -> None:
    successes, n = trials
    expected = binomtest(successes, n).proportion_ci(level, method="wilson")
    assert metrics.wilson(successes, n, level) == pytest.approx((expected.low, expected.high), abs=1e-12)
    low, high = metrics.wilson(successes, n, level)
    assert 0 <= low <= successes / n <= high <= 1


def test_no_trials_have_no_interval() -> None:
    assert all(math.isnan(end) for end in metrics.wilson(0, 0))


def test_an_undefined_figure_is_null_in_json() -> None:
    assert metrics.UNDEFINED.to_json() == {"value": None, "low": None, "high": None, "n": 0}
    assert metrics.Figure(0.5, 0.25, 0.75, 4).to_json() == {"value": 0.5, "low": 0.25, "high": 0.75, "n": 4}
