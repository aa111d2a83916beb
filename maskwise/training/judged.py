"""The faces that can be judged, as arrays, with who belongs together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_array  # type: ignore[import-untyped, unused-ignore]
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped, unused-ignore]

from maskwise.statistics.intervals import Groups, compact
from maskwise.training.predictions import Predictions


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The n faces whose true class the model knows.

    index: (n,) their rows in the predictions.
    target, predicted: (n,) int64, positions in the labels.
    probabilities: (n, classes) float32.
    groups: (n,) int64; equal numbers belong together.
    sources: (n,) names of data sets.
    """

    labels: tuple[str, ...]
    index: NDArray[np.int64]
    target: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    groups: Groups
    sources: NDArray[np.object_]

    @property
    def right(self) -> NDArray[np.bool_]:
        """(n,) whether the likeliest class is the true one."""
        return np.asarray(self.target == self.predicted, bool)

    @property
    def confidence(self) -> NDArray[np.float32]:
        """(n,) probability of the likeliest class."""
        return np.asarray(self.probabilities.max(axis=1, initial=0), np.float32)

    def at(self, mask: NDArray[np.bool_]) -> Judged:
        """A part of the faces."""
        return Judged(
            labels=self.labels,
            index=self.index[mask],
            target=self.target[mask],
            predicted=self.predicted[mask],
            probabilities=self.probabilities[mask],
            groups=self.groups[mask],
            sources=self.sources[mask],
        )


def judge(predictions: Predictions) -> Judged:
    """The faces whose true class the model knows."""
    rows, labels = predictions.rows, predictions.labels
    mask = (rows["error"].is_null() & rows["label"].is_in(labels)).to_numpy()
    index = np.flatnonzero(mask)
    known = rows.filter(mask)
    probabilities = predictions.probabilities[index]
    return Judged(
        labels=labels,
        index=index,
        target=np.array([labels.index(label) for label in known["label"]], np.int64),
        predicted=probabilities.argmax(axis=1).astype(np.int64),
        probabilities=probabilities,
        groups=groups_of(known),
        sources=np.array([source or "" for source in known["source"]], object),
    )


def groups_of(rows: pl.DataFrame) -> Groups:
    """Which rows are not independent of each other: (rows,) int64, equal numbers belong together.

    A person or scene of one source belongs together, and so do identical pictures, and so does what hangs together
    over several of these links. A row with neither is alone.
    """
    n = rows.height
    if n == 0:
        return np.zeros(0, np.int64)
    by_group = pl.when(pl.col("group").is_not_null()).then(pl.struct("source", "group").rank("dense"))
    links = rows.select(group=by_group, picture=pl.col("sha256").rank("dense"))
    edges = [
        (links[name].fill_null(0).to_numpy().astype(np.int64), offset)
        for name, offset in (("group", 0), ("picture", 1))
    ]
    ends = [np.where(number > 0, n + 2 * number + offset, np.arange(n)) for number, offset in edges]
    tails, heads = np.tile(np.arange(n), 2), np.concatenate(ends)
    size = int(max(heads.max(), n)) + 1
    graph = coo_array((np.ones(len(heads), np.int8), (tails, heads)), shape=(size, size))
    return compact(connected_components(graph, directed=False)[1][:n].astype(np.int64))
