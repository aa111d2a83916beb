from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image as Pillow

from maskwise.data.formats import read_dataset
from maskwise.data.manifest import BOX, Manifest
from maskwise.errors import DataError, LabelError

CATEGORIES = [{"id": 1, "name": "with_mask"}, {"id": 2, "name": "without_mask"}]


def picture(path: Path, width: int = 40, height: int = 30) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = zlib.crc32(str(path).encode())
    Pillow.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)).save(path)
    return path


def image(number: int = 1, name: str = "a.png", **more: Any) -> dict[str, Any]:
    return {"id": number, "file_name": name, "width": 40, "height": 30} | more


def face(number: int = 1, bbox: Any = (1, 2, 10, 10), **more: Any) -> dict[str, Any]:
    return {"id": number, "image_id": 1, "category_id": 1, "bbox": bbox, "area": 100, "iscrowd": 0} | more


def write(path: Path, images: Any, annotations: Any, categories: Any = CATEGORIES, **more: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = more | {"images": images, "annotations": annotations, "categories": categories}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def seen(manifest: Manifest, *columns: str) -> list[tuple[Any, ...]]:
    rows = manifest.rows.with_columns(pl.col("path").str.split("/").list.last())
    return rows.select("path", *columns).rows()


# --- where things lie


def test_boxes_labels_and_sizes(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "empty.png"):
        picture(tmp_path / "images" / name)
    faces = [
        face(1, [20, 2, 10, 10]),
        face(2, [0.1, 2.3, 10.7, 9.9], category_id=2),
        face(3, [0, 0, 40, 30], image_id=2),
    ]
    write(tmp_path / "annotations" / "all.json", [image(), image(2, "b.png"), image(3, "empty.png")], faces)
    said: list[str] = []
    got = read_dataset(tmp_path, say=said.append)
    x, y = np.float32(0.1 + 10.7).item(), np.float32(2.3 + 9.9).item()
    assert seen(got, *BOX, "label", "split", "error") == [
        ("a.png", np.float32(0.1).item(), np.float32(2.3).item(), x, y, "unmasked", None, None),
        ("a.png", 20, 2, 30, 12, "masked", None, None),
        ("b.png", 0, 0, 40, 30, "masked", None, None),
    ]
    assert any("1 pictures have no box" in line and "empty.png" in line for line in said)


LAYOUTS = {
    "a folder of pictures": ("annotations/x.json", "images/a.png", "a.png"),
    "beside images": ("x.json", "images/a.png", "a.png"),
    "the official one": ("annotations/instances_val2017.json", "val2017/a.png", "a.png"),
    "Roboflow's": ("_annotations.coco.json", "a.png", "a.png"),
    "names with folders": ("annotations/x.json", "images/deep/a.png", "deep/a.png"),
    "names with the folder of pictures": ("x.json", "images/a.png", "images/a.png"),
    "names of another machine": ("x.json", "images/a.png", "C:\\photos\\set\\images\\a.png"),
    "names that climb": ("x.json", "images/a.png", "../../images/a.png"),
    "accents spelled apart": ("x.json", "images/e\u0301.png", "\u00e9.png"),
    "folders by split": ("annotations/train.json", "train/a.png", "a.png"),
}


@pytest.mark.parametrize("kind", LAYOUTS)
def test_layouts_that_occur(kind: str, tmp_path: Path) -> None:
    table, place, name = LAYOUTS[kind]
    path = picture(tmp_path / place)
    write(tmp_path / table, [image(name=name)], [face()])
    for where in (tmp_path, tmp_path / table):
        got = read_dataset(where)
        assert got.usable["path"].to_list() == [str(path)]


@pytest.mark.parametrize("inner", [True, False])
def test_one_file_for_each_split(inner: bool, tmp_path: Path) -> None:
    for number, part in enumerate(("train", "valid", "test")):
        picture(tmp_path / part / "a.png", 40 + number)
        place = tmp_path / part / "_annotations.coco.json" if inner else tmp_path / "annotations" / f"{part}.json"
        write(place, [image(width=40 + number)], [face()])
    got = read_dataset(tmp_path)
    assert sorted(got.usable.select("width", "split").rows()) == [(40, "train"), (41, "validation"), (42, "test")]


def test_split_csv_goes_before_the_name_of_the_file(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    write(tmp_path / "train.json", [image()], [face()])
    (tmp_path / "split.csv").write_text("image,split\na.png,test\n")
    (tmp_path / "groups.csv").write_text("image,group\na.png,g\n")
    assert seen(read_dataset(tmp_path), "split", "group") == [("a.png", "test", "g")]


def test_captions_and_body_points_are_no_faces(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    write(tmp_path / "annotations" / "instances_train.json", [image()], [face()])
    write(tmp_path / "annotations" / "captions_train.json", [image()], [{"id": 1, "image_id": 1, "caption": "a man"}])
    (tmp_path / "annotations" / "settings.json").write_text('{"colour": "red"}')
    said: list[str] = []
    assert read_dataset(tmp_path, say=said.append).rows.height == 1
    assert any("captions_train.json is not read" in line for line in said)


def test_crowds_and_classes_to_ignore_are_counted(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    faces = [face(1), face(2, iscrowd=1, segmentation={"counts": [1], "size": [2, 2]}), face(3, category_id=7)]
    write(tmp_path / "x.json", [image()], faces, [*CATEGORIES, {"id": 7, "name": "dogs"}])
    said: list[str] = []
    got = read_dataset(tmp_path, aliases={"dogs": "ignore"}, say=said.append)
    assert got.rows.height == 1
    assert any("1 boxes of crowds (iscrowd) are left out" in line for line in said)
    assert any("1 boxes of 'dogs' are left out, as asked" in line for line in said)


def test_only_categories_that_occur_need_a_name_we_know(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    categories = [*CATEGORIES, {"id": 0, "name": "things", "supercategory": "none"}]
    path = write(tmp_path / "x.json", [image()], [face()], categories)
    assert read_dataset(tmp_path).labels == ("masked",)
    write(path, [image()], [face(category_id=0)], categories)
    with pytest.raises(LabelError, match=r"x.json, category 0: class 'things' is not known.*--alias"):
        read_dataset(tmp_path)


def test_a_picture_of_another_size_says_so(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png", 30, 40)
    write(tmp_path / "x.json", [image()], [face()])
    (row,) = read_dataset(tmp_path).rows.to_dicts()
    assert "the annotation is for 40 x 30 pixels, the upright picture has 30 x 40" in row["error"]


@pytest.mark.parametrize("size", [{"width": 0, "height": 0}, {"width": None}, {"width": 40.0, "height": "30"}])
def test_sizes_that_are_left_open_or_spelled_otherwise(size: dict[str, Any], tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    write(tmp_path / "x.json", [image(**size)], [face()])
    assert read_dataset(tmp_path).unusable.height == 0


def test_a_large_file_is_read(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    outline = [[float(i) for i in range(200)]]
    faces = [face(i, segmentation=outline) for i in range(1, 5001)]
    write(tmp_path / "x.json", [image()], faces)
    assert read_dataset(tmp_path).usable.height == 5000


# --- what cannot be used is one row with its reason


NAN = float("nan")
FACES: dict[str, tuple[Any, str, bool]] = {
    "no object": ("face", "annotation 1 (counted from 0) is 'face', no object", False),
    "unknown picture": (face(2, image_id=9), "annotation 2: image_id 9 is not among the images", False),
    "picture as text": (face(2, image_id="1"), "image_id '1' is not among the images", False),
    "no picture": ({"id": 2, "category_id": 1, "bbox": [1, 2, 3, 4]}, "image_id None is not among", False),
    "a list for an id": (face(2, image_id=[1]), "image_id [1] is not among the images", False),
    "unknown class": (face(2, category_id=9), "annotation 2: category_id 9 has no name of its own", True),
    "class without a name": (face(2, category_id=3), "category_id 3 has no name of its own", True),
    "class with two names": (face(2, category_id=4), "category_id 4 has no name of its own", True),
    "class named by half a sign": (face(2, category_id=5), "category_id 5 has no name of its own", True),
    "id used twice": (face(1), "annotation 1: its id is used twice; number the annotations anew", True),
    "no bbox": ({"id": 2, "image_id": 1, "category_id": 1}, "bbox None is not four numbers x, y, width, height", True),
    "three numbers": (face(2, [1, 2, 3]), "bbox [1, 2, 3] is not four numbers", True),
    "words": (face(2, ["1", 2, 3, 4]), "is not four numbers", True),
    "true": (face(2, [True, 2, 3, 4]), "is not four numbers", True),
    "nan": (face(2, [1, NAN, 3, 4]), "bbox [1, nan, 3, 4] has no area; width and height must be positive", True),
    "infinite": (face(2, [1, 2, float("inf"), 4]), "has no area", True),
    "beyond numbers": (face(2, [1, 2, 10**400, 4]), "has no area", True),
    "negative": (face(2, [10, 10, -5, 4]), "has no area", True),
    "flat": (face(2, [10, 10, 5, 0]), "has no area", True),
    "outside": (face(2, [30, 10, 30, 4]), "leaves the picture of 40 x 30 pixels", True),
}


@pytest.mark.parametrize("kind", FACES)
def test_a_face_that_cannot_be_used_is_one_row(kind: str, tmp_path: Path) -> None:
    entry, reason, known = FACES[kind]
    path = picture(tmp_path / "images" / "a.png")
    categories = [*CATEGORIES, {"id": 3}, {"id": 4, "name": "mask"}, {"id": 4, "name": "no_mask"}]
    categories.append({"id": 5, "name": "mask\ud83d"})
    table = write(tmp_path / "x.json", [image()], [face(), entry], categories)
    got = read_dataset(tmp_path)
    assert got.usable.height == 1
    (row,) = got.unusable.to_dicts()
    assert reason in row["error"]
    assert row["path"] == str(path if known else table)


IMAGES: dict[str, tuple[list[Any], str]] = {
    "no object": (["a.png"], "x.json: image 1 (counted from 0) has no id; number it"),
    "no id": ([{"file_name": "b.png"}], "x.json: image 1 (counted from 0) has no id; number it"),
    "no name": ([{"id": 2}], "x.json: image 2 has no file_name; write it"),
    "empty name": ([image(2, " ")], "image 2 has no file_name"),
    "half a sign": ([image(2, "\ud83d.png")], "image 2 has no file_name"),
    "a number for a name": ([image(2) | {"file_name": 5}], "image 2 has no file_name"),
    "size below zero": ([image(2, "b.png", width=-40)], "the picture's size -40 x 30 is not in whole pixels"),
    "size not a number": ([image(2, "b.png", height=NAN)], "the picture's size 40 x nan is not in whole pixels"),
    "size in words": ([image(2, "b.png", height="tall")], "the picture's size 40 x tall is not in whole pixels"),
    "an id for two": (
        [image(2, "b.png"), image(2, "c.png")],
        "image id 2 is that of 'b.png' and of 'c.png'; number the images anew",
    ),
    "one of several": ([image(2, "same.png")], "there are 2 pictures called 'same.png'; write the folder, too"),
    "two names for one": (
        [image(2, "p/b.png"), image(3, "q/b.png")],
        "'q/b.png' and 'p/b.png' could both be b.png; write its folder",
    ),
}


@pytest.mark.parametrize("kind", IMAGES)
@pytest.mark.parametrize("has_face", [True, False])
def test_a_picture_that_cannot_be_used_is_one_row(has_face: bool, kind: str, tmp_path: Path) -> None:
    entries, reason = IMAGES[kind]
    for name in ("a.png", "b.png", "c.png", "d/same.png", "e/same.png"):
        picture(tmp_path / "images" / name)
    last = entries[-1].get("id") if isinstance(entries[-1], dict) else None
    more = [face(2, image_id=last)] if has_face and last else []
    write(tmp_path / "x.json", [image(), *entries], [face(), *more])
    got = read_dataset(tmp_path)
    assert got.usable.height == 1
    (row,) = got.unusable.to_dicts()
    assert reason in row["error"]


def test_a_missing_picture_says_so(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    write(tmp_path / "x.json", [image(), image(2, "gone.png")], [face(), face(2, image_id=2)])
    (row,) = read_dataset(tmp_path).unusable.to_dicts()
    assert row["path"] == str(tmp_path / "images" / "gone.png")
    assert "missing" in row["error"]


def test_the_same_entry_twice_is_no_harm(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    write(tmp_path / "x.json", [image(), image()], [face()], [*CATEGORIES, *CATEGORIES])
    assert read_dataset(tmp_path).usable.height == 1


# --- a file that cannot be used is one error


BROKEN = {
    "cut off": ('{"images": [{"id": 1}, ', "is not well-formed JSON"),
    "two values": ('{"images": []} {}', "is not well-formed JSON"),
    "deep": ('{"images": ' + "[" * 100_000, "is not well-formed JSON"),
    "long number": ('{"images": [' + "9" * 5000 + "]}", "is not well-formed JSON"),
    "no annotations": ('{"images": [], "categories": []}', "has no list annotations; COCO instances need images"),
    "an object for a list": ('{"images": {}, "annotations": [], "categories": []}', "has no list images"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_is_one_error(kind: str, tmp_path: Path) -> None:
    content, words = BROKEN[kind]
    picture(tmp_path / "images" / "a.png")
    (tmp_path / "x.json").write_text(content)
    for place in (tmp_path, tmp_path / "x.json"):
        with pytest.raises(DataError) as caught:
            read_dataset(place)
        assert words in str(caught.value)
        assert "x.json" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff\xfe\x00", b'{"colour": 1}', b"words"])
def test_json_that_is_no_coco(content: bytes, tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(DataError, match="not laid out in a way that is known"):
        read_dataset(tmp_path)
    with pytest.raises(DataError, match="COCO needs a JSON with images, annotations, categories"):
        read_dataset(tmp_path, format="coco")
    with pytest.raises(DataError, match=r"x\.json"):
        read_dataset(tmp_path / "x.json")


def test_no_faces_at_all(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    write(tmp_path / "x.json", [image()], [])
    with pytest.raises(DataError, match="no picture with a class is left"):
        read_dataset(tmp_path)


def test_a_mark_at_the_beginning_is_passed_over(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    path = write(tmp_path / "x.json", [image()], [face()])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_dataset(tmp_path).usable.height == 1


@pytest.mark.parametrize("own", [None, 5, [], {"group": 7, "whole_picture": "yes"}, {"group": "\ud83d"}])
def test_what_stands_under_our_key_need_not_be_ours(own: Any, tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    write(tmp_path / "x.json", [image()], [face(maskwise=own)])
    assert seen(read_dataset(tmp_path), *BOX, "group", "error") == [("a.png", 1, 2, 11, 12, None, None)]
