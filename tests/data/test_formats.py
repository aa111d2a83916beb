from __future__ import annotations

import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image as Pillow

from maskwise.data.formats import check_trainable, parse_aliases, read_all, read_dataset
from maskwise.data.formats.labels import NAMES, Labels
from maskwise.data.manifest import BOX, Manifest
from maskwise.errors import ConfigError, DataError, LabelError

OBJECT = "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"


def picture(path: Path, width: int = 40, height: int = 30) -> Path:
    """A picture of its own, so that no two are copies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = zlib.crc32(str(path).encode())
    Pillow.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)).save(path)
    return path


def text(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def voc(folder: Path, name: str, *objects: str, size: tuple[int, int] = (40, 30), filename: str | None = None) -> None:
    size_xml = f"<size><width>{size[0]}</width><height>{size[1]}</height></size>"
    body = "".join(objects)
    xml = f"<annotation><filename>{filename or name + '.png'}</filename>{size_xml}{body}</annotation>"
    text(folder / "annotations" / f"{name}.xml", xml)


def two_classes(folder: Path) -> Path:
    for name in ("with_mask/a.png", "with_mask/b.png", "without_mask/c.png", "without_mask/d.png"):
        picture(folder / name)
    return folder


def seen(manifest: Manifest, *columns: str) -> list[tuple[object, ...]]:
    """Rows with the file's name for its path."""
    rows = manifest.rows.with_columns(pl.col("path").str.split("/").list.last())
    return rows.select("path", *columns).rows()


# --- class folders


def test_class_folders(tmp_path: Path) -> None:
    got = read_dataset(two_classes(tmp_path / "set"))
    assert seen(got, "label", "width", "height", "source", "group", "split", "error") == [
        (f"{name}.png", label, 40, 30, "set", None, None, None)
        for name, label in zip("abcd", ["masked"] * 2 + ["unmasked"] * 2, strict=True)
    ]
    assert all(Path(path).is_absolute() for path in got.rows["path"])


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("with_mask", "masked"), ("With Mask", "masked"), ("WithMask", "masked"), ("MASK", "masked"),
        ("CMFD", "masked"), ("AFDB_masked_face_dataset", "masked"), ("without-mask", "unmasked"),
        ("WithoutMask", "unmasked"), ("no_mask", "unmasked"), ("unmasked", "unmasked"),
        ("AFDB_face_dataset", "unmasked"), ("mask_weared_incorrect", "incorrect"),
        ("with_incorrect_mask", "incorrect"), ("incorrect", "incorrect"), ("IMFD", "incorrect"),
        ("not_a_face", "not_a_face"), ("No Face", "not_a_face"),
    ],
)  # fmt: skip
def test_names_of_classes(name: str, label: str) -> None:
    assert Labels().get(name, "x") == label


def test_no_name_stands_for_two_classes() -> None:
    flat = [Labels().get(name, "x") == label for label, names in NAMES.items() for name in names]
    assert all(flat)


def test_an_unknown_class_names_the_nearest_and_the_flag(tmp_path: Path) -> None:
    picture(two_classes(tmp_path) / "withmasks" / "x.png")
    with pytest.raises(LabelError, match=r"'withmasks' is not known; the nearest known name is 'with_mask'.*--alias"):
        read_dataset(tmp_path)


def test_aliases_name_classes_and_leave_out(tmp_path: Path) -> None:
    picture(two_classes(tmp_path) / "Chin Strap" / "x.png")
    picture(tmp_path / "dogs" / "y.png")
    said: list[str] = []
    got = read_dataset(tmp_path, aliases={"chin_strap": "incorrect", "dogs": "ignore"}, say=said.append)
    assert got.labels == ("masked", "incorrect", "unmasked")
    assert got.rows.height == 5
    assert any("1 pictures of 'dogs'" in line for line in said)


def test_an_alias_goes_before_a_known_name(tmp_path: Path) -> None:
    got = read_dataset(two_classes(tmp_path), aliases={"with_mask": "incorrect"})
    assert got.labels == ("incorrect", "unmasked")


def test_an_alias_to_no_class(tmp_path: Path) -> None:
    with pytest.raises(
        LabelError, match="'hats' is not a class; use one of masked, incorrect, unmasked, not_a_face, ignore"
    ):
        read_dataset(two_classes(tmp_path), aliases={"with_mask": "hats"})


@pytest.mark.parametrize("flag", ["masked", "=masked", ""])
def test_an_alias_of_another_form(flag: str) -> None:
    with pytest.raises(ConfigError, match="NAME=CLASS"):
        parse_aliases([flag])


def test_aliases_are_parsed() -> None:
    assert parse_aliases(["a b=masked", "x=y=ignore"]) == {"a b": "masked", "x=y": "ignore"}


def test_what_is_no_picture_is_counted_or_kept_with_its_reason(tmp_path: Path) -> None:
    two_classes(tmp_path)
    for aside in (".DS_Store", "Thumbs.db", "notes.txt", ".hidden.png"):
        text(tmp_path / "with_mask" / aside, "x")
    text(tmp_path / "with_mask" / "page.jpg", "<html>not found</html>")
    text(tmp_path / "with_mask" / "noname", "words words words words")
    (tmp_path / "with_mask" / "empty.png").touch()
    said: list[str] = []
    got = read_dataset(tmp_path, say=said.append)
    assert [row[0] for row in seen(Manifest(got.unusable))] == ["empty.png", "noname", "page.jpg"]
    assert got.usable.height == 4
    assert any("4 files are not pictures" in line for line in said)
    assert any("3 of 7 rows cannot be used" in line for line in said)


def test_thousands_of_maskedface_net_are_no_persons(tmp_path: Path) -> None:
    for name in ("CMFD/00000/00001_Mask.png", "CMFD/01000/01001_Mask.png", "IMFD/00000/00002_Mask_Chin.png"):
        picture(tmp_path / name)
    got = read_dataset(tmp_path)
    assert got.rows["label"].to_list() == ["masked", "masked", "incorrect"]
    assert got.rows["group"].null_count() == 3


def test_identities_are_groups_across_classes(tmp_path: Path) -> None:
    picture(tmp_path / "AFDB_masked_face_dataset" / "aidai" / "0.png")
    picture(tmp_path / "AFDB_face_dataset" / "aidai" / "1.png")
    picture(tmp_path / "AFDB_face_dataset" / "bo" / "deeper" / "2.png")
    for format_ in ("auto", "identities"):
        got = read_dataset(tmp_path, format=format_)
        assert sorted(seen(got, "label", "group")) == [
            ("0.png", "masked", "aidai"),
            ("1.png", "unmasked", "aidai"),
            ("2.png", "unmasked", "bo"),
        ]
    assert read_dataset(tmp_path, format="classes").rows["group"].null_count() == 3


def test_folders_named_like_splits_are_the_split(tmp_path: Path) -> None:
    for top in ("Train", "Test", "Validation"):
        for inner in ("WithMask", "WithoutMask"):
            picture(tmp_path / top / inner / f"{top}{inner}.png")
    got = read_dataset(tmp_path)
    assert {(label, split) for _, label, split in seen(got, "label", "split")} == {
        (label, split) for label in ("masked", "unmasked") for split in ("train", "test", "validation")
    }


# --- VOC


def test_voc_boxes_labels_groups_and_splits(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    picture(tmp_path / "images" / "b.png")
    picture(tmp_path / "images" / "empty.png")
    voc(tmp_path, "a", OBJECT.format("with_mask", 20, 2, 30, 12), OBJECT.format("without_mask", 1, 2, 11, 12))
    voc(tmp_path, "b", OBJECT.format("mask_weared_incorrect", 0.5, 1, 9, 9))
    voc(tmp_path, "empty")
    text(tmp_path / "groups.csv", "image,group\na.png,g1\nb.png,g2\n")
    text(tmp_path / "split.csv", "image,split\na.png,dev\nb.png,train\n")
    said: list[str] = []
    got = read_dataset(tmp_path, say=said.append)
    assert seen(got, *BOX, "label", "group", "split") == [
        ("a.png", 1, 2, 11, 12, "unmasked", "g1", "validation"),
        ("a.png", 20, 2, 30, 12, "masked", "g1", "validation"),
        ("b.png", 0.5, 1, 9, 9, "incorrect", "g2", "train"),
    ]
    assert any("1 pictures have no box" in line and "empty.png" in line for line in said)


VOC_BOXES = {
    "clipped": ((-1, -2, 42, 31), None, (0, 0, 40, 30)),
    "outside": ((-3, 0, 10, 10), "leaves the picture", None),
    "no area": ((10, 5, 10, 9), "no area", None),
    "words": (("left", 5, 10, 9), "no readable bndbox", None),
    "nan": (("nan", 5, 10, 9), "no area", None),
}


@pytest.mark.parametrize("kind", VOC_BOXES)
def test_voc_boxes_are_clipped_or_refused(kind: str, tmp_path: Path) -> None:
    box, reason, expected = VOC_BOXES[kind]
    picture(tmp_path / "images" / "a.png")
    voc(tmp_path, "a", OBJECT.format("mask", *box))
    (row,) = read_dataset(tmp_path).rows.to_dicts()
    assert (row["error"] is None) if reason is None else (reason in row["error"])
    assert expected is None or tuple(row[side] for side in BOX) == expected


def test_voc_names_of_other_machines_and_suffixes(tmp_path: Path) -> None:
    for name in ("a.png", "b.jpg", "c.jpg"):
        picture(tmp_path / "JPEGImages" / name)
    voc(tmp_path, "a", OBJECT.format("mask", 1, 1, 9, 9), filename="C:\\photos\\a.png")
    voc(tmp_path, "b", OBJECT.format("mask", 1, 1, 9, 9), filename="../../etc/b.png")
    voc(tmp_path, "c", OBJECT.format("mask", 1, 1, 9, 9), filename="renamed-later.png")
    assert [row[0] for row in seen(read_dataset(tmp_path))] == ["a.png", "b.jpg", "c.jpg"]


def test_voc_rows_that_cannot_be_used_say_why(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "turned.png", 30, 40)
    picture(tmp_path / "images" / "cut.png")
    voc(tmp_path, "turned", OBJECT.format("mask", 1, 1, 9, 9))
    voc(tmp_path, "gone", OBJECT.format("mask", 1, 1, 9, 9))
    voc(tmp_path, "nosize", OBJECT.format("mask", 1, 1, 9, 9), size=(0, 0), filename="cut.png")
    text(tmp_path / "annotations" / "cut.xml", "<annotation><object>")
    errors = {(row[0], row[1]) for row in seen(read_dataset(tmp_path), "error")}
    reasons = {name: [e for n, e in errors if n == name] for name, _ in errors}
    assert "annotation is for 40 x 30 pixels, the upright picture has 30 x 40" in str(reasons["turned.png"][0])
    assert "missing" in str(reasons["gone.png"][0])
    assert sorted(e is None for e in reasons["cut.png"]) == [False, True]
    assert "cut.xml is not well-formed XML" in str([e for e in reasons["cut.png"] if e])


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;&x;&x;">]>'
    "<annotation><filename>&y;</filename></annotation>"
)
FILE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation><filename>&x;</filename></annotation>'


WIDE = BOMB.replace('"1.0"', '"1.0" encoding="utf-16"').encode("utf-16")


@pytest.mark.parametrize("content", [BOMB.encode(), FILE.encode(), WIDE], ids=["bomb", "file", "utf-16"])
def test_voc_entities_are_refused(content: bytes, tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "a.xml").write_bytes(content)
    (row,) = read_dataset(tmp_path).rows.to_dicts()
    assert "has a document type" in row["error"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("split.csv", "image,split\na.png,holdout\n", "'holdout' is not known; use train"),
        ("split.csv", "image,part\na.png,train\n", "needed are image,split"),
        ("groups.csv", "image,group\na.png,g1\na.png,g2\n", "line 3: 'a.png' is named twice"),
        ("groups.csv", "", "needed are image,group"),
    ],
)
def test_wrong_tables_beside_scenes(name: str, content: str, words: str, tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    voc(tmp_path, "a", OBJECT.format("mask", 1, 1, 9, 9))
    text(tmp_path / name, content)
    with pytest.raises(DataError) as caught:
        read_dataset(tmp_path)
    assert words in str(caught.value)
    assert name in str(caught.value)


# --- YOLO


def yolo(folder: Path, *lines: str, names: str | None = "mask\nno_mask\n") -> Path:
    picture(folder / "images" / "a.png")
    text(folder / "labels" / "a.txt", "\n".join(lines))
    if names:
        text(folder / "classes.txt", names)
    return folder


def test_yolo_shares_become_pixels(tmp_path: Path) -> None:
    got = read_dataset(yolo(tmp_path, "0 0.25 0.5 0.25 0.4", "", "1 0.5 0.5 1 1"))
    assert seen(got, *BOX, "label") == [
        ("a.png", 0, 0, 40, 30, "unmasked"),
        ("a.png", pytest.approx(5), pytest.approx(9), pytest.approx(15), pytest.approx(21), "masked"),
    ]


YOLO_LINES = {
    "four values": ("0 0.5 0.5 0.1", "has 4 values instead of 5"),
    "words": ("mask 0.5 0.5 0.1 0.1", "is not a class number"),
    "class 2": ("2 0.5 0.5 0.1 0.1", "class 2 has no name"),
    "class -1": ("-1 0.5 0.5 0.1 0.1", "class -1 has no name"),
    "pixels": ("0 20 15 10 10", "not pixels"),
    "nan": ("0 nan 0.5 0.1 0.1", "between 0 and 1"),
    "outside": ("0 0.9 0.5 0.6 0.1", "leaves the picture"),
    "no area": ("0 0.5 0.5 0 0.1", "no area"),
}


@pytest.mark.parametrize("kind", YOLO_LINES)
def test_yolo_lines_that_cannot_be_used(kind: str, tmp_path: Path) -> None:
    line, reason = YOLO_LINES[kind]
    got = read_dataset(yolo(tmp_path, line, "1 0.5 0.5 0.5 0.5"))
    assert got.rows.height == 2
    assert reason in got.unusable["error"][0]


def test_yolo_needs_class_names(tmp_path: Path) -> None:
    yolo(tmp_path, "1 0.5 0.5 0.5 0.5", names=None)
    with pytest.raises(DataError, match=r"no class names; write classes.txt .*--classes"):
        read_dataset(tmp_path)
    assert read_dataset(tmp_path, classes=["masked", "incorrect"]).labels == ("incorrect",)


@pytest.mark.parametrize("names", ["names: [mask, no_mask]", "names:\n  0: mask\n  1: no_mask\n"])
def test_yolo_folders_for_each_split_below_one_yaml(names: str, tmp_path: Path) -> None:
    text(tmp_path / "data.yaml", names)
    for part in ("train", "valid"):
        yolo(tmp_path / part, "1 0.5 0.5 0.5 0.5", names=None)
    got = read_dataset(tmp_path)
    assert got.rows.select("label", "split").rows() == [("unmasked", "train"), ("unmasked", "validation")]


def test_yolo_splits_inside_images_and_labels(tmp_path: Path) -> None:
    for part in ("train", "val"):
        picture(tmp_path / "images" / part / "a.png", 40 if part == "train" else 50)
        text(tmp_path / "labels" / part / "a.txt", "0 0.5 0.5 0.5 0.5")
    text(tmp_path / "classes.txt", "mask")
    got = read_dataset(tmp_path)
    assert got.rows.select("width", "split").rows() == [(40, "train"), (50, "validation")]


# --- CSV


HEADER = "filename,width,height,class,xmin,ymin,xmax,ymax\n"


def seen_of(folder: Path, content: str, name: str = "boxes.csv") -> list[tuple[object, ...]]:
    """Rows of a table beside images/a.png (40 x 30)."""
    picture(folder / "images" / "a.png")
    text(folder / name, content)
    return seen(read_dataset(folder), *BOX, "label", "split", "error")


TABLES = {
    "TensorFlow's": f"{HEADER}a.png,40,30,with_mask,1,2,11,12\n",
    "spaces and blank lines": f"{HEADER}\na.png, 40, 30, with_mask, 1, 2, 11, 12\n\n",
    "another order": "class,xmin,xmax,ymin,ymax,filename\nmask,1,11,2,12,a.png\n",
    "Kaggle's": "name,x1,x2,y1,y2,classname\na.png,1,11,2,12,face_with_mask\n",
    "spelled otherwise": "Image Name;Label;X_Min;Y_Min;X_Max;Y_Max\na.png;mask;1;2;11;12\n".replace(";", ","),
    "RetinaNet's": "data/images/a.png,1,2,11,12,with_mask\n",
    "Windows": f"\ufeff{HEADER}C:\\set\\a.png,40,30,with_mask,1,2,11,12\n".replace("\n", "\r\n"),
}


@pytest.mark.parametrize("kind", TABLES)
def test_csv_tables_that_occur(kind: str, tmp_path: Path) -> None:
    assert seen_of(tmp_path, TABLES[kind]) == [("a.png", 1, 2, 11, 12, "masked", None, None)]


def test_csv_without_boxes_names_whole_pictures(tmp_path: Path) -> None:
    assert seen_of(tmp_path, "image,label\na.png,mask\n") == [("a.png", *[None] * 4, "masked", None, None)]


def test_csv_lines_without_a_face_are_pictures_without_one(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "b.png")
    text(tmp_path / "boxes.csv", "a.png,1,2,11,12,mask\nb.png,,,,,\n")
    picture(tmp_path / "images" / "a.png")
    said: list[str] = []
    assert read_dataset(tmp_path, say=said.append).rows.height == 1
    assert any("1 pictures have no box" in line and "b.png" in line for line in said)


def test_csv_beside_its_pictures_named_by_itself(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    table = text(tmp_path / "my_train_labels.csv", f"{HEADER}a.png,40,30,mask,1,2,11,12\n")
    for place, source in ((tmp_path, tmp_path.name), (table, "my_train_labels")):
        got = read_dataset(place)
        assert got.rows.select("split", "source", "error").row(0) == ("train", source, None)


def test_csv_for_each_split_above_folders_of_pictures(tmp_path: Path) -> None:
    for number, part in enumerate(("train", "test")):
        picture(tmp_path / part / "a.png", 40 + number)
        text(tmp_path / f"{part}_labels.csv", f"{HEADER}a.png,{40 + number},30,mask,1,2,11,12\n")
    got = read_dataset(tmp_path)
    assert sorted(got.usable.select("width", "split").rows()) == [(40, "train"), (41, "test")]


def test_csv_columns_of_ours_and_others(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    columns = "filename,class,split,group,kind,provenance,origin,depth"
    text(tmp_path / "x.csv", f"{columns}\na.png,mask,val,g,cloth,rendered,abc,3\n")
    said: list[str] = []
    got = read_dataset(tmp_path, say=said.append)
    assert got.rows.select("split", "group", "kind", "provenance", "origin").rows() == [
        ("validation", "g", "cloth", "rendered", "abc")
    ]
    assert any("x.csv: the columns depth are not read" in line for line in said)


CSV_LINES = {
    "too few": ("a.png,40,30,mask", "line 2: has 4 values instead of 8; quote what has a comma"),
    "comma in the name": ("a,b.png,40,30,mask,1,2,11,12", "has 9 values instead of 8"),
    "words for a box": ("a.png,40,30,mask,left,2,11,12", "the box (left, 2, 11, 12) is not four numbers"),
    "half a box": ("a.png,40,30,mask,1,,11,12", "the box (1, , 11, 12) is not four numbers; give all four or none"),
    "nan": ("a.png,40,30,mask,nan,2,11,12", "has no area"),
    "infinite": ("a.png,40,30,mask,1,2,inf,12", "has no area"),
    "swapped": ("a.png,40,30,mask,11,2,1,12", "has no area"),
    "outside": ("a.png,40,30,mask,1,2,111,12", "leaves the picture of 40 x 30 pixels"),
    "no class": ("a.png,40,30,,1,2,11,12", "line 2: has no class; write it"),
    "no name": (",40,30,mask,1,2,11,12", "line 2: has no file name; write it"),
    "another size": (
        "a.png,30,40,mask,1,2,11,12",
        "the annotation is for 30 x 40 pixels, the upright picture has 40 x 30",
    ),
    "size below zero": ("a.png,-40,30,mask,1,2,11,12", "the picture's size -40 x 30 is not in whole pixels"),
    "size in words": ("a.png,wide,30,mask,1,2,11,12", "the picture's size wide x 30 is not in whole pixels"),
    "missing": ("gone.png,40,30,mask,1,2,11,12", "the file is missing"),
    "one of several": (
        "same.png,40,30,mask,1,2,11,12",
        "there are 2 pictures called 'same.png'; write the folder, too",
    ),
}


@pytest.mark.parametrize("kind", CSV_LINES)
def test_csv_lines_that_cannot_be_used(kind: str, tmp_path: Path) -> None:
    line, reason = CSV_LINES[kind]
    for name in ("d/same.png", "e/same.png"):
        picture(tmp_path / "images" / name)
    rows = seen_of(tmp_path, f"{HEADER}{line}\na.png,,,mask,1,2,11,12\n")
    assert len(rows) == 2, "no row vanishes"
    (error,) = [row[-1] for row in rows if row[-1]]
    assert reason in str(error)


def test_csv_split_of_another_name(tmp_path: Path) -> None:
    (row,) = seen_of(tmp_path, "filename,class,split\na.png,mask,holdout\n")
    assert "split 'holdout' is not known" in str(row[-1])


CSV_WRONG = {
    "shares": (f"{HEADER}a.png,40,30,mask,0.1,0.1,0.5,0.5\n", DataError, "multiply them by its width and height"),
    "class": (f"{HEADER}a.png,40,30,hat,1,2,11,12\n", LabelError, "class 'hat' is not known"),
    "semicolons": (HEADER.replace(",", ";"), DataError, "its first line has to name the columns path,label or"),
    "three sides": ("filename,class,xmin,ymin,xmax\n", DataError, "neither a manifest nor a table of boxes"),
    "nothing": ("", DataError, "neither a manifest nor a table of boxes"),
    "a manifest's mistake": ("path,label,lable\na.png,masked,x\n", DataError, "unknown column 'lable'"),
    "only names": (HEADER, DataError, "no picture with a class is left"),
    "latin": (f"{HEADER}ä.png,40,30,mask,1,2,11,12\n", DataError, "is not a CSV in UTF-8"),
}


@pytest.mark.parametrize("kind", CSV_WRONG)
def test_csv_that_cannot_be_used_at_all(kind: str, tmp_path: Path) -> None:
    content, error, words = CSV_WRONG[kind]
    picture(tmp_path / "images" / "a.png")
    table = tmp_path / "mine.csv"
    table.write_bytes(content.encode("latin-1"))
    with pytest.raises(error) as caught:
        read_dataset(table)
    assert words in str(caught.value)


def test_a_manifest_in_its_folder_is_found(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    text(tmp_path / "manifest.csv", "path,label\nimages/a.png,masked\n")
    for format_ in ("auto", "manifest"):
        assert read_dataset(tmp_path, format=format_).rows["label"].to_list() == ["masked"]


# --- tables beside pictures


def test_tables_beside_class_folders(tmp_path: Path) -> None:
    two_classes(tmp_path)
    text(tmp_path / "groups.csv", "image,group\nwith_mask/a.png,p1\nc.png,p1\n")
    text(tmp_path / "split.csv", "image,split\nwith_mask/a.png,train\nc.png,dev\n")
    text(tmp_path / "provenance.csv", "image,provenance\nb.png,rendered\n")
    assert seen(read_dataset(tmp_path), "group", "split", "provenance") == [
        ("a.png", "p1", "train", None), ("b.png", None, None, "rendered"),
        ("c.png", "p1", "validation", None), ("d.png", None, None, None),
    ]  # fmt: skip


def test_a_picture_that_split_csv_lists_without_a_split_has_none(tmp_path: Path) -> None:
    for name in ("train/a.png", "train/b.png"):
        picture(tmp_path / "images" / name)
        text((tmp_path / "labels" / name).with_suffix(".txt"), "0 0.5 0.5 0.5 0.5")
    text(tmp_path / "classes.txt", "mask")
    text(tmp_path / "split.csv", "image,split\ntrain/a.png,\n")
    assert seen(read_dataset(tmp_path), "split") == [("a.png", None), ("b.png", "train")]


def test_voc_pictures_of_one_name_in_two_folders(tmp_path: Path) -> None:
    for number, folder in enumerate(("p", "q")):
        picture(tmp_path / "images" / folder / "a.png", 40 + number)
        voc(tmp_path, f"{folder}/a", OBJECT.format("mask", 1, 1, 9, 9), size=(40 + number, 30), filename="a.png")
    got = read_dataset(tmp_path)
    assert got.unusable.height == 0
    assert got.rows["width"].to_list() == [40, 41]


# --- everything


def test_manifests_are_read(tmp_path: Path) -> None:
    two_classes(tmp_path)
    table = text(tmp_path / "mine.csv", "path,label\nwith_mask/a.png,masked\n")
    assert read_dataset(table).rows["source"].to_list() == ["mine"]
    assert read_dataset(table, source="clinic").rows["source"].to_list() == ["clinic"]


WRONG: dict[str, tuple[Callable[[Path], Path], str]] = {
    "not there": (lambda f: f / "nowhere", "check the path"),
    "empty": (lambda f: f, "the folder is empty"),
    "a picture": (lambda f: picture(f / "a.png"), "has to be a manifest"),
    "flat pictures": (lambda f: picture(f / "a.png").parent, "found 1 .png in no folders"),
    "strange folders": (lambda f: picture(f / "cats" / "a.png").parents[1], "found 1 .png in the folders 'cats'"),
    "one level too high": (lambda f: two_classes(f / "inner").parent, "inner is: name that folder"),
    "only empty classes": (lambda f: text(f / "with_mask" / "a.txt", "").parents[1], "found 1 .txt"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_tree_says_what_was_found_and_what_to_do(kind: str, tmp_path: Path) -> None:
    make, words = WRONG[kind]
    with pytest.raises(DataError) as caught:
        read_dataset(make(tmp_path))
    assert words in str(caught.value)
    if kind != "not there":
        assert all(
            layout in str(caught.value)
            for layout in ("classes", "identities", "voc", "yolo", "coco", "csv", "manifest")
        )


@pytest.mark.parametrize("format_", ["classes", "identities", "voc", "yolo", "coco", "csv", "manifest"])
def test_a_format_that_was_asked_for_and_is_not_there(format_: str, tmp_path: Path) -> None:
    text(tmp_path / "cats" / "a.txt", "")
    with pytest.raises(DataError):
        read_dataset(tmp_path, format=format_)


def test_an_unknown_format(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'kitti' is not known; use one of auto, classes"):
        read_dataset(tmp_path, format="kitti")


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    two_classes(tmp_path / "set")
    (tmp_path / "set" / "with_mask" / "up").symlink_to(tmp_path / "set", target_is_directory=True)
    (tmp_path / "set" / "without_mask" / "self").symlink_to(tmp_path / "set" / "without_mask" / "self")
    (tmp_path / "elsewhere").mkdir()
    picture(tmp_path / "elsewhere" / "e.png")
    (tmp_path / "set" / "with_mask" / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    got = read_dataset(tmp_path / "set", format="classes")
    assert "e.png" in {row[0] for row in seen(Manifest(got.usable))}
    assert [row[0] for row in seen(Manifest(got.unusable))] == ["self"]


@pytest.mark.parametrize("closed", ["without_mask", "."])
def test_a_closed_folder_is_told(closed: str) -> None:
    code = (
        "import os, sys; from maskwise.data.formats import read_dataset\n"
        "os.setuid(65534) if os.getuid() == 0 else None\n"
        "try: read_dataset(sys.argv[1])\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    with tempfile.TemporaryDirectory() as temporary:  # pytest's own folders are closed to other users
        Path(temporary).chmod(0o755)
        folder = (two_classes(Path(temporary) / "set") / closed).resolve()
        folder.chmod(0)
        command = [sys.executable, "-c", code, f"{temporary}/set"]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        folder.chmod(0o755)
    assert said.startswith(f"DataError no permission to open the folder {folder}"), said


def test_rows_do_not_depend_on_the_order_of_the_disk(tmp_path: Path) -> None:
    for names in (("a", "b", "c"), ("c", "a", "b")):
        for name in names:
            picture(tmp_path / names[0] / "mask" / f"{name}.png")
            picture(tmp_path / names[0] / "no_mask" / f"{name}.png")
    first, second = (seen(read_dataset(tmp_path / one, source="s"), "label") for one in ("a", "c"))
    assert first == second


def test_several_data_sets_have_names_of_their_own(tmp_path: Path) -> None:
    for top in ("one", "two"):
        two_classes(tmp_path / top / "data")
    two_classes(tmp_path / "three")
    got = read_all([tmp_path / "one" / "data", tmp_path / "two" / "data", tmp_path / "three"])
    assert got.rows["source"].unique(maintain_order=True).to_list() == ["one/data", "two/data", "three"]
    with pytest.raises(DataError, match="named twice"):
        read_all([tmp_path / "three", f"{tmp_path}/three/"])


def test_the_cache_spares_the_second_import(tmp_path: Path) -> None:
    first = read_dataset(two_classes(tmp_path / "set"), cache=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir())
    assert read_dataset(tmp_path / "set", cache=tmp_path / "cache").rows.equals(first.rows)


# --- enough to train on


def test_enough_to_train(tmp_path: Path) -> None:
    check_trainable(read_dataset(two_classes(tmp_path)))


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["mask/a", "mask/b"], r"only one class has usable pictures \(2 masked\)"),
        (["mask/a", "mask/b", "no_face/c", "no_face/d"], r"only one class has usable pictures \(2 masked\)"),
        (["mask/a", "mask/b", "no_mask/c"], r"too few pictures of unmasked \(2 masked, 1 unmasked\)"),
    ],
)
def test_too_little_to_train(names: list[str], words: str, tmp_path: Path) -> None:
    for name in names:
        picture(tmp_path / f"{name}.png")
    with pytest.raises(DataError, match=words):
        check_trainable(read_dataset(tmp_path))


def test_copies_are_one_picture(tmp_path: Path) -> None:
    two_classes(tmp_path)
    (tmp_path / "with_mask" / "b.png").write_bytes((tmp_path / "with_mask" / "a.png").read_bytes())
    with pytest.raises(DataError, match="too few pictures of masked"):
        check_trainable(read_dataset(tmp_path))


def test_nothing_usable_tells_the_first_reason(tmp_path: Path) -> None:
    (two_classes(tmp_path) / "with_mask" / "a.png").write_text("no")
    for path in tmp_path.glob("*/*.png"):
        path.write_text("no picture")
    with pytest.raises(DataError, match=r"no usable picture among 4 \(the first, .*a.png: is not a picture"):
        check_trainable(read_dataset(tmp_path))


# --- real data


REAL = {
    "jolignier": {"masked": 1904, "incorrect": 437, "unmasked": 1501},
    "chandrika": {"masked": 1985, "unmasked": 1661},
    "jang12k": {"masked": 620, "unmasked": 1995},
    "macwin": {"masked": 431, "unmasked": 583},
}


@pytest.mark.parametrize("name", REAL)
def test_real_sets_have_the_counts_of_their_readme(
    name: str, shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    got = read_dataset(shared_data / name, cache=tmp_path_factory.getbasetemp() / "cache")
    assert dict(got.rows["label"].value_counts().rows()) == REAL[name]
    assert got.unusable.height == 0
    if name == "jolignier":
        assert got.rows["group"].n_unique() == 1454
        dev = got.part("validation").rows
        assert dict(dev["label"].value_counts().rows()) == {"masked": 304, "incorrect": 65, "unmasked": 227}
        assert dev["path"].n_unique() == 230


def test_real_negatives_through_aliases(shared_data: Path) -> None:
    got = read_dataset(shared_data / "nogra", aliases={"not_face": "ignore"})
    assert dict(got.rows["label"].value_counts().rows()) == {"incorrect": 276}
