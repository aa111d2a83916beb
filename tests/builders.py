"""Small real things that several tests build on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import polars as pl
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

from maskwise.data.schema import SCHEMA
from maskwise.model.artifact import ONNX_NAME, TENSORS_NAME, ModelCard, write_card
from maskwise.model.crops import CropSpec
from maskwise.model.preprocess import Preprocess
from maskwise.values import CLASSES

REDDISH, BLUEISH = (200, 40, 40), (40, 40, 200)
"""Colours that the tiny network calls its last and its first class."""


def tiny_artifact(
    folder: Path,
    labels: tuple[str, ...] = ("masked", "unmasked"),
    size_px: int = 32,
    looks_at: tuple[slice, slice] = (slice(None), slice(None)),
) -> Path:
    """An artifact whose network knows one thing: blue crops are the first class, red ones the last.

    So a test that swaps colour channels, forgets the scaling or cuts the wrong place gets the wrong class. It sees the
    rows and columns that it looks at, and no others; the mean of blue (red) there, in 0..1, times 12 is the logit.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = np.zeros((3, len(labels)), np.float32)  # mean R, G, B to logits
    weights[2, 0] = weights[0, -1] = 12.0
    seen = np.zeros((1, 1, size_px, size_px), np.float32)
    seen[0, 0][looks_at] = 1
    seen /= seen.mean()
    save_file({"linear": weights}, folder / TENSORS_NAME)
    graph = helper.make_graph(
        [
            helper.make_node("Mul", ["crops", "seen"], ["looked_at"]),
            helper.make_node("GlobalAveragePool", ["looked_at"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["means"]),
            helper.make_node("MatMul", ["means", "linear"], ["logits"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("crops", TensorProto.FLOAT, ["n", 3, size_px, size_px])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", len(labels)])],
        [numpy_helper.from_array(seen, "seen"), numpy_helper.from_array(weights, "linear")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, folder / ONNX_NAME)
    write_card(folder, ModelCard(labels, "tiny", CropSpec(size_px, margin=0.0), Preprocess()))
    return folder


def rows_of(n: int, **columns: Any) -> pl.DataFrame:
    """Faces of three classes in turn, each alone, 20 to 150 pixels."""
    given: dict[str, Any] = {
        "path": [f"/data/{i:05d}.png" for i in range(n)],
        "label": [CLASSES[i % 3] for i in range(n)],
        "source": ["set"] * n,
        "width": [20 + i % 131 for i in range(n)],
        "height": [200] * n,
        "sha256": [f"{i:064x}" for i in range(n)],
    } | columns
    return pl.DataFrame({name: given.get(name, [None] * n) for name in SCHEMA}, schema=SCHEMA)
