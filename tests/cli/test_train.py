"""`train` and `evaluate` as a user meets them: one clear line for every mistake, and no traceback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from tests.builders import tiny_artifact
from tests.cli.command_line import run

SMALL = ["--size", "16", "--epochs", "1", "--batch-size", "4"]


def paint(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 20, 3)).astype(np.uint8)
    Pillow.fromarray(pixels).save(path)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for label, first in (("with_mask", 0), ("without_mask", 100)):
        for i in range(8):
            paint(tmp_path / "data" / label / f"{i}.png", first + i)
    return tmp_path / "data"


def empty(data: Path) -> None:
    shutil.rmtree(data)
    data.mkdir()


def one_class(data: Path) -> None:
    shutil.rmtree(data / "with_mask")


def one_picture(data: Path) -> None:
    for path in sorted((data / "with_mask").iterdir())[1:]:
        path.unlink()


def unknown_class(data: Path) -> None:
    (data / "with_mask").rename(data / "bandana")


def no_pictures(data: Path) -> None:
    for path in data.rglob("*.png"):
        path.write_text("text")


def gone(data: Path) -> None:
    shutil.rmtree(data)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (empty, "empty"),
        (one_class, "one class"),
        (one_picture, "1"),
        (unknown_class, "--alias 'bandana=masked'"),
        (no_pictures, "not a picture"),
        (gone, "data"),
    ],
)
def test_data_that_cannot_be_trained_on(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Path], None],
    said: str,
) -> None:
    spoil(data)
    code, _, err = run(monkeypatch, capsys, "train", "--data", str(data), "--out", str(tmp_path / "run"), *SMALL)
    assert code == 2
    assert "error:" in err
    assert said in err
    assert not (tmp_path / "run" / "artifact").exists()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], "--data is missing"),
        (["--recipe", "studdy"], "demo, study, study-wide"),
        (["--set", "optimizer.lrr=1"], "unknown key optimizer.lrr; did you mean 'lr'"),
        (["--set", "epochs"], "KEY=VALUE"),
        (["--validation", "much"], "neither a count of rows (1000) nor a share"),
        (["--validation", "500"], "500"),
        (["--network", "sequental"], "sequential-wide, efficientnet-lite0, or timm/<name>"),
        (["--device", "tpu"], "auto, cpu, cuda, mps"),
        (["--precision", "8"], "expected one of 32-true, bf16-mixed"),
        (["--split", "evenly"], "group, source, random, given"),
        (["--split", "source", "--test", "elsewhere"], "'elsewhere' is not one of the sources"),
        (["--resume", "nowhere"], "only --device, --processes, --loaders and --shards go with it"),
        (["--lr", "-1"], "above 0"),
    ],
)
def test_flags_that_cannot_be(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    said: str,
) -> None:
    given = ["--data", str(data)] if flags else []
    code, _, err = run(monkeypatch, capsys, "train", *given, "--out", str(tmp_path / "run"), *SMALL, *flags)
    assert code == 2
    assert said in err


def test_a_bad_picture_costs_one_row_and_is_named_in_the_report(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "with_mask" / "broken.jpg").write_bytes(b"\xff\xd8\xff not a picture")
    artifact = tmp_path / "run" / "artifact"
    code, _, err = run(monkeypatch, capsys, "train", "--data", str(data), "--out", str(tmp_path / "run"), *SMALL)
    assert code == 0, err
    assert "left out: 1" in err
    report = json.loads((artifact / "report.json").read_text())
    assert [Path(row["path"]).name for row in report["unusable"]] == ["broken.jpg"]
    assert "broken.jpg" in (artifact / "report.html").read_text()


def test_training_then_evaluating_elsewhere(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trained = run(monkeypatch, capsys, "train", "--data", str(data), "--out", str(tmp_path / "run"), *SMALL)
    assert trained[0] == 0, trained[2]
    artifact, out = str(tmp_path / "run" / "artifact"), tmp_path / "evaluation"
    code, stdout, err = run(monkeypatch, capsys, "evaluate", artifact, "--data", str(data), "--out", str(out), "--json")
    assert code == 0, err
    report = json.loads(stdout)
    assert report == json.loads((out / "report.json").read_text())
    assert sum(map(sum, report["confusion"])) == report["n"] == 16
    assert {p.name for p in out.iterdir()} == {"report.html", "report.json", "predictions.csv"}
    again = run(monkeypatch, capsys, "evaluate", artifact, "--data", str(data), "--split", "test", "--out", str(out))
    assert again[0] == 2
    assert "no usable rows in the split 'test'" in again[2]


def test_evaluating_says_what_pictures_without_a_face_are_called(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """To the tiny network blue is masked, and grey is nothing that it could be sure of."""
    for name, colour in (("blue", (0, 0, 255)), ("grey", (99, 99, 99))):
        path = data / "no_face" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        Pillow.new("RGB", (20, 20), colour).save(path)
    artifact = str(tiny_artifact(tmp_path / "artifact"))
    code, out, err = run(
        monkeypatch, capsys, "evaluate", artifact, "--data", str(data), "--out", str(tmp_path / "evaluation")
    )
    assert code == 0, err
    told = " ".join(out.split())
    assert "Of 2 pictures without a face 1 (50.0 %, 9.4 to 90.6) is called masked, 0 (0.0 %, 0.0 to 65.8) are" in told
    assert "the others are uncertain." in told


@pytest.mark.slow
def test_a_full_disk_while_training_keeps_the_last_good_epoch(data: Path, tmp_path: Path) -> None:
    """The second save meets a limit on file size, as a full disk would refuse it; resuming then finishes the run."""
    script = """
import resource, sys
from pathlib import Path
from maskwise import cli
from maskwise.training import checkpoint
save = checkpoint.save
def limited(path, *rest):
    if (path.parent / "last.safetensors").exists():
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
    save(path, *rest)
checkpoint.save = limited
sys.argv = ["maskwise", *sys.argv[1:]]
cli.main()
"""
    out = tmp_path / "run"
    flags = ["--data", str(data), "--out", str(out), "--size", "16", "--epochs", "3", "--batch-size", "4"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    full = subprocess.run(
        [sys.executable, "-c", script, "train", *flags], capture_output=True, text=True, check=False, env=environment
    )
    assert full.returncode == 2, full.stderr
    assert "what was saved there before is untouched" in " ".join(full.stderr.split())
    assert "Traceback" not in full.stderr
    resumed = subprocess.run(
        [sys.executable, "-m", "maskwise", "train", "--resume", str(out)],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert resumed.returncode == 0, resumed.stderr
    assert "epoch 1/3" not in resumed.stderr, "the first epoch was trained again"
    assert "epoch 3/3" in resumed.stderr


@pytest.mark.parametrize("verb", [["train", "--data", "x"], ["evaluate", "x", "--data", "x"], ["data", "show", "x"]])
def test_without_the_extra_a_verb_names_it(verb: list[str]) -> None:
    """None in sys.modules makes Python say that a package is not installed."""
    script = """
import sys
for name in ("torch", "polars", "matplotlib", "sklearn", "lightning_fabric", "yaml"):
    sys.modules[name] = None
from maskwise import cli
sys.argv = ["maskwise", *sys.argv[1:]]
cli.main()
"""
    ran = subprocess.run([sys.executable, "-c", script, *verb], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert 'pip install "maskwise[train]"' in " ".join(ran.stderr.split())
    assert "Traceback" not in ran.stderr
