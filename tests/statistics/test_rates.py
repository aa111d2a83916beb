from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import chi2

from maskwise.errors import DataError
from maskwise.statistics.rates import median_of, rate


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 30, 400, 999])
@pytest.mark.parametrize("hours", [0.1, 8.0])
def test_the_interval_is_garwoods(count: int, hours: float) -> None:
    figure = rate(count, hours)
    assert figure.value == pytest.approx(count / hours)
    assert figure.low == pytest.approx(chi2.ppf(0.025, 2 * count) / 2 / hours if count else 0.0, rel=1e-9)
    assert figure.high == pytest.approx(chi2.ppf(0.975, 2 * count + 2) / 2 / hours, rel=1e-9)
    assert figure.n == count


@pytest.mark.parametrize("count", [1001, 5000, 1_000_000])
def test_the_interval_of_many_is_right_to_six_digits(count: int) -> None:
    figure = rate(count, 1.0)
    assert figure.low == pytest.approx(chi2.ppf(0.025, 2 * count) / 2, rel=1e-6)
    assert figure.high == pytest.approx(chi2.ppf(0.975, 2 * count + 2) / 2, rel=1e-6)


def test_nothing_watched_says_nothing() -> None:
    assert math.isnan(rate(0, 0).value)
    assert math.isnan(median_of([]).value)


def test_no_event_in_a_short_time_may_still_be_many() -> None:
    assert rate(0, 1 / 60).high == pytest.approx(3.689 * 60, rel=1e-3)  # an hour's worth of a minute without any


@pytest.mark.parametrize(("count", "exposure"), [(-1, 1.0), (1, -1.0), (1, math.nan)])
def test_what_cannot_be(count: int, exposure: float) -> None:
    with pytest.raises(DataError, match="rate"):
        rate(count, exposure)


@pytest.mark.parametrize(("n", "ranks"), [(6, (1, 6)), (10, (2, 9)), (20, (6, 15)), (50, (18, 33))])
def test_the_median_has_the_ranks_of_the_tables(n: int, ranks: tuple[int, int]) -> None:
    figure = median_of([float(i) for i in range(1, n + 1)])
    assert (figure.low, figure.high) == ranks
    assert figure.value == (n + 1) / 2


def test_five_values_give_no_interval() -> None:
    figure = median_of([3.0, 1.0, 2.0, 5.0, 4.0])
    assert (figure.value, figure.n) == (3.0, 5)
    assert math.isnan(figure.low)
    assert math.isnan(figure.high)


def test_what_never_happened_counts_as_later_than_all() -> None:
    assert median_of([1.0, math.inf, 2.0]).value == 2.0
    assert median_of([1.0, math.inf, math.inf]).value == math.inf


def test_the_interval_of_the_median_holds_the_truth_in_95_of_100() -> None:
    rng = np.random.default_rng(3)
    held = sum(
        (figure := median_of(list(rng.exponential(1.0, 15)))).low <= math.log(2) <= figure.high for _ in range(2_000)
    )
    assert 0.945 <= held / 2_000 <= 0.985
