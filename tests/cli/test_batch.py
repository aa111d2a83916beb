"""`maskwise batch` as it is typed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from maskwise.batch.run import Progress
from maskwise.cli.batch import in_words, lasting
from tests.batch.pictures import coloured
from tests.builders import tiny_artifact

COMMAND = [sys.executable, "-m", "maskwise", "batch"]
OPTIONS = ("--model", "model", "--faces", "whole", "--workers", "1")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    tiny_artifact(tmp_path / "model")
    coloured(tmp_path / "in", 12, broken=(5,))
    return tmp_path


def batch(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], cwd=place, capture_output=True, text=True, check=False)


def test_pictures_go_in_and_rows_a_summary_and_a_page_come_out(place: Path) -> None:
    ran = batch(place, "in", "out", *OPTIONS, "--part-rows", "5")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == ""
    first, second, third, last = ran.stderr.splitlines()
    assert first == "12 pictures, 11 faces: 6 masked, 5 unmasked"
    assert second == "0 without a face, 1 could not be read"
    assert re.fullmatch(r"12 in this run, [\d.]+ a second", third)
    assert last == "out: rows/ (Parquet), summary.json, report.html"
    assert sorted(path.name for path in (place / "out").iterdir()) == ["plan", "report.html", "rows", "summary.json"]
    assert len(list((place / "out/rows").iterdir())) == 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("in",), "batch needs pictures and a place for the results; got only in"),
        (("none", "out"), "none: no picture"),
        (("in", "out", "--address", "auto"), "say --engine ray, too"),
        (("in", "out", "--model", "nowhere"), "is not a model folder"),
        (("in", "out", "--min-face", "17"), "min_face_px: 17 is not one of"),
        (("in", "out", "--operating-point", "brave"), "brave"),
        (("in", "gs://bucket/out"), "pip install gcsfs"),
        (("in", "out", "--engine", "ray", "--address", "127.0.0.1:9"), "no Ray cluster answers there"),
    ],
)
def test_a_mistake_is_one_clear_line(place: Path, arguments: tuple[str, ...], says: str) -> None:
    (place / "none").mkdir()
    ran = batch(place, *arguments)
    assert ran.returncode == 2
    assert says in ran.stderr
    assert "Traceback" not in ran.stderr


def test_results_that_are_there_are_not_touched(place: Path) -> None:
    assert batch(place, "in", "out", *OPTIONS).returncode == 0
    again = batch(place, "in", "out", *OPTIONS)
    assert again.returncode == 2
    assert "stay untouched; go on with them by --resume" in again.stderr
    assert batch(place, "in", "out", *OPTIONS, "--resume").returncode == 0


def test_ctrl_c_keeps_what_was_finished(place: Path) -> None:
    coloured(place / "in", 3_000)
    command = [*COMMAND, "in", "out", *OPTIONS, "--part-rows", "20"]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background of a shell ignore it
    process = subprocess.Popen(command, cwd=place, stderr=subprocess.PIPE, text=True, start_new_session=True)
    until = time.monotonic() + 30
    while not list(place.glob("out/rows/part-*")) and time.monotonic() < until:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert said == "stopped; what was finished stays: go on with --resume out\n"
    assert batch(place, "in", "out", *OPTIONS, "--part-rows", "20", "--resume").returncode == 0


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (Progress(found=12_345), "12,345 pictures found"),
        (Progress(done=512, count=1_000_000), "512 of 1,000,000"),
        (Progress(None, 2_000, 1_000_000, 1_000, 10.0), "2,000 of 1,000,000, 100.0 a second, 2 h 46 min left"),
        (Progress(None, 900, 1_000, 900, 10.0), "900 of 1,000, 90.0 a second, 1 s left"),
    ],
)
def test_how_far_it_is(progress: Progress, words: str) -> None:
    assert in_words(progress) == words


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (75, "1 min 15 s"), (3_660, "1 h 01 min")])
def test_how_long(seconds: float, words: str) -> None:
    assert lasting(seconds) == words
