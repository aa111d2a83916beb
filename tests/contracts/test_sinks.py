"""What every sink does, whatever it writes."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from maskwise.errors import StorageError
from maskwise.inference.sinks import AnnotatedPictures, Csv, JsonLines
from maskwise.values import Faces, Frame, FrameResult, Verdict

LABELS = ("masked", "unmasked")
Write = Callable[[Path, list[tuple[Frame, FrameResult]]], None]


def pair(source: str, faces: int = 1) -> tuple[Frame, FrameResult]:
    """A grey picture with some faces in it."""
    found = Faces(
        np.tile(np.array([[5, 6, 25, 30]], np.float32), (faces, 1)),
        np.full(faces, 0.9, np.float32),
        np.full((faces, 5, 2), np.nan, np.float32),
    )
    chances = np.tile(np.array([[0.25, 0.75]], np.float32), (faces, 1))
    verdicts = (Verdict("unmasked", 0.75),) * faces
    result = FrameResult(source, 0, None, 60, 50, found, LABELS, chances, verdicts)
    return Frame(np.full((50, 60, 3), 90, np.uint8), source), result


def write_csv(target: Path, pairs: list[tuple[Frame, FrameResult]]) -> None:
    with Csv(target) as sink:
        for _, result in pairs:
            sink.write(result)


def write_json(target: Path, pairs: list[tuple[Frame, FrameResult]]) -> None:
    file = target.open("w")
    with contextlib.closing(file) if target.name != "full" else contextlib.nullcontext(), JsonLines(file) as sink:
        for _, result in pairs:
            sink.write(result)


def write_pictures(target: Path, pairs: list[tuple[Frame, FrameResult]]) -> None:
    with AnnotatedPictures(target) as sink:
        for frame, result in pairs:
            sink.write(frame, result)


@pytest.mark.parametrize("write", [write_csv, write_json, write_pictures])
class TestSinkContract:
    def test_it_writes_something_for_every_picture(self, write: Write, tmp_path: Path) -> None:
        target = tmp_path / "out"
        write(target, [pair("a.jpg"), pair("b.jpg", faces=0), pair("c.jpg", faces=3)])
        if target.is_dir():
            assert sorted(p.name for p in target.iterdir()) == ["a.jpg", "b.jpg", "c.jpg"]
        else:
            assert all(name in target.read_text() for name in ("a.jpg", "b.jpg", "c.jpg"))

    def test_nothing_written_is_no_error(self, write: Write, tmp_path: Path) -> None:
        write(tmp_path / "out", [])
        assert (tmp_path / "out").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/dev/full is Linux's")
@pytest.mark.parametrize("write", [write_csv, write_json])
def test_a_full_disk_is_one_clear_error(write: Write) -> None:
    many = [pair(f"{i}.jpg") for i in range(500)]
    with pytest.raises(StorageError, match="cannot write /dev/full: No space left"):
        write(Path("/dev/full"), many)


@pytest.mark.parametrize("write", [write_csv, write_pictures])
def test_a_target_that_cannot_be_is_one_clear_error(write: Write, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match=r"cannot write .*file"):
        write(tmp_path / "file" / "below", [pair("a.jpg")])
