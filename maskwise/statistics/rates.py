"""How often something happens in a time, and how long it takes, with intervals that hold however little was counted.

Sources: Garwood (1936), Fiducial limits for the Poisson distribution, Biometrika 28; Conover (1999), Practical
Nonparametric Statistics, section 3.2, for the interval of a median from ranks; Wilson & Hilferty (1931), The
distribution of chi-square, PNAS 17, for large counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist, median

from maskwise.errors import DataError
from maskwise.statistics.metrics import UNDEFINED, Figure

TAIL = 0.025
"""On either side of a 95 % interval."""

MANY = 1000
"""Events from which on adding up the chances takes long, and Wilson and Hilferty's cube is right to six digits."""


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
    low, high = _garwood(count)
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


@lru_cache(maxsize=4096)  # a page of rates holds the same small counts again and again
def _garwood(count: int) -> tuple[float, float]:
    """The means between which so many events are no surprise."""
    low = 0.0 if count == 0 else _solved(count, 1 - TAIL)
    return low, _solved(count + 1, TAIL)


def _solved(count: int, chance: float) -> float:
    """The mean at which fewer events than `count` have this chance: from a cube that is nearly right, by Newton."""
    spread = 1 / (9 * count)
    mean = float(count * (1 - spread - NormalDist().inv_cdf(chance) * math.sqrt(spread)) ** 3)
    for _ in range(20 if count <= MANY else 0):
        step = (_at_most(count - 1, mean) - chance) / _exactly(count - 1, mean)
        mean += step
        if abs(step) < 1e-12 * mean:
            break
    return mean


def _at_most(count: int, mean: float) -> float:
    """Chance of so many events or fewer where `mean` are expected."""
    return min(math.fsum(_exactly(k, mean) for k in range(count + 1)), 1.0)


def _exactly(count: int, mean: float) -> float:
    return math.exp(count * math.log(mean) - mean - math.lgamma(count + 1))


def _binomial_at_most(count: int, n: int) -> float:
    """Chance of so many heads or fewer in n throws."""
    return sum(math.comb(n, k) for k in range(count + 1)) / int(2**n)
