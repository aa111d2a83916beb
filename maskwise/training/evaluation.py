"""From predictions to everything that can honestly be said about a model on a data set: the content of report.json.

docs/reference/report.md describes every key.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from maskwise.data.manifest import BOX, Manifest
from maskwise.errors import DataError
from maskwise.model.artifact import ONNX_NAME, ModelCard
from maskwise.model.quality import FaceQuality, sides_px
from maskwise.model.verdict import Thresholds, answers, decided
from maskwise.statistics import intervals, metrics
from maskwise.statistics.intervals import Groups
from maskwise.training.calibration import calibration, coverage_risk
from maskwise.training.curves import curves
from maskwise.training.judged import Judged, groups_of, judge
from maskwise.training.operating_points import figures_at
from maskwise.training.predictions import Predictions, predict, short_paths
from maskwise.training.remarks import notes, said_of_no_faces, said_of_point, summary, warnings
from maskwise.training.slices import figures_of_part, measure_slices
from maskwise.values import CLASSES, MASKED, NOT_A_FACE, UNCERTAIN

__all__ = [
    "SCHEMA_VERSION",
    "Evaluation",
    "Predictions",
    "data_of",
    "evaluate",
    "examples",
    "groups_of",
    "largest_group",
    "method_of",
    "model_of",
    "predict",
    "unusable_of",
]

SCHEMA_VERSION = 1
MISTAKES_SHOWN, CORRECT_SHOWN = 24, 12

Content = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A model measured on a data set.

    predictions: what was measured.
    card: the model.
    content: what report.json holds.
    """

    predictions: Predictions
    card: ModelCard
    content: Content

    def to_json(self) -> Content:
        """The content of report.json."""
        return self.content


def evaluate(
    predictions: Predictions,
    card: ModelCard,
    *,
    name: str | None = None,
    split: str | None = None,
    history: Sequence[Mapping[str, Any]] | None = None,
    split_check: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Evaluation:
    """Measure a model.

    Args:
        predictions: what it said, about data with known classes.
        card: the model; its labels are those of the predictions.
        name: what the report calls the model; its network's name if None.
        split: which part of the data this is; read from the rows if None.
        history: how training went, one record per epoch as in history.csv.
        split_check: how the data was split: {"by": "random" or "group", "groups": how many persons or scenes stand on
            more than one side, "duplicates": how many identical pictures do}; None where not known.
        seed: of the resampling and of the choice of examples.

    Raises:
        DataError: the labels differ from the card's, or there is no face that could be judged.
    """
    if predictions.labels != card.labels:
        raise DataError(f"predictions have the labels {predictions.labels}, the model's are {card.labels}")
    judged = judge(predictions)
    if not len(judged.index):
        raise DataError(
            f"no face to evaluate on: {predictions.rows.height} rows, none of them usable with a label out of "
            f"{', '.join(card.labels)}; `maskwise data audit` says what is wrong with each"
        )
    content: Content = {
        "schema_version": SCHEMA_VERSION,
        "model": model_of(card, name or card.network),
        "data": data_of(predictions, judged, split),
        "n": len(judged.index),
        "groups": len(np.unique(judged.groups)),
        "labels": list(card.labels),
        **_figures(judged, seed),
        "uncertain": _uncertain(judged, _quality(predictions, judged), card.thresholds, seed),
        "calibration": calibration(judged, card.temperature, seed),
        "coverage_risk": coverage_risk(judged, seed),
        "operating_points": _operating_points(judged, _quality(predictions, judged), card, seed),
        "sources": _sources(judged, seed),
        "slices": measure_slices(judged, predictions, seed),
        "interval_method": method_of(judged, seed),
        "not_in_model": _not_in_model(predictions),
        "not_a_face": _not_a_face(predictions, card.thresholds, seed),
        "unusable": unusable_of(predictions),
        "mistakes": _mistakes(predictions, judged),
        "correct": _correct(predictions, judged, seed),
        "history": [_finite(record) for record in history or ()],
        "split_check": dict(split_check) if split_check is not None else None,
    }
    content["summary"] = summary(content)
    content["warnings"] = warnings(content)
    content["notes"] = notes(content)
    return Evaluation(predictions, card, content)


def _finite(record: Mapping[str, Any]) -> Content:
    """JSON knows neither nan nor infinity: a loss that ran away is null."""
    return {key: None if isinstance(v, float) and not math.isfinite(v) else v for key, v in record.items()}


def _figures(judged: Judged, seed: int) -> Content:
    k = len(judged.labels)
    counts = metrics.confusion(judged.target, judged.predicted, k)
    per_class = [_of_class(judged, i, seed) for i in range(k)]
    means = _means(judged, [c["recall"] for c in per_class], [c["f1"] for c in per_class], seed)
    return {
        "confusion": counts.tolist(),
        "confusion_rates": [[None if np.isnan(v) else float(v) for v in row] for row in metrics.rates(counts)],
        "accuracy": intervals.proportion(judged.right, judged.groups, seed).to_json(),
        "balanced_accuracy": means["recall"].to_json(),
        "macro_f1": means["f1"].to_json(),
        "averaged_over": [label for label, support in zip(judged.labels, counts.sum(axis=1), strict=True) if support],
        "per_class": {
            label: {
                "n": int(counts[i].sum()),
                "predicted": int(counts[:, i].sum()),
                "groups": len(np.unique(judged.groups[judged.target == i])),
                "largest_group": largest_group(judged.groups[judged.target == i]),
                **{key: figure.to_json() for key, figure in per_class[i].items()},
            }
            for i, label in enumerate(judged.labels)
        },
        "curves": {
            label: curves(judged.probabilities[:, i], judged.target == i) for i, label in enumerate(judged.labels)
        },
    }


def _of_class(judged: Judged, i: int, seed: int) -> dict[str, metrics.Figure]:
    target_is, called_so = judged.target == i, judged.predicted == i
    if not target_is.any():  # a precision of 0 would only say that the class was not there
        return dict.fromkeys(("precision", "recall", "f1", "roc_auc", "average_precision"), metrics.UNDEFINED)
    roc_auc, average_precision = intervals.areas_of(
        judged.probabilities[:, i].astype(np.float64), target_is, judged.groups, seed
    )
    return {
        "precision": intervals.proportion(target_is[called_so], judged.groups[called_so], seed),
        "recall": intervals.proportion(called_so[target_is], judged.groups[target_is], seed),
        "f1": intervals.f1_of(target_is, called_so, judged.groups, seed),
        "roc_auc": roc_auc,
        "average_precision": average_precision,
    }


def _means(
    judged: Judged, recalls: list[metrics.Figure], f1s: list[metrics.Figure], seed: int
) -> dict[str, metrics.Figure]:
    """Means over the classes that have examples."""
    n, k = len(judged.index), len(judged.labels)
    codes = intervals.compact(judged.groups)
    single = np.zeros((n, k, k), np.int64)
    single[np.arange(n), judged.target, judged.predicted] = 1
    samples = intervals.resampled_confusions(single, codes, seed=seed)
    there = np.array([figure.n > 0 for figure in recalls])
    groups = int(codes.max()) + 1
    return {
        key: intervals.mean_of(parts, measure(samples)[:, there].mean(axis=1), groups, n)
        for key, parts, measure in (("recall", recalls, metrics.recall), ("f1", f1s, metrics.f1))
    }


def _quality(predictions: Predictions, judged: Judged) -> FaceQuality:
    """What is known of how much can be seen of each face; how far the frame cuts it off is not."""
    unknown = np.full(len(judged.index), np.nan)
    if predictions.facts is None:
        return FaceQuality(sides_px(Manifest(predictions.rows[judged.index]).boxes_xyxy()), unknown, unknown)
    facts = predictions.facts[judged.index].select(pl.col("face_px", "sharpness").cast(pl.Float64).fill_null(math.nan))
    return FaceQuality(facts["face_px"].to_numpy(), facts["sharpness"].to_numpy(), unknown)


def _uncertain(judged: Judged, quality: FaceQuality, thresholds: Thresholds, seed: int) -> Content:
    """At the artifact's own thresholds: how many faces get no answer, and how good the answers of the others are."""
    answer, confidence = answers(judged.probabilities, judged.labels, thresholds.masked_from)
    given = decided(confidence, quality, thresholds)
    right = (answer == judged.target)[given]
    return {
        "threshold": thresholds.confidence,
        "share": intervals.proportion(~given, judged.groups, seed).to_json(),
        "by_quality": int((~decided(np.ones_like(confidence), quality, thresholds)).sum()),
        "accuracy_of_the_rest": intervals.proportion(right, judged.groups[given], seed).to_json(),
    }


def _operating_points(judged: Judged, quality: FaceQuality, card: ModelCard, seed: int) -> Content:
    masked = float(np.mean([judged.labels[i] == MASKED for i in judged.target]))
    content = {}
    for name, point in card.operating_points.items():
        figures = {k: f.to_json() for k, f in figures_at(judged, quality, point.thresholds, seed).items()}
        content[name] = {
            "thresholds": asdict(point.thresholds),
            **figures,
            "said": said_of_point(name, figures, masked),
        }
    return content


def _sources(judged: Judged, seed: int) -> Content:
    """Each source by itself; empty where there is only one."""
    names = sorted(set(judged.sources))
    return {name: figures_of_part(judged.at(judged.sources == name), seed) for name in names} if len(names) > 1 else {}


def method_of(judged: Judged, seed: int) -> dict[str, str]:
    """How the intervals were made, in words."""
    boot = f"{intervals.RESAMPLES} resamples, seed {seed}"
    ranking = f"{intervals.ranking_resamples(len(judged.index))} resamples, seed {seed}"
    alone = intervals.independent(judged.groups)
    unit = "face" if alone else "group"
    wilson = (
        "wilson"
        if alone
        else f"bootstrap by group, {boot}, never narrower than wilson at the effective number of faces; "
        "wilson for figures whose faces all come from different groups"
    )
    return {
        "level": f"{100 * intervals.LEVEL:g} %",
        "proportions": wilson,
        "f1": f"from the interval of tp / (tp + fp + fn): {wilson}",
        "averages": f"bootstrap by {unit}, {boot}, never narrower than the classes' intervals combined (MOVER)",
        "areas": f"bootstrap by {unit}, {ranking}, never narrower than wilson at the effective number of faces",
    }


def model_of(card: ModelCard, name: str) -> Content:
    """What a report says of the model."""
    return {
        "name": name,
        "network": card.network,
        "sha256": card.files.get(ONNX_NAME),
        "faces": card.faces,
        "crop": asdict(card.crop),
        "preprocess": {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(card.preprocess).items()},
        "temperature": card.temperature,
        "thresholds": asdict(card.thresholds),
        "trained_on": card.data.get("fingerprint"),
        "licence": card.licence,
    }


def data_of(predictions: Predictions, judged: Judged, split: str | None) -> Content:
    """What a report says of the data; split: which part it is, read from the rows if None."""
    manifest = Manifest(predictions.rows)
    usable, faces = manifest.usable, manifest.faces().usable
    splits = sorted(s for s in usable["split"].unique() if s)
    return {
        "fingerprint": manifest.fingerprint(),
        "split": split or (splits[0] if len(splits) == 1 else None),
        "splits": splits,
        "rows": predictions.rows.height,
        "n_per_class": {label: int((faces["label"] == label).sum()) for label in CLASSES},
        "sources": sorted(s for s in faces["source"].unique() if s),
        "named_groups": int(faces.filter(pl.col("group").is_not_null()).height),
        "largest_group": largest_group(judged.groups),
    }


def largest_group(groups: Groups) -> int:
    """How many faces the largest group holds."""
    return int(np.unique(groups, return_counts=True)[1].max(initial=0))


def _not_in_model(predictions: Predictions) -> Content:
    """Faces of classes that the model does not know: it cannot be right about them; what it called them."""
    table = predictions.table().filter(pl.col("error").is_null() & ~pl.col("label").is_in(predictions.labels))
    return {
        label: {
            "n": int((table["label"] == label).sum()),
            "predicted": {
                answer: int(((table["label"] == label) & (table["predicted"] == answer)).sum())
                for answer in predictions.labels
            },
        }
        for label in CLASSES
        if label in set(table["label"])
    }


def _not_a_face(predictions: Predictions, thresholds: Thresholds, seed: int) -> Content | None:
    """What is said of pictures that show no face; None without any.

    By the confidence alone: how large or sharp something is that is no face does not speak for the model.
    """
    mask = (predictions.rows["error"].is_null() & predictions.rows["label"].eq_missing(NOT_A_FACE)).to_numpy()
    if not mask.any():
        return None
    answer, confidence = answers(predictions.probabilities[mask], predictions.labels, thresholds.masked_from)
    unknown, groups = np.full(len(answer), np.nan), groups_of(predictions.rows.filter(mask))
    given = decided(confidence, FaceQuality(unknown, unknown, unknown), thresholds)
    got = {label: given & (answer == i) for i, label in enumerate(predictions.labels)} | {UNCERTAIN: ~given}
    shares = {name: intervals.proportion(flags, groups, seed).to_json() for name, flags in got.items()}
    figures = {"n": len(answer), **shares}
    return {**figures, "sentence": said_of_no_faces(figures)}


def unusable_of(predictions: Predictions) -> list[Content]:
    """The rows in no figure, with their reasons."""
    table = predictions.table().filter(pl.col("error").is_not_null())
    return [{"path": path, "reason": reason} for path, reason in table.select("path", "error").iter_rows()]


def _mistakes(predictions: Predictions, judged: Judged) -> Content:
    """The most confident mistakes first."""
    wrong = np.flatnonzero(~judged.right)
    worst = wrong[np.argsort(-judged.confidence[wrong], kind="stable")]
    return {"n": len(wrong), "shown": examples(predictions, judged, worst[:MISTAKES_SHOWN])}


def _correct(predictions: Predictions, judged: Judged, seed: int) -> Content:
    """A random choice in which every class has its turn."""
    order = np.random.default_rng(seed).permutation(np.flatnonzero(judged.right))
    turn = np.zeros(len(order), np.int64)
    for i in range(len(judged.labels)):
        own = judged.target[order] == i
        turn[own] = np.arange(own.sum())
    chosen = order[np.argsort(turn, kind="stable")][:CORRECT_SHOWN]
    return {"n": len(order), "shown": examples(predictions, judged, chosen)}


def examples(predictions: Predictions, judged: Judged, which: NDArray[np.int64]) -> list[Content]:
    """Faces one by one; which: (k,) positions among the judged."""
    names = short_paths(predictions.rows["path"].to_list())
    boxes = predictions.rows.select(BOX).rows()
    return [
        {
            "row": int(judged.index[i]),
            "path": names[judged.index[i]],
            "box_xyxy": None if None in (box := boxes[judged.index[i]]) else list(box),
            "label": judged.labels[judged.target[i]],
            "predicted": judged.labels[judged.predicted[i]],
            "confidence": round(float(judged.confidence[i]), 4),
        }
        for i in which
    ]
