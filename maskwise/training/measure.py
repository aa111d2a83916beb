"""An artifact and pictures with known classes to an evaluation: what `maskwise evaluate` and the end of training do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from maskwise.data.boxes import detected
from maskwise.data.manifest import Manifest
from maskwise.data.splits import LEFT_OUT
from maskwise.engines.engine import Engine
from maskwise.errors import DataError
from maskwise.model.classifier import MaskClassifier
from maskwise.model.faces import YuNet
from maskwise.training.asking import ask
from maskwise.training.evaluation import Evaluation, evaluate
from maskwise.training.history import read_history
from maskwise.training.predictions import predict

HISTORY_NAME = "history.csv"


def measure_artifact(
    folder: Path,
    manifest: Manifest,
    *,
    split: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    engine: Engine | None = None,
) -> Evaluation:
    """Measure a saved model on a data set.

    Args:
        folder: the artifact.
        manifest: the pictures, with their classes.
        split: only this one; all of them if None.
        progress: hears of faces done and faces in all.
        engine: who looks at the pictures; None: threads of this process. What is measured is the same.

    Raises:
        ArtifactError: the folder is no sound artifact.
        DataError: nothing to measure on.
        EngineError: workers cannot work.
    """
    classifier = MaskClassifier.load(folder)
    trained_on = classifier.card.data
    own = trained_on.get("fingerprint") == manifest.fingerprint()
    manifest = of_split(manifest, split)
    if classifier.card.faces == "detect":
        manifest = detected(manifest, YuNet(threads=1 if engine else 0), engine=engine)
    if engine:
        predictions = ask(engine, folder, manifest, progress)
    else:
        predictions = predict(classifier, manifest, progress, find=YuNet().once)
    return evaluate(
        predictions,
        classifier.card,
        name=name_of(folder),
        split=split,
        history=read_history(folder / HISTORY_NAME),
        split_check=trained_on.get("split_check") if own else None,
    )


def measure(
    classifier: MaskClassifier,
    manifest: Manifest,
    *,
    name: str,
    split: str | None = None,
    history: list[dict[str, Any]] | None = None,
    split_check: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Measure a loaded model on faces whose boxes are where it wants them; see `measure_artifact`.

    split: what the rows are called. split_check: see `maskwise.training.evaluation.evaluate`.
    """
    predictions = predict(classifier, manifest, progress, find=YuNet().once)
    return evaluate(predictions, classifier.card, name=name, split=split, history=history, split_check=split_check)


def of_split(manifest: Manifest, split: str | None) -> Manifest:
    """The rows of one split, and those that could not be read before the data was split; all rows if None.

    What cannot be used and is of another split, or was left out of this way of splitting, belongs to another report.

    Raises:
        DataError: it has no usable row.
    """
    if split is None:
        return manifest
    error = pl.col("error")
    unread = error.is_not_null() & pl.col("split").is_null() & ~error.str.starts_with(LEFT_OUT)
    part = Manifest(manifest.rows.filter((pl.col("split") == split) | unread))
    if not part.usable.height:
        raise DataError(f"the data has no usable rows in the split {split!r}; leave --split out or split the data")
    return part


def name_of(folder: Path) -> str:
    """A run's artifact is called after its run."""
    resolved = folder.resolve()
    return resolved.parent.name if resolved.name == "artifact" else resolved.name
