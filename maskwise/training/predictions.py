"""What a model said about each face of a data set: made here, and written down face by face."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from maskwise.data.manifest import SCHEMA, Manifest
from maskwise.errors import DataError, ShapeError
from maskwise.model.crops import cut
from maskwise.model.faces import FaceDetector
from maskwise.model.storage import written_whole
from maskwise.training.cutting import look_ahead
from maskwise.training.facts import FACTS, FaceFacts, facts_table, measure_face
from maskwise.values import Image

if TYPE_CHECKING:
    from maskwise.model.classifier import MaskClassifier

NO_LABEL = "no label to compare with"


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """A data set with a model's answer to each face.

    rows: a manifest's rows; those with an `error` were not looked at.
    labels: the model's classes.
    probabilities: (rows, classes) float32, rows sum to 1; nan where the row has an error.
    facts: what was measured of each face, a table of `maskwise.training.facts.FACTS`; None where nobody looked.
    """

    rows: pl.DataFrame
    labels: tuple[str, ...]
    probabilities: NDArray[np.float32]
    facts: pl.DataFrame | None = None

    def __post_init__(self) -> None:
        if self.rows.schema != SCHEMA:
            raise DataError(f"predictions: expected the columns {SCHEMA}, got {self.rows.schema}")
        expected = (self.rows.height, len(self.labels))
        if self.probabilities.shape != expected:
            raise ShapeError(f"probabilities: expected {expected}, got {self.probabilities.shape}")
        unanswered = np.isnan(self.probabilities[self.rows["error"].is_null().to_numpy()]).any()
        if unanswered:
            raise DataError("probabilities: nan for a face that has no error; give the row its reason instead")
        if self.facts is not None and (self.facts.schema != FACTS or self.facts.height != self.rows.height):
            raise DataError(f"facts: expected {self.rows.height} rows of {FACTS}, got {self.facts}")

    def table(self) -> pl.DataFrame:
        """One row for each face: what predictions.csv holds.

        A row that could not be used has its reason in `error`, and nothing predicted.
        """
        used = self.rows["error"].is_null().to_numpy()
        answers = np.where(used[:, None], self.probabilities, 0)
        predicted = [self.labels[i] if u else None for i, u in zip(answers.argmax(axis=1), used, strict=True)]
        confidence = [float(c) if u else None for c, u in zip(answers.max(axis=1), used, strict=True)]
        columns = {
            f"p_{label}": [float(p) if u else None for p, u in zip(column, used, strict=True)]
            for label, column in zip(self.labels, answers.T, strict=True)
        }
        paths, errors = self.rows["path"].to_list(), self.rows["error"].to_list()
        # An error names its file in full, and the file stands beside it already.
        reasons = [error and error.removeprefix(f"{path}: ") for path, error in zip(paths, errors, strict=True)]
        return self.rows.select(
            pl.Series("path", short_paths(paths), pl.String),
            *("x_min", "y_min", "x_max", "y_max", "label", "group", "source", "split"),
            pl.Series("predicted", predicted, pl.String),
            pl.Series("confidence", confidence, pl.Float64),
            *(pl.Series(name, values, pl.Float64) for name, values in columns.items()),
            *(self.facts if self.facts is not None else ()),
            pl.Series("error", reasons, pl.String),
        )

    def write_csv(self, path: Path) -> None:
        """Write `table()`, complete or not at all.

        Raises:
            StorageError: the file cannot be written.
        """
        with written_whole(path) as partial:
            self.table().write_csv(partial)


def short_paths(paths: Sequence[str]) -> list[str]:
    """The paths seen from the deepest folder that holds them all: a report names no home folder of its maker."""
    parents = {os.path.dirname(path) for path in paths}  # noqa: PTH120  # a million of them: Path is too slow
    try:
        root = os.path.commonpath(parents) if parents else ""
    except ValueError:  # some absolute, some not, or on different drives: nothing is common
        return list(paths)
    return [os.path.relpath(path, root) if root else path for path in paths]


def unusable(rows: pl.DataFrame) -> list[str | None]:
    """Of each row of a manifest why it is not looked at; None where it is."""
    return [error or (None if label else NO_LABEL) for error, label in rows.select("error", "label").iter_rows()]


def predict(
    classifier: MaskClassifier,
    manifest: Manifest,
    progress: Callable[[int, int], None] | None = None,
    *,
    find: FaceDetector | None = None,
) -> Predictions:
    """Ask a model about every usable face of a data set.

    Pictures are decoded in threads, a bounded number ahead of the network; several faces of one picture that stand
    together in the manifest are cut from one decoding.

    Args:
        classifier: the model.
        manifest: the data; a row without a box is judged as a whole picture. Where the model's card says
            `faces: detect`, give the rows their boxes first (`maskwise.data.boxes.detected`).
        progress: hears of faces done and faces in all.
        find: measure facts of each face as well, in the same threads and from the same decoding; how it finds the face
            in a cut around it is told in `maskwise.training.facts.measure_face`.

    Returns:
        Every row of the manifest; one that can no longer be read, or has no label, has its reason in `error`.
    """
    rows = manifest.rows
    errors = unusable(rows)
    probabilities = np.full((rows.height, len(classifier.labels)), np.nan, np.float32)
    usable, done = [i for i, error in enumerate(errors) if error is None], 0
    boxes, labels, spec = manifest.boxes_xyxy(), rows["label"].to_list(), classifier.card.crop
    facts: list[FaceFacts | None] = [None] * rows.height

    def look(image: Image, i: int) -> tuple[Image, FaceFacts | None]:
        return cut(image, boxes[i], spec), measure_face(image, boxes[i], labels[i], find) if find else None

    for taken in look_ahead(rows["path"].to_list(), usable, look):
        good = {i: found for i, found in taken.items() if not isinstance(found, str)}
        if good:
            probabilities[list(good)] = classifier(np.stack([crop for crop, _ in good.values()]))
        for i, found in taken.items():
            if isinstance(found, str):
                errors[i] = found
            else:
                facts[i] = found[1]
        done += len(taken)
        if progress:
            progress(done, len(usable))
    judged = rows.with_columns(pl.Series("error", errors, pl.String))
    return Predictions(judged, classifier.labels, probabilities, facts_table(facts) if find else None)
