"""Two artifacts and pictures with known classes to a comparison: what `maskwise compare` does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from maskwise.data.boxes import detected
from maskwise.data.manifest import Manifest
from maskwise.errors import UsageError
from maskwise.model.artifact import ONNX_NAME, ModelCard
from maskwise.model.classifier import MaskClassifier
from maskwise.model.faces import YuNet
from maskwise.training.compare.comparison import Comparison, compare
from maskwise.training.compare.pair import common_labels, pair
from maskwise.training.compare.timing import time_faces
from maskwise.training.evaluation import model_of
from maskwise.training.measure import name_of, of_split
from maskwise.training.predictions import Predictions, predict

Progress = Callable[[str, int, int], None]
"""Hears of what is being done, how many are done, and how many there are."""


def compare_artifacts(
    folder_a: Path,
    folder_b: Path,
    manifest: Manifest,
    *,
    split: str | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare two saved models on a data set.

    They may cut faces differently, look for them or not, and know different classes.

    Args:
        folder_a: the one artifact.
        folder_b: the other one; differences are B less A.
        manifest: the pictures, with their classes.
        split: only this one; all of them if None.
        progress: hears how far it is.

    Raises:
        ArtifactError: a folder is no sound artifact.
        UsageError: both are the same model.
        DataError: fewer than two common classes, or nothing that both can judge.
    """
    a, b = MaskClassifier.load(folder_a), MaskClassifier.load(folder_b)
    check_comparable(a.card, b.card)
    part = of_split(manifest, split)
    asked_a, asked_b = _ask(a, b, part, progress or (lambda *_: None))
    both = pair(asked_a, asked_b)
    times = time_faces([a, b])
    whole = manifest.fingerprint()
    models = {
        name: model_of(classifier.card, name_of(folder))
        | {
            "labels": list(classifier.labels),
            "precision": classifier.card.precision,
            "model_onnx_bytes": (folder / ONNX_NAME).stat().st_size,
            "ms_per_face": time._asdict(),
            "split_check": _split_check(classifier.card, whole),
        }
        for name, classifier, folder, time in zip("ab", (a, b), (folder_a, folder_b), times, strict=True)
    }
    data: dict[str, Any] = {"fingerprint": part.fingerprint(), "split": split} if split else {"fingerprint": whole}
    return compare(both, models, data=data, left_out=_left_out(asked_a, asked_b))


def check_comparable(a: ModelCard, b: ModelCard) -> None:
    """Refuse what has nothing to compare, before any picture is read.

    Raises:
        UsageError: both are the same model.
        DataError: fewer than two common classes.
    """
    if _judges(a) == _judges(b):
        raise UsageError("A and B are the same model: every answer would be the same; name two different artifacts")
    common_labels(a.labels, b.labels)


def _judges(card: ModelCard) -> tuple[Any, ...]:
    """All that an answer depends on."""
    return card.files.get(ONNX_NAME), card.labels, card.crop, card.preprocess, card.faces, card.temperature


def _ask(
    a: MaskClassifier, b: MaskClassifier, manifest: Manifest, progress: Progress
) -> tuple[Predictions, Predictions]:
    """Both answers. Faces are looked for once; facts are measured once, in the data's own boxes if either uses them."""
    detector = YuNet()
    given = {"whole": manifest}
    if "detect" in (a.card.faces, b.card.faces):
        given["detect"] = detected(manifest, detector, partial(progress, "finding faces"))
    by_a = a.card.faces == "whole" or b.card.faces == "detect"
    asked = [
        predict(
            model,
            given[model.card.faces],
            partial(progress, f"{name} judges"),
            find=detector.once if measures else None,
        )
        for name, model, measures in (("A", a, by_a), ("B", b, not by_a))
    ]
    return asked[0], asked[1]


def _split_check(card: ModelCard, fingerprint: str) -> Any:
    """How the data was split when this model was trained on it; None where it was not, or is not known."""
    return card.data.get("split_check") if card.data.get("fingerprint") == fingerprint else None


def _left_out(a: Predictions, b: Predictions) -> dict[str, int]:
    """Faces that only one could judge, and how often a model would have named a class that the other does not know."""
    judged = {name: asked.rows["error"].is_null().to_numpy() for name, asked in (("a", a), ("b", b))}
    common = common_labels(a.labels, b.labels)
    compared = judged["a"] & judged["b"] & a.rows["label"].is_in(common).fill_null(value=False).to_numpy()
    content = {
        "only_a": int((judged["a"] & ~judged["b"]).sum()),
        "only_b": int((judged["b"] & ~judged["a"]).sum()),
    }
    for name, asked in (("a", a), ("b", b)):
        beside = np.array([label not in common for label in asked.labels])
        content[f"answered_otherwise_{name}"] = int(beside[asked.probabilities[compared].argmax(axis=1)].sum())
    return content
