"""What a model that never saw each face says of it: the whole face's score, and which labels it contradicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from maskwise.data.audit.folds import Codes, can_be_folded
from maskwise.data.audit.look import Records
from maskwise.data.audit.probes import face_features, judge_faces
from maskwise.data.audit.suspects import confidences, suspicion
from maskwise.data.manifest import Manifest
from maskwise.data.schema import BOX
from maskwise.statistics.intervals import compact, mean_recall, proportion
from maskwise.statistics.metrics import UNDEFINED, Figure

STRONG = 0.8
"""Suspicion from which a label counts as strongly contradicted."""


class Judge(Protocol):
    """A trained model.

    name: what it is called.
    labels: the classes that it knows.
    """

    name: str
    labels: tuple[str, ...]

    def __call__(self, manifest: Manifest) -> NDArray[np.float32]:
        """Probabilities of the usable rows: (n, k) in the order of the manifest's classes."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Doubt:
    """What a model that never saw each face says of it.

    possible: false where too few groups, or one class only, leave nothing to cross-validate.
    probabilities: (n, k) in the order of labels; nan where not possible.
    accuracy, balanced_accuracy: undefined where not possible.
    """

    labels: tuple[str, ...]
    target: Codes
    groups: Codes
    probabilities: NDArray[np.float64]
    possible: bool
    accuracy: Figure = UNDEFINED
    balanced_accuracy: Figure = UNDEFINED

    @classmethod
    def of(cls, rows: pl.DataFrame, faces: Records, groups: Codes, judge: Judge | None, manifest: Manifest) -> Doubt:
        """Ask the given model, or a plain classifier fitted without each face's group.

        Args:
            rows: the usable faces.
            faces: their FACE records.
            groups: which rows belong together.
            judge: a trained model, or None.
            manifest: the data, without what is not a face.
        """
        labels = manifest.classes
        target = np.asarray(rows["label"].replace_strict(list(labels), range(len(labels)), return_dtype=pl.Int64))
        groups = compact(groups)
        if not can_be_folded(target, groups):
            return cls(labels, target, groups, np.full((len(target), len(labels)), np.nan), False)
        if judge:
            known = np.asarray(judge(manifest), np.float64)
        else:
            known = confidences(judge_faces(face_features(faces), target, groups), target)
        called = known.argmax(axis=1)
        accuracy, balanced = proportion(called == target, groups), mean_recall(target, called, groups)
        return cls(labels, target, groups, known, True, accuracy, balanced)

    @property
    def called(self) -> Codes:
        """(n,) the likeliest class of each face."""
        return np.asarray(np.nan_to_num(self.probabilities).argmax(axis=1), np.int64)

    @property
    def suspicion(self) -> NDArray[np.float64]:
        """(n,) -1 to 1; see `maskwise.data.audit.suspects.suspicion`."""
        return suspicion(self.probabilities, self.target)

    def counts(self) -> dict[str, int]:
        """How many labels are contradicted."""
        if not self.possible:
            return {"n": 0, "contradicted": 0, "strongly": 0}
        doubt = self.suspicion
        return {"n": len(doubt), "contradicted": int((doubt > 0).sum()), "strongly": int((doubt > STRONG).sum())}


def table(rows: pl.DataFrame, doubt: Doubt, flags: pl.DataFrame) -> pl.DataFrame:
    """One line for each face, the likeliest label errors first; see docs/reference/audit.md."""
    each = np.arange(rows.height)
    named = flags.group_by("row").agg(pl.col("flag").sort().str.join(" ").alias("flags"))
    confidence = doubt.probabilities[each, doubt.called]
    answers = rows.select("path", *BOX, "label", "group", "source", "split").with_columns(
        pl.int_range(pl.len()).alias("row"),
        pl.Series("called", [doubt.labels[i] if doubt.possible else None for i in doubt.called], pl.String),
        pl.Series("confidence", confidence, pl.Float64).fill_nan(None),
        pl.Series("suspicion", doubt.suspicion, pl.Float64).fill_nan(None),
    )
    joined = answers.join(named.with_columns(pl.col("row").cast(pl.Int64)), on="row", how="left", maintain_order="left")
    return joined.with_columns(pl.col("flags").fill_null("")).sort("suspicion", descending=True, nulls_last=True)
