"""An artifact to a smaller and faster one: the same model in int8, with proof of what that changes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from shutil import copyfile
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file

from maskwise.data.boxes import detected
from maskwise.data.manifest import Manifest
from maskwise.errors import ArtifactError, DataError, ExportError, UsageError
from maskwise.model import networks
from maskwise.model.artifact import ONNX_NAME, TENSORS_NAME, ModelCard, write_card
from maskwise.model.classifier import MaskClassifier, softmax
from maskwise.model.crops import CropSpec
from maskwise.model.faces import YuNet
from maskwise.model.storage import new_folder
from maskwise.training.cutting import cut_ahead
from maskwise.training.parity import REFERENCE, Agreement, Form, compare_forms
from maskwise.training.quantize import quantize

CROPS = 256
MAX_FLIPS = 0.02
"""Share of faces whose label may change: about as many as carry a wrong label in public data."""

WEIGHTS, REPORT = "weights", "report"
KEEP = (WEIGHTS, REPORT)
"""What a small artifact leaves out unless asked: the weights for PyTorch, and what tells of the float32 model."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Parity:
    """What int8 changed.

    n: faces compared, none of them calibrated on.
    crops: faces calibrated on.
    max_flips: share of changed labels that was accepted.
    forms: `fp32`, `int8`, and `torch` where the artifact has its weights.
    """

    n: int
    crops: int
    max_flips: float
    forms: dict[str, Agreement]

    def to_json(self) -> dict[str, Any]:
        """For model.json and for --json."""
        forms = {name: agreement.to_json() for name, agreement in self.forms.items()}
        return {"n": self.n, "calibration_crops": self.crops, "max_flips": self.max_flips, "forms": forms}


def export_int8(
    folder: Path,
    manifest: Manifest,
    out: Path,
    *,
    crops: int = CROPS,
    max_flips: float = MAX_FLIPS,
    keep: Collection[str] = (),
    progress: Progress | None = None,
) -> Parity:
    """Write the int8 form of an artifact as an artifact of its own.

    It calibrates on faces of the training part where the data has one, and compares on the others; otherwise it
    calibrates on at most half of the faces, spread over sources and classes. No face serves for both.

    Args:
        folder: the artifact.
        manifest: pictures with known classes, like those that the model will see.
        out: the folder to write; it must not be there.
        crops: faces to calibrate on, at most.
        max_flips: largest share of changed labels, in [0, 1].
        keep: which of KEEP to copy as well.
        progress: hears of what is being done, how much of it, and of how much.

    Raises:
        ArtifactError: the folder is no sound artifact.
        UsageError: it is int8 already, or a number is out of range.
        DataError: too few faces.
        ExportError: the network cannot be quantised, or too many labels change; nothing is written.
        StorageError: `out` is there, or cannot be written.
    """
    _check(crops, max_flips, keep)
    reference = MaskClassifier.load(folder)
    card, tell = reference.card, progress or _silent
    if card.precision == "int8":
        raise UsageError(f"{folder} is int8 already; give the artifact that it was made from")
    with new_folder(out) as partial_out:
        if card.faces == "detect":
            manifest = detected(manifest, YuNet(), partial(tell, "finding faces"))
        calibration, others = _divide(manifest, crops)
        examples = _cut(calibration, card.crop)
        tell("quantising", 0, 1)
        quantize(folder / ONNX_NAME, partial_out / ONNX_NAME, examples, card.preprocess)
        tell("quantising", 1, 1)
        forms: dict[str, Form] = {REFERENCE: reference, "int8": MaskClassifier(card, partial_out / ONNX_NAME)}
        if TENSORS_NAME in card.files:
            forms["torch"] = _torch_form(folder, card)
        agreements = compare_forms(forms, card, others, partial(tell, "comparing"))
        parity = Parity(agreements[REFERENCE].flip_share.n, len(examples), max_flips, agreements)
        _accept(parity)
        for name in _kept(card, keep):
            copyfile(folder / name, partial_out / name)
        figures = card.figures | {"parity": parity.to_json()}
        write_card(partial_out, replace(card, precision="int8", figures=figures))
    return parity


def _silent(what: str, done: int, total: int) -> None:
    """Nobody listens."""


def _check(crops: int, max_flips: float, keep: Collection[str]) -> None:
    if crops < 1:
        raise UsageError(f"--crops {crops}: at least one face is needed to calibrate on; {CROPS} is a good number")
    if not 0 <= max_flips <= 1:
        raise UsageError(f"--max-flips {max_flips} is not a share between 0 and 1")
    for name in keep:
        if name not in KEEP:
            raise UsageError(f"--keep {name!r}: use one of {', '.join(KEEP)}")


def _divide(manifest: Manifest, crops: int) -> tuple[Manifest, Manifest]:
    """The faces to calibrate on, and those to compare on."""
    rows = manifest.usable
    train = (rows["split"] == "train").fill_null(False).to_numpy()
    has_parts = train.any() and not train.all()
    pool = np.flatnonzero(train) if has_parts else np.arange(rows.height)
    most = len(pool) if has_parts else rows.height // 2
    if not most:
        raise DataError(
            f"int8 needs faces to calibrate on and others to compare on, the data has {rows.height} that can be used"
        )
    taken = np.sort(pool[_spread(rows[pool])[: min(crops, most)]])  # sorted: a picture's faces share one decoding
    left = ~train if has_parts else ~np.isin(np.arange(rows.height), taken)
    return Manifest(rows[taken]), Manifest(rows.filter(left))


def _spread(rows: pl.DataFrame) -> NDArray[np.int64]:
    """An order in which every beginning is spread evenly over sources and classes, and drawn at random inside each."""
    order = np.random.default_rng(0).permutation(rows.height)
    turn = rows[order].select(pl.int_range(pl.len()).over("source", "label")).to_series().to_numpy()
    return order[np.argsort(turn, kind="stable")]


def _cut(manifest: Manifest, spec: CropSpec) -> NDArray[np.uint8]:
    rows = manifest.rows
    crops: list[NDArray[np.uint8]] = []
    reason = ""
    for cuts in cut_ahead(rows["path"].to_list(), manifest.boxes_xyxy(), list(range(rows.height)), spec):
        for crop in cuts.values():
            if isinstance(crop, str):
                reason = crop
            else:
                crops.append(crop)
    if not crops:
        raise DataError(f"no face of the data can be calibrated on: {reason}")
    return np.stack(crops)


def _torch_form(folder: Path, card: ModelCard) -> Form:
    """The artifact's weights under PyTorch, as they were trained."""
    network = networks.build(card.network, len(card.labels), card.crop.size_px).eval()
    try:
        network.load_state_dict(load_file(folder / TENSORS_NAME))
    except (SafetensorError, RuntimeError) as error:
        raise ArtifactError(f"{folder / TENSORS_NAME} does not fit the network {card.network}: {error}") from error

    def form(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.no_grad():
            return softmax(network(torch.from_numpy(card.preprocess(crops))).numpy(), card.temperature)

    return form


def _accept(parity: Parity) -> None:
    int8, fp32 = parity.forms["int8"], parity.forms[REFERENCE]
    share = int8.flip_share
    if not share.value <= parity.max_flips:  # written so that nan fails
        raise ExportError(
            f"int8 changes the label of {int8.flips} of {parity.n} faces ({share.value:.1%}, 95 % interval "
            f"{share.low:.1%} to {share.high:.1%}), more than --max-flips {parity.max_flips:g}; balanced accuracy "
            f"{fp32.balanced_accuracy.value:.3f} becomes {int8.balanced_accuracy.value:.3f}. Nothing is written: "
            f"calibrate on more faces like yours (--data, --crops, {parity.crops} now), or accept it with a higher "
            "--max-flips"
        )


def _kept(card: ModelCard, keep: Collection[str]) -> list[str]:
    """Names of the files to copy; model.onnx is the new one."""
    which = {TENSORS_NAME: WEIGHTS}
    return [name for name in card.files if name != ONNX_NAME and which.get(name, REPORT) in keep]
