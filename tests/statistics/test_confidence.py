from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.calibration import calibration_curve

from maskwise.statistics.confidence import (
    BINS,
    bins_of,
    coverage_risk,
    expected_calibration_error,
    reliability,
)
from maskwise.statistics.metrics import wilson


def alone(n: int) -> NDArray[np.int64]:
    return np.arange(n)


def answers(n: int, seed: int, sharpness: float = 1.0) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Answers that are right as often as 1 / (1 + exp(-z)) says, with a confidence that takes z times `sharpness`."""
    rng = np.random.default_rng(seed)
    z = np.abs(rng.normal(1.5, 1.2, n))
    return 1 / (1 + np.exp(-z * sharpness)), rng.random(n) < 1 / (1 + np.exp(-z))


def test_ece_by_hand() -> None:
    """Two bins of four: 0.55 said and 3/4 right, 0.95 said and 2/4 right: (4 * 0.2 + 4 * 0.45) / 8."""
    confidence = np.array([0.5, 0.5, 0.6, 0.6, 0.9, 0.9, 1.0, 1.0])
    right = np.array([1, 1, 1, 0, 0, 0, 1, 1], bool)
    ece = expected_calibration_error(confidence, right, alone(8), bins=2)
    assert ece.value == pytest.approx(0.325)
    assert ece.n == 8
    lower, upper = reliability(confidence, right, alone(8), bins=2)
    assert (lower.confidence, lower.right.value, lower.right.n) == pytest.approx((0.55, 0.75, 4))
    assert (upper.confidence, upper.right.value, upper.right.n) == pytest.approx((0.95, 0.5, 4))


@pytest.mark.parametrize("seed", range(3))
def test_reliability_is_scikit_learns_and_ece_its_mean_gap(seed: int) -> None:
    confidence, right = answers(900, seed, sharpness=1.7)  # 60 in each of 15 bins
    theirs_right, theirs_said = calibration_curve(right, confidence, n_bins=BINS, strategy="quantile")
    ours = reliability(confidence, right, alone(900))
    assert [b.right.value for b in ours] == pytest.approx(theirs_right)
    assert [b.confidence for b in ours] == pytest.approx(theirs_said)
    assert {b.right.n for b in ours} == {60}
    ece = expected_calibration_error(confidence, right, alone(900))
    assert ece.value == pytest.approx(np.abs(theirs_right - theirs_said).mean())
    first = ours[0].right
    assert (first.low, first.high) == pytest.approx(wilson(first.value * 60, 60))


def test_equal_confidences_share_a_bin_however_many_they_are() -> None:
    confidence = np.array([1.0] * 90 + [0.6] * 10)
    assert sorted(np.bincount(bins_of(confidence))) == [10, 90]
    right = np.array([True] * 81 + [False] * 9 + [True] * 6 + [False] * 4)
    assert expected_calibration_error(confidence, right, alone(100)).value == pytest.approx(0.09)


@pytest.mark.parametrize(("sharpness", "truth"), [(1.0, 0.0), (1.6, 0.070)])
def test_the_interval_holds_the_truth(sharpness: float, truth: float) -> None:
    """Truths: 0 by construction, and the error measured once on 900,000 answers of the same process.

    Calibrated answers are the hard case: ECE is never below 0, so every measured one lies above the truth.
    """
    held = 0
    for seed in range(40):
        ece = expected_calibration_error(*answers(500, seed, sharpness), alone(500), seed=seed)
        assert ece.low <= ece.value <= ece.high
        held += ece.low <= truth <= ece.high
    assert held >= 34


def test_the_interval_knows_groups() -> None:
    confidence, right = answers(300, 0, sharpness=2.0)
    single = expected_calibration_error(confidence, right, alone(300))
    confidence, right = np.repeat(confidence, 10), np.repeat(right, 10)
    copied = expected_calibration_error(confidence, right, np.repeat(alone(300), 10))
    believed = expected_calibration_error(confidence, right, alone(3000))
    assert copied.value == pytest.approx(single.value, abs=1e-3)
    assert copied.high - copied.low > 2 * (believed.high - believed.low)
    assert copied.high - copied.low == pytest.approx(single.high - single.low, rel=0.25)


def test_one_group_says_nothing_of_others() -> None:
    confidence, right = answers(50, 0)
    ece = expected_calibration_error(confidence, right, np.zeros(50, np.int64))
    assert (ece.low, ece.high) == (0, 1)


def test_nothing_is_not_defined() -> None:
    none = np.zeros(0)
    assert np.isnan(expected_calibration_error(none, none.astype(bool), alone(0)).value)
    assert reliability(none, none.astype(bool), alone(0)) == []
    assert coverage_risk(none, none.astype(bool)).risk.tolist() == []


def test_coverage_and_risk_by_hand() -> None:
    confidence = np.array([0.6, 0.9, 0.8, 0.9, 0.7])
    curve = coverage_risk(confidence, np.array([False, True, False, True, True]))
    assert curve.confidence.tolist() == [0.9, 0.8, 0.7, 0.6]  # the two of 0.9 are answered together
    assert curve.coverage.tolist() == pytest.approx([0.4, 0.6, 0.8, 1.0])
    assert curve.risk.tolist() == pytest.approx([0, 1 / 3, 1 / 4, 2 / 5])


def test_every_point_of_the_curve_is_a_plain_count() -> None:
    confidence, right = answers(200, 1)
    confidence = confidence.round(2)
    curve = coverage_risk(confidence, right)
    for threshold, coverage, risk in zip(curve.confidence, curve.coverage, curve.risk, strict=True):
        given = confidence >= threshold
        assert coverage == pytest.approx(given.mean())
        assert risk == pytest.approx((~right[given]).mean())
    assert curve.coverage[-1] == 1
