"""How often a model is known to be wrong about masks, as its artifact says: what a count can be corrected by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from maskwise.model.artifact import ModelCard
from maskwise.model.verdict import Thresholds
from maskwise.statistics.metrics import Figure, score_interval
from maskwise.statistics.prevalence import Z


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """What was measured on held-out faces, of those that got an answer.

    sensitivity: share of the masked faces that is called masked.
    specificity: share of the faces without a proper mask that is not called masked.
    point: the operating point at which that was so.

    The n of each is the number of independent faces that would tell as much: pictures of one scene tell less.
    """

    sensitivity: Figure
    specificity: Figure
    point: str

    def to_json(self) -> dict[str, Any]:
        """Both figures and where they hold."""
        return {
            "sensitivity": self.sensitivity.to_json(),
            "specificity": self.specificity.to_json(),
            "operating_point": self.point,
        }


def error_rates(card: ModelCard, thresholds: Thresholds | None = None) -> ErrorRates | str:
    """The error rates that a model's card knows, or in words why it knows none.

    Args:
        card: of the model that answers.
        thresholds: in use; the card's own if None. Error rates are known at the operating points only.
    """
    used = thresholds or card.thresholds
    points = {name: point.figures for name, point in card.operating_points.items() if point.thresholds == used}
    if not points:
        why = "at these thresholds" if card.operating_points else "at all: too few faces were held out in training"
        return f"the model's card has no error rates {why}"
    name, figures = next(iter(points.items()))
    return _rates(name, figures) or f"the figures of the operating point {name} do not say how many were masked"


def _rates(name: str, figures: dict[str, Any]) -> ErrorRates | None:
    """From shares of all faces to shares of those that got an answer: the card's figures are counts divided."""
    try:
        known = {key: Figure(**figures[key]) for key in ("decided", "passed", "alarmed", "called_masked")}
        counts = {key: round(figure.value * figure.n) for key, figure in known.items()}
    except (KeyError, TypeError, ValueError):  # a figure left out, or null
        return None
    passed, alarmed = known["passed"], known["alarmed"]
    right_masked = counts["called_masked"] - counts["passed"]
    masked = right_masked + counts["alarmed"]
    bare = counts["decided"] - masked
    if min(masked, bare, right_masked, bare - counts["passed"]) < 1:
        return None
    return ErrorRates(
        _figure(right_masked, masked, _telling(alarmed)),
        _figure(bare - counts["passed"], bare, _telling(passed)),
        name,
    )


def _figure(right: int, n: int, telling: float) -> Figure:
    size = max(n * telling, 1.0)
    return Figure(right / n, *score_interval(right / n * size, size, Z), round(size))


def _telling(figure: Figure) -> float:
    """Which share of its faces would give as wide an interval if no two belonged together; 0 to 1."""
    low, high = 0.0, 1.0
    for _ in range(40):
        share = (low + high) / 2
        first, last = score_interval(figure.value * figure.n * share, figure.n * share, Z)
        low, high = (share, high) if last - first > figure.high - figure.low else (low, share)
    return high
