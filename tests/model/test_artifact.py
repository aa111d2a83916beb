from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import maskwise.model.artifact as artifact_module
from maskwise.errors import ArtifactError, ConfigError
from maskwise.model.artifact import CARD_NAME, ModelCard, folder_of, read_card, write_card
from maskwise.model.classifier import MaskClassifier
from maskwise.model.crops import CropSpec
from maskwise.model.preprocess import Preprocess
from maskwise.model.verdict import OperatingPoint, Thresholds
from tests.builders import tiny_artifact


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    return tiny_artifact(tmp_path / "artifact")


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / CARD_NAME
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_a_card_survives_writing_and_reading(tmp_path: Path) -> None:
    card = ModelCard(
        ("masked", "incorrect", "unmasked"),
        "sequential",
        CropSpec(64, 0.3),
        Preprocess((0.1, 0.2, 0.3), (0.4, 0.5, 0.6)),
        faces="detect",
        temperature=1.7,
        figures={"test": {"accuracy": {"value": 0.9, "low": 0.8, "high": 0.95, "n": 10}}},
        data={"sources": ["a"]},
        recipe={"epochs": 4},
        versions={"python": "3"},
        licence="none",
    )
    (tmp_path / "model.onnx").write_bytes(b"weights")
    written = write_card(tmp_path, card)
    assert written.files == {"model.onnx": hashlib.sha256(b"weights").hexdigest()}
    assert written == read_card(tmp_path) == replace(card, files=written.files)


@pytest.mark.parametrize("name", ["model.onnx", "model.safetensors"])
def test_a_flipped_byte_is_found(artifact: Path, name: str) -> None:
    content = bytearray((artifact / name).read_bytes())
    content[len(content) // 2] ^= 1
    (artifact / name).write_bytes(content)
    with pytest.raises(ArtifactError, match=f"{name} was altered"):
        MaskClassifier.load(artifact)


def test_a_missing_file_is_found(artifact: Path) -> None:
    (artifact / "model.onnx").unlink()
    with pytest.raises(ArtifactError, match=r"lacks model\.onnx"):
        MaskClassifier.load(artifact)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.update(schema_version=2), "schema version 2, this maskwise reads up to 1; update maskwise"),
        (lambda c: c.update(schema_version="x"), "schema version x"),
        (lambda c: c.pop("schema_version"), "schema version None"),
        (lambda c: c.pop("labels"), "labels"),
        (lambda c: c.update(labels=["masked", "dog"]), "dog"),
        (lambda c: c.update(labels=["masked", "masked"]), "different names"),
        (lambda c: c.update(temperature=0), "temperature"),
        (lambda c: c.update(temperature="hot"), "temperature: expected a number"),
        (lambda c: c.update(crops={}), "unknown key crops; did you mean 'crop'"),
        (lambda c: c["crop"].update(size_px=-3), "crop.size_px"),
        (lambda c: c.update(faces="guess"), "one of whole, detect"),
        (lambda c: c["files"].pop("model.onnx"), "no sha256 of model.onnx"),
        (lambda c: c.update(labels=["masked", "incorrect", "unmasked"]), r"gives \[2\], its model.json says"),
        (lambda c: c["crop"].update(size_px=64), r"takes \[3, 32, 32\]"),
        (lambda c: c["files"].update({"../../secret": "0"}), "outside the model folder"),
    ],
)
def test_a_card_that_cannot_be_trusted_is_refused(
    artifact: Path, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    edit(artifact, change)
    with pytest.raises(ArtifactError, match=said):
        MaskClassifier.load(artifact)


@pytest.mark.parametrize("content", ["", "{", "[1]", "null"])
def test_no_json_is_one_clear_error(artifact: Path, content: str) -> None:
    (artifact / CARD_NAME).write_text(content)
    with pytest.raises(ArtifactError, match=r"model\.json"):
        read_card(artifact)


def test_a_folder_without_a_model_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="give the folder that `maskwise train` wrote"):
        read_card(tmp_path)


def test_an_installation_that_lost_its_model_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert folder_of("default") == Path(artifact_module.__file__).parent / "default"
    assert folder_of("mine") == Path("mine")
    monkeypatch.setattr(artifact_module, "__file__", str(tmp_path / "artifact.py"))
    with pytest.raises(ArtifactError, match=r"is missing from .*; install maskwise again"):
        folder_of("default")


def test_an_onnx_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"nothing that runs")
    write_card(tmp_path, ModelCard(("masked", "unmasked"), "x", CropSpec(), Preprocess()))
    with pytest.raises(ArtifactError, match="not a network that ONNX Runtime loads"):
        MaskClassifier.load(tmp_path)


def test_operating_points_survive_and_are_found_by_name(tmp_path: Path) -> None:
    figures = {"passed": {"value": 0.0, "low": 0.0, "high": 0.009, "n": 400}}
    gate = OperatingPoint(Thresholds(0.7, masked_from=0.98), figures)
    balanced = OperatingPoint(Thresholds(0.7))
    points = {"balanced": balanced, "gate": gate}
    card = ModelCard(
        ("masked", "unmasked"), "tiny", CropSpec(32), Preprocess(), balanced.thresholds, operating_points=points
    )
    (tmp_path / "model.onnx").write_bytes(b"weights")
    write_card(tmp_path, card)
    read = read_card(tmp_path)
    assert read.operating_points == points
    assert read.thresholds_at("gate") == gate.thresholds
    assert read.thresholds_at(None) == read.thresholds_at("balanced") == balanced.thresholds
    with pytest.raises(ConfigError, match="'door' is not in this model; it has balanced, gate"):
        read.thresholds_at("door")


def test_an_artifact_from_before_operating_points_still_loads(artifact: Path) -> None:
    edit(artifact, lambda c: (c.pop("operating_points"), c.update(thresholds={"confidence": 0.6, "min_face_px": 16})))
    card = read_card(artifact)
    assert card.operating_points == {}
    assert card.thresholds.min_face_px == 16
    with pytest.raises(ConfigError, match="it has none at all"):
        card.thresholds_at("balanced")


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ([1], "operating_points: expected"),
        ({"gate": 3}, "operating_points.gate: expected a mapping"),
        ({"gate": {"thresholds": {"masked_frm": 1}}}, "operating_points.gate.thresholds.masked_frm; did you mean"),
        ({"gate": {"thresholds": {"masked_from": 2}}}, "masked_from: 2 is not between 0 and 1"),
        ({"gate": {}}, "operating_points.gate: .*thresholds"),
    ],
)
def test_operating_points_are_checked_like_everything_else(artifact: Path, points: object, said: str) -> None:
    edit(artifact, lambda c: c.update(operating_points=points))
    with pytest.raises(ArtifactError, match=said):
        read_card(artifact)
