"""`compare` as a user meets it: two tiny models, one data set, and one clear line for every mistake."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskwise.data.embedded import build_demo_dataset
from maskwise.data.formats import read_dataset
from maskwise.model.artifact import CARD_NAME
from maskwise.training.compare.artifacts import compare_artifacts
from tests.builders import BLUEISH, REDDISH, tiny_artifact
from tests.cli.command_line import run

EACH = 24


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Blue pictures are masked, red ones are not; no two alike."""
    rng = np.random.default_rng(0)
    for label, colour in (("masked", BLUEISH), ("unmasked", REDDISH)):
        (tmp_path / "data" / label).mkdir(parents=True)
        for i in range(EACH):
            pixels = np.clip(np.array(colour) + rng.integers(-30, 30, (40, 40, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / label / f"{i}.png")
    return tmp_path / "data"


@pytest.fixture
def right(tmp_path: Path) -> Path:
    return tiny_artifact(tmp_path / "right")


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """The same network at another size, its classes the wrong way round."""
    return tiny_artifact(tmp_path / "wrong", labels=("unmasked", "masked"), size_px=24)


def test_both_models_side_by_side(
    right: Path, wrong: Path, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(monkeypatch, capsys, "compare", str(wrong), str(right), "--data", str(data))
    assert code == 0
    said = " ".join(out.split())
    assert "B is better: of 1,000 faces it judges" in said
    assert "only B 48" in said
    assert "accuracy" in said
    assert "noisy" in said
    assert err.endswith("report: runs/compare-data/compare.html")
    folder = Path("runs/compare-data")
    assert sorted(path.name for path in folder.iterdir()) == ["compare.html", "compare.json", "predictions.csv"]
    assert (folder / "compare.html").read_text().count("data:image/jpeg") == 24
    with (folder / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * EACH
    assert all(row["b_predicted"] == row["label"] != row["a_predicted"] for row in rows)


def test_json_and_a_gate_that_closes_only_where_b_is_worse(
    right: Path, wrong: Path, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--data", str(data), "--json", "--fail-on", "worse", "--out", "there"]
    code, out, _ = run(monkeypatch, capsys, "compare", str(right), str(wrong), *flags)
    found = json.loads(out)
    assert (code, found["clearly"], found["n"]) == (1, "worse", 2 * EACH)
    assert found == json.loads(Path("there/compare.json").read_text())
    assert found["models"]["b"]["crop"]["size_px"] == 24
    assert found["models"]["a"]["model_onnx_bytes"] == (right / "model.onnx").stat().st_size
    assert 0 < found["models"]["a"]["ms_per_face"]["fastest"] <= found["models"]["a"]["ms_per_face"]["mean"]
    assert found["disagreements"]["listed"][0]["path"].startswith(("masked/", "unmasked/"))
    assert run(monkeypatch, capsys, "compare", str(wrong), str(right), *flags)[0] == 0


def test_three_classes_against_two(
    right: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    three = tiny_artifact(tmp_path / "three", labels=("incorrect", "masked", "unmasked"))
    code, out, _ = run(monkeypatch, capsys, "compare", str(three), str(right), "--data", str(data), "--json")
    found = json.loads(out)
    assert (code, found["labels"], found["n"]) == (0, ["masked", "unmasked"], 2 * EACH)
    assert found["left_out"]["answered_otherwise_a"] == EACH  # blue is incorrect to it
    assert f"by itself it would have called {EACH} faces incorrect" in found["notes"][0]


@pytest.mark.parametrize(
    ("change", "flags", "said"),
    [
        ("copy", ["--data", "data"], "A and B are the same model"),
        ("classes", ["--data", "data"], "with only unmasked in common there is nothing to tell apart"),
        ("none", ["--data", "data"], "give the folder that `maskwise train` wrote"),
        ("", [], "--data is missing"),
        ("", ["--data", "data", "--split", "dev"], "--split 'dev': use one of train, validation, test"),
        ("", ["--data", "data", "--split", "test"], "no usable rows in the split 'test'"),
        ("", ["--data", "data", "--fail-on", "better"], "--fail-on 'better': use worse"),
        ("", ["--data", "nowhere"], "nowhere"),
        ("", ["--data", "broken"], "no face that both models can judge, of 2 rows"),
    ],
)
@pytest.mark.usefixtures("data")
def test_what_cannot_be_compared(
    right: Path,
    wrong: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    change: str,
    flags: list[str],
    said: str,
) -> None:
    for label in ("masked", "unmasked"):
        (Path("broken") / label).mkdir(parents=True)
        (Path("broken") / label / "1.jpg").write_text("no picture")
    if change == "copy":
        shutil.rmtree(wrong)
        shutil.copytree(right, wrong)
    elif change == "classes":
        tiny_artifact(right, labels=("masked", "unmasked"))
        tiny_artifact(wrong, labels=("incorrect", "unmasked"))
    elif change == "none":
        (wrong / CARD_NAME).unlink()
    code, out, err = run(monkeypatch, capsys, "compare", str(right), str(wrong), *flags)
    assert (code, out) == (2, "")
    assert err.count("error:") == 1
    assert said in err
    assert not Path("runs").exists()


def test_one_looks_for_faces_itself_and_the_other_takes_the_pictures_as_they_are(tmp_path: Path) -> None:
    """Colour tells nothing about these faces; what counts is that both are asked about the same ones."""
    faces = build_demo_dataset(tmp_path / "faces", people=2)
    (blank := faces / "masked" / "blank.png").parent.mkdir(exist_ok=True)
    Image.new("RGB", (90, 90), BLUEISH).save(blank)
    whole, detect = tiny_artifact(tmp_path / "whole"), tiny_artifact(tmp_path / "detect")
    card = json.loads((detect / CARD_NAME).read_text())
    (detect / CARD_NAME).write_text(json.dumps(card | {"faces": "detect"}))
    manifest, heard = read_dataset(faces), set()
    there, back = (
        compare_artifacts(*pair, manifest, progress=lambda what, *_: heard.add(what))
        for pair in ((whole, detect), (detect, whole))
    )
    content = there.to_json()
    assert heard == {"finding faces", "A judges", "B judges"}
    assert content["left_out"]["only_a"] >= 1
    assert content["left_out"]["only_b"] == 0
    assert content["n"] + content["left_out"]["only_a"] == manifest.usable.height
    assert content["warnings"][0].startswith("B finds no face in ")
    # Facts and boxes are those of the data, whichever stands first.
    assert there.pair.a.rows.drop("error").equals(manifest.rows.drop("error"))
    assert there.pair.a.facts is not None
    assert back.pair.a.facts is not None
    assert there.pair.a.facts.equals(back.pair.a.facts)
    assert [s["name"] for s in content["slices"]["shown"]] == [s["name"] for s in back.to_json()["slices"]["shown"]]
