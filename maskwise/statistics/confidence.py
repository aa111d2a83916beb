"""Whether confidences mean what they say, and what staying silent at low ones gives.

A face's confidence is the probability of its answer. It is calibrated if, of many answers given with 0.9, nine in ten
are right.

Sources:
    Naeini, Cooper & Hauskrecht (2015), Obtaining well calibrated probabilities using Bayesian binning, AAAI: expected
        calibration error (ECE); Guo, Pleiss, Sun & Weinberger (2017), arXiv 1706.04599, for the likeliest class.
    Nguyen & O'Connor (2015), EMNLP: bins of equal mass.
    Davison & Hinkley (1997), section 5.2: the basic bootstrap interval. ECE is a sum of absolute values, so
        resamples lie above what they resample; this interval turns that round, a percentile interval would double it.
    Broecker & Smith (2007), Weather and Forecasting 22: what calibrated confidences would show by chance. An ECE
        that is no larger gets an interval that begins at 0.
    Geifman & El-Yaniv (2017), arXiv 1705.08500: risk and coverage of a classifier that may abstain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskwise.statistics.intervals import (
    Flags,
    Groups,
    compact,
    percentiles,
    proportion,
    ranking_resamples,
    resampled,
)
from maskwise.statistics.metrics import UNDEFINED, Figure, Figures

BINS = 15


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Answers of about the same confidence.

    confidence: their mean confidence.
    right: the share of them that is right.
    """

    confidence: float
    right: Figure


@dataclass(frozen=True, slots=True, eq=False)
class CoverageRisk:
    """What answering only from some confidence on gives: k thresholds, the strictest first.

    confidence: (k,) each different confidence, falling; an answer is given from it on.
    coverage: (k,) share of the faces that get an answer, rising to 1.
    risk: (k,) share of those answers that is wrong.
    """

    confidence: Figures
    coverage: Figures
    risk: Figures


def bins_of(confidence: Figures, bins: int = BINS) -> NDArray[np.int64]:
    """Number of each face's bin, (n,), from 0: bins hold about equally many faces, equal confidences one bin."""
    inner = np.quantile(confidence, np.linspace(0, 1, bins + 1)[1:-1])
    return compact(np.searchsorted(inner, confidence).astype(np.int64))


def expected_calibration_error(
    confidence: Figures, right: Flags, groups: Groups, bins: int = BINS, seed: int = 0
) -> Figure:
    """Mean gap between confidence and share of right answers, over bins of equal mass, with its interval.

    Args:
        confidence: (n,) in [0, 1]; n may be 0.
        right: (n,) whether each answer is right.
        groups: which faces belong together.
        bins: how many, at most.
        seed: of the resampling.
    """
    n = len(confidence)
    if n == 0:
        return UNDEFINED
    gaps = np.zeros((n, bins))
    gaps[np.arange(n), bins_of(confidence, bins)] = right - confidence.astype(np.float64)
    means, codes = gaps.mean(axis=0), compact(groups)
    sums = resampled(np.concatenate([gaps, np.ones((n, 1))], axis=1), codes, ranking_resamples(n), seed)
    resampled_means = sums[:, :-1] / sums[:, -1:]
    value, samples = float(np.abs(means).sum()), np.abs(resampled_means).sum(axis=1)
    chance = np.abs(resampled_means - means).sum(axis=1)  # what would be measured if there were no gap at all
    count = int(codes.max()) + 1
    low, high = percentiles(2 * value - samples, count)
    if low > high:  # one group: nothing is known of others
        return Figure(value, 0.0, 1.0, n)
    low = 0.0 if value <= percentiles(chance, count)[1] else low
    return Figure(value, max(min(low, value), 0.0), min(max(high, value), 1.0), n)


def reliability(
    confidence: Figures, right: Flags, groups: Groups, bins: int = BINS, seed: int = 0
) -> list[ReliabilityBin]:
    """The reliability diagram as a table, least confident first; see `expected_calibration_error`. n may be 0."""
    if len(confidence) == 0:
        return []
    bin_of = bins_of(confidence, bins)
    members = [bin_of == i for i in range(int(bin_of.max()) + 1)]
    return [ReliabilityBin(float(confidence[m].mean()), proportion(right[m], groups[m], seed)) for m in members]


def coverage_risk(confidence: Figures, right: Flags) -> CoverageRisk:
    """The coverage-risk curve.

    Args:
        confidence: (n,); faces with equal ones are answered together. n may be 0.
        right: (n,) whether each answer is right.
    """
    order = np.argsort(-confidence, kind="stable")
    confidence, wrong = confidence[order], ~right[order]
    last = np.flatnonzero(np.append(np.diff(confidence) != 0, len(confidence) > 0))
    answered = last + 1
    return CoverageRisk(confidence[last], answered / max(len(confidence), 1), np.cumsum(wrong)[last] / answered)
