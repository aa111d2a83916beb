"""`check` on 640 px pictures: milliseconds by stage, medians over the pictures, each picture decoded from its bytes.

Reference in the same run: the face detector, which no face pipeline can do without; `share` is of the whole.
"""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeVar

import torch
from PIL import Image as Pillow

from benchmarks.table import Row
from maskwise.data.embedded import astronaut
from maskwise.model import networks
from maskwise.model.artifact import ModelCard
from maskwise.model.classifier import MaskClassifier
from maskwise.model.crops import CropSpec, crop_faces
from maskwise.model.faces import YuNet
from maskwise.model.images import decode_image
from maskwise.model.preprocess import Preprocess
from maskwise.model.quality import quality_of
from maskwise.model.verdict import Thresholds, decide
from maskwise.training.export import export_onnx

T = TypeVar("T")
ROUNDS = 30


def measure() -> list[Row]:
    """One row for each stage of one 640 x 640 picture with one face, study network at 100 px."""
    buffer = io.BytesIO()
    Pillow.fromarray(astronaut()).resize((640, 640)).save(buffer, "JPEG", quality=90)
    data, detect = buffer.getvalue(), YuNet()
    torch.manual_seed(0)
    card = ModelCard(("masked", "unmasked"), "sequential", CropSpec(), Preprocess())
    with tempfile.TemporaryDirectory() as folder:
        export_onnx(networks.build("sequential", 2, 100), 100, Path(folder) / "model.onnx")
        classify = MaskClassifier(card, Path(folder) / "model.onnx")
    times: dict[str, list[float]] = {}
    for _ in range(ROUNDS + 3):
        image = _timed(times, "decode", partial(decode_image, data, "benchmark"))
        faces = _timed(times, "detect", partial(detect, image))
        crops = _timed(times, "crop", partial(crop_faces, image, faces.boxes_xyxy, card.crop))
        probabilities = _timed(times, "classify", partial(classify, crops))
        height, width = image.shape[:2]
        quality = _timed(times, "quality", partial(quality_of, faces, crops, width, height))
        _timed(times, "decide", partial(decide, probabilities, quality, card.labels, Thresholds()))
    medians = {stage: median(values[3:]) for stage, values in times.items()}
    whole = sum(medians.values())
    return [
        {"stage": stage, "ms": round(value * 1000, 2), "share": round(value / whole, 3), "faces": len(faces)}
        for stage, value in (*medians.items(), ("all", whole))
    ]


def _timed(times: dict[str, list[float]], stage: str, work: Callable[[], T]) -> T:
    started = time.perf_counter()
    result = work()
    times.setdefault(stage, []).append(time.perf_counter() - started)
    return result
