"""Where a model is worse: the faces cut into slices by what is known of each, every slice against all other faces.

A report shows many slices, and one of them always looks worst. So only that is called clearly worse which stays so
after a correction for all that were looked at, and rests on enough faces.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from maskwise.data.schema import FACE_SIDE
from maskwise.statistics import intervals, parts
from maskwise.training.judged import Judged
from maskwise.training.predictions import Predictions
from maskwise.training.remarks import FEW_FACES, said_of_slices
from maskwise.values import UNMASKED

Content = dict[str, Any]

CLAIMED_BELOW = 0.05
"""Chance that a report claims anything about any slice where all are alike."""

NOT_FOUND = "not found"


class Bins(NamedTuple):
    """How a measured fact is cut: bins from each edge up to the next, and one beyond either end."""

    fact: str
    edges: tuple[float, ...]
    unit: str = ""


BINS = {
    "face_px": Bins("face size", (16, 24, 32, 64, 128), " px"),
    "sharpness": Bins("sharpness", (0.12, 0.25, 0.5)),  # the first: hardly any fine detail (maskwise.model.quality)
    "brightness": Bins("brightness", (60, 100, 140, 180)),
    "yaw_deg": Bins("yaw", (15, 30, 45), "°"),  # frontal, slightly turned, half turned, to the side
}


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """Faces that have something in common.

    fact: what they were cut by, in words. name: what they have in common.
    faces: (n,) bool, which of all faces they are.
    """

    fact: str
    name: str
    faces: NDArray[np.bool_]


def cut_by_facts(rows: pl.DataFrame, facts: pl.DataFrame | None) -> list[Slice]:
    """Every slice that holds a face, in the order of facts and values.

    Args:
        rows: (n) of a manifest.
        facts: (n) of `maskwise.training.facts.FACTS`; without, only what the manifest knows is cut by.
    """
    known = rows.with_columns(face_px=FACE_SIDE)
    if facts is not None:
        known = known.with_columns(facts.drop("face_px"))
    return [
        Slice(fact, name, (names == name).fill_null(value=False).to_numpy())
        for fact, names, order in _named(known)
        for name in order
        if (names == name).any()
    ]


def _named(known: pl.DataFrame) -> Iterator[tuple[str, pl.Series, list[str]]]:
    """Fact, each face's slice by name (null: none), and the names in order."""
    for column, bins in BINS.items():
        if column in known.columns:
            yield bins.fact, _binned(known[column], bins), [*_bin_names(bins), NOT_FOUND]
    bare = pl.col("label") == UNMASKED
    words = {
        "mask colour": pl.col("mask_colour") if "mask_colour" in known.columns else pl.lit(None, pl.String),
        "mask kind": pl.when(~bare).then("kind"),
        "hard negative": pl.when(bare).then("kind"),  # what is at the mouth and is no mask: hand, beard, cup
        "provenance": pl.col("provenance").fill_null("photograph"),
        "source": pl.col("source"),
    }
    for fact, expression in words.items():
        names = known.select(expression.alias("name"))["name"]
        yield fact, names, sorted(names.drop_nulls().unique())


def _bin_names(bins: Bins) -> list[str]:
    edges = [f"{edge:g}" for edge in bins.edges]
    between = [f"{low} to {high}{bins.unit}" for low, high in pairwise(edges)]
    return [f"under {edges[0]}{bins.unit}", *between, f"{edges[-1]}{bins.unit} and more"]


def _binned(values: pl.Series, bins: Bins) -> pl.Series:
    """The bin of each value's size; sides do not matter: a head turned left is a head turned right."""
    names, sizes = _bin_names(bins), values.cast(pl.Float64).abs()
    numbers = np.digitize(sizes.fill_null(0).fill_nan(0).to_numpy(), bins.edges)
    known = zip(numbers, sizes.is_null(), sizes.is_nan().fill_null(value=False), strict=True)
    return pl.Series([None if null else NOT_FOUND if nan else names[i] for i, null, nan in known], dtype=pl.String)


def measure_slices(judged: Judged, predictions: Predictions, seed: int = 0) -> Content:
    """The key `slices` of report.json; docs/reference/report.md describes it."""
    facts = predictions.facts[judged.index] if predictions.facts is not None else None
    cut = [s for s in cut_by_facts(predictions.rows[judged.index], facts) if not s.faces.all()]
    shown = [
        _of_slice(part, judged, seed) | {"p": p, "p_adjusted": adjusted}
        for part, (p, adjusted) in zip(cut, compare(cut, judged), strict=True)
    ]
    for figures in shown:
        figures["clearly"] = _clearly(figures)
    worse = [figures for figures in shown if figures["clearly"] == "worse"]
    worst = min(worse, key=lambda figures: float(figures["difference"]["value"]), default=None)
    tested = sum(figures["p"] is not None for figures in shown)
    content: Content = {"min_faces": FEW_FACES, "tested": tested, "worst": worst, "shown": shown}
    return {**content, "sentence": said_of_slices(content)}


def compare(cut: Sequence[Slice], judged: Judged) -> list[tuple[float | None, float | None]]:
    """Test each slice against all other faces of its classes.

    Returns:
        p and p after Holm's correction for all that were tested; None both where either side has under FEW_FACES faces.
    """
    enough = [i for i, part in enumerate(cut) if min(_sides(part, judged)) >= FEW_FACES]
    p = [parts.p_value(judged.right, cut[i].faces, judged.target, judged.groups) for i in enough]
    found = dict(zip(enough, zip(p, parts.holm(p), strict=True), strict=True))
    return [found.get(i, (None, None)) for i in range(len(cut))]


def _sides(part: Slice, judged: Judged) -> tuple[int, int]:
    """How many faces of the slice, and how many others, can be compared."""
    compared = parts.comparable(part.faces, judged.target)
    return int((compared & part.faces).sum()), int((compared & ~part.faces).sum())


def _of_slice(part: Slice, judged: Judged, seed: int) -> Content:
    away = parts.difference(judged.right, part.faces, judged.target, judged.groups, seed)
    return {
        "fact": part.fact,
        "name": part.name,
        **figures_of_part(judged.at(part.faces), seed),
        "rest": _sides(part, judged)[1],
        "difference": None if away is None else dict(zip(("value", "low", "high"), away, strict=True)),
    }


def _clearly(figures: Content) -> str | None:
    if figures["p_adjusted"] is None or figures["p_adjusted"] >= CLAIMED_BELOW:
        return None
    return "worse" if figures["difference"]["value"] < 0 else "better"


def figures_of_part(part: Judged, seed: int = 0) -> Content:
    """How some of the faces are judged: `n`, `groups`, `accuracy` and `recall` by class."""
    return {
        "n": len(part.index),
        "groups": len(np.unique(part.groups)),
        "accuracy": intervals.proportion(part.right, part.groups, seed).to_json(),
        "recall": {
            label: intervals.proportion(part.right[part.target == i], part.groups[part.target == i], seed).to_json()
            for i, label in enumerate(part.labels)
        },
    }
