from __future__ import annotations

import string
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from maskwise.data import manifest as manifests
from maskwise.data.manifest import SCHEMA, Manifest, load
from maskwise.errors import DataError, LabelError, StorageError
from maskwise.values import CLASSES

WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=0, max_size=8)
NAMES = st.text(string.ascii_letters + "äß語-_ ,'\"", min_size=1, max_size=8).map(lambda s: f"x{s}x.png")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Pillow.new("RGB", (40, 30), "red").save(tmp_path / "a.png")
    Pillow.new("RGB", (50, 60), "blue").save(tmp_path / "b.png")
    return tmp_path


def write(folder: Path, text: str, name: str = "mine.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def span(length: int) -> st.SearchStrategy[list[float]]:
    """Two different positions in order, as float32 holds them."""
    inside = st.floats(0, length, width=32, allow_subnormal=False)
    return st.lists(inside, min_size=2, max_size=2, unique=True).map(sorted)


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    width, height = draw(st.integers(2, 4000)), draw(st.integers(2, 4000))
    box: list[float | None] = [None] * 4
    if draw(st.booleans()):
        x, y = draw(span(width)), draw(span(height))
        box = [x[0], y[0], x[1], y[1]]
    return {
        "name": draw(NAMES), "x_min": box[0], "y_min": box[1], "x_max": box[2], "y_max": box[3],
        "label": draw(st.sampled_from(CLASSES)), "group": draw(st.none() | WORDS), "source": draw(WORDS),
        "width": width, "height": height, "sha256": draw(st.text("0123456789abcdef", min_size=64, max_size=64)),
        "kind": draw(st.none() | WORDS), "provenance": draw(st.sampled_from([None, "photograph", "rendered"])),
        "origin": draw(st.none() | st.text("0123456789abcdef", min_size=64, max_size=64)),
        "split": draw(st.sampled_from([None, "train", "validation", "test"])), "error": draw(st.none() | WORDS),
    }  # fmt: skip


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(rows(), min_size=1, max_size=6), inside=st.booleans())
def test_what_is_saved_is_loaded(suffix: str, drawn: list[dict[str, Any]], inside: bool) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary).resolve()
        pictures = home / "set" if inside else home / "elsewhere"
        pictures.mkdir()
        for row in drawn:
            (pictures / row["name"]).touch()
        table = pl.DataFrame([{**row, "path": str(pictures / row["name"])} for row in drawn], infer_schema_length=None)
        whole = Manifest(table.select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items()))
        target = home / "set" / f"m.{suffix}" if inside else home / "there" / f"m.{suffix}"
        whole.save(target)
        assert load(target).rows.equals(whole.rows)


def test_a_saved_set_can_be_moved_with_its_pictures(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    manifest = load(write(folder, "path,label\na.png,masked\n"))
    manifest.save(folder / "m.parquet")
    moved = folder.rename(tmp_path_factory.mktemp("other") / "moved")
    again = load(moved / "m.parquet")
    assert again.rows["path"].to_list() == [str(moved / "a.png")]
    assert again.fingerprint() == manifest.fingerprint()


@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_path_and_label_are_enough(folder: Path, bom: str) -> None:
    got = load(write(folder, f"{bom}path,label\na.png,masked\nb.png,unmasked\n")).rows
    assert got["path"].to_list() == [str(folder / "a.png"), str(folder / "b.png")]
    assert got.select("width", "height").rows() == [(40, 30), (50, 60)]
    assert got["sha256"].str.len_chars().to_list() == [64, 64]
    assert got["source"].unique().to_list() == ["mine"]
    assert got["error"].null_count() == 2


BOXES = {
    "inside": ("1,2,20,25", None, [1, 2, 20, 25]),
    "whole picture": ("0,0,40,30", None, [0, 0, 40, 30]),
    "none": (",,,", None, [None] * 4),
    "rounded over the border": ("-2,-1,42,32", None, [0, 0, 40, 30]),
    "three sides": ("1,2,20,", "empty sides", [1, 2, 20, None]),
    "one side": (",2,,", "empty sides", [None, 2, None, None]),
    "swapped": ("20,2,1,25", "no area", [20, 2, 1, 25]),
    "flat": ("5,2,5,25", "no area", [5, 2, 5, 25]),
    "nan": ("nan,2,5,25", "no area", None),
    "too far right": ("1,2,42.5,25", "leaves the picture of 40 x 30", [1, 2, 42.5, 25]),
    "too far up": ("1,-2.5,4,25", "leaves the picture", [1, -2.5, 4, 25]),
    "too far left": ("-2.5,1,4,25", "leaves the picture", [-2.5, 1, 4, 25]),
    "too far down": ("1,1,4,32.5", "leaves the picture", [1, 1, 4, 32.5]),
    "beside the picture": ("40,2,41,25", "leaves the picture", [40, 2, 41, 25]),
    "left of the picture": ("-2,2,0,25", "leaves the picture", [-2, 2, 0, 25]),
}


@pytest.mark.parametrize("kind", BOXES)
def test_a_box_is_kept_clipped_or_refused_with_its_reason(kind: str, folder: Path) -> None:
    box, reason, expected = BOXES[kind]
    got = load(write(folder, f"path,label,x_min,y_min,x_max,y_max\na.png,masked,{box}\n")).rows
    assert got.height == 1, "no row vanishes"
    assert (got["error"][0] is None) if reason is None else (reason in got["error"][0])
    if expected is not None:
        assert list(got.select(manifests.BOX).row(0)) == expected


@pytest.mark.parametrize(
    ("entry", "reason"),
    [("gone.png", "missing"), ("text.png", "not a picture"), ("empty.png", "empty"), ("sub", "folder")],
)
def test_a_file_that_cannot_be_read_keeps_its_row(folder: Path, entry: str, reason: str) -> None:
    (folder / "text.png").write_text("words, words, words, words")
    (folder / "empty.png").touch()
    (folder / "sub").mkdir()
    got = load(write(folder, f"path,label\n{entry},masked\na.png,unmasked\n"))
    assert got.rows.height == 2
    assert reason in got.rows["error"][0]
    assert got.rows["error"][1] is None


def test_a_picture_that_went_since_it_was_saved_is_told(folder: Path) -> None:
    load(write(folder, "path,label\na.png,masked\nb.png,unmasked\n")).save(folder / "m.parquet")
    (folder / "b.png").unlink()
    assert load(folder / "m.parquet").rows["error"].to_list() == [None, "the file is missing; check the path"]


def test_an_empty_label_is_an_error_of_its_row(folder: Path) -> None:
    got = load(write(folder, "path,label\na.png,\nb.png,masked\n"))
    assert "label is empty" in got.rows["error"][0]
    assert got.labels == ("masked",)


def test_what_is_not_a_face_has_a_label_and_no_class(folder: Path) -> None:
    got = load(write(folder, "path,label\na.png,not_a_face\nb.png,masked\ngone.png,\n"))
    assert got.labels == ("masked", "not_a_face")
    assert got.classes == ("masked",)
    assert [Path(path).name for path in got.faces().rows["path"]] == ["b.png", "gone.png"]


REFUSED = {
    "unknown column": ("path,label,lable\na.png,masked,x\n", DataError, "unknown column 'lable'; did you mean 'label'"),
    "no path column": ("label\nmasked\n", DataError, "'path' is missing"),
    "no label column": ("path\na.png\n", DataError, "'label' is missing"),
    "no rows": ("path,label\n", DataError, "no rows"),
    "nothing": ("", DataError, "not a manifest"),
    "no path": ("path,label\n,masked\n", DataError, "1 rows have no path"),
    "label": ("path,label\na.png,maksed\n", LabelError, "'maksed' is not one of masked, incorrect, unmasked"),
    "split": ("path,label,split\na.png,masked,dev\n", DataError, "'dev' is not one of train, validation, test"),
    "word for a number": ("path,label,x_min\na.png,masked,left\n", DataError, "row 1, column 'x_min': 'left'"),
    "ragged": ("path,label\na.png,masked,1,2\n", DataError, "not a manifest"),
    "semicolons": ("path;label\na.png;masked\n", DataError, "unknown column 'path;label'"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_wrong_table_says_what_is_wrong(kind: str, folder: Path) -> None:
    text, error, words = REFUSED[kind]
    with pytest.raises(error) as caught:
        load(write(folder, text))
    assert words in str(caught.value)
    assert "mine.csv" in str(caught.value)


@pytest.mark.parametrize("name", ["gone.parquet", "gone.csv", "words.parquet", "latin.csv", "sub.csv"])
def test_a_file_that_is_no_manifest(name: str, folder: Path) -> None:
    (folder / "words.parquet").write_text("these are only words, not a table")
    (folder / "latin.csv").write_bytes("path,label\nä.png,masked\n".encode("latin-1"))
    (folder / "sub.csv").mkdir()
    with pytest.raises(DataError, match=name):
        load(folder / name)


def test_saving_into_a_file_is_told(folder: Path) -> None:
    manifest = load(write(folder, "path,label\na.png,masked\n"))
    with pytest.raises(StorageError, match=r"cannot write .*m\.parquet: "):
        manifest.save(folder / "a.png" / "m.parquet")
