"""One network in several forms, asked about the same faces: does int8 still say what float32 says?

Every form is compared with the float32 ONNX network: that one was measured, and its figures stand in the card.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from maskwise.data.manifest import Manifest
from maskwise.errors import DataError
from maskwise.model.artifact import ModelCard
from maskwise.statistics.intervals import mean_recall, proportion
from maskwise.statistics.metrics import Figure
from maskwise.training.cutting import cut_ahead
from maskwise.training.judged import Judged, judge
from maskwise.training.predictions import Predictions

REFERENCE = "fp32"

Form = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""(n, size, size, 3) uint8 RGB crops to (n, classes) float32 probabilities."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far one form of a network is from the float32 one, on n faces.

    flips: faces whose likeliest class differs.
    flip_share: their share of the n, with its interval.
    max_difference, mean_difference: absolute differences in a probability, over all faces and classes.
    balanced_accuracy: of this form by itself.
    """

    flips: int
    flip_share: Figure
    max_difference: float
    mean_difference: float
    balanced_accuracy: Figure

    def to_json(self) -> dict[str, Any]:
        """For model.json and for --json."""
        return {
            "flips": self.flips,
            "flip_share": self.flip_share.to_json(),
            "max_difference": self.max_difference,
            "mean_difference": self.mean_difference,
            "balanced_accuracy": self.balanced_accuracy.to_json(),
        }


def compare_forms(
    forms: Mapping[str, Form],
    card: ModelCard,
    manifest: Manifest,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Agreement]:
    """Ask every form about every usable face of a data set; each picture is decoded once.

    Args:
        forms: by name; one of them is REFERENCE.
        card: how to cut, and the classes.
        manifest: a row without a box is judged as a whole picture.
        progress: hears of faces done and faces in all.

    Raises:
        DataError: no face can be read, or none has a class that the model knows.
    """
    rows = manifest.usable
    probabilities = {name: np.full((rows.height, len(card.labels)), np.nan, np.float32) for name in forms}
    errors: list[str | None] = [None] * rows.height
    boxes, done = Manifest(rows).boxes_xyxy(), 0
    for cuts in cut_ahead(rows["path"].to_list(), boxes, list(range(rows.height)), card.crop):
        good = {i: crop for i, crop in cuts.items() if not isinstance(crop, str)}
        for i, reason in cuts.items():
            errors[i] = reason if isinstance(reason, str) else None
        for name, form in forms.items():
            if good:
                probabilities[name][list(good)] = form(np.stack(list(good.values())))
        done += len(cuts)
        if progress:
            progress(done, rows.height)
    judged_rows = rows.with_columns(pl.Series("error", errors, pl.String))
    judged = {name: judge(Predictions(judged_rows, card.labels, p)) for name, p in probabilities.items()}
    reference = judged[REFERENCE]
    if not len(reference.index):
        reason = next((error for error in errors if error), f"the model knows {', '.join(card.labels)} only")
        raise DataError(f"no face of the data can be compared on: {reason}")
    return {name: _agreement(answers, reference) for name, answers in judged.items()}


def _agreement(answers: Judged, reference: Judged) -> Agreement:
    flipped = answers.predicted != reference.predicted
    difference = np.abs(answers.probabilities - reference.probabilities)
    return Agreement(
        flips=int(flipped.sum()),
        flip_share=proportion(flipped, answers.groups),
        max_difference=float(difference.max()),
        mean_difference=float(difference.mean()),
        balanced_accuracy=mean_recall(answers.target, answers.predicted, answers.groups),
    )
