"""Two models asked about the same faces: is one right more often, by how much, and what could have been seen.

Faces on which both are right, or both wrong, tell nothing about which is better; those on which one is right do.

Sources:
    McNemar (1947), Psychometrika 12: only the discordant pairs are counted; exact where every face stands alone.
    Winkler, Ridgway, Webster, Smith & Nichols (2014), Permutation inference for the general linear model, NeuroImage
        92: where faces belong together, whole groups change sign. If the models are alike, each group could as well
        have been met with their names swapped. Its normal approximation is the statistic of Durkalski, Palesch, Lipsitz
        & Rust (2003), Analysis of clustered matched-pair data, Statistics in Medicine 22, with each face instead of
        each group weighted alike.
    Newcombe (1998), Statistics in Medicine 17, and Zou & Donner (2008), likewise 27: the interval of a difference from
        the intervals of its parts, with their correlation (MOVER).
    Connor (1987), Sample size for testing differences in proportions for the paired-sample design, Biometrics 43.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import convolve
from scipy.stats import binom

from maskwise.statistics.intervals import LEVEL, Flags, Groups, compact, percentiles, proportion, resampled
from maskwise.statistics.metrics import UNDEFINED, Figure
from maskwise.statistics.parts import LEAST_P

POWER = 0.8
"""How often the difference that is called detectable would be seen."""

ALL_ONE_WAY = 8
"""Groups that have to tell models apart, all for the same one, on average: the test needs six (2 * 0.5 ** 6 is 0.03),
and where eight are to be expected, six are there in four of five data sets (Poisson)."""


class Outcomes(NamedTuple):
    """How many faces each is right about."""

    both_right: int
    only_a: int
    only_b: int
    both_wrong: int


def outcomes(a_right: Flags, b_right: Flags) -> Outcomes:
    """Count the four outcomes of (n,) faces."""
    pairs = ((a_right, b_right), (a_right, ~b_right), (~a_right, b_right), (~a_right, ~b_right))
    return Outcomes(*(int((a & b).sum()) for a, b in pairs))


def p_value(a_right: Flags, b_right: Flags, groups: Groups) -> float:
    """Two-sided exact test that neither model is right more often.

    McNemar's test where no two faces share a group, else the same with whole groups changing sign. A single group
    proves nothing, and neither do five.

    Args:
        a_right: (n,) bool; n may be 0.
        b_right: (n,) bool, of the same faces.
        groups: which faces belong together.

    Returns:
        From `maskwise.statistics.parts.LEAST_P` to 1.
    """
    margins = np.abs(found := _margins(a_right, b_right, groups))
    chances = np.ones(1)  # of every sum, from the least to the largest
    for margin, count in zip(*np.unique(margins[margins > 0], return_counts=True), strict=True):
        steps = np.zeros(2 * margin * count + 1)
        steps[:: 2 * margin] = binom.pmf(np.arange(count + 1), count, 0.5)
        chances = convolve(chances, steps)
    sums = np.arange(len(chances)) - len(chances) // 2
    return float(np.clip(chances[np.abs(sums) >= abs(found.sum())].sum(), LEAST_P, 1.0))


def difference(a_right: Flags, b_right: Flags, groups: Groups, seed: int = 0) -> Figure:
    """How much larger B's share of right answers is: in [-1, 1], with its 95 % interval.

    The wider of the bootstrap's interval, which resamples whole groups, and of the one that the shares of faces that
    only B and only A is right about make: two models that never differed on 20 faces are not known to be alike.

    Args:
        a_right: (n,) bool; n may be 0.
        b_right: (n,) bool, of the same faces.
        groups: which faces belong together.
        seed: of the resampling.
    """
    n = len(a_right)
    if n == 0:
        return UNDEFINED
    gain, loss = (proportion(only, groups, seed) for only in (b_right & ~a_right, a_right & ~b_right))
    value, codes = gain.value - loss.value, compact(groups)
    features = np.stack([_signs(a_right, b_right), np.ones(n, np.int64)], axis=1)
    sums = resampled(features, codes, seed=seed)
    return _around(
        value,
        _combined(gain.value - gain.low, loss.high - loss.value, gain, loss),
        _combined(gain.high - gain.value, loss.value - loss.low, gain, loss),
        percentiles(sums[:, 0] / sums[:, 1], int(codes.max()) + 1),
        n,
    )


def mean_recall_difference(
    a_right: Flags, b_right: Flags, target: NDArray[np.int64], groups: Groups, seed: int = 0
) -> Figure:
    """How much larger B's mean recall is (balanced accuracy), over the classes that occur; see `difference`.

    Args:
        a_right: (n,) bool; n may be 0.
        b_right: (n,) bool, of the same faces.
        target: (n,) their classes.
        groups: which faces belong together.
        seed: of the resampling.
    """
    n, classes = len(target), np.unique(target)
    if n == 0:
        return UNDEFINED
    members = target[:, None] == classes
    parts = [difference(a_right[m], b_right[m], groups[m], seed) for m in members.T]
    k, codes = len(classes), compact(groups)
    features = np.concatenate([_signs(a_right, b_right)[:, None] * members, members], axis=1)
    sums = resampled(features, codes, seed=seed)
    with np.errstate(invalid="ignore", divide="ignore"):
        samples = (sums[:, :k] / sums[:, k:]).mean(axis=1)
    return _around(
        math.fsum(part.value for part in parts) / k,
        math.hypot(*(part.value - part.low for part in parts)) / k,
        math.hypot(*(part.high - part.value for part in parts)) / k,
        percentiles(samples, int(codes.max()) + 1),
        n,
    )


def detectable(a_right: Flags, b_right: Flags, groups: Groups) -> float:
    """The difference that would be seen in about four of five data sets like this one, in [0, 1]; n may be 0.

    From how often these two models disagree, by the normal approximation. 1 where there are too few groups.
    """
    codes = compact(groups)
    count = len(np.unique(codes))
    if count < ALL_ONE_WAY:
        return 1.0
    margins, sizes = _margins(a_right, b_right, groups), np.bincount(codes)
    away = margins - sizes * (margins.sum() / sizes.sum())
    error = math.sqrt(float(away @ away) * count / (count - 1)) / len(codes)
    normal = NormalDist()
    return min(max((normal.inv_cdf(0.5 + LEVEL / 2) + normal.inv_cdf(POWER)) * error, ALL_ONE_WAY / count), 1.0)


def _signs(a_right: Flags, b_right: Flags) -> NDArray[np.int64]:
    """(n,) 1 where only B is right, -1 where only A is."""
    return b_right.astype(np.int64) - a_right.astype(np.int64)


def _margins(a_right: Flags, b_right: Flags, groups: Groups) -> NDArray[np.int64]:
    """(groups,) by how many faces B leads in each."""
    return np.rint(np.bincount(compact(groups), weights=_signs(a_right, b_right))).astype(np.int64)


def _combined(one: float, other: float, gain: Figure, loss: Figure) -> float:
    """Half a width from two: more of the one means less of the other, which widens their difference."""
    free = (1 - gain.value) * (1 - loss.value)
    correlation = -math.sqrt(gain.value * loss.value / free) if free > 0 else 0.0
    return math.sqrt(max(one**2 - 2 * correlation * one * other + other**2, 0.0))


def _around(value: float, below: float, above: float, bootstrap: tuple[float, float], n: int) -> Figure:
    low, high = min(bootstrap[0], value - below), max(bootstrap[1], value + above)
    return Figure(value, max(low, -1.0), min(high, 1.0), n)
