from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from typer.testing import CliRunner

from maskwise.cli.data import app
from maskwise.data.manifest import load
from maskwise.errors import ConfigError, DataError, LabelError

RUN = CliRunner()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Ten masked and ten unmasked pictures, one broken."""
    for folder in ("with_mask", "without_mask"):
        (tmp_path / "set" / folder).mkdir(parents=True)
        for i in range(10):
            pixels = np.full((20 + i, 30, 3), [i * 20, len(folder) * 9, 7], np.uint8)
            Pillow.fromarray(pixels).save(tmp_path / "set" / folder / f"{i}.png")
    (tmp_path / "set" / "with_mask" / "broken.jpg").write_text("no picture at all")
    return tmp_path / "set"


def run(*arguments: str | Path) -> Any:
    result = RUN.invoke(app, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def test_import_writes_a_manifest_and_shows_counts(data: Path, tmp_path: Path) -> None:
    result = run("import", data, "-o", tmp_path / "m.parquet")
    assert "broken.jpg: is not a picture" in result.stdout
    assert "10" in result.stdout
    assert "written" in result.stderr
    assert load(tmp_path / "m.parquet").rows.height == 21


@pytest.mark.parametrize("verb", ["import", "split", "show"])
def test_json_is_one_object_on_stdout(verb: str, data: Path, tmp_path: Path) -> None:
    output = tmp_path / ("figures" if verb == "show" else "m.csv")
    summary = json.loads(run(verb, data, "-o", output, "--json").stdout)
    assert summary["rows"] == 21
    assert summary["usable"] == 20
    assert summary["labels"] == {"masked": 10, "unmasked": 10}
    assert [row["path"] for row in summary["unusable"]] == [str(data / "with_mask" / "broken.jpg")]
    assert summary["output"] == str(output)


def test_show_draws_three_figures_and_lists_the_broken(data: Path, tmp_path: Path) -> None:
    result = run("show", data, "-o", tmp_path / "figures")
    assert sorted(p.name for p in (tmp_path / "figures").iterdir()) == ["balance.png", "samples.png", "sizes.png"]
    assert "broken.jpg: is not a picture" in result.stdout


def test_split_of_a_folder_and_of_a_manifest_agree(data: Path, tmp_path: Path) -> None:
    run("import", data, "-o", tmp_path / "m.parquet")
    for place, name in ((data, "a.csv"), (tmp_path / "m.parquet", "b.csv")):
        run("split", place, "-o", tmp_path / name, "--validation", "4", "--test", "0.2", "--seed", "3")
    first, second = (load(tmp_path / name).rows for name in ("a.csv", "b.csv"))
    assert first.equals(second)
    assert sorted(first["split"].drop_nulls().to_list()) == ["test"] * 4 + ["train"] * 12 + ["validation"] * 4


def test_a_random_split_says_what_leaks(data: Path, tmp_path: Path) -> None:
    for i in range(10):
        (data / "with_mask" / f"copy{i}.png").write_bytes((data / "with_mask" / f"{i}.png").read_bytes())
    assert "exact copies" in run("split", data, "-o", tmp_path / "m.csv", "--by", "random", "--validation", "9").stdout
    summary = json.loads(run("split", data, "-o", tmp_path / "m.csv", "--json").stdout)
    assert summary["in_several_splits"] == dict.fromkeys(("group", "copy", "picture", "twin", "scene"), 0)


def test_several_data_sets_become_one(data: Path, tmp_path: Path) -> None:
    (tmp_path / "more" / "chin").mkdir(parents=True)
    Pillow.new("RGB", (9, 9)).save(tmp_path / "more" / "chin" / "x.png")
    more = tmp_path / "more"
    run("import", data, more, "--alias", "chin=incorrect", "-o", tmp_path / "m.parquet")
    assert load(tmp_path / "m.parquet").labels == ("masked", "incorrect", "unmasked")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (["import", "DATA", "-o", "m.xlsx"], ConfigError, "called .parquet or .csv"),
        (["import", "DATA", "--alias", "mask"], ConfigError, "NAME=CLASS"),
        (["import", "DATA", "--alias", "with_mask=hat"], LabelError, "'hat' is not a class"),
        (["import", "DATA", "--format", "kitti"], ConfigError, "'kitti' is not known"),
        (["import", "nowhere"], DataError, "check the path"),
        (["import", "DATA", "DATA"], DataError, "named twice"),
        (["split", "DATA", "--validation", "many"], ConfigError, "--validation 'many' is neither"),
        (["split", "DATA", "--validation", "20"], DataError, "there are 20 usable rows"),
        (["split", "DATA", "--by", "face"], ConfigError, "'face' is not known"),
        (["split", "DATA", "--by", "given"], DataError, "20 of 20 usable rows have no split"),
    ],
)
def test_mistakes_are_told(
    arguments: list[str],
    error: type[Exception],
    words: str,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error) as caught:
        run(*(str(data) if a == "DATA" else a for a in arguments))
    assert words in str(caught.value)
    assert not list(tmp_path.glob("*.parquet")), "nothing half done is left"


def test_the_verbs_load_nothing_heavy() -> None:
    code = (
        "import sys, maskwise.cli.data; sys.exit(bool({'torch', 'cv2', 'polars', 'matplotlib'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
