"""`export` as a user meets it: one clear line for every mistake, and no traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from maskwise.model.artifact import read_card
from maskwise.model.classifier import MaskClassifier
from tests.builders import tiny_artifact
from tests.cli.command_line import run
from tests.small_model import small_data, small_model


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    return tiny_artifact(tmp_path / "artifact")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--to", "coreml"], "--to 'coreml': use one of int8, onnx"),
        (["--to", "openvino"], "OpenVINO reads ONNX itself: use --to onnx"),
        (["--to", "torchscript"], "deprecated TorchScript"),
        (["--to", "int8"], "--data is missing"),
        (["--to", "int8", "--data", "nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_asked_for(
    artifact: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], flags: list[str], said: str
) -> None:
    code, out, err = run(monkeypatch, capsys, "export", str(artifact), *flags)
    assert (code, out) == (2, "")
    assert err.count("error:") == 1
    assert said in err
    assert [path.name for path in artifact.parent.iterdir()] == ["artifact"]


@pytest.mark.parametrize("to", [["onnx"], ["int8", "--data", "nowhere"]])
def test_a_folder_without_a_model_is_named_before_the_data_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], to: list[str]
) -> None:
    code, _, err = run(monkeypatch, capsys, "export", str(tmp_path), "--to", *to)
    assert code == 2
    assert "give the folder that `maskwise train` wrote" in err


def test_pictures_that_cannot_be_read(
    artifact: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for label in ("masked", "unmasked"):
        (tmp_path / "data" / label).mkdir(parents=True)
        (tmp_path / "data" / label / "1.jpg").write_text("no picture")
    code, _, err = run(monkeypatch, capsys, "export", str(artifact), "--to", "int8", "--data", str(tmp_path / "data"))
    assert code == 2
    assert err.count("error:") == 1
    assert not (tmp_path / "artifact-int8").exists()


def test_one_file_beside_the_artifact(
    artifact: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(monkeypatch, capsys, "export", str(artifact), "--to", "onnx", "--json")
    written = artifact.with_name("artifact.onnx")
    assert code == 0, err
    assert json.loads(out)["written"] == str(written)
    assert json.loads(json.loads(out)["metadata"]["labels"]) == ["masked", "unmasked"]
    assert written.is_file()
    again, _, said = run(monkeypatch, capsys, "export", str(artifact), "--to", "onnx")
    assert again == 2
    assert "stays untouched" in said


@pytest.mark.slow
def test_int8_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = small_data(tmp_path / "data")
    artifact = small_model(data, tmp_path / "run")
    flags = ["--to", "int8", "--data", str(data), "--crops", "16", "--max-flips", "0.5"]
    code, out, err = run(monkeypatch, capsys, "export", str(artifact), *flags, "--json")
    assert code == 0, err
    told, written = json.loads(out), artifact.with_name("artifact-int8")
    assert told["written"] == str(written)
    assert told["parity"] == read_card(written).figures["parity"]
    assert told["parity"]["n"] == 64
    assert told["model_onnx_bytes"]["int8"] == (written / "model.onnx").stat().st_size
    assert MaskClassifier.load(written).labels == ("masked", "unmasked")
    code, out, err = run(monkeypatch, capsys, "export", str(artifact), *flags, "--out", str(tmp_path / "other"))
    assert code == 0, err
    assert "compared with fp32 on 64 faces; calibrated on 16 others" in out
    for form in ("fp32", "int8", "torch"):
        assert form in out
    code, _, err = run(monkeypatch, capsys, "export", str(artifact), *flags)
    assert code == 2
    assert "stays untouched" in err
