"""What a run came to, in figures: what was said, and how many really wear a mask if the model errs as measured."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from maskwise.batch.plan import Plan
from maskwise.batch.rows import Counts
from maskwise.errors import DataError
from maskwise.model.artifact import ModelCard
from maskwise.statistics.prevalence import true_share
from maskwise.stream.report.error_rates import ErrorRates, error_rates
from maskwise.values import MASKED, UNCERTAIN


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run came to.

    plan: what was to be done.
    total: what was done, earlier runs of the same plan included.
    fresh: pictures of this run.
    seconds: that this run took for them.
    lost: parts that were not done, as every worker ended that tried.
    rates: how often the model is known to be wrong, or why that is not known.
    """

    plan: Plan
    total: Counts
    fresh: int
    seconds: float
    lost: tuple[int, ...]
    rates: ErrorRates | str

    @property
    def decided(self) -> int:
        """Faces that got an answer other than uncertain."""
        return self.total.faces - self.total.verdicts.get(UNCERTAIN, 0)

    @property
    def whole(self) -> bool:
        """Whether every input has its row."""
        return self.total.inputs == self.plan.count

    def wearing(self) -> dict[str, Any]:
        """The share that really wears a mask properly, of faces that got an answer; or why that cannot be said."""
        if isinstance(self.rates, str):
            return {"share": None, "because": self.rates}
        se, sp = self.rates.sensitivity, self.rates.specificity
        if not self.decided:
            return {"share": None, "because": "no face got an answer"}
        try:
            share = true_share(self.total.verdicts.get(MASKED, 0), self.decided, (se.value, se.n), (sp.value, sp.n))
        except DataError as error:
            return {"share": None, "because": str(error)}
        return {"share": share.to_json(), "because": None}


def known_rates(card: ModelCard, operating_point: str | None, threshold: float | None) -> ErrorRates | str:
    """How often the model is wrong at the thresholds in use."""
    thresholds = card.thresholds_at(operating_point)
    if threshold is not None:
        thresholds = replace(thresholds, confidence=threshold)
    return error_rates(card, thresholds)


def summary_json(summary: Summary) -> dict[str, Any]:
    """For programs; docs/reference/batch.md describes it."""
    total, plan = summary.total, summary.plan
    return {
        "inputs": plan.count,
        "done": total.inputs,
        "unreadable": total.unreadable,
        "without_face": total.without_face,
        "decoded_reduced": total.reduced,
        "faces": total.faces,
        "verdicts": dict(sorted(total.verdicts.items())),
        "wearing_properly": summary.wearing(),
        "error_rates": summary.rates if isinstance(summary.rates, str) else summary.rates.to_json(),
        "this_run": {
            "pictures": summary.fresh,
            "seconds": round(summary.seconds, 1),
            "per_s": round(summary.fresh / summary.seconds, 1) if summary.seconds > 0 else None,
        },
        "mean_ms": {
            "read": round(total.read_ms / total.inputs, 2) if total.inputs else None,
            "check": round(total.check_ms / total.inputs, 2) if total.inputs else None,
        },
        "parts": {"count": plan.parts, "rows": plan.part_rows, "not_done": list(summary.lost)},
        "model": {"named": plan.model, "sha256": plan.model_sha256, "labels": list(plan.labels)},
        "judging": asdict(plan.judging),
        "sources": list(plan.sources),
        "plan": plan.id,
    }
