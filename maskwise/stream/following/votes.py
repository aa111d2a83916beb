"""One verdict for a person from many looks: calibrated votes that add up, fade, and are not overturned lightly.

Each look adds the logarithms of the classes' probabilities to what is known, as independent evidence would (a Bayes
filter with forgetting, the log-odds update of occupancy grids: Moravec and Elfes 1985, High resolution maps from wide
angle sonar, ICRA). But looks at one face a tenth of a second apart are hardly independent: evidence counts by the time
it covers, not by the number of looks, so a camera of twice the rate is not twice as sure. What is known fades, so that
somebody who puts a mask on is believed after about a second. A verdict is taken up at one confidence and let go at a
lower one, so that a face at the border does not flicker.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskwise.errors import ConfigError
from maskwise.values import UNCERTAIN, Verdict

FLOOR = 0.01
"""No look may be surer than this against a class: one face cut badly must not decide for seconds."""


@dataclass(frozen=True, slots=True)
class Voting:
    """How looks become a verdict.

    alike_s: looks closer together than this share one vote; a vote is a look's whole evidence.
    memory_s: after so long, a vote weighs 1/e of what it did.
    enter: probability at which a verdict is taken up.
    leave: probability under which the verdict held is let go.
    """

    alike_s: float = 0.5
    memory_s: float = 1.0
    enter: float = 0.9
    leave: float = 0.5

    def __post_init__(self) -> None:
        for name in ("alike_s", "memory_s"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"voting.{name}: {getattr(self, name)} must be above 0")
        if not 0 <= self.leave <= self.enter <= 1:
            raise ConfigError(f"voting: leave {self.leave} and enter {self.enter} must be 0 <= leave <= enter <= 1")


class Votes:
    """What is known of one person; each look changes it.

    seen_s: time of the last look; None before the first.
    """

    def __init__(self, labels: tuple[str, ...], voting: Voting | None = None) -> None:
        """labels: the model's classes, in the order of the probabilities."""
        self._labels, self._voting = labels, voting or Voting()
        self._evidence: NDArray[np.float64] = np.zeros(len(labels))
        self._held: int | None = None
        self.seen_s: float | None = None

    def look(self, probabilities: NDArray[np.float32], time_s: float, *, clear: bool = True) -> Verdict:
        """Take in one look and say what is to be said now.

        Args:
            probabilities: (classes,), calibrated, sum 1.
            time_s: of the look; looks come in order of time.
            clear: whether the face could be seen well enough to count; if not, what is known fades and nothing is
                added.
        """
        passed = 0.0 if self.seen_s is None else max(time_s - self.seen_s, 0.0)
        share = 0.5 if self.seen_s is None else min(passed / self._voting.alike_s, 1.0)
        self.seen_s = time_s
        self._evidence *= math.exp(-passed / self._voting.memory_s)
        if clear:
            logs = np.log(np.maximum(probabilities.astype(np.float64), FLOOR))
            self._evidence += share * (logs - logs.mean())
        return self.verdict()

    def verdict(self) -> Verdict:
        """What is to be said: `uncertain` while the evidence is thin or speaks for several classes."""
        chances = np.exp(self._evidence - self._evidence.max())
        chances /= chances.sum()
        best = int(chances.argmax())
        if chances[best] >= self._voting.enter:
            self._held = best
        elif self._held is not None and chances[self._held] < self._voting.leave:
            self._held = None
        if self._held is None:
            because = f"confidence {chances[best]:.2f} over time is under {self._voting.enter:g}"
            return Verdict(UNCERTAIN, float(chances[best]), because)
        return Verdict(self._labels[self._held], float(chances[self._held]))
