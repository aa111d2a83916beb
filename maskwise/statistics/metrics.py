"""Figures of merit as pure functions of confusion counts.

Every function takes counts of shape (..., k, k), rows true and columns predicted, so that one call serves one test and
two thousand resamples of it. What is not defined is nan: never a flattering 0 or 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwise.errors import ShapeError

Counts = NDArray[np.int64] | NDArray[np.float64]
"""(..., k, k) confusion counts: rows true, columns predicted."""

Figures = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure with its interval.

    value: a share in [0, 1], or a difference of two in [-1, 1]; nan where it is not defined.
    low, high: ends of the interval, in the same range; nan with the value.
    n: how many faces the figure rests on.
    """

    value: float
    low: float
    high: float
    n: int

    def to_json(self) -> dict[str, float | int | None]:
        """{"value", "low", "high", "n"}; null for nan."""
        return {"value": _number(self.value), "low": _number(self.low), "high": _number(self.high), "n": self.n}


UNDEFINED = Figure(math.nan, math.nan, math.nan, 0)
"""A figure that rests on nothing."""


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def confusion(target: NDArray[Any], predicted: NDArray[Any], classes: int) -> NDArray[np.int64]:
    """Count pairs.

    Args:
        target: (n,) integers in [0, classes); n may be 0.
        predicted: (n,) likewise.
        classes: k.

    Returns:
        (k, k) int64, rows true, columns predicted.

    Raises:
        ShapeError: lengths differ, or a class is out of range.
    """
    if target.shape != predicted.shape or target.ndim != 1:
        raise ShapeError(f"confusion: expected two arrays of one length, got {target.shape} and {predicted.shape}")
    both = np.concatenate([target, predicted])
    if both.size and not (both.min() >= 0 and both.max() < classes):
        raise ShapeError(f"confusion: expected classes from 0 to {classes - 1}, got {both.min()} to {both.max()}")
    pairs = target.astype(np.int64) * classes + predicted.astype(np.int64)
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes).astype(np.int64)


def rates(counts: Counts) -> Figures:
    """Each row as shares of its true class: (..., k, k); nan where the class has no examples."""
    return _share(counts, counts.sum(axis=-1, keepdims=True))


def accuracy(counts: Counts) -> Figures:
    """Share that is right: (...,)."""
    return _share(_right(counts).sum(axis=-1), counts.sum(axis=(-2, -1)))


def recall(counts: Counts) -> Figures:
    """Of each true class, the share that was called so: (..., k); nan where the class has no examples."""
    return _share(_right(counts), counts.sum(axis=-1))


def precision(counts: Counts) -> Figures:
    """Of each called class, the share that is so: (..., k); nan where nothing was called so."""
    return _share(_right(counts), counts.sum(axis=-2))


def f1(counts: Counts) -> Figures:
    """Harmonic mean of precision and recall: (..., k).

    A class that was there and was never called has 0, whatever its precision; nan where the class has no examples.
    """
    support = counts.sum(axis=-1)
    figure = _share(2 * _right(counts), support + counts.sum(axis=-2))
    return np.where(support > 0, figure, np.nan)


def balanced_accuracy(counts: Counts) -> Figures:
    """Mean recall over the classes that have examples: (...,); nan where none has."""
    return mean_of_defined(recall(counts))


def mean_of_defined(figures: Figures) -> Figures:
    """Mean over the last axis of what is not nan; nan where all is."""
    defined = ~np.isnan(figures)
    return _share(np.where(defined, figures, 0).sum(axis=-1), defined.sum(axis=-1))


def wilson(successes: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Interval for a proportion of independent trials; it stays honest with few trials and at 0 or 1.

    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. Journal of the American
    Statistical Association 22, 209-212.

    Args:
        successes: need not be whole, so that an effective number of trials can be given.
        n: trials, likewise.
        level: the share of such intervals that hold the truth.

    Returns:
        low and high; nan both where n is 0.
    """
    return score_interval(successes, n, NormalDist().inv_cdf(0.5 + level / 2))


def score_interval(successes: float, n: float, z: float) -> tuple[float, float]:
    """Wilson's interval, `z` standard errors to each side; z may be a quantile of Student's t."""
    if n <= 0:
        return math.nan, math.nan
    share, spread = successes / n, z * z / n
    centre = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(max(share * (1 - share), 0) / n + spread / (4 * n)) / (1 + spread)
    # At the ends the formula gives exactly 0 and 1; rounding must not move them past the figure.
    low = 0.0 if successes <= 0 else max(centre - half, 0.0)
    high = 1.0 if successes >= n else min(centre + half, 1.0)
    return low, high


def _right(counts: Counts) -> NDArray[Any]:
    return np.diagonal(counts, axis1=-2, axis2=-1)


def _share(part: NDArray[Any], whole: NDArray[Any]) -> Figures:
    part, whole = np.broadcast_arrays(np.asarray(part, np.float64), np.asarray(whole, np.float64))
    return np.asarray(np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0), np.float64)
