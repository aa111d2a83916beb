from __future__ import annotations

import contextlib
import csv
import errno
import io
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from maskwise.errors import StorageError
from maskwise.inference.explain import Evidence
from maskwise.inference.sinks import COLUMNS, AnnotatedPictures, Csv, ExplainedFaces, JsonLines, rows
from maskwise.values import MASKED, Faces, Frame, FrameResult
from tests.conftest import REPOSITORY
from tests.contracts.test_sinks import LABELS, pair, write_csv


def test_csv_has_a_row_for_each_face_and_each_picture_without_one(tmp_path: Path) -> None:
    failed = FrameResult.failed("bad.jpg", 3, "not a picture", LABELS)
    write_csv(tmp_path / "out.csv", [pair("a, b.jpg", faces=2), pair("none.jpg", faces=0), (pair("x")[0], failed)])
    table = list(csv.DictReader((tmp_path / "out.csv").open(newline="")))
    assert tuple(table[0]) == COLUMNS
    assert [(row["source"], row["face"], row["error"]) for row in table] == [
        ("a, b.jpg", "1", ""),
        ("a, b.jpg", "2", ""),
        ("none.jpg", "", ""),
        ("bad.jpg", "", "not a picture"),
    ]
    first = table[0]
    assert [float(first[c]) for c in ("x_min", "y_min", "x_max", "y_max")] == [5, 6, 25, 30]
    assert (first["verdict"], first["p_masked"], first["p_unmasked"], first["p_incorrect"]) == (
        "unmasked", "0.25", "0.75", ""
    )  # fmt: skip


def test_every_value_of_a_row_has_its_column() -> None:
    assert set(rows(pair("a.jpg")[1])[0]) <= set(COLUMNS)


def test_the_reference_names_every_key_and_column() -> None:
    parts = (REPOSITORY / "docs" / "reference" / "json.md").read_text(encoding="utf-8").split("## The columns")
    json_keys, columns = (re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (.*?) \|", p, re.M))) for p in parts)
    picture = pair("a.jpg")[1].to_json()
    assert json_keys == [*picture, *picture["faces"][0]]
    assert tuple(columns) == COLUMNS


def test_same_names_from_different_folders_do_not_collide(tmp_path: Path) -> None:
    with AnnotatedPictures(tmp_path / "out") as sink:
        for source in ("x/a.png", "y/a.png", "y/a.jpg", "z/a.webp"):
            sink.write(*pair(source))
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a-2.jpg", "a-2.png", "a.jpg", "a.png"]


def save(path: Path, value: int = 0) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(np.full((50, 60, 3), value, np.uint8)).save(path)
    return path.read_bytes()


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_file_of_the_users_is_never_replaced_but_our_own_copy_is(tmp_path: Path, suffix: str) -> None:
    """`check photos/2024 --annotate photos` must not draw on photos/a.png, whoever named it the same."""
    theirs = save(tmp_path / f"a{suffix}")
    for _ in range(2):  # the second run replaces what the first one drew
        with AnnotatedPictures(tmp_path) as sink:
            sink.write(*pair(f"2024/a{suffix}"))
    assert (tmp_path / f"a{suffix}").read_bytes() == theirs
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"a-2{suffix}", f"a{suffix}"]


def test_a_picture_is_never_drawn_onto_itself(tmp_path: Path) -> None:
    original = tmp_path / "a.png"
    before = save(original)
    with AnnotatedPictures(tmp_path) as sink:
        sink.write(*pair(str(original)))
    assert original.read_bytes() == before


def test_numbers_skip_names_that_pictures_really_have(tmp_path: Path) -> None:
    with AnnotatedPictures(tmp_path) as sink:
        for source in ("x/a-2.png", "x/a.png", "y/a.png", "y/a-2.png", "y/A.PNG"):
            sink.write(*pair(source))
    assert len(list(tmp_path.iterdir())) == 5


def test_a_copy_that_cannot_be_finished_leaves_nothing_half_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object, target: Path, *__: object, **___: object) -> None:
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with AnnotatedPictures(tmp_path) as sink:
        sink.write(*pair("a.png"))
        kept = (tmp_path / "a.png").read_bytes()
        monkeypatch.setattr(Pillow.Image, "save", full)
        for source in ("x/a.png", "b.png"):
            with pytest.raises(StorageError, match="No space left"):
                sink.write(*pair(source))
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a.png", kept)]


def test_a_side_that_jpeg_cannot_hold_becomes_png(tmp_path: Path) -> None:
    frame = Frame(np.zeros((1, 65_501, 3), np.uint8), "long.tif")
    none = FrameResult("long.tif", 0, None, 65_501, 1, Faces.none(), LABELS, np.zeros((0, 2), np.float32))
    with AnnotatedPictures(tmp_path) as sink:
        sink.write(frame, none)
    assert [p.name for p in tmp_path.iterdir()] == ["long.png"]


def test_names_that_are_no_text_are_written_all_the_same(tmp_path: Path) -> None:
    odd = pair("b\udcffad.jpg")  # how Python spells a file name that is not UTF-8
    write_csv(tmp_path / "out.csv", [odd])
    assert "b\\udcffad.jpg" in (tmp_path / "out.csv").read_text(encoding="utf-8")
    stream = io.StringIO()
    with JsonLines(stream) as sink:
        sink.write(odd[1])
    assert json.loads(stream.getvalue())["source"] == "b\udcffad.jpg"


def test_a_reader_who_goes_away_is_no_fault_of_the_disk() -> None:
    read, write = os.pipe()
    os.close(read)
    with pytest.raises(BrokenPipeError), os.fdopen(write, "w") as file, JsonLines(file) as sink:
        sink.write(pair("a.jpg")[1])


def test_what_was_written_before_the_end_stays(tmp_path: Path) -> None:
    with contextlib.suppress(KeyboardInterrupt), Csv(tmp_path / "out.csv") as sink:
        sink.write(pair("a.jpg")[1])
        raise KeyboardInterrupt
    assert "a.jpg" in (tmp_path / "out.csv").read_text()


def explained(sink: ExplainedFaces, source: str, faces: int = 1) -> None:
    face = Evidence(np.full((16, 16, 3), 90, np.uint8), MASKED, np.ones((16, 16), np.float32))
    sink.write(*pair(source, faces), [face] * faces)


def test_each_face_has_its_own_picture_whatever_its_photograph_is_called(tmp_path: Path) -> None:
    with ExplainedFaces(tmp_path / "out") as sink:
        for source, faces in (("x/a.png", 2), ("y/a.jpg", 1), ("y/a-face1.png", 1), ("y/none.png", 0)):
            explained(sink, source, faces)
    found = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert found == ["a-face1-2.png", "a-face1-face1.png", "a-face1.png", "a-face2.png"]


def test_explanations_and_annotated_copies_never_replace_each_other(tmp_path: Path) -> None:
    theirs = save(tmp_path / "a-face1.png")
    for _ in range(2):  # the second run replaces what the first one drew, each its own kind
        with AnnotatedPictures(tmp_path) as copies, ExplainedFaces(tmp_path) as sink:
            explained(sink, "a.jpg")
            copies.write(*pair("a-face1.png"))
    assert (tmp_path / "a-face1.png").read_bytes() == theirs
    sizes = {p.name: Pillow.open(p).size for p in tmp_path.iterdir()}
    assert sizes == {"a-face1.png": (60, 50), "a-face1-2.png": sizes["a-face1-2.png"], "a-face1-3.png": (60, 50)}
    assert sizes["a-face1-2.png"] != (60, 50)
