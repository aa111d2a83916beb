"""The demo on the embedded faces: no network, no development pictures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest


def demo(folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "maskwise", "demo", "--out", str(folder), *flags]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder.parent)


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("demo") / "out"
    return folder, demo(folder, "--epochs", "1")


def test_the_whole_path_runs_and_names_files_that_are_there(
    quick: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, ran = quick
    assert ran.returncode == 0, ran.stderr
    named = [Path(line.split()[0]) for line in ran.stdout.splitlines() if line.startswith("  ")]
    assert len(named) == 3
    assert all(path.exists() for path in named)
    assert sorted(p.name for p in (folder / "checked").iterdir()) == ["astronaut_bare.png", "astronaut_masked.png"]


def test_its_report_adds_up(quick: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    artifact = quick[0] / "demo-model" / "artifact"
    report = json.loads((artifact / "report.json").read_text())
    manifest = pl.read_parquet(quick[0] / "demo-model" / "manifest.parquet")
    people = manifest.group_by("split").agg(pl.col("group").unique())
    assert sum(people["group"].list.len()) == 40, "somebody stands on two sides of the split"
    assert sum(map(sum, report["confusion"])) == report["n"] == manifest.filter(pl.col("split") == "test").height == 80


def test_a_folder_that_is_no_demo_is_left_alone(tmp_path: Path) -> None:
    precious = tmp_path / "mine"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    ran = demo(precious)
    assert ran.returncode == 2
    assert "name another folder" in " ".join(ran.stderr.split())
    assert (precious / "thesis.txt").read_text() == "years of work"


@pytest.mark.slow
def test_an_earlier_demo_survives_a_wrong_data_folder(tmp_path: Path) -> None:
    earlier = tmp_path / "out"
    earlier.mkdir()
    for name in (".maskwise-demo", "report.html"):
        (earlier / name).write_text("an earlier demo")
    for data in (tmp_path / "nowhere", earlier):
        assert demo(earlier, "--data", str(data)).returncode == 2
        assert (earlier / "report.html").exists()


@pytest.mark.slow
def test_the_trained_demo_tells_the_astronaut_bare_from_masked(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    ran = demo(folder)
    assert ran.returncode == 0, ran.stderr
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "maskwise", "check", str(folder / "new"), "--json"),
            *("--model", str(folder / "demo-model" / "artifact")),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [json.loads(line) for line in checked.stdout.splitlines()]
    said = {Path(row["source"]).stem: [face["verdict"] for face in row["faces"]] for row in rows}
    assert said == {"astronaut_bare": ["unmasked"], "astronaut_masked": ["masked"]}
    report = json.loads((folder / "demo-model" / "artifact" / "report.json").read_text())
    assert report["balanced_accuracy"]["value"] > 0.85


@pytest.mark.slow
def test_the_demo_runs_on_the_users_own_pictures(shared_data: Path, tmp_path: Path) -> None:
    ran = demo(tmp_path / "out", "--data", str(shared_data / "jang12k"), "--epochs", "1")
    assert ran.returncode == 0, ran.stderr
    assert len(list((tmp_path / "out" / "checked").iterdir())) == 2
