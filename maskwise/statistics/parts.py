"""Whether a part of the faces is judged otherwise than the rest, and how sure that is after looking at many parts.

Like is compared with like: only faces of the same class (stratum), or a part that holds more faces of a hard class
would look bad for that alone.

Sources:
    Fisher (1935), The logic of inductive inference, and Birch (1964), JRSS B 26: the exact test, over several strata.
    Rao & Scott (1992), A simple method for the analysis of clustered binary data, Biometrics 48: the design effect.
    Newcombe (1998), Statistics in Medicine 17, and Zou & Donner (2008), likewise 27: the interval of a difference from
        the intervals of its parts (MOVER).
    Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom, t

from maskwise.statistics.intervals import Flags, Groups, compact, independent, proportion

LEAST_P = 1e-12
"""Smaller p-values are given as this: they are not known any better."""

_FAR = 12
"""Standard deviations from the mean beyond which a count has no probability worth adding."""

Strata = NDArray[np.int64]
"""(n,) one number per face; only faces with the same number are compared."""


def comparable(part: Flags, strata: Strata) -> Flags:
    """(n,) the faces of strata that have faces inside the part as well as outside it."""
    return np.asarray(np.isin(strata, np.intersect1d(strata[part], strata[~part])))


def difference(
    right: Flags, part: Flags, strata: Strata, groups: Groups, seed: int = 0
) -> tuple[float, float, float] | None:
    """How much larger the share of `right` is in the part than in the rest, were that of the same strata.

    Args:
        right: (n,) bool.
        part: (n,) bool, which faces belong to it.
        strata: see `Strata`.
        groups: which faces belong together.
        seed: of the resampling.

    Returns:
        Value and ends of its 95 % interval, each in [-1, 1]; None where there is nothing to compare with.
    """
    both = comparable(part, strata)
    inside, outside = part & both, ~part & both
    if not inside.any():
        return None
    value, below, above = 0.0, 0.0, 0.0
    for stratum in np.unique(strata[inside]):
        here, there = (side & (strata == stratum) for side in (inside, outside))
        weight = float(here.sum() / inside.sum())
        a, b = (proportion(right[side], groups[side], seed) for side in (here, there))
        value += weight * (a.value - b.value)
        below += weight**2 * ((a.value - a.low) ** 2 + (b.high - b.value) ** 2)
        above += weight**2 * ((a.high - a.value) ** 2 + (b.value - b.low) ** 2)
    return value, max(value - math.sqrt(below), -1.0), min(value + math.sqrt(above), 1.0)


def p_value(right: Flags, part: Flags, strata: Strata, groups: Groups) -> float:
    """Two-sided test that within each stratum the part is judged like the rest.

    Fisher's exact test over all strata where no two faces share a group. Where some do, its normal deviate is divided
    by the root of the design effect: how much more the errors vary from group to group than single faces would; and
    read off Student's t for the number of groups on the side that has fewer. A part that is one group proves nothing.

    Args:
        right: (n,) bool.
        part: (n,) bool, which faces belong to it.
        strata: see `Strata`.
        groups: which faces belong together.

    Returns:
        From LEAST_P to 1; 1 where there is nothing to compare with.
    """
    both = comparable(part, strata)
    wrong, part, strata, groups = ~right[both], part[both], strata[both], groups[both]
    if not wrong.any():
        return 1.0
    exact = _exact(wrong, part, strata)
    if independent(groups):
        return exact
    freedom = min(len(np.unique(groups[part])), len(np.unique(groups[~part]))) - 1
    if freedom < 1:
        return 1.0
    deviate = NormalDist().inv_cdf(1 - exact / 2) / math.sqrt(_design_effect(wrong, part, strata, groups))
    return min(max(2 * float(t.sf(deviate, freedom)), exact), 1.0)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values: claims below 0.05 hold all together in 95 of 100 reports, however the tests hang together."""
    order = np.argsort(p_values, kind="stable")
    adjusted, least = [1.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        least = max(least, min((len(p_values) - rank) * p_values[i], 1.0))
        adjusted[i] = least
    return adjusted


def _exact(wrong: Flags, part: Flags, strata: Strata) -> float:
    """Fisher's two-sided p: all counts of errors in the part that are no likelier than the one found."""
    start, chances = 0, np.ones(1)
    for first, stratum in _hypergeometric(wrong, part, strata):
        start, chances = start + first, np.convolve(chances, stratum)
    found = int((wrong & part).sum()) - start
    own = chances[found] if 0 <= found < len(chances) else 0.0
    return float(np.clip(chances[chances <= own * (1 + 1e-7)].sum(), LEAST_P, 1.0))


def _hypergeometric(wrong: Flags, part: Flags, strata: Strata) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Of each stratum the least count and the chances of the counts from there, if errors fell anywhere alike."""
    for stratum in np.unique(strata):
        here = strata == stratum
        n, errors, size = int(here.sum()), int((wrong & here).sum()), int((part & here).sum())
        mean = errors * size / n
        reach = _FAR * (math.sqrt(mean * (1 - size / n)) + 1)  # Binomial, so rather too wide
        low, high = max(0, errors + size - n, math.floor(mean - reach)), min(errors, size, math.ceil(mean + reach))
        yield low, np.asarray(hypergeom.pmf(np.arange(low, high + 1), n, errors, size), np.float64)


def _design_effect(wrong: Flags, part: Flags, strata: Strata, groups: Groups) -> float:
    """Variance of the errors counted by group over that counted by face, at least 1."""
    codes = np.unique(strata, return_inverse=True)[1]
    size = np.bincount(codes)
    shares = [(np.bincount(codes, weights=flags) / size)[codes] for flags in (part, wrong)]
    by_face = (part - shares[0]) * (wrong - shares[1])
    by_group = np.bincount(compact(groups), weights=by_face)
    total = float(by_face @ by_face)
    return max(1.0, float(by_group @ by_group) / total) if total > 0 else 1.0
