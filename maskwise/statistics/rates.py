"""How often something happens in a time, and how long it takes, with intervals that hold however little was counted.

Sources: Garwood (1936), Fiducial limits for the Poisson distribution, Biometrika 28; Conover (1999), Practical
Nonparametric Statistics, section 3.2, for the interval of a median from ranks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import median

from maskwise.errors import DataError
from maskwise.statistics.metrics import UNDEFINED, Figure

TAIL = 0.025
"""On either side of a 95 % interval."""


def rate(count: int, exposure: float) -> Figure:
    """Events in a unit of exposure, with Garwood's exact 95 % interval; n is the count.

    Args:
        count: events, 0 or more.
        exposure: hours, minutes ... that were watched; undefined where 0.

    Raises:
        DataError: either is below 0.
    """
    if count < 0 or not exposure >= 0:
        raise DataError(f"rate: {count} events in {exposure} cannot be; neither may be below 0")
    if exposure == 0:
        return UNDEFINED
    low = 0.0 if count == 0 else _solved(lambda mean: 1 - _at_most(count - 1, mean) - TAIL, count)
    high = _solved(lambda mean: TAIL - _at_most(count, mean), count)
    return Figure(count / exposure, low / exposure, high / exposure, count)


def median_of(values: Sequence[float]) -> Figure:
    """The median with an interval from ranks, which asks nothing of the distribution; n is how many values there are.

    Fewer than six values cannot give 95 %: the ends are nan then. Values may be infinite: what never happened.
    """
    n, ranked = len(values), sorted(values)
    if not n:
        return UNDEFINED
    out = 0  # values left out at either end
    while 2 * _binomial_at_most(out, n) <= 2 * TAIL:
        out += 1
    low, high = (ranked[out - 1], ranked[n - out]) if out else (math.nan, math.nan)
    return Figure(median(ranked), low, high, n)


def _at_most(count: int, mean: float) -> float:
    """Chance of so many events or fewer where `mean` are expected."""
    if mean <= 0:
        return 1.0
    return min(math.fsum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(count + 1)), 1.0)


def _binomial_at_most(count: int, n: int) -> float:
    """Chance of so many heads or fewer in n throws."""
    return sum(math.comb(n, k) for k in range(count + 1)) / int(2**n)


def _solved(rising: Callable[[float], float], count: int) -> float:
    """Where a rising function of the mean is 0, by halving."""
    low, high = 0.0, 2.0 * count + 20.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2
