from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from tests.builders import BLUEISH, REDDISH, tiny_artifact


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an artifact and three files: one masked, one unmasked, one that is no picture."""
    folder = tmp_path_factory.mktemp("place")
    tiny_artifact(folder / "model")
    (folder / "pictures").mkdir()
    for name, colour in (("blue.png", BLUEISH), ("red [1].png", REDDISH)):
        Pillow.fromarray(np.full((40, 50, 3), colour, np.uint8)).save(folder / "pictures" / name)
    (folder / "pictures" / "text.jpg").write_text("not a picture")
    return folder


def check(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "maskwise", "check", "--model", "model", "--faces", "whole", *arguments]
    return subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)


def test_the_table_has_a_row_for_everything_and_is_not_cut(place: Path) -> None:
    ran = check(place, "pictures")
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert any("blue.png" in line and "✓ masked" in line for line in lines)
    assert any("red [1].png" in line and "✗ unmasked" in line for line in lines)
    assert any("text.jpg" in line and "not a picture" in line for line in lines)
    assert "3 pictures, 2 faces: 1 masked, 1 unmasked, 1 pictures could not be read" in ran.stderr


def test_json_is_one_line_a_picture_and_nothing_else(place: Path) -> None:
    ran = check(place, "pictures", "--json")
    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [(Path(row["source"]).name, [f["verdict"] for f in row["faces"]], bool(row["error"])) for row in rows] == [
        ("blue.png", ["masked"], False),
        ("red [1].png", ["unmasked"], False),
        ("text.jpg", [], True),
    ]


def test_csv_and_annotated_copies(place: Path, tmp_path: Path) -> None:
    ran = check(place, "pictures", "--csv", str(tmp_path / "rows.csv"), "--annotate", str(tmp_path / "drawn"))
    assert ran.returncode == 0, ran.stderr
    rows = list(csv.DictReader((tmp_path / "rows.csv").open()))
    assert [row["verdict"] for row in rows] == ["masked", "unmasked", ""]
    assert rows[2]["error"]
    assert sorted(p.name for p in (tmp_path / "drawn").iterdir()) == ["blue.png", "red [1].png"]
    original = np.asarray(Pillow.open(place / "pictures" / "blue.png"))
    drawn = np.asarray(Pillow.open(tmp_path / "drawn" / "blue.png"))
    assert drawn.shape == original.shape
    assert not np.array_equal(drawn, original)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["pictures", "--fail-on", "unmasked"], 1, "1 unmasked"),
        (["pictures/blue.png", "--fail-on", "unmasked,uncertain"], 0, "1 masked"),
        (["pictures", "--fail-on", "bare"], 2, "'bare' is not a verdict; use masked, incorrect, unmasked, uncertain"),
        (["pictures", "--fail-on", "incorrect"], 2, "knows only masked, unmasked"),
        (["pictures/text.jpg"], 2, "not one picture could be read"),
        (["missing.jpg"], 2, "not one picture could be read"),
        (["*.tiff"], 2, "no picture matches"),
        (["pictures", "--model", "nowhere"], 2, "not a model folder"),
        (["pictures", "--model", "default"], 2, "maskwise demo"),
        (["pictures", "--faces", "some"], 2, "detect, whole"),
        (["pictures", "--threshold", "7"], 2, "between 0 and 1"),
        (["pictures", "--csv", "/dev/full"], 2, "/dev/full"),
        (["pictures", "--annotate", "pictures"], 2, "pictures"),
    ],
)
def test_exit_codes_and_one_clear_line(place: Path, arguments: list[str], code: int, said: str) -> None:
    ran = check(place, *arguments)
    assert ran.returncode == code, ran.stderr
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr


def test_checking_never_loads_the_training_side(place: Path) -> None:
    code = """
import sys
from maskwise.cli import app
try:
    app(["check", "pictures/blue.png", "--model", "model", "--faces", "whole"])
except SystemExit as done:
    assert not done.code, done.code
heavy = {"torch", "polars", "matplotlib", "sklearn", "timm", "jinja2", "yaml"} & sys.modules.keys()
sys.exit(f"loaded: {heavy}" if heavy else 0)
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=place, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
