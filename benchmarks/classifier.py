"""Milliseconds a face, one at a time on one thread, from crop to probabilities; weights are random, crops are real.

Reference in the same run: the study's network at its 100 px. `faster` and `smaller` are its time and its file over this
row's. Times are the process's own, the least of many: what else runs on the machine counts as little as it can.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.table import Row
from maskwise.data.embedded import orl_faces
from maskwise.model import networks
from maskwise.model.artifact import ModelCard
from maskwise.model.classifier import MaskClassifier
from maskwise.model.crops import CropSpec, crop_whole
from maskwise.model.preprocess import Preprocess
from maskwise.training.export import export_onnx
from maskwise.training.quantize import quantize

STUDY = ("sequential", 100)
MEASURED = (STUDY, ("efficientnet-lite0", 96), ("efficientnet-lite0", 112), ("efficientnet-lite0", 128))
LABELS = ("masked", "incorrect", "unmasked")
CALIBRATED_ON, ROUNDS, AT_ONCE = 32, 40, 10


def measure() -> list[Row]:
    """One row for each network and precision; the rounds go round all of them, so that all meet the same machine."""
    faces = [picture for _, picture in orl_faces()[:CALIBRATED_ON]]
    with tempfile.TemporaryDirectory() as name:
        made = [(*which, *_made(*which, faces, Path(name))) for which in MEASURED]
        forms = [
            (network, size, precision, path.stat().st_size, _classifier(network, size, path), crops)
            for network, size, crops, paths in made
            for precision, path in paths.items()
        ]
    least = np.full(len(forms), np.inf)
    for _ in range(ROUNDS):
        for i, (*_, classify, crops) in enumerate(forms):
            least[i] = min(least[i], _seconds(classify, crops[:1]))
    study_bytes, study_s = forms[0][3], least[0]
    return [
        {
            "network": network, "size_px": size, "precision": precision,
            "ms": round(float(seconds) * 1000, 2), "mb": round(count / 1e6, 2),
            "faster": round(float(study_s / seconds), 1), "smaller": round(study_bytes / count, 1),
        }
        for (network, size, precision, count, *_), seconds in zip(forms, least, strict=True)
    ]  # fmt: skip


def _made(
    network: str, size: int, faces: list[NDArray[np.uint8]], folder: Path
) -> tuple[NDArray[np.uint8], dict[str, Path]]:
    """The crops, and the network as fp32 and int8; of the study's the fp32 only, as the study had it."""
    torch.manual_seed(0)
    crops = np.stack([crop_whole(face, CropSpec(size)) for face in faces])
    fp32, int8 = (folder / f"{network}-{size}-{precision}.onnx" for precision in ("fp32", "int8"))
    export_onnx(networks.build(network, len(LABELS), size), size, fp32)
    if (network, size) == STUDY:
        return crops, {"fp32": fp32}
    quantize(fp32, int8, crops, Preprocess())
    return crops, {"fp32": fp32, "int8": int8}


def _classifier(network: str, size: int, path: Path) -> MaskClassifier:
    return MaskClassifier(ModelCard(LABELS, network, CropSpec(size), Preprocess()), path, threads=1)


def _seconds(classify: MaskClassifier, crops: NDArray[np.uint8]) -> float:
    """The least of a few; the first ones of a round find the caches cold."""
    seconds = []
    for _ in range(AT_ONCE):
        started = time.process_time()
        classify(crops)
        seconds.append(time.process_time() - started)
    return min(seconds)
