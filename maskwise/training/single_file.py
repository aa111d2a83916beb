"""The network of an artifact as one ONNX file that explains itself, for programs that know nothing of maskwise."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import onnx

from maskwise.errors import StorageError
from maskwise.model.artifact import ONNX_NAME, ModelCard
from maskwise.model.classifier import MaskClassifier
from maskwise.model.storage import written_whole


def write_single_file(folder: Path, out: Path) -> dict[str, str]:
    """Write model.onnx with its meaning in the file's metadata (`metadata_props`).

    Args:
        folder: the artifact.
        out: the file to write; it must not be there.

    Returns:
        The metadata, as `onnxruntime.InferenceSession(...).get_modelmeta().custom_metadata_map` will give it.

    Raises:
        ArtifactError: the folder is no sound artifact.
        StorageError: `out` is there, or cannot be written.
    """
    card = MaskClassifier.load(folder, threads=1).card  # so it is a network, and it fits its card
    if out.exists():
        raise StorageError(f"{out} is there already and stays untouched; remove it, or name another place")
    model = onnx.load(folder / ONNX_NAME)
    metadata = describe(card)
    onnx.helper.set_model_props(model, metadata)
    with written_whole(out) as partial:
        partial.write_bytes(model.SerializeToString())
    return metadata


def describe(card: ModelCard) -> dict[str, str]:
    """What a program has to know to use the network; values that are no plain text are JSON."""
    size, margin = card.crop.size_px, card.crop.margin
    return {
        "labels": json.dumps(card.labels),
        "size_px": str(size),
        "margin": str(margin),
        "mean": json.dumps(card.preprocess.mean),
        "std": json.dumps(card.preprocess.std),
        "temperature": str(card.temperature),
        "precision": card.precision,
        "crop": (
            f"a square around the middle of the face box, its side the box's longer side times {1 + 2 * margin:g}; "
            f"outside the picture repeat its edge; resize to {size} x {size}, averaging pixels where that shrinks"
        ),
        "input": f"crops: (n, 3, {size}, {size}) float32, R G B, x = (pixel / 255 - mean) / std, any n",
        "output": f"logits: (n, {len(card.labels)}) float32; probabilities = softmax(logits / temperature), as labels",
        "model.json": json.dumps({key: value for key, value in asdict(card).items() if key != "files"}),
    }
