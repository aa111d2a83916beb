"""A model asked about each face of a data set by the workers of an engine, in place of the threads of this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from maskwise.data.manifest import Manifest
from maskwise.data.schema import SCHEMA
from maskwise.engines.chunks import in_chunks
from maskwise.engines.engine import Done, Engine
from maskwise.errors import ArtifactError
from maskwise.model.artifact import ModelCard
from maskwise.model.classifier import MaskClassifier
from maskwise.model.faces import YuNet
from maskwise.model.worker import not_survived, one_of_many
from maskwise.training.facts import facts_table
from maskwise.training.predictions import Predictions, predict, unusable

AT_ONCE = 32
"""Pictures of a task: half a second's work."""

Rows = list[tuple[Any, ...]]
"""Of a manifest: those of one picture."""


def ask(
    engine: Engine,
    folder: Path,
    manifest: Manifest,
    progress: Callable[[int, int], None] | None = None,
) -> Predictions:
    """Ask an artifact about every usable face of a data set, and measure facts of each.

    The answers are those of `predict`, to the last bit: neither the number of threads nor the faces that stand in one
    batch change what the networks say, on processors of one kind.

    Args:
        engine: its workers have to reach the artifact and the pictures under the same paths.
        folder: the artifact.
        manifest: see `predict`.
        progress: hears of faces done and faces in all.

    Returns:
        Every row of the manifest, in its order; one of a picture that no worker lived to finish has that as its error.

    Raises:
        ArtifactError: the folder is no sound artifact, here or where a worker is, or another one there.
        EngineError: workers cannot work.
    """
    card = MaskClassifier.load(folder).card
    parts, done, count = [_unanswered(manifest.rows.clear(), card)], 0, unusable(manifest.rows).count(None)
    for one in in_chunks(engine, _Asking(folder.absolute(), card), _pictures(manifest), AT_ONCE):
        rows = _table(one.task)
        parts.append(one.result if isinstance(one, Done) else _unanswered(rows, card, one.why))
        done += unusable(rows).count(None)
        if progress:
            progress(done, count)
    return Predictions(
        pl.concat([part.rows for part in parts]),
        card.labels,
        np.concatenate([part.probabilities for part in parts]),
        pl.concat([part.facts for part in parts if part.facts is not None]),
    )


@dataclass(frozen=True, slots=True)
class _Asking:
    """How a worker comes to answer.

    card: what the artifact in the folder says of itself, the sums of its files included.
    """

    folder: Path
    card: ModelCard

    def __call__(self) -> Callable[[list[Rows]], Predictions]:
        one_of_many()
        classifier, find = MaskClassifier.load(self.folder, threads=1), YuNet(threads=1).once
        if classifier.card != self.card:
            raise ArtifactError(f"{self.folder}: a worker finds another model there than the one that is measured")
        return lambda pictures: predict(classifier, Manifest(_table(pictures)), find=find)


def _pictures(manifest: Manifest) -> Iterator[Rows]:
    """Rows of one picture that stand together, so that they share a decoding."""
    path = SCHEMA.names().index("path")
    return (list(rows) for _, rows in groupby(manifest.rows.iter_rows(), key=lambda row: row[path]))


def _table(pictures: list[Rows]) -> pl.DataFrame:
    return pl.DataFrame([row for rows in pictures for row in rows], SCHEMA, orient="row")


def _unanswered(rows: pl.DataFrame, card: ModelCard, why: str = "") -> Predictions:
    errors = [
        error or not_survived(path, why) for path, error in zip(rows["path"].to_list(), unusable(rows), strict=True)
    ]
    return Predictions(
        rows.with_columns(pl.Series("error", errors, pl.String)),
        card.labels,
        np.full((rows.height, len(card.labels)), np.nan, np.float32),
        facts_table([None] * rows.height),
    )
