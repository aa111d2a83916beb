from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from maskwise.errors import ImageError, InputError
from maskwise.inference import sources as module
from maskwise.inference.sources import expand, frames
from maskwise.values import Frame, Image


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b.jpg", "a.PNG", "deep/c.webp", "deep/deeper/d.png", ".hidden/e.png", "deep/.f.png", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".txt":
            path.write_text("not a picture")
        else:
            Pillow.fromarray(np.full((8, 9, 3), 7, np.uint8)).save(path)
    (tmp_path / "deep" / "loop").symlink_to(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("sources", "found"),
    [
        (["."], ["a.PNG", "b.jpg", "deep/c.webp", "deep/deeper/d.png"]),
        (["deep"], ["deep/c.webp", "deep/deeper/d.png"]),
        (["*.jpg"], ["b.jpg"]),
        (["deep/**/*.png"], ["deep/deeper/d.png"]),
        (["b.jpg", "a.PNG"], ["b.jpg", "a.PNG"]),
        (["b.jpg", "*", "b.jpg"], ["b.jpg", "a.PNG"]),
        (["notes.txt"], ["notes.txt"]),  # named outright: tried, and its error will say why
        (["missing.jpg"], ["missing.jpg"]),
        (["a" * 300], ["a" * 300]),  # too long for any file system
        ([".hidden"], [".hidden/e.png"]),  # asked for by name
        (["deep/../b.jpg", "b.jpg"], ["deep/../b.jpg"]),
        (["deep", "deep/loop/b.jpg"], ["deep/c.webp", "deep/deeper/d.png", "deep/loop/b.jpg"]),
    ],
)
def test_sources_become_pictures(
    tree: Path, monkeypatch: pytest.MonkeyPatch, sources: list[str], found: list[str]
) -> None:
    monkeypatch.chdir(tree)
    assert [str(path) for path in expand(sources)] == found


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("*.tiff", "no picture matches"),
        ("empty", "no picture in this folder"),
        ("deep/**.png", "not a pattern"),
    ],
)
def test_a_source_without_pictures_says_so(tree: Path, monkeypatch: pytest.MonkeyPatch, source: str, said: str) -> None:
    (tree / "empty").mkdir()
    monkeypatch.chdir(tree)
    with pytest.raises(InputError, match=said):
        expand([source])


def test_frames_come_in_order_and_a_bad_one_is_its_error(tree: Path) -> None:
    paths = [tree / "b.jpg", tree / "notes.txt", tree / "missing.jpg", *[tree / "a.PNG"] * 9]
    got = list(frames(paths))
    assert [type(item) for item in got] == [Frame, ImageError, ImageError, *[Frame] * 9]
    assert [item.index for item in got if isinstance(item, Frame)] == [0, *range(3, 12)]


def test_a_caller_who_stops_leaves_no_thread(tree: Path) -> None:
    before = threading.active_count()
    stream = frames([tree / "b.jpg"] * 50)
    next(stream)
    stream.close()  # type: ignore[attr-defined]  # it is a generator
    assert threading.active_count() == before


def test_an_absolute_name_is_the_same_picture(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree)
    assert expand(["b.jpg", tree / "b.jpg"]) == [Path("b.jpg")]


def test_a_folder_that_is_closed_to_us_is_a_row_and_not_silence(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def scandir(path: str) -> object:
        if Path(path).name == "deeper":
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)  # a test may run as root, whom no folder refuses
    paths = expand([tree])
    assert tree / "deep" / "deeper" in paths
    errors = [item for item in frames(paths) if isinstance(item, ImageError)]
    assert [str(error) for error in errors] == [
        f"{tree}/deep/deeper: this folder cannot be looked into; change its rights"
    ]


def test_pictures_are_decoded_ahead_but_not_all_of_them(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Path] = []

    def read(path: Path) -> Image:
        started.append(path)
        return np.zeros((2, 2, 3), np.uint8)

    monkeypatch.setattr(module, "read_image", read)
    stream = frames([tree / "b.jpg"] * 50)
    next(stream)
    deadline = time.monotonic() + 5
    while len(started) < module.AHEAD + 1 and time.monotonic() < deadline:
        time.sleep(0.005)
    assert len(started) == module.AHEAD + 1
    stream.close()  # type: ignore[attr-defined]  # it is a generator
    assert len(started) == module.AHEAD + 1
