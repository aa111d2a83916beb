"""PyTorch to ONNX, and the proof that both say the same."""

from __future__ import annotations

import io
import logging
import warnings
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from maskwise.errors import ExportError, StorageError
from maskwise.model.artifact import ModelCard
from maskwise.model.classifier import MaskClassifier, softmax

BOUND = 1e-4
"""Largest difference in a probability between PyTorch and the export; float32 rounding stays well below it."""


@dataclass(frozen=True, slots=True)
class Parity:
    """How far an export is from PyTorch on real crops.

    n: crops compared.
    max_difference: largest absolute difference in a probability.
    flips: crops whose likeliest class differs.
    """

    n: int
    max_difference: float
    flips: int

    def to_json(self) -> dict[str, Any]:
        """For model.json."""
        return {"n": self.n, "max_difference": self.max_difference, "flips": self.flips, "bound": BOUND}


def export_onnx(network: nn.Module, size_px: int, path: Path) -> None:
    """Write the network as ONNX: `crops` (n, 3, size, size) float32 in, `logits` (n, classes) out, any n.

    Raises:
        ExportError: the network cannot be expressed in ONNX.
        StorageError: the file cannot be written.
    """
    network = network.eval().cpu()
    example = torch.zeros(2, 3, size_px, size_px)
    batch = torch.export.Dim("n", min=1)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):  # the exporter talks; its errors still raise
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                network,
                (example,),
                input_names=["crops"],
                output_names=["logits"],
                dynamic_shapes=({0: batch},),
                dynamo=True,
                verbose=False,
            )
        if program is None:
            raise ExportError("PyTorch gave no ONNX program for this network")
        program.save(str(path), external_data=False)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise StorageError(f"cannot write {path}: {error.strerror or error}") from error
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        raise ExportError(f"this network cannot be exported to ONNX: {str(error).splitlines()[0]}") from error


def check_parity(network: nn.Module, card: ModelCard, onnx_path: Path, crops: NDArray[np.uint8]) -> Parity:
    """Compare the export with PyTorch on real crops, one at a time and in a batch.

    Args:
        network: the trained one.
        card: labels and preprocessing.
        onnx_path: the export.
        crops: (n, size, size, 3) uint8 RGB, n >= 1.

    Raises:
        ExportError: a probability differs by more than BOUND.
    """
    with torch.no_grad():
        ours = network.eval().cpu()(torch.from_numpy(card.preprocess(crops))).numpy()
    exported = MaskClassifier(card, onnx_path)
    together = exported.logits(crops)
    singly = np.concatenate([exported.logits(crops[i : i + 1]) for i in range(min(len(crops), 4))])
    expected, got = softmax(ours), softmax(together)
    worst = max(float(np.abs(expected - got).max()), float(np.abs(expected[: len(singly)] - softmax(singly)).max()))
    flips = int((expected.argmax(1) != got.argmax(1)).sum())
    if not worst <= BOUND:  # written so that nan fails
        raise ExportError(
            f"the ONNX export disagrees with PyTorch on {len(crops)} crops: probabilities differ by up to {worst:.2g} "
            f"(allowed {BOUND:g}), {flips} verdicts flip; the model is not written"
        )
    return Parity(len(crops), worst, flips)
