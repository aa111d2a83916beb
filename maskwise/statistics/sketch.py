"""Quantiles of any number of values in a small, fixed amount of memory.

Source: Masson, Rim & Lee (2019), DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees,
Proceedings of the VLDB Endowment 12, arXiv 1908.10693.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

OFF_BY = 0.01
"""A quantile is at most this share of itself away from the value that stands there."""

SMALLEST, LARGEST = 0.01, 1e7
"""What is smaller counts as 0, what is larger as the largest: 10 ms and 116 days, where values are seconds."""

_STEP = math.log((1 + OFF_BY) / (1 - OFF_BY))


@dataclass(slots=True)
class Sketch:
    """Values of 0 and more, counted in classes that grow with the values: about a thousand at most.

    n, total, largest: how many, their sum, and the largest; exact.
    """

    n: int = 0
    total: float = 0.0
    largest: float = 0.0
    counts: Counter[int] = field(default_factory=Counter)

    def add(self, value: float) -> None:
        """Count one."""
        self.n += 1
        self.total += value
        self.largest = max(self.largest, value)
        self.counts[_class_of(value)] += 1

    def quantile(self, share: float) -> float:
        """The smallest value that at least this share of all do not exceed; nan where there are none.

        Args:
            share: 0 to 1; 0.5 is the median.
        """
        if not self.n:
            return math.nan
        rank, passed = max(1, math.ceil(share * self.n)), 0
        for number in sorted(self.counts):
            passed += self.counts[number]
            if passed >= rank:
                return min(_value_of(number), self.largest)
        return self.largest

    @property
    def mean(self) -> float:
        """Nan where there are no values."""
        return self.total / self.n if self.n else math.nan


_ZERO = math.floor(math.log(SMALLEST) / _STEP)


def _class_of(value: float) -> int:
    return _ZERO if value < SMALLEST else math.ceil(math.log(min(value, LARGEST)) / _STEP)


def _value_of(number: int) -> float:
    """The value whose relative distance from both ends of a class is the same."""
    return 0.0 if number == _ZERO else math.exp(number * _STEP) * (1 - OFF_BY)
