from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import polars as pl
import pytest
import typer
from PIL import Image as Pillow
from typer.testing import CliRunner

from maskwise.cli.data.render import run
from maskwise.data import embedded
from maskwise.errors import ConfigError, DataError

APP = typer.Typer()
APP.command()(run)
RUN = CliRunner()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three bare faces, twice their size, one masked picture, and a file that is no picture."""
    folder = tmp_path_factory.mktemp("data") / "orl"
    for i, name in enumerate(("without_mask", "without_mask", "without_mask", "with_mask")):
        face = cv2.resize(embedded.orl_faces()[i * 10][1], None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        (folder / name).mkdir(parents=True, exist_ok=True)
        Pillow.fromarray(np.asarray(face, np.uint8)).save(folder / name / f"{i}.png")
    (folder / "without_mask" / "broken.jpg").write_text("no picture at all")
    return folder


def render(*arguments: str | Path) -> Any:
    result = RUN.invoke(APP, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_pictures_manifest_and_table_are_written_and_told(data: Path, tmp_path: Path) -> None:
    result = render(data, "-o", tmp_path, "--kinds", "surgical,moulded", "--wearing", "covering, chin", "--each", "2")
    assert result.exit_code == 0
    assert len(list(tmp_path.rglob("*.jpg"))) == 6
    table = pl.read_csv(tmp_path / "rendered.csv")
    assert set(table["kind"]) <= {"surgical", "moulded"}
    assert sorted(table["wearing"]) == ["chin"] * 3 + ["covering"] * 3
    assert "orl-rendered" in result.stdout
    assert "6 pictures of 3 faces, 0 of them kept" in result.stderr
    assert f"written: {tmp_path}" in result.stderr


def test_json_and_going_on(data: Path, tmp_path: Path) -> None:
    first = json.loads(render(data, "-o", tmp_path, "--bare", "--json").stdout)
    assert first["labels"] == {"masked": 3, "unmasked": 3}
    assert (first["faces"], first["kept"], first["skipped"]) == (3, 0, {})
    next(tmp_path.rglob("*.jpg")).unlink()
    second = json.loads(render(data, "-o", tmp_path, "--bare", "--json").stdout)
    assert second["kept"] == 5
    assert second["fingerprint"] == first["fingerprint"]


def test_all_means_all_and_negatives_are_unmasked(data: Path, tmp_path: Path) -> None:
    arguments = ("--kinds", "all", "--wearing", "all", "--negatives", "all", "--each", "8", "--limit", "1")
    summary = json.loads(render(data, "-o", tmp_path, *arguments, "--json").stdout)
    skipped = sum(summary["skipped"].values())
    assert summary["labels"]["unmasked"] == 3
    assert summary["labels"]["masked"] == 1
    assert summary["labels"]["incorrect"] == 4 - skipped


def test_only_negatives(data: Path, tmp_path: Path) -> None:
    render(data, "-o", tmp_path, "--kinds", "", "--negatives", "beard", "--size", "128")
    table = pl.read_parquet(tmp_path / "manifest.parquet")
    assert set(table["kind"]) == {"beard"}
    assert table.select("width", "height").max().row(0) == (105, 128)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--kinds", "silk"), "'silk' is not one of surgical"),
        (("--wearing", "knee"), "'knee' is not one of covering"),
        (("--negatives", "fork"), "'fork' is not one of hand"),
        (("--each", "0"), "--each 0"),
        (("--size", "8"), "--size 8"),
    ],
)
def test_wrong_flags_are_refused_before_anything_is_read(flags: tuple[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        render(tmp_path / "nothing", "-o", tmp_path / "out", *flags)


def test_data_without_bare_faces(data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no usable row is labelled unmasked"):
        render(data, "-o", tmp_path, "--alias", "without_mask=ignore")
