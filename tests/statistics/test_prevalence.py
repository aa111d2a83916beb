from __future__ import annotations

import numpy as np
import pytest

from maskwise.errors import DataError
from maskwise.statistics.prevalence import true_share


def test_a_counter_without_mistakes_changes_nothing() -> None:
    figure = true_share(30, 100, (1.0, 10**6), (1.0, 10**6))
    assert figure.value == pytest.approx(0.3)
    assert figure.low == pytest.approx(0.219, abs=0.003)  # Wilson: 0.219 to 0.396
    assert figure.high == pytest.approx(0.396, abs=0.003)


def test_mistakes_are_taken_back_out() -> None:
    # Of 1,000, 200 have it; 90 % of them and 5 % of the others are counted: 180 + 40.
    figure = true_share(220, 1_000, (0.9, 10_000), (0.95, 10_000))
    assert figure.value == pytest.approx(0.2)
    assert figure.low < 0.2 < figure.high


def test_fewer_measured_mistakes_make_a_wider_interval() -> None:
    widths = [(f := true_share(220, 1_000, (0.9, n), (0.95, n))).high - f.low for n in (10_000, 500, 100)]
    assert widths == sorted(widths)
    assert widths[2] > 1.5 * widths[0]


@pytest.mark.parametrize("share", [0.02, 0.2, 0.7])
@pytest.mark.parametrize("measured", [60, 400])
def test_the_interval_holds_the_truth_in_about_95_of_100(share: float, measured: int) -> None:
    rng, held, tries = np.random.default_rng(7), 0, 1_000
    for _ in range(tries):
        se, sp = rng.binomial(measured, 0.92) / measured, rng.binomial(measured, 0.95) / measured
        there = rng.binomial(300, share)
        counted = rng.binomial(there, 0.92) + rng.binomial(300 - there, 0.05)
        figure = true_share(int(counted), 300, (se, measured), (sp, measured))
        held += figure.low <= share <= figure.high
    assert 0.92 <= held / tries <= 1.0


def test_shares_stay_shares() -> None:
    assert true_share(0, 50, (0.9, 100), (0.9, 100)).value == 0
    assert true_share(50, 50, (0.9, 100), (0.9, 100)).value == 1
    assert true_share(0, 50, (0.9, 100), (0.9, 100)).low == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((5, 4, (0.9, 10), (0.9, 10)), "5 of 4 cannot be"),
        ((0, 0, (0.9, 10), (0.9, 10)), "0 of 0 cannot be"),
        ((1, 4, (0.9, 0), (0.9, 10)), "no shares of anybody"),
        ((1, 4, (1.9, 10), (0.9, 10)), "no shares of anybody"),
        ((1, 4, (0.5, 10), (0.5, 10)), "hardly more than chance"),
    ],
)
def test_what_cannot_be(arguments: tuple[int, int, tuple[float, int], tuple[float, int]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        true_share(*arguments)
