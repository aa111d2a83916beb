"""An artifact to its int8 form: the same model, smaller, and what changed is counted."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from maskwise.data import manifest as manifests
from maskwise.data.manifest import Manifest
from maskwise.errors import ArtifactError, DataError, ExportError, StorageError, UsageError
from maskwise.model import networks
from maskwise.model.artifact import read_card
from maskwise.model.classifier import MaskClassifier
from maskwise.training import int8
from maskwise.training.export import export_onnx
from maskwise.training.int8 import export_int8
from maskwise.training.predictions import predict
from tests.small_model import small_data, small_model


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    return small_model(small_data(folder / "data"), folder / "run")


@pytest.fixture(scope="module")
def manifest(artifact: Path) -> Manifest:
    return manifests.load(artifact.parent / "manifest.parquet")


@pytest.fixture(scope="module")
def exported(artifact: Path, manifest: Manifest) -> Path:
    out = artifact.parent / "int8"
    export_int8(artifact, manifest, out, crops=24, max_flips=0.2)
    return out


def test_it_is_a_small_artifact_with_the_card_intact(artifact: Path, exported: Path) -> None:
    assert {path.name for path in exported.iterdir()} == {"model.json", "model.onnx"}
    assert (exported / "model.onnx").stat().st_size < (artifact / "model.onnx").stat().st_size / 3
    before, after = read_card(artifact), read_card(exported)
    assert (before.precision, after.precision) == ("fp32", "int8")
    assert after.figures["validation"] == before.figures["validation"]
    figures, files = before.figures | {"parity": after.figures["parity"]}, after.files
    assert after == replace(before, precision="int8", figures=figures, files=files)


def test_every_consumer_loads_it_and_gets_nearly_the_same_answers(
    artifact: Path, manifest: Manifest, exported: Path
) -> None:
    fp32, int8_ = MaskClassifier.load(artifact), MaskClassifier.load(exported)
    size = fp32.card.crop.size_px
    crops = np.random.default_rng(0).integers(0, 256, (9, size, size, 3)).astype(np.uint8)
    np.testing.assert_allclose(np.concatenate([int8_(crops[i : i + 1]) for i in range(9)]), int8_(crops), atol=1e-5)
    ours, theirs = (predict(c, manifest).probabilities for c in (fp32, int8_))
    assert 0 < np.abs(ours - theirs).max() < 0.1
    assert int8_(crops[:0]).shape == (0, 2)


def test_the_parity_in_the_card_can_be_recounted(artifact: Path, manifest: Manifest, exported: Path) -> None:
    parity = read_card(exported).figures["parity"]
    compared = manifest.part("validation")
    ours, theirs = (predict(MaskClassifier.load(f), compared).probabilities for f in (artifact, exported))
    form = parity["forms"]["int8"]
    assert parity["n"] == form["flip_share"]["n"] == compared.rows.height == 20
    assert parity["calibration_crops"] == 24
    assert form["flips"] == int((ours.argmax(1) != theirs.argmax(1)).sum())
    assert form["flip_share"]["value"] == form["flips"] / 20
    assert form["max_difference"] == pytest.approx(float(np.abs(ours - theirs).max()), abs=1e-6)
    assert form["mean_difference"] == pytest.approx(float(np.abs(ours - theirs).mean()), abs=1e-6)
    card = read_card(artifact)
    assert parity["forms"]["fp32"]["flips"] == parity["forms"]["fp32"]["max_difference"] == 0
    measured = parity["forms"]["fp32"]["balanced_accuracy"]["value"]
    assert measured > 0.8, "a model that has learned nothing would change no label"
    assert measured == pytest.approx(card.figures["validation"]["balanced_accuracy"]["value"])
    assert 0 < parity["forms"]["torch"]["max_difference"] < 1e-4


def test_a_flipped_byte_is_found(exported: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(exported, tmp_path / "copy"))
    content = bytearray((copy / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (copy / "model.onnx").write_bytes(content)
    with pytest.raises(ArtifactError, match=r"model\.onnx was altered"):
        MaskClassifier.load(copy)


@pytest.mark.parametrize(
    ("keep", "more"),
    [
        (["weights"], {"model.safetensors"}),
        (["report"], {"report.html", "report.json", "predictions.csv", "history.csv"}),
    ],
)
def test_what_is_asked_for_is_kept(
    artifact: Path, manifest: Manifest, tmp_path: Path, keep: list[str], more: set[str]
) -> None:
    export_int8(artifact, manifest, tmp_path / "out", crops=8, max_flips=1, keep=keep)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"model.json", "model.onnx"} | more
    assert read_card(tmp_path / "out").files.keys() == {"model.onnx"} | more


def test_too_many_changed_labels_are_refused_and_nothing_is_written(
    artifact: Path, manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In place of the quantised network stands one that was never trained."""

    def spoiled(_: Path, target: Path, *__: Any) -> None:
        torch.manual_seed(3)
        network = networks.build("sequential", 2, 24)
        with torch.no_grad():
            network[-1].bias.copy_(torch.tensor([9.0, -9.0]))  # type: ignore[index]  # everything is the first class
        export_onnx(network, 24, target)

    monkeypatch.setattr(int8, "quantize", spoiled)
    with pytest.raises(ExportError, match=r"changes the label of \d+ of 20 faces .* more than --max-flips 0.02"):
        export_int8(artifact, manifest, tmp_path / "out", crops=8)
    assert list(tmp_path.iterdir()) == []
    parity = export_int8(artifact, manifest, tmp_path / "out", crops=8, max_flips=1)
    assert parity.forms["int8"].flips > 0
    assert read_card(tmp_path / "out").figures["parity"]["max_flips"] == 1


def test_a_folder_that_is_there_stays(artifact: Path, manifest: Manifest, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(StorageError, match="stays untouched"):
        export_int8(artifact, manifest, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_int8_is_not_made_of_int8(exported: Path, manifest: Manifest, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="int8 already"):
        export_int8(exported, manifest, tmp_path / "out")


@pytest.mark.parametrize(
    ("given", "said"),
    [({"crops": 0}, "--crops 0"), ({"max_flips": 2}, "--max-flips 2"), ({"keep": ["all"]}, "weights, report")],
)
def test_numbers_that_cannot_be(
    artifact: Path, manifest: Manifest, tmp_path: Path, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        export_int8(artifact, manifest, tmp_path / "out", **given)


def test_pictures_that_vanished_are_left_out_and_none_at_all_is_one_clear_error(
    artifact: Path, manifest: Manifest, tmp_path: Path
) -> None:
    gone = pl.col("path") + ".gone"
    first = pl.int_range(pl.len()).over("split") < 3
    some = Manifest(manifest.rows.with_columns(path=pl.when(first).then(gone).otherwise("path")))
    parity = export_int8(artifact, some, tmp_path / "out", crops=1000, max_flips=1)
    assert (parity.crops, parity.n) == (57, 17)
    with pytest.raises(DataError, match="no face of the data can be"):
        export_int8(artifact, Manifest(manifest.rows.with_columns(path=gone)), tmp_path / "none")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(("crops", "calibrated", "compared"), [(12, 12, 68), (1000, 40, 40)])
def test_without_parts_no_face_is_calibrated_on_and_compared(
    manifest: Manifest, crops: int, calibrated: int, compared: int
) -> None:
    mixed = manifest.rows.with_columns(split=pl.lit(None, pl.String))
    two = mixed.with_columns(source=pl.when(pl.int_range(pl.len()) < 20).then(pl.lit("a")).otherwise(pl.lit("b")))
    taken, others = int8._divide(Manifest(two), crops)
    assert (taken.rows.height, others.rows.height) == (calibrated, compared)
    assert not set(taken.rows["path"]) & set(others.rows["path"])
    cells = Counter(taken.rows.select("source", "label").rows())
    if crops == 12:
        assert set(cells.values()) == {12 // len(cells)}, "every class of every source has the same share"


def test_faces_of_the_training_part_are_calibrated_on(manifest: Manifest) -> None:
    taken, others = int8._divide(manifest, 10)
    assert set(taken.rows["split"]) == {"train"}
    assert others.rows["path"].to_list() == manifest.part("validation").rows["path"].to_list()


def test_one_face_is_too_few(manifest: Manifest) -> None:
    with pytest.raises(DataError, match="the data has 1 that can be used"):
        int8._divide(Manifest(manifest.rows[:1]), 10)
