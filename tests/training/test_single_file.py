from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from maskwise.errors import ArtifactError, StorageError
from maskwise.model.artifact import read_card
from maskwise.model.classifier import MaskClassifier
from maskwise.training.single_file import write_single_file
from tests.builders import tiny_artifact


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    return tiny_artifact(tmp_path / "artifact", ("masked", "incorrect", "unmasked"))


def test_a_program_that_reads_the_metadata_needs_nothing_else(artifact: Path, tmp_path: Path) -> None:
    metadata = write_single_file(artifact, tmp_path / "alone.onnx")
    session = ort.InferenceSession(str(tmp_path / "alone.onnx"))
    told = session.get_modelmeta().custom_metadata_map
    assert told == metadata
    size, labels = int(told["size_px"]), json.loads(told["labels"])
    crops = np.random.default_rng(0).integers(0, 256, (5, size, size, 3)).astype(np.uint8)
    mean, std = (np.array(json.loads(told[key])) for key in ("mean", "std"))
    x = ((crops / 255 - mean) / std).transpose(0, 3, 1, 2).astype(np.float32)
    exponentials = np.exp(session.run(None, {"crops": x})[0] / float(told["temperature"]))
    theirs = exponentials / exponentials.sum(axis=1, keepdims=True)
    ours = MaskClassifier.load(artifact)
    np.testing.assert_allclose(theirs, ours(crops), atol=1e-6)
    assert tuple(labels) == ours.labels


def test_the_whole_card_travels_in_the_file(artifact: Path, tmp_path: Path) -> None:
    told = write_single_file(artifact, tmp_path / "alone.onnx")
    inside = json.loads(told["model.json"])
    outside = json.loads((artifact / "model.json").read_text())
    del outside["files"]  # the sha256 of another file
    assert inside == outside
    assert told["precision"] == read_card(artifact).precision == "fp32"
    assert "times 1;" in told["crop"], "this model has no margin"


def test_a_file_that_is_there_stays(artifact: Path, tmp_path: Path) -> None:
    (tmp_path / "alone.onnx").write_text("mine")
    with pytest.raises(StorageError, match="stays untouched"):
        write_single_file(artifact, tmp_path / "alone.onnx")
    assert (tmp_path / "alone.onnx").read_text() == "mine"


def test_an_altered_model_is_not_passed_on(artifact: Path, tmp_path: Path) -> None:
    with (artifact / "model.onnx").open("ab") as file:
        file.write(b"more")
    with pytest.raises(ArtifactError, match=r"model\.onnx was altered"):
        write_single_file(artifact, tmp_path / "alone.onnx")
    assert not (tmp_path / "alone.onnx").exists()
