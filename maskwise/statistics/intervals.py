"""How far a figure can be trusted: each with a 95 % interval that knows which faces belong together.

Ten pictures of one person are not ten independent trials. Where no two faces share a group, a proportion gets Wilson's
interval. Where they do, whole groups are resampled, and the interval is the wider of two: the bootstrap's, and Wilson's
at the effective number of faces, since a bootstrap that met few errors is too sure, and one that met none collapses.

Sources:
    Wilson (1927): see `maskwise.statistics.metrics.wilson`.
    Davison & Hinkley (1997), Bootstrap Methods and their Application, section 3.8: resampling whole clusters.
    Hesterberg (2015), What teachers should know about the bootstrap, The American Statistician 69: the expanded
        percentile interval, which mends the narrowness with few groups.
    Korn & Graubard (1998), Survey Methodology 24: proportions at the effective sample size with Student's t;
        Franco, Little, Louis & Slud (2019), Journal of Survey Statistics and Methodology 7: Wilson's does best.
    Zou & Donner (2008), Statistics in Medicine 27: intervals of sums from intervals of their parts (MOVER).
    Lam, Gopal & Qian (2023), arXiv 2309.14621: F1 from the interval of tp / (tp + fp + fn) ("Wilson indirect").
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from maskwise.statistics.metrics import UNDEFINED, Counts, Figure, Figures, score_interval

LEVEL = 0.95
RESAMPLES = 2000
RANKING_RESAMPLES = (500, 100)
"""For areas under curves, most and fewest: each resample looks at every face again, so many faces get fewer."""

RANKING_WORK = 20_000_000
"""Resamples times faces from which on resamples are saved."""

CHUNK = 4_000_000
"""Largest number of weights held at a time: 32 MB."""

Flags = NDArray[np.bool_]
Groups = NDArray[np.int64]
"""(n,) one number per face; faces with the same number belong together."""


def proportion(right: Flags, groups: Groups, seed: int = 0) -> Figure:
    """The share of `right`, (n,) bool, with its interval; n may be 0."""
    n = len(right)
    if n == 0:
        return UNDEFINED
    value, codes = float(right.mean()), compact(groups)
    if independent(codes):
        return Figure(value, *score_interval(float(right.sum()), n, _z()), n)
    sums = resampled(np.stack([right, np.ones(n, bool)], axis=1), codes, seed=seed)
    return Figure(value, *around(value, sums[:, 0] / sums[:, 1], n, int(codes.max()) + 1), n)


def f1_of(target_is: Flags, predicted_is: Flags, groups: Groups, seed: int = 0) -> Figure:
    """F1 of one class with its interval; n counts the class's examples.

    Args:
        target_is: (n,) whether each face is of the class.
        predicted_is: (n,) whether it was called so.
        groups: which faces belong together.
        seed: of the resampling.
    """
    support, either = int(target_is.sum()), target_is | predicted_is
    if support == 0:
        return UNDEFINED
    overlap = proportion((target_is & predicted_is)[either], groups[either], seed)
    value, low, high = (2 * share / (1 + share) for share in (overlap.value, overlap.low, overlap.high))
    return Figure(value, low, high, support)


def mean_of(parts: Sequence[Figure], samples: Figures, groups: int, n: int) -> Figure:
    """The mean of figures of different classes.

    The wider of the bootstrap's interval and of the one that the parts' own intervals make: a class of five faces, all
    of them right, would otherwise count as known to be perfect.

    Args:
        parts: the figures; undefined ones are left out.
        samples: (resamples,) of the same mean; nan where a resample lacks a class.
        groups: how many independent groups there are.
        n: how many faces the mean rests on.
    """
    parts = [part for part in parts if not math.isnan(part.value)]
    if not parts:
        return UNDEFINED
    value = math.fsum(part.value for part in parts) / len(parts)
    below = math.sqrt(math.fsum((part.value - part.low) ** 2 for part in parts)) / len(parts)
    above = math.sqrt(math.fsum((part.high - part.value) ** 2 for part in parts)) / len(parts)
    low, high = percentiles(samples, groups)
    return Figure(value, max(min(low, value - below), 0.0), min(max(high, value + above), 1.0), n)


def areas_of(scores: Figures, positive: Flags, groups: Groups, seed: int = 0) -> tuple[Figure, Figure]:
    """Area under the ROC curve and average precision of one class, each with its interval.

    Args:
        scores: (n,) the class's probabilities.
        positive: (n,) whether each face is of the class.
        groups: which faces belong together.
        seed: of the resampling.

    Returns:
        Both undefined where the class, or everything else, has no examples.
    """
    n = len(scores)
    if positive.all() or not positive.any():
        return UNDEFINED, UNDEFINED
    codes = compact(groups)
    # Both sides must vary for an area to vary: the smaller one says how much is known.
    sides = min(len(np.unique(codes[positive])), len(np.unique(codes[~positive])))
    values = areas(scores, positive, np.ones((1, n)))
    parts = [areas(scores, positive, weights) for weights in group_weights(codes, ranking_resamples(n), seed)]
    samples = [np.concatenate(part) for part in zip(*parts, strict=True)]
    roc, pr = (Figure(float(v[0]), *around(float(v[0]), s, n, sides), n) for v, s in zip(values, samples, strict=True))
    return roc, pr


def ranking_resamples(n: int) -> int:
    """How many resamples the areas under the curves of n faces get."""
    most, fewest = RANKING_RESAMPLES
    return min(most, max(fewest, RANKING_WORK // n))


def areas(scores: Figures, positive: Flags, weights: NDArray[Any]) -> tuple[Figures, Figures]:
    """Area under the ROC curve and average precision under many weightings of the faces at once.

    Args:
        scores: (n,) higher for likelier.
        positive: (n,).
        weights: (b, n) not negative.

    Returns:
        (b,) each; nan where a weighting leaves no positive, or for the ROC no negative.
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))  # equal scores pass a threshold together
    weights, positive = weights[:, order], positive[order]
    hits = np.cumsum(weights * positive, axis=1)[:, ends].astype(np.float64)
    false = np.cumsum(weights * ~positive, axis=1)[:, ends].astype(np.float64)
    steps, false_steps = np.diff(hits, axis=1, prepend=0), np.diff(false, axis=1, prepend=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        roc = (false_steps * (hits - steps / 2)).sum(axis=1) / (hits[:, -1] * false[:, -1])
        precisions = np.where(hits + false > 0, hits / (hits + false), 0.0)
        average = (steps * precisions).sum(axis=1) / hits[:, -1]
    return roc, average


def resampled(features: NDArray[Any], groups: Groups, resamples: int = RESAMPLES, seed: int = 0) -> Figures:
    """Sums of per-face features over resampled groups.

    Groups with the same sums are interchangeable, so one multinomial draw over the kinds of groups, with their numbers
    as weights, has exactly the distribution of one over the groups, and a million groups cost as much as their kinds.

    Args:
        features: (n, m).
        groups: (n,) compact codes.
        resamples: b.
        seed: of the draws.

    Returns:
        (b, m).
    """
    count = int(groups.max()) + 1
    columns = [np.bincount(groups, weights=column, minlength=count) for column in features.T]
    kinds, members = np.unique(np.stack(columns, axis=1), axis=0, return_counts=True)
    rng, step = np.random.default_rng(seed), max(1, CHUNK // len(kinds))
    sizes = [min(step, resamples - start) for start in range(0, resamples, step)]
    return np.concatenate([rng.multinomial(count, members / count, size=size) @ kinds for size in sizes])


def resampled_confusions(pairs: Counts, groups: Groups, resamples: int = RESAMPLES, seed: int = 0) -> Figures:
    """Confusion counts of resampled groups.

    Args:
        pairs: (n, k, k) each face's own confusion: a single one.
        groups: (n,) compact codes.
        resamples: b.
        seed: of the draws.

    Returns:
        (b, k, k).
    """
    n, k, _ = pairs.shape
    return resampled(pairs.reshape(n, k * k), groups, resamples, seed).reshape(resamples, k, k)


def group_weights(groups: Groups, resamples: int, seed: int = 0) -> Iterator[NDArray[np.int64]]:
    """How often each face occurs in each resample of whole groups: chunks of (b, n) int64, `resamples` rows in all."""
    count = int(groups.max()) + 1
    rng, step = np.random.default_rng(seed), max(1, CHUNK // len(groups))
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        yield rng.multinomial(count, np.full(count, 1 / count), size=size)[:, groups]


def around(value: float, samples: Figures, n: int, groups: int) -> tuple[float, float]:
    """The wider of the bootstrap's interval and of Wilson's at the effective number of faces."""
    low, high = percentiles(samples, groups)
    wide_low, wide_high = _effective(value, samples, n, groups)
    return min(low, wide_low, value), max(high, wide_high, value)


def percentiles(samples: Figures, groups: int) -> tuple[float, float]:
    """Expanded percentile interval of a bootstrap; infinitely narrow where it says nothing."""
    samples = samples[~np.isnan(samples)]
    if not samples.size or groups < 2:
        return math.inf, -math.inf
    tail = NormalDist().cdf(-math.sqrt(groups / (groups - 1)) * _t(groups))
    low, high = np.quantile(samples, [tail, 1 - tail])
    return float(low), float(high)


def _effective(value: float, samples: Figures, n: int, groups: int) -> tuple[float, float]:
    samples = samples[~np.isnan(samples)]
    variance = float(samples.var()) * groups / (groups - 1) if groups > 1 and samples.size else 0.0
    spread = value * (1 - value)
    if variance <= 1e-12 or spread <= 0:  # nothing varied: each group tells as much as one face
        return score_interval(value * groups, groups, _z())
    effective = min(spread / variance, float(n))
    return score_interval(value * effective, effective, _t(groups))


def compact(groups: Groups) -> Groups:
    """The same groups numbered 0, 1, 2 ... without gaps."""
    return np.unique(groups, return_inverse=True)[1].astype(np.int64)


def independent(groups: Groups) -> bool:
    """Whether no two faces belong together."""
    return len(np.unique(groups)) == len(groups)


def _z() -> float:
    return NormalDist().inv_cdf(0.5 + LEVEL / 2)


def _t(groups: int) -> float:
    return float(t.ppf(0.5 + LEVEL / 2, groups - 1))


def mean_recall(target: NDArray[np.int64], predicted: NDArray[np.int64], groups: Groups, seed: int = 0) -> Figure:
    """Mean recall over the classes that occur (balanced accuracy) with its interval.

    Args:
        target: (n,) classes from 0; n may be 0.
        predicted: (n,) likewise.
        groups: which faces belong together.
        seed: of the resampling.
    """
    n, classes = len(target), np.unique(target)
    parts = [proportion(predicted[target == c] == c, groups[target == c], seed) for c in classes]
    if not parts:
        return UNDEFINED
    codes = compact(groups)
    right = (predicted == target)[:, None] & (target[:, None] == classes)
    sums = resampled(np.concatenate([right, target[:, None] == classes], axis=1), codes, seed=seed)
    with np.errstate(invalid="ignore", divide="ignore"):
        samples = (sums[:, : len(classes)] / sums[:, len(classes) :]).mean(axis=1)
    return mean_of(parts, samples, int(codes.max()) + 1, n)
