"""From two models' answers to what can honestly be said about their difference: the content of compare.json.

docs/reference/compare.md describes every key. Differences are B less A throughout: above 0, B is better.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from maskwise.errors import DataError
from maskwise.statistics import confidence, intervals, paired, parts
from maskwise.statistics.metrics import Figure
from maskwise.training.compare import remarks
from maskwise.training.compare.pair import Pair
from maskwise.training.evaluation import data_of, examples, largest_group, method_of, unusable_of
from maskwise.training.judged import Judged, judge
from maskwise.training.remarks import FEW_FACES
from maskwise.training.slices import CLAIMED_BELOW, cut_by_facts

SCHEMA_VERSION = 1

Content = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two models compared on a data set.

    pair: what they said.
    content: what compare.json holds.
    """

    pair: Pair
    content: Content

    def to_json(self) -> Content:
        """The content of compare.json."""
        return self.content


def compare(
    pair: Pair,
    models: Mapping[str, Content],
    *,
    data: Mapping[str, Any] | None = None,
    left_out: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Comparison:
    """Compare two models.

    Args:
        pair: what they said about the same faces.
        models: of `a` and of `b` what is to be told: `name`, `labels`, `trained_on`, `split_check` are used here.
        data: what the predictions cannot know of the data: its `fingerprint` and `split`.
        left_out: how many faces only one model could judge, and were answered beside the common classes.
        seed: of the resampling.

    Raises:
        DataError: there is no face that both could judge.
    """
    a, b = judge(pair.a), judge(pair.b)
    if not len(a.index):
        reasons = pair.a.rows["error"].drop_nulls()
        first = reasons[0] if len(reasons) else f"none is labelled {' or '.join(pair.a.labels)}"
        raise DataError(f"no face that both models can judge, of {pair.a.rows.height} rows: {first}")
    both = _Both(a, b, seed)
    content: Content = {
        "schema_version": SCHEMA_VERSION,
        "models": {name: dict(model) for name, model in models.items()},
        "data": data_of(pair.a, a, None) | dict(data or {}),
        "n": len(a.index),
        "groups": len(np.unique(a.groups)),
        "labels": list(pair.a.labels),
        "outcomes": paired.outcomes(a.right, b.right)._asdict(),
        "accuracy": both.shares(np.ones(len(a.index), bool)),
        "balanced_accuracy": both.balanced(),
        "p": paired.p_value(a.right, b.right, a.groups),
        "detectable": paired.detectable(a.right, b.right, a.groups),
        "per_class": _per_class(both),
        "calibration_error": both.calibration(),
        "slices": _slices(both, pair),
        "left_out": {"labels": _other_labels(pair), **(left_out or {})},
        "disagreements": _disagreements(pair, both),
        "interval_method": _method(a, seed),
        "unusable": unusable_of(pair.a),
    }
    content["clearly"] = _clearly(content["p"], content["accuracy"]["difference"])
    content["verdict"] = remarks.verdict(content)
    content["summary"] = remarks.summary(content)
    content["warnings"] = remarks.warnings(content)
    content["notes"] = remarks.notes(content)
    return Comparison(pair, content)


@dataclass(frozen=True, slots=True, eq=False)
class _Both:
    """The same n faces, judged by both; `groups` and `target` are one."""

    a: Judged
    b: Judged
    seed: int

    def shares(self, part: intervals.Flags) -> Content:
        """Share of right answers among some of the faces: of each model, and the difference."""
        a, b, groups = self.a.right[part], self.b.right[part], self.a.groups[part]
        return _figures(
            intervals.proportion(a, groups, self.seed),
            intervals.proportion(b, groups, self.seed),
            paired.difference(a, b, groups, self.seed),
        )

    def balanced(self) -> Content:
        """Mean recall over the classes that have faces."""
        target, groups = self.a.target, self.a.groups
        return _figures(
            intervals.mean_recall(target, self.a.predicted, groups, self.seed),
            intervals.mean_recall(target, self.b.predicted, groups, self.seed),
            paired.mean_recall_difference(self.a.right, self.b.right, target, groups, self.seed),
        )

    def calibration(self) -> Content:
        """Expected calibration error of each."""
        return {
            name: confidence.expected_calibration_error(
                judged.confidence.astype(np.float64), judged.right, judged.groups, seed=self.seed
            ).to_json()
            for name, judged in (("a", self.a), ("b", self.b))
        }

    def tested(self, cut: list[intervals.Flags]) -> list[Content]:
        """Of each part its shares and a test, corrected for all that were tested: those with FEW_FACES faces."""
        enough = [i for i, part in enumerate(cut) if part.sum() >= FEW_FACES]
        p = [paired.p_value(self.a.right[cut[i]], self.b.right[cut[i]], self.a.groups[cut[i]]) for i in enough]
        found = dict(zip(enough, zip(p, parts.holm(p), strict=True), strict=True))
        content = []
        for i, part in enumerate(cut):
            raw, adjusted = found.get(i, (None, None))
            own = {"n": int(part.sum()), "groups": len(np.unique(self.a.groups[part])), **self.shares(part)}
            own |= {"p": raw, "p_adjusted": adjusted, "clearly": _clearly(adjusted, own["difference"])}
            content.append(own)
        return content


def _figures(a: Figure, b: Figure, difference: Figure) -> Content:
    return {"a": a.to_json(), "b": b.to_json(), "difference": difference.to_json()}


def _clearly(p: float | None, difference: Content) -> str | None:
    """Whether B is `better` or `worse`: test and interval must both say so, on enough faces."""
    if p is None or difference["n"] < FEW_FACES or p >= CLAIMED_BELOW or difference["low"] <= 0 <= difference["high"]:
        return None
    return "better" if difference["value"] > 0 else "worse"


def _per_class(both: _Both) -> Content:
    members = [both.a.target == i for i in range(len(both.a.labels))]
    return {
        label: figures | {"largest_group": largest_group(both.a.groups[part])}
        for label, figures, part in zip(both.a.labels, both.tested(members), members, strict=True)
    }


def _slices(both: _Both, pair: Pair) -> Content:
    facts = pair.a.facts[both.a.index] if pair.a.facts is not None else None
    cut = [s for s in cut_by_facts(pair.a.rows[both.a.index], facts) if not s.faces.all()]
    shown = [
        {"fact": part.fact, "name": part.name, **figures}
        for part, figures in zip(cut, both.tested([s.faces for s in cut]), strict=True)
    ]
    return {"min_faces": FEW_FACES, "tested": sum(s["p"] is not None for s in shown), "shown": shown}


def _other_labels(pair: Pair) -> dict[str, int]:
    """Faces of classes that not both models know: in no figure."""
    usable = pair.a.rows.filter(pair.a.rows["error"].is_null())
    names = [label for label in usable["label"] if label not in pair.a.labels]
    return {name: names.count(name) for name in sorted(set(names))}


def _disagreements(pair: Pair, both: _Both) -> Content:
    """Faces that get different answers: the surest of the wrong answers first."""
    differ = np.flatnonzero(both.a.predicted != both.b.predicted)
    wrong = np.maximum(both.a.confidence * ~both.a.right, both.b.confidence * ~both.b.right)
    order = differ[np.argsort(-wrong[differ], kind="stable")]
    listed = []
    for a, b in zip(examples(pair.a, both.a, order), examples(pair.b, both.b, order), strict=True):
        answers = {name: {key: of.pop(key) for key in ("predicted", "confidence")} for name, of in (("a", a), ("b", b))}
        listed.append(a | answers)
    return {"n": len(listed), "listed": listed}


def _method(judged: Judged, seed: int) -> dict[str, str]:
    alone = intervals.independent(judged.groups)
    said = method_of(judged, seed)
    return {key: said[key] for key in ("level", "proportions", "averages")} | {
        "differences": f"bootstrap by {'face' if alone else 'group'} of the paired differences, {intervals.RESAMPLES} "
        f"resamples, seed {seed}, never narrower than the intervals of both discordant shares combined (MOVER)",
        "test": "McNemar, exact" if alone else "McNemar's, with whole groups changing sign, exact",
    }
