from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from maskwise.errors import StorageError
from maskwise.inference.sinks import COLUMNS, AnnotatedPictures, rows
from maskwise.values import Frame, FrameResult
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


def test_same_names_from_different_folders_do_not_collide(tmp_path: Path) -> None:
    with AnnotatedPictures(tmp_path / "out") as sink:
        for source in ("x/a.png", "y/a.png", "y/a.jpg", "z/a.webp"):
            sink.write(*pair(source))
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a-2.jpg", "a-2.png", "a.jpg", "a.png"]


def test_the_users_own_picture_is_never_replaced(tmp_path: Path) -> None:
    original = tmp_path / "a.png"
    Pillow.fromarray(np.zeros((50, 60, 3), np.uint8)).save(original)
    before = original.read_bytes()
    with AnnotatedPictures(tmp_path) as sink, pytest.raises(StorageError, match="is the picture itself"):
        sink.write(Frame(np.zeros((50, 60, 3), np.uint8), str(original)), pair(str(original))[1])
    assert original.read_bytes() == before
