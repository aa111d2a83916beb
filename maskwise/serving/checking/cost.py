"""What an operating point costs where it is used: alarms and false alarms an hour, misses, faces without an answer.

The model's card knows how often each happens to a face that is properly masked, and to one that is not; how many of
either there are is for the place to say (Bayes). All of it is of one look at each person, on faces as those that the
thresholds were chosen on; a stream looks many times and lets time decide.

Sources: Zou & Donner (2008), Statistics in Medicine 27, and Donner & Zou (2012), Statistical Methods in Medical
Research 21, for intervals of sums and ratios from those of their parts (MOVER); Kish (1965), Survey Sampling, for the
design effect: faces that belong together count for fewer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from maskwise.errors import ConfigError
from maskwise.statistics.metrics import UNDEFINED, Figure, wilson


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What becomes of a face at one look; each a share of its kind with its interval.

    alarmed: of the properly masked, answered as if they were not.
    passed: of the others, called masked.
    caught: of the others, answered as what they are: not properly masked.
    unsure_masked, unsure_others: of either, without an answer.
    n: faces that all of it rests on.
    """

    alarmed: Figure
    passed: Figure
    caught: Figure
    unsure_masked: Figure
    unsure_others: Figure
    n: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What is to be expected in the long run.

    alarms_per_hour, false_alarms_per_hour: looks that find somebody not properly masked, and those that are wrong.
    missed_per_100: of 100 people without a proper mask, called masked. Whoever is `uncertain` is not among them.
    uncertain_per_100: of 100 people of all kinds, without an answer.
    share_of_alarms_right: undefined where there are none.
    """

    alarms_per_hour: Figure
    false_alarms_per_hour: Figure
    missed_per_100: Figure
    uncertain_per_100: Figure
    share_of_alarms_right: Figure

    def to_json(self) -> dict[str, Any]:
        """As REST has it."""
        return {name: getattr(self, name).to_json() for name in self.__slots__}


def outcomes(figures: Mapping[str, Any]) -> Outcomes | None:
    """Read them off an operating point's figures.

    The card has shares of all faces and of either kind; the counts of each outcome follow from them. `passed` and
    `alarmed` keep the card's own intervals. The others get Wilson's, at as many faces as the card's intervals are
    worth: those know which faces belong together.

    Args:
        figures: see `maskwise.model.verdict.OperatingPoint`.

    Returns:
        None: the card does not have them, or has no faces of one kind.
    """
    try:
        decided, passed, alarmed, called = (
            Figure(**figures[name]) for name in ("decided", "passed", "alarmed", "called_masked")
        )
    except (KeyError, TypeError):
        return None
    if any(one.value is None or not one.n for one in (decided, passed, alarmed, called)):
        return None
    masked, others = alarmed.n, passed.n
    right_masked = round(called.value * called.n) - round(passed.value * others)
    answered_masked = right_masked + round(alarmed.value * masked)
    answered_others = round(decided.value * decided.n) - answered_masked
    worth = 1 / max(_design_effect(one) for one in (decided, passed, alarmed, called))
    return Outcomes(
        alarmed,
        passed,
        _share(answered_others - round(passed.value * others), others, worth),
        _share(masked - answered_masked, masked, worth),
        _share(others - answered_others, others, worth),
        masked + others,
    )


def cost(of: Outcomes, people_per_hour: float, share_masked: float) -> Cost:
    """What these outcomes come to.

    Args:
        of: the operating point's.
        people_per_hour: who are looked at once each; from 0.
        share_masked: of them, properly masked; in [0, 1].

    Raises:
        ConfigError: either is out of range.
    """
    if not (people_per_hour >= 0 and math.isfinite(people_per_hour)):
        raise ConfigError(f"people_per_hour: {people_per_hour} is not a number from 0")
    if not 0 <= share_masked <= 1:
        raise ConfigError(f"share_masked: {share_masked} is not between 0 and 1")
    masked, others = people_per_hour * share_masked, people_per_hour * (1 - share_masked)
    unsure = weighted((of.unsure_masked, of.unsure_others), (100 * share_masked, 100 * (1 - share_masked)), of.n)
    return Cost(
        weighted((of.alarmed, of.caught), (masked, others), of.n),
        weighted((of.alarmed,), (masked,), of.alarmed.n),
        weighted((of.passed,), (100.0,), of.passed.n),
        unsure,
        _share_right(of, share_masked),
    )


def weighted(parts: Sequence[Figure], weights: Sequence[float], n: int) -> Figure:
    """The sum of independent figures, each times its weight from 0, with MOVER's interval."""
    pairs = list(zip(parts, weights, strict=True))
    value = math.fsum(weight * part.value for part, weight in pairs)
    below = math.sqrt(math.fsum((weight * (part.value - part.low)) ** 2 for part, weight in pairs))
    above = math.sqrt(math.fsum((weight * (part.high - part.value)) ** 2 for part, weight in pairs))
    return Figure(value, max(value - below, 0.0), value + above, n)


def ratio(over: Figure, under: Figure) -> tuple[float, float]:
    """MOVER's interval of the ratio of two independent figures that are not below 0; `under` has a value above 0."""
    product = over.value * under.value
    highest, lowest = under.high * (2 * under.value - under.high), under.low * (2 * under.value - under.low)
    low, high = 0.0, math.inf
    if highest > 0:
        inner = product**2 - over.low * (2 * over.value - over.low) * highest
        low = (product - math.sqrt(max(inner, 0.0))) / highest
    if lowest > 0:
        inner = product**2 - over.high * (2 * over.value - over.high) * lowest
        high = (product + math.sqrt(max(inner, 0.0))) / lowest
    return max(low, 0.0), high


def _share_right(of: Outcomes, share_masked: float) -> Figure:
    """1 / (1 + false alarms by right ones): falls as their ratio rises."""
    false, right = share_masked * of.alarmed.value, (1 - share_masked) * of.caught.value
    if false + right == 0:
        return UNDEFINED
    if share_masked in (0, 1):
        sure = 1.0 - share_masked
        return Figure(sure, sure, sure, of.n)
    if right == 0:
        return Figure(0.0, 0.0, 1.0, of.n)
    odds, value = share_masked / (1 - share_masked), right / (false + right)
    low, high = ratio(of.alarmed, of.caught)
    return Figure(value, 1 / (1 + odds * high), 1 / (1 + odds * low), of.n)


def _share(count: int, n: int, worth: float) -> Figure:
    """A share with Wilson's interval as if there were `worth` times as many faces."""
    value = count / n
    return Figure(value, *wilson(value * n * worth, n * worth), n)


def _design_effect(figure: Figure) -> float:
    """By how much more its interval varies than that of as many independent faces; at least 1."""
    low, high = wilson(figure.value * figure.n, figure.n)
    return max(((figure.high - figure.low) / (high - low)) ** 2, 1.0)
