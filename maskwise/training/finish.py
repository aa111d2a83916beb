"""After training: export, prove the export, calibrate and measure it on held-out pictures, and write the artifact."""

from __future__ import annotations

import platform
import shutil
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from torch import nn

from maskwise.data import show
from maskwise.data.manifest import SPLITS, Manifest
from maskwise.data.splits import straddling
from maskwise.errors import StorageError
from maskwise.model.artifact import ONNX_NAME, TENSORS_NAME, ModelCard, sha256_of, write_card
from maskwise.model.classifier import MaskClassifier, softmax
from maskwise.model.quality import FaceQuality, sharpness, sides_px
from maskwise.training import operating_points
from maskwise.training.calibration import fit_temperature
from maskwise.training.checkpoint import write_tensors
from maskwise.training.export import check_parity, export_onnx
from maskwise.training.history import write_history
from maskwise.training.judged import judge
from maskwise.training.listener import Listener
from maskwise.training.loader import Examples
from maskwise.training.measure import HISTORY_NAME, measure, of_split
from maskwise.training.predictions import Predictions
from maskwise.training.recipe import Recipe
from maskwise.training.report import write_report
from maskwise.training.trainer import EpochRecord

PARITY_CROPS = 64


def write_artifact(
    network: nn.Module,
    recipe: Recipe,
    manifest: Manifest,
    sets: dict[str, Examples],
    records: list[EpochRecord],
    run: Path,
    listener: Listener,
) -> None:
    """Write RUN/artifact: weights, ONNX, what was measured, and model.json last.

    Raises:
        ExportError: ONNX and PyTorch disagree on the run's own pictures.
        StorageError: the folder cannot be written.
    """
    folder = _fresh(run / "artifact")
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    write_tensors(folder / TENSORS_NAME, tensors, {"network": recipe.network})
    listener.say("exporting to ONNX and comparing it with PyTorch")
    export_onnx(network, recipe.crop.size_px, folder / ONNX_NAME)
    check = {"by": recipe.split.by} | _straddling(manifest)
    card = ModelCard(
        labels=manifest.classes,
        network=recipe.network,
        crop=recipe.crop,
        preprocess=recipe.preprocess,
        thresholds=recipe.thresholds,
        faces=recipe.faces,
        data=_facts(manifest) | {"split_check": check},
        recipe=recipe.to_mapping(),
        versions=_versions(),
        licence="Not stated: the rights in the weights follow from the pictures they were trained on.",
        files={ONNX_NAME: sha256_of(folder / ONNX_NAME)},
    )
    crops = (sets["validation"] if len(sets["validation"]) else sets["train"]).crops
    spread = np.linspace(0, len(crops) - 1, min(PARITY_CROPS, len(crops))).astype(int)  # rows are sorted by class
    parity = check_parity(network, card, folder / ONNX_NAME, np.asarray(crops[spread]))
    history = [record.to_json() for record in records]
    write_history(folder / HISTORY_NAME, history)
    card, said = calibrated(card, folder / ONNX_NAME, manifest.part("validation").faces(), sets["validation"])
    for sentence in said:
        listener.say(sentence)
    figures: dict[str, Any] = {"parity": parity.to_json(), "not_chosen": said}
    for split in [name for name in ("test", "validation") if manifest.part(name).rows.height][:1]:
        measured = measure(
            MaskClassifier(card, folder / ONNX_NAME),
            of_split(manifest, split),  # its boxes were put where the detector finds them before training
            name=run.name,
            split=split,
            history=history,
            split_check=check,
            progress=partial(listener.progress, "judging"),
        )
        write_report(measured, folder, figures=_plots(manifest))
        figures[split] = _headline(measured.to_json())
    write_card(folder, replace(card, figures=figures))


def calibrated(card: ModelCard, onnx: Path, part: Manifest, examples: Examples) -> tuple[ModelCard, list[str]]:
    """Fit the temperature and choose the operating points on the validation part, never on what is tested on.

    Args:
        card: at temperature 1, with the recipe's thresholds.
        onnx: the exported network, which is what will answer.
        part: the validation rows.
        examples: their crops and classes, in the same order.

    Returns:
        The card with what could be had, and in words whatever could not.
    """
    if not len(examples):
        return card, ["temperature stays 1 and no operating points are chosen: there is no validation part"]
    crops = np.asarray(examples.crops)
    logits = MaskClassifier(card, onnx).logits(crops)
    temperature = fit_temperature(logits, examples.targets)
    judged = judge(Predictions(part.rows, card.labels, softmax(logits, temperature.value)))
    sharp = np.array([sharpness(crop) for crop in crops], np.float64)
    quality = FaceQuality(sides_px(part.boxes_xyxy()), sharp, np.full(len(sharp), np.nan))
    points, said = operating_points.choose(judged, quality, card.thresholds)
    thresholds = points["balanced"].thresholds if points else card.thresholds
    told = [temperature.because] if temperature.because else []
    return replace(card, temperature=temperature.value, thresholds=thresholds, operating_points=points), told + said


def _plots(manifest: Manifest) -> dict[str, Figure]:
    """The data at a glance, for the report."""
    return {
        "Examples of each class": show.samples(manifest, each=16),
        "Pictures in each class and split": show.balance(manifest),
        "Size of the faces": show.sizes(manifest),
    }


def _fresh(folder: Path) -> Path:
    """What an interrupted run left half is removed: an artifact is whole or not there."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    except OSError as error:
        raise StorageError(f"cannot write {folder}: {error.strerror or error}") from error
    return folder


def _facts(manifest: Manifest) -> dict[str, Any]:
    """What the model was trained on, for model.json."""
    counts = {
        split: {label: int((part["label"] == label).sum()) for label in manifest.labels}
        for split in SPLITS
        if (part := manifest.part(split).rows).height
    }
    return {
        "fingerprint": manifest.fingerprint(),
        "sources": sorted(set(manifest.usable["source"].drop_nulls())),
        "counts": counts,
        "unusable": manifest.unusable.height,
    }


def _straddling(manifest: Manifest) -> dict[str, int]:
    """How many persons or scenes, and how many copies of a picture, stand on more than one side of the split."""
    kinds = straddling(manifest)["kind"]
    return {
        "groups": max(int((kinds == "group").sum()), int((kinds == "picture").sum())),
        "duplicates": int((kinds == "copy").sum()),
    }


def _versions() -> dict[str, str]:
    packages = ("maskwise", "torch", "onnxruntime", "numpy", "opencv-python-headless", "pillow")
    return {"python": platform.python_version()} | {name: version(name) for name in packages}


def _headline(report: dict[str, Any]) -> dict[str, Any]:
    """The figures that stand in model.json, each with its interval and n."""
    recalls = {label: figures["recall"] for label, figures in report["per_class"].items()}
    no_faces = {key: value for key, value in (report["not_a_face"] or {}).items() if key != "sentence"}
    told = {
        "accuracy": report["accuracy"],
        "balanced_accuracy": report["balanced_accuracy"],
        "recall": recalls,
        "calibration_error": report["calibration"]["ece_after"],
        "sources": report["sources"],
        "not_a_face": no_faces,
    }
    return {key: figure for key, figure in told.items() if figure}
