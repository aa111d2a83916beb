from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image as Pillow
from typer.testing import CliRunner

from maskwise.cli.data import convert
from maskwise.data.formats import read_dataset
from maskwise.errors import ConfigError, DataError

app = typer.Typer()
app.command()(convert.run)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two pictures with a face each, as YOLO, and one annotation without its picture."""
    folder = tmp_path / "set"
    for inner in ("images", "labels"):
        (folder / inner).mkdir(parents=True)
    for number in range(2):
        pixels = np.full((30, 40 + number, 3), [number * 90, 5, 7], np.uint8)
        Pillow.fromarray(pixels).save(folder / "images" / f"{number}.png")
        (folder / "labels" / f"{number}.txt").write_text(f"{number} 0.5 0.5 0.25 0.25\n")
    (folder / "labels" / "gone.txt").write_text("0 0.5 0.5 0.25 0.25\n")
    (folder / "classes.txt").write_text("hat\nface\n")
    return folder


NAMES = ("--alias", "hat=masked", "--alias", "face=unmasked")


def run(*arguments: str | Path) -> Any:
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


@pytest.mark.parametrize("to", ["voc", "yolo", "coco", "csv", "manifest"])
def test_any_format_is_written_and_read(to: str, data: Path, tmp_path: Path) -> None:
    result = run(data, "--to", to, "-o", tmp_path / "out", *NAMES)
    assert "gone.jpg: the file is missing" in result.stdout
    assert f"written: {tmp_path / 'out'}" in result.stderr
    assert ("does not hold 1 rows that cannot be used" in result.stderr) == (to != "manifest")
    got = read_dataset(tmp_path / "out")
    assert dict(got.usable.select("label", "width").rows()) == {"masked": 40, "unmasked": 41}


def test_faces_are_cut_out_into_class_folders(data: Path, tmp_path: Path) -> None:
    run(data, "--to", "classes", "--crop", "-o", tmp_path / "out", *NAMES)
    assert sorted(str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*.png")) == [
        "masked/0.png", "unmasked/1.png",
    ]  # fmt: skip


def test_several_data_sets_become_one(data: Path, tmp_path: Path) -> None:
    (tmp_path / "more" / "masked").mkdir(parents=True)
    Pillow.new("RGB", (9, 9)).save(tmp_path / "more" / "masked" / "0.png")
    run(data, tmp_path / "more", "--to", "coco", "--pictures", "link", "-o", tmp_path / "out", *NAMES)
    assert sorted(str(p.relative_to(tmp_path / "out" / "images")) for p in (tmp_path / "out").rglob("*.png")) == [
        "more/0.png", "set/0.png", "set/1.png",
    ]  # fmt: skip


def test_json_is_one_object_on_stdout(data: Path, tmp_path: Path) -> None:
    summary = json.loads(run(data, "--to", "voc", "-o", tmp_path / "out", "--json", *NAMES).stdout)
    assert summary["labels"] == {"masked": 1, "unmasked": 1}
    assert summary["to"] == "voc"
    assert summary["output"] == str(tmp_path / "out")
    assert summary["notes"] == ["voc does not hold 1 rows that cannot be used"]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (["DATA", "--to", "kitti"], ConfigError, "--to 'kitti' is not known; use one of voc, yolo, coco"),
        (["DATA", "--to", "voc", "--pictures", "move"], ConfigError, "use one of copy, link, none"),
        (["DATA", "--to", "voc", "--crop"], ConfigError, "leave it out"),
        (["DATA", "--to", "classes", *NAMES], DataError, "--crop, or convert to voc"),
        (["nowhere", "--to", "voc"], DataError, "check the path"),
    ],
)
def test_mistakes_are_told_and_leave_nothing(
    arguments: list[str], error: type[Exception], words: str, data: Path, tmp_path: Path
) -> None:
    with pytest.raises(error) as caught:
        run(*(str(data) if a == "DATA" else a for a in arguments), "-o", tmp_path / "out")
    assert words in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_taken_folder_is_refused_before_anything_is_read(data: Path) -> None:
    with pytest.raises(ConfigError, match="is there and not an empty folder"):
        run("nowhere", "--to", "voc", "-o", data)


def test_the_verb_loads_nothing_heavy() -> None:
    code = "import sys, maskwise.cli.data.convert; sys.exit(bool({'torch', 'cv2', 'polars'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
