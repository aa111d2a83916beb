"""What was seen when, in a fixed number of bins: as a stream goes on, they grow wider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwise.values import CLASSES, UNCERTAIN

BINS = 600
FIRST_BIN_S = 0.1
"""Width of a bin at the start; doubled whenever the bins are full, so 300 to 600 are in use after half a minute."""

VERDICTS = (*CLASSES, UNCERTAIN)
MARKED = ("violated", "complied", "crossed")
"""Kinds of events that are counted in each bin."""


class Timeline:
    """Seconds in sight by verdict, the most people at once, and events, bin by bin.

    bin_s: width of a bin by now.
    """

    def __init__(self) -> None:
        self.bin_s = FIRST_BIN_S
        self._seconds: NDArray[np.float64] = np.zeros((BINS, len(VERDICTS)))
        self._marks: NDArray[np.int64] = np.zeros((BINS, len(MARKED)), np.int64)
        self._most: NDArray[np.int64] = np.zeros(BINS, np.int64)
        self._used = 0

    def spend(self, from_s: float, seconds: float, people: Mapping[str, int]) -> None:
        """Time that passed with so many people of each verdict in sight.

        Args:
            from_s: seconds since the stream began, not below 0.
            seconds: how long.
            people: number by verdict.
        """
        counts = np.array([people.get(verdict, 0) for verdict in VERDICTS])
        last = self._bin(from_s + seconds)  # may widen the bins
        for at in range(self._bin(from_s), last + 1):
            inside = min(from_s + seconds, (at + 1) * self.bin_s) - max(from_s, at * self.bin_s)
            if inside > 0:
                self._seconds[at] += counts * inside
                self._most[at] = max(self._most[at], counts.sum())

    def mark(self, time_s: float, kind: str) -> None:
        """Count an event, if it is of a kind that is counted."""
        if kind in MARKED:
            at = self._bin(time_s)
            self._marks[at, MARKED.index(kind)] += 1

    def _bin(self, time_s: float) -> int:
        while time_s >= self.bin_s * BINS:
            self._widen()
        at = max(int(time_s / self.bin_s), 0)
        self._used = max(self._used, at + 1)
        return at

    def _widen(self) -> None:
        half = BINS // 2
        for array in (self._seconds, self._marks):
            array[:half] = array[0::2] + array[1::2]
            array[half:] = 0
        self._most[:half] = np.maximum(self._most[0::2], self._most[1::2])
        self._most[half:] = 0
        self.bin_s *= 2
        self._used = (self._used + 1) // 2

    def to_json(self) -> dict[str, Any]:
        """Column by column; docs/reference/summary.md describes it."""
        used = slice(0, self._used)
        return {
            "bin_s": self.bin_s,
            "seconds": {v: [round(s, 3) for s in self._seconds[used, i].tolist()] for i, v in enumerate(VERDICTS)},
            "most_at_once": self._most[used].tolist(),
            "events": {kind: self._marks[used, i].tolist() for i, kind in enumerate(MARKED)},
        }
