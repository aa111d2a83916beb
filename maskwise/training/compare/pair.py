"""Two models' answers to the same faces, among the classes that both know."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from maskwise.errors import DataError
from maskwise.model.storage import written_whole
from maskwise.training.predictions import Predictions
from maskwise.values import CLASSES


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """What two models said of the same faces.

    a, b: their answers; rows and labels are the same, so a face that one of them could not judge has its reason in
        both. The facts, where they were measured, are with a.
    """

    a: Predictions
    b: Predictions

    def __post_init__(self) -> None:
        if self.a.labels != self.b.labels or not self.a.rows.equals(self.b.rows):
            raise DataError("pair: the two models' answers are about different rows or classes")

    def table(self) -> pl.DataFrame:
        """One row for each face with both answers: what predictions.csv of a comparison holds."""
        a, b = self.a.table(), self.b.table()
        answers = ["predicted", "confidence", *(f"p_{label}" for label in self.a.labels)]
        known = a.columns[: a.columns.index("predicted")]
        both = [table.select(pl.col(answers).name.prefix(name)) for name, table in (("a_", a), ("b_", b))]
        return pl.concat([a.select(known), *both, a.drop(*known, *answers)], how="horizontal")

    def write_csv(self, path: Path) -> None:
        """Write `table()`, complete or not at all.

        Raises:
            StorageError: the file cannot be written.
        """
        with written_whole(path) as partial:
            self.table().write_csv(partial)


def pair(a: Predictions, b: Predictions) -> Pair:
    """Bring two models' answers to one data set together.

    Answers are taken among the classes that both know, their probabilities made to sum to 1 again: a model that also
    knows a third class is asked the question that the other one can answer. A face counts where both could judge it.

    Args:
        a: of one model; its boxes are kept, but where only b has facts.
        b: of the other, the same rows in the same order; a model that looks for faces itself may have other boxes and
            errors there.

    Raises:
        DataError: the rows are of different pictures, or fewer than two classes are known to both.
    """
    if a.rows["path"].to_list() != b.rows["path"].to_list():
        raise DataError("pair: the two models were asked about different pictures")
    labels = common_labels(a.labels, b.labels)
    kept = b if a.facts is None and b.facts is not None else a
    rows = kept.rows.with_columns(error=pl.coalesce(a.rows["error"], b.rows["error"]))
    return Pair(_among(a, labels, rows, kept.facts), _among(b, labels, rows))


def common_labels(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, ...]:
    """The classes that both models know, in the order of CLASSES.

    Raises:
        DataError: fewer than two, so that there is nothing to tell apart.
    """
    common = tuple(label for label in CLASSES if label in a and label in b)
    if len(common) < 2:
        raise DataError(
            f"A knows {', '.join(a)}; B knows {', '.join(b)}: with only {', '.join(common) or 'none'} in common there "
            "is nothing to tell apart; compare models that share two classes"
        )
    return common


def _among(
    predictions: Predictions, labels: tuple[str, ...], rows: pl.DataFrame, facts: pl.DataFrame | None = None
) -> Predictions:
    if labels == predictions.labels:
        return Predictions(rows, labels, predictions.probabilities, facts)
    columns = predictions.probabilities[:, [predictions.labels.index(label) for label in labels]]
    columns = np.maximum(columns, np.finfo(np.float32).tiny)  # nan stays nan; what is as good as 0 still has a side
    return Predictions(rows, labels, columns / columns.sum(axis=1, keepdims=True), facts)
