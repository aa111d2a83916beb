"""`kill -9` of workers and of the whole run, at random moments, until it is done: as if nothing had happened."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from maskwise.batch.run import Wish, run
from maskwise.data.clips import crowd, film
from maskwise.engines.local import Local
from maskwise.inference.picture_folder import PictureFolder
from tests.batch.pictures import WHOLE, coloured, rows_of
from tests.builders import tiny_artifact


def batch(*arguments: str) -> subprocess.Popen[str]:
    """The command, in a process of its own."""
    command = [sys.executable, "-m", "maskwise", "batch", *arguments, "--resume"]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def until_done(arguments: tuple[str, ...], chance: random.Random, longest_s: float) -> tuple[int, int]:
    """Kill the run, or one of its workers, again and again; returns how many of each were killed."""
    runs, workers = 0, 0
    for _ in range(200):
        process = batch(*arguments)
        until = time.monotonic() + chance.uniform(0.1, longest_s)
        while time.monotonic() < until and process.poll() is None:
            time.sleep(0.02)
            if chance.random() < 0.05:
                workers += kill_a_worker(process.pid, chance)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            runs += 1
            process.communicate()
            continue
        _, said = process.communicate()
        assert process.returncode == 0, said
        return runs, workers
    raise AssertionError("it was never done")


def kill_a_worker(pid: int, chance: random.Random) -> int:
    """One of a process's workers, if it has any."""
    try:
        alive = [one for one in psutil.Process(pid).children() if "spawn_main" in " ".join(one.cmdline())]
        if not alive:
            return 0
        chance.choice(alive).kill()
    except psutil.NoSuchProcess:
        return 0
    return 1


def test_a_run_that_is_killed_again_and_again_ends_as_one_that_is_not(tmp_path: Path) -> None:
    folder = str(coloured(tmp_path / "in", 600, broken=(5, 300)))
    model = str(tiny_artifact(tmp_path / "model"))
    options = ("--model", model, "--faces", "whole", "--part-rows", "4", "--workers", "2")
    runs, workers = until_done((folder, str(tmp_path / "out"), *options), random.Random(5), 2.5)
    assert runs >= 2
    assert workers >= 1
    run(Wish((folder,), str(tmp_path / "unbroken"), model, WHOLE, part_rows=4), Local(2))
    rows = rows_of(tmp_path / "out")
    assert rows["input"].to_list() == list(range(600))
    assert rows.equals(rows_of(tmp_path / "unbroken"))


@pytest.mark.slow
def test_the_real_model_on_faces_killed_fifty_times(tmp_path: Path) -> None:
    people = crowd(4, (640, 480))
    pictures = PictureFolder(tmp_path / "in", "test")
    for number, (frame, _) in enumerate(film(people, 1_500 / 30, 30.0, (640, 480))):
        pictures.save(frame.image, f"{number:05d}", ".jpg")
    chance, killed = random.Random(11), [0, 0]
    run(Wish((str(tmp_path / "in"),), str(tmp_path / "unbroken"), part_rows=10), Local(2))
    expected = rows_of(tmp_path / "unbroken")
    for turn in range(20):
        if sum(killed) >= 50:
            break
        place = tmp_path / f"out{turn}"
        found = until_done((str(tmp_path / "in"), str(place), "--part-rows", "10"), chance, 3.0)
        killed = [a + b for a, b in zip(killed, found, strict=True)]
        assert rows_of(place).equals(expected)
    assert sum(killed) >= 50
