from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from maskwise.data.complete import complete
from maskwise.data.formats import read_dataset
from maskwise.data.manifest import BOX, SCHEMA, Manifest
from maskwise.data.writing import FORMATS, write_dataset
from maskwise.data.writing.names import clean, picture_names
from maskwise.errors import ConfigError, DataError, ImageError
from maskwise.model.crops import CropSpec, crop_face, crop_whole
from maskwise.model.images import read_image
from maskwise.values import LABELS

SCENES = ("voc", "yolo", "coco", "csv", "manifest")
ALL = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking writes thousands of files, for minutes
)

Spec = dict[str, Any]


def noise(path: Path, width: int, height: int, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng([seed, width, height]).integers(0, 256, (height, width, 3), np.uint8)
    Pillow.fromarray(pixels).save(path, "PNG")
    return path


def manifest_of(rows: list[Spec]) -> Manifest:
    table = pl.DataFrame([{name: row.get(name) for name in SCHEMA} for row in rows], schema=SCHEMA)
    return Manifest(complete(table))


def faces(manifest: Manifest, *words: str) -> list[tuple[Any, ...]]:
    """Every usable row by its content, in an order that does not depend on names."""
    rows = manifest.usable.select("sha256", *BOX, "label", "width", "height", *words).rows()
    return sorted(rows, key=repr)


def partition(manifest: Manifest) -> Counter[tuple[Any, ...]]:
    """What each group holds; names do not matter, nor rows without a group."""
    groups: dict[tuple[str, str], list[str]] = {}
    for source, group, sha256, label in manifest.usable.select("source", "group", "sha256", "label").rows():
        if group is not None:
            groups.setdefault((source, group), []).append(f"{sha256} {label}")
    return Counter(tuple(sorted(held)) for held in groups.values())


# --- any manifest


LETTERS = st.sampled_from("aAbz019 ._-,;'\"#%&+=@~()[]{}$!äßéé語☃🎭\t\\:?*<>|\x7f")
WORD = st.text(LETTERS, min_size=1, max_size=6)
FILE = st.one_of(WORD, st.sampled_from(["classes", "Classes", "a", "A", ".hidden", "CON", "a.txt", "x" * 240, "a-2"]))
FOLDER = st.one_of(WORD, st.sampled_from(["train", "val", "images", "masked", "__MACOSX", ".git"]))
GROUP = st.one_of(st.none(), st.sampled_from(["p1", "p2", "P1", " p1", "anna/1"]), st.text('ab,"\n é/', max_size=4))


@st.composite
def side(draw: st.DrawFn, length: int) -> tuple[float, float]:
    """Two positions in a picture, at least a pixel apart, often at its border; as float32 holds them.

    Nearer to the border than a thousandth of a pixel YOLO's shares are not exact, and nobody can tell.
    """
    inside = st.floats(np.float32(1e-3).item(), length - 1.5, width=32)
    low = draw(st.one_of(st.just(0.0), inside, st.integers(0, length - 2).map(float)))
    high = draw(st.one_of(st.just(float(length)), st.floats(np.float32(low + 1.25).item(), length, width=32)))
    return low, high


@st.composite
def manifests(draw: st.DrawFn, *, boxes: bool = True, whole: bool = True, each_row: bool = False) -> list[Spec]:
    """Rows of pictures to be; groups, splits and provenance for each picture, or for each row."""
    words = st.fixed_dictionaries(
        {
            "group": GROUP,
            "split": st.sampled_from([None, "train", "validation", "test"]),
            "provenance": st.sampled_from([None, "photograph", "rendered"]),
            "kind": st.sampled_from([None, "cloth", "surgical, blue"]),
            "origin": st.sampled_from([None, "0" * 64]),
        }
    )
    rows: list[Spec] = []
    for source in draw(st.lists(st.sampled_from(["one", "two/data", "train"]), min_size=1, max_size=2, unique=True)):
        pictures = draw(st.lists(st.tuples(st.lists(FOLDER, max_size=2), FILE), min_size=1, max_size=4, unique_by=repr))
        for number, (folders, name) in enumerate(pictures):
            width, height = draw(st.integers(3, 40)), draw(st.integers(3, 40))
            inner = "/".join([*(f"{part}d" if part in (".", "..") else part for part in folders), name])
            suffix = draw(st.sampled_from([".png", ".PNG", ".png", ""]))
            shared = draw(words)
            for _ in range(draw(st.integers(1, 3))):
                row = {"inner": f"{source}/{inner}{suffix}", "number": number, "width": width, "height": height}
                if boxes and (not whole or draw(st.booleans())):
                    (x_min, x_max), (y_min, y_max) = draw(side(width)), draw(side(height))
                    row |= dict(zip(BOX, (x_min, y_min, x_max, y_max), strict=True))
                mine = draw(words) if each_row else shared
                rows.append(row | mine | {"label": draw(st.sampled_from(LABELS)), "source": source})
    return rows


@contextmanager
def made(specs: list[Spec]) -> Iterator[tuple[Manifest, Path]]:
    """The manifest with its pictures, and a folder to write into."""
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary).resolve()
        rows = []
        for spec in specs:
            path = home / "in" / spec["inner"]
            try:
                if not path.exists():
                    noise(path, spec["width"], spec["height"], spec["number"])
            except (NotADirectoryError, IsADirectoryError, FileExistsError):  # a file where another needs a folder
                continue
            if path.is_file():
                rows.append({**spec, "path": str(path)})
        manifest = manifest_of(rows)
        assert manifest.unusable["error"].to_list() == []
        yield manifest, home / "out"


def read_back(manifest: Manifest, output: Path, to: str, **more: Any) -> Manifest:
    write_dataset(manifest, output, to=to, **more)
    assert [path.name for path in output.parent.iterdir() if path.name.endswith(".partial")] == []
    again = read_dataset(output)
    assert again.unusable["error"].to_list() == []
    return again


# A reader takes the folder for a split, and YOLO's the annotation for the list of classes.
TRAP: Spec = {
    "inner": "train/train/classes.png", "number": 0, "width": 9, "height": 7, "source": "s", "label": "masked",
    "x_min": 0.0, "y_min": 0.0, "x_max": 9.0, "y_max": 7.0, "split": None, "group": None,
}  # fmt: skip
TRAPS = [TRAP, TRAP | {"inner": "train/val/b.png", "source": "s"}]


@pytest.mark.parametrize("to", ["coco", "csv", "manifest"])
@ALL
@given(specs=manifests(each_row=True))
def test_tables_bring_every_row_back(to: str, specs: list[Spec]) -> None:
    with made(specs) as (manifest, output):
        again = read_back(manifest, output, to)
        words = ("split", "provenance", "kind", "origin")
        assert faces(again, *words) == faces(manifest, *words)
        assert partition(again) == partition(manifest)
        if to == "manifest":
            assert faces(again, "group", "source") == faces(manifest, "group", "source")


@pytest.mark.parametrize("to", SCENES)
@ALL
@given(specs=manifests(whole=False))
@example(specs=TRAPS)
def test_scenes_bring_boxes_labels_groups_and_splits_back(to: str, specs: list[Spec]) -> None:
    with made(specs) as (manifest, output):
        again = read_back(manifest, output, to)
        assert partition(again) == partition(manifest)
        assert faces(again, "split", "provenance") == faces(manifest, "split", "provenance")


@ALL
@given(specs=manifests(boxes=False, each_row=True))
def test_class_folders_bring_pictures_labels_groups_and_splits_back(specs: list[Spec]) -> None:
    with made(specs) as (manifest, output):
        again = read_back(manifest, output, "classes")
        assert faces(again, "split", "provenance") == faces(manifest, "split", "provenance")
        assert partition(again) == partition(manifest)


@settings(ALL, max_examples=6)
@given(specs=manifests(whole=False))
def test_a_journey_through_every_format_of_scenes(specs: list[Spec]) -> None:
    with made(specs) as (manifest, output):
        here = manifest
        for step, to in enumerate(("voc", "yolo", "coco", "csv", "manifest", "csv", "coco", "yolo", "voc")):
            here = read_back(here, output.with_name(f"{step}"), to, pictures="link")
        assert partition(here) == partition(manifest)
        assert faces(here, "split", "provenance") == faces(manifest, "split", "provenance")


@ALL
@given(
    st.lists(
        st.tuples(st.sampled_from("st"), st.lists(FOLDER, max_size=2), FILE, st.sampled_from([".png", ".jpg", ".JPG"])),
        max_size=12,
    )
)
def test_names_are_legal_new_and_do_not_depend_on_order(drawn: list[tuple[str, list[str], str, str]]) -> None:
    pairs = [(source, f"/{source}/{'/'.join([*folders, name])}{suffix}") for source, folders, name, suffix in drawn]
    names = picture_names(pairs)
    assert names == picture_names(reversed(pairs))
    assert len({name.rpartition(".")[0].casefold() for name in names.values()}) == len({path for _, path in pairs})
    for name in names.values():
        for part in name.split("/"):
            assert part == part.strip(" .")
            assert not set(part) & set('<>:"\\|?*\t\x7f')
            assert len(part.encode()) <= 255


def test_clean_names_stay_and_empty_ones_get_one() -> None:
    assert clean("Anna Ödegård (2)") == "Anna Ödegård (2)"
    assert clean(" .. ") == "_"
    assert picture_names([("s", "/d/a.jpg"), ("s", "/d/sub/a.jpg")]) == {
        "/d/a.jpg": "a.jpg", "/d/sub/a.jpg": "sub/a.jpg",
    }  # fmt: skip
    assert picture_names([("x", "/d/a.jpg"), ("y/z", "/e/a.jpg")]) == {"/d/a.jpg": "x/a.jpg", "/e/a.jpg": "y_z/a.jpg"}


# --- what it looks like to other programs


@pytest.fixture
def two(tmp_path: Path) -> Manifest:
    """Two pictures: one with a masked and a bare face in train, one with a mask worn wrongly in validation."""
    first = str(noise(tmp_path / "in" / "a.png", 40, 30))
    second = str(noise(tmp_path / "in" / "sub" / "b.png", 20, 50))
    box = dict(zip(BOX, (1.0, 2.0, 11.5, 22.0), strict=True))
    other = dict(zip(BOX, (20.1, 3.0, 40.0, 30.0), strict=True))
    return manifest_of(
        [
            {"path": first, **box, "label": "masked", "split": "train", "group": "g1", "source": "s"},
            {"path": first, **other, "label": "unmasked", "split": "train", "group": "g1", "source": "s"},
            {"path": second, **box, "label": "incorrect", "split": "validation", "source": "s", "kind": "cloth"},
        ]
    )


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_voc_has_the_fields_that_others_look_for(two: Manifest, tmp_path: Path) -> None:
    write_dataset(two, tmp_path / "out", to="voc")
    root = ET.fromstring((tmp_path / "out" / "Annotations" / "sub" / "b.xml").read_bytes())  # noqa: S314 - our own
    assert [child.tag for child in root] == ["folder", "filename", "source", "size", "segmented", "object"]
    assert {path: root.findtext(path) for path in ("folder", "filename", "size/depth", "object/bndbox/xmax")} == {
        "folder": "JPEGImages/sub", "filename": "b.png", "size/depth": "3", "object/bndbox/xmax": "11.5",
    }  # fmt: skip
    assert [child.tag for child in root.iterfind("object/*")] == ["name", "pose", "truncated", "difficult", "bndbox"]
    assert (tmp_path / "out" / "ImageSets" / "Main" / "train.txt").read_text() == "a\n"
    assert (tmp_path / "out" / "ImageSets" / "Main" / "val.txt").read_text() == "sub/b\n"


def test_voc_is_read_by_torchvision(tmp_path: Path) -> None:
    datasets = pytest.importorskip("torchvision.datasets")
    Pillow.fromarray(np.zeros((30, 40, 3), np.uint8)).save(tmp_path / "a.jpg")
    box = dict(zip(BOX, (1.0, 2.0, 11.5, 22.0), strict=True))
    row = {"path": str(tmp_path / "a.jpg"), **box, "label": "masked", "split": "train", "source": "s"}
    write_dataset(manifest_of([row]), tmp_path / "VOCdevkit" / "VOC2012", to="voc")
    ((image, target),) = list(datasets.VOCDetection(tmp_path, year="2012", image_set="train"))
    assert image.size == (40, 30)
    (thing,) = target["annotation"]["object"]
    assert thing["bndbox"] == {"xmin": "1", "ymin": "2", "xmax": "11.5", "ymax": "22"}


def test_yolo_has_its_lists_and_names(two: Manifest, tmp_path: Path) -> None:
    write_dataset(two, tmp_path / "out", to="yolo")
    about = yaml.safe_load((tmp_path / "out" / "data.yaml").read_text())
    assert about == {
        "train": "train.txt", "val": "val.txt", "nc": 3, "names": ["masked", "incorrect", "unmasked"],
    }  # fmt: skip
    assert (tmp_path / "out" / "val.txt").read_text() == "./images/sub/b.png\n"
    assert (tmp_path / "out" / "classes.txt").read_text().split() == about["names"]
    which, *shares = (tmp_path / "out" / "labels" / "sub" / "b.txt").read_text().split()
    assert which == "1"
    assert [float(share) for share in shares] == [6.25 / 20, 12 / 50, 10.5 / 20, 20 / 50]
    assert "e" not in "".join(shares)


def test_yolo_without_splits_claims_no_validation(two: Manifest, tmp_path: Path) -> None:
    write_dataset(Manifest(two.rows.with_columns(split=pl.lit(None, pl.String))), tmp_path / "out", to="yolo")
    about = yaml.safe_load((tmp_path / "out" / "data.yaml").read_text())
    assert about["train"] == "images"
    assert "val" not in about
    assert not (tmp_path / "out" / "split.csv").exists()


def test_coco_numbers_everything_from_one(two: Manifest, tmp_path: Path) -> None:
    write_dataset(two, tmp_path / "out", to="coco")
    parts = [
        json.loads((tmp_path / "out" / "annotations" / f"instances_{split}.json").read_text())
        for split in ("train", "validation")
    ]
    assert [[a["id"] for a in part["annotations"]] for part in parts] == [[1, 2], [3]]
    assert [[i["file_name"] for i in part["images"]] for part in parts] == [["a.png"], ["sub/b.png"]]
    assert [c["id"] for c in parts[0]["categories"]] == [1, 2, 3]
    assert parts[0]["annotations"][0] == {
        "id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 10.5, 20], "area": 210, "iscrowd": 0,
        "segmentation": [], "maskwise": {"group": "g1"},
    }  # fmt: skip
    assert parts[1]["annotations"][0]["maskwise"] == {"kind": "cloth"}


def test_coco_is_read_by_pycocotools(two: Manifest, tmp_path: Path) -> None:
    api = pytest.importorskip("pycocotools.coco", reason="pycocotools, an independent reader, is not installed")
    write_dataset(two, tmp_path / "out", to="coco")
    coco = api.COCO(str(tmp_path / "out" / "annotations" / "instances_train.json"))
    assert [coco.loadCats(coco.getCatIds())[i]["name"] for i in range(3)] == ["masked", "incorrect", "unmasked"]
    (image,) = coco.loadImgs(coco.getImgIds())
    assert (tmp_path / "out" / "images" / image["file_name"]).is_file()
    found = coco.loadAnns(coco.getAnnIds(imgIds=[image["id"]], iscrowd=False))
    assert [np.float32(a["bbox"][0] + a["bbox"][2]) for a in found] == [np.float32(11.5), np.float32(40)]


def test_csv_is_tensorflows_table(two: Manifest, tmp_path: Path) -> None:
    write_dataset(two, tmp_path / "out", to="csv")
    assert (tmp_path / "out" / "annotations.csv").read_text().splitlines() == [
        "filename,width,height,class,xmin,ymin,xmax,ymax,group,split,kind",
        "a.png,40,30,masked,1,2,11.5,22,g1,train,",
        "a.png,40,30,unmasked,20.1,3,40,30,g1,train,",
        "sub/b.png,20,50,incorrect,1,2,11.5,22,,validation,cloth",
    ]


@pytest.mark.parametrize("to", FORMATS)
def test_the_same_manifest_writes_the_same_bytes(to: str, two: Manifest, tmp_path: Path) -> None:
    write_dataset(two, tmp_path / "one", to=to, crop=to == "classes")
    backwards = Manifest(two.rows.reverse()) if to != "manifest" else two
    write_dataset(backwards, tmp_path / "two", to=to, crop=to == "classes")
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


# --- what is lost is told


@pytest.mark.parametrize("to", FORMATS)
def test_what_is_lost_is_told_in_one_line(to: str, two: Manifest, tmp_path: Path) -> None:
    whole = {"path": str(noise(tmp_path / "else" / "a.png", 9, 9)), "label": "masked", "source": "t"}
    broken = {"path": str(tmp_path / "gone.png"), "label": "masked", "source": "t"}
    said: list[str] = []
    mixed = Manifest(pl.concat([two.rows, manifest_of([whole, broken]).rows]))
    write_dataset(mixed, tmp_path / "out", to=to, crop=to == "classes", say=said.append)
    wanted = {
        "voc": ["1 rows that cannot be used", "kind (1 rows)", "2 become one", "1 faces are whole pictures"],
        "yolo": ["1 rows that cannot be used", "kind (1 rows)", "2 become one", "1 faces are whole pictures"],
        "classes": ["1 rows that cannot be used", "the boxes of 3 faces", "kind (1 rows)", "2 become one"],
        "coco": ["1 rows that cannot be used", "2 become one"],
        "csv": ["1 rows that cannot be used", "2 become one"],
        "manifest": [],
    }[to]
    assert len(said) == bool(wanted)
    assert all(words in said[0] for words in wanted)


def test_a_manifest_keeps_what_cannot_be_used(two: Manifest, tmp_path: Path) -> None:
    broken = manifest_of([{"path": str(tmp_path / "gone.png"), "label": "masked", "source": "s"}])
    again = read_back_with_errors(Manifest(pl.concat([two.rows, broken.rows])), tmp_path / "out")
    assert again.unusable.select("path", "error").rows() == broken.rows.select("path", "error").rows()
    assert again.fingerprint() == two.fingerprint()


def read_back_with_errors(manifest: Manifest, output: Path) -> Manifest:
    write_dataset(manifest, output, to="manifest")
    return read_dataset(output / "manifest.csv")


@pytest.mark.parametrize("to", ["voc", "yolo"])
@pytest.mark.parametrize(("column", "words"), [("split", "split again by grouped"), ("group", "convert to coco")])
def test_a_picture_whose_faces_differ_is_refused(
    to: str, column: str, words: str, two: Manifest, tmp_path: Path
) -> None:
    torn = Manifest(two.rows.with_columns(pl.Series(column, ["train", "test", "test"])))
    with pytest.raises(DataError, match=rf"a.png: its faces differ in their {column} \('test' and 'train'\).*{words}"):
        write_dataset(torn, tmp_path / "out", to=to)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"], "nothing is left"


def test_groups_of_one_name_in_two_sources_stay_two(two: Manifest, tmp_path: Path) -> None:
    other = {"path": str(noise(tmp_path / "else" / "a.png", 9, 9)), "label": "masked", "source": "t", "group": "g1"}
    both = Manifest(pl.concat([two.rows, manifest_of([other]).rows]))
    write_dataset(both, tmp_path / "out", to="coco")
    assert read_dataset(tmp_path / "out").rows["group"].to_list() == ["s/g1", "s/g1", None, "t/g1"]


# --- class folders


def test_boxes_do_not_fit_into_class_folders(two: Manifest, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"3 of 3 rows have a box.*--crop, or convert to voc, yolo"):
        write_dataset(two, tmp_path / "out", to="classes")


def test_faces_that_are_cut_out_are_what_training_cuts(two: Manifest, tmp_path: Path) -> None:
    write_dataset(two, tmp_path / "out", to="classes", crop=True)
    again = read_dataset(tmp_path / "out")
    assert again.rows["label"].to_list() == ["incorrect", "masked", "unmasked"]
    assert again.rows["split"].to_list() == ["validation", "train", "train"]
    spec = CropSpec(size_px=32)
    for label, path, *box in two.rows.select("label", "path", *BOX).rows():
        (cut,) = again.rows.filter(pl.col("label") == label)["path"]
        expected = crop_face(read_image(Path(path)), box, spec)
        assert np.array_equal(crop_whole(read_image(Path(cut)), spec), expected)


def test_faces_of_one_picture_stay_on_one_side(two: Manifest, tmp_path: Path) -> None:
    write_dataset(
        Manifest(two.rows.with_columns(group=pl.lit(None, pl.String))), tmp_path / "o", to="classes", crop=True
    )
    again = read_dataset(tmp_path / "o")
    assert dict(again.rows.select("label", "group").rows()) == {"masked": "a", "unmasked": "a", "incorrect": None}


# --- pictures


def turned(path: Path, orientation: int, format: str = "JPEG") -> Path:
    """A picture whose left half is red as stored, with an EXIF block that turns it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((32, 64, 3), np.uint8)
    pixels[:, :32, 0] = 255
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    Pillow.fromarray(pixels).save(path, format, exif=exif)
    return path


@pytest.mark.parametrize("to", [f for f in FORMATS if f != "classes"])
@pytest.mark.parametrize("mode", ["copy", "link"])
@pytest.mark.parametrize("name", ["a.jpg", "a.webp"])
def test_a_turned_picture_is_written_upright(name: str, mode: str, to: str, tmp_path: Path) -> None:
    path = turned(tmp_path / "in" / name, 6, "JPEG" if name == "a.jpg" else "WEBP")
    box = dict(zip(BOX, (2.0, 3.0, 30.0, 40.0), strict=True))
    manifest = manifest_of([{"path": str(path), **box, "label": "masked", "source": "in"}])
    said: list[str] = []
    write_dataset(manifest, tmp_path / "out", to=to, pictures=mode, say=said.append)
    again = read_dataset(tmp_path / "out").usable
    assert again.select("width", "height", *BOX).row(0) == (32, 64, *box.values())
    (written,) = again["path"]
    with Pillow.open(written) as picture:
        assert picture.size == (32, 64), "other programs see it upright, too"
        assert 0x0112 not in picture.getexif()
    assert np.abs(read_image(Path(written)).astype(int) - read_image(path)).max() < 24
    assert again["sha256"][0] != manifest.rows["sha256"][0]
    assert said == ["1 pictures that their EXIF block turns are written anew, upright, so that the boxes fit in every "
                    "program"]  # fmt: skip


def test_a_turned_picture_that_stays_where_it_is_is_told(tmp_path: Path) -> None:
    manifest = manifest_of([{"path": str(turned(tmp_path / "in" / "a.jpg", 3)), "label": "masked", "source": "in"}])
    said: list[str] = []
    write_dataset(manifest, tmp_path / "out", to="coco", pictures="none", say=said.append)
    assert said[0].startswith("1 pictures that their EXIF block turns: the boxes fit them upright")
    assert read_dataset(tmp_path / "out").fingerprint() == manifest.fingerprint()


def test_orientation_1_is_no_turn(tmp_path: Path) -> None:
    path = turned(tmp_path / "in" / "a.jpg", 1)
    manifest = manifest_of([{"path": str(path), "label": "masked", "source": "in"}])
    write_dataset(manifest, tmp_path / "out", to="csv")
    assert (tmp_path / "out" / "images" / "a.jpg").read_bytes() == path.read_bytes()


def test_links_share_bytes_and_follow_symbolic_ones(two: Manifest, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "c.png").symlink_to(tmp_path / "in" / "a.png")
    rows = pl.concat([two.rows, manifest_of([{"path": str(tmp_path / "there" / "c.png"), "label": "masked"}]).rows])
    write_dataset(Manifest(rows.with_columns(source=pl.lit("s"))), tmp_path / "out", to="coco", pictures="link")
    written = [path for path in (tmp_path / "out" / "images").rglob("*") if path.is_file()]
    assert len(written) == 3
    assert not any(path.is_symlink() for path in written)
    assert {path.stat().st_ino for path in written} == {
        (tmp_path / "in" / name).stat().st_ino for name in ("a.png", "sub/b.png")
    }


def test_what_cannot_be_linked_is_copied(two: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    said: list[str] = []
    write_dataset(two, tmp_path / "out", to="coco", pictures="link", say=said.append)
    assert said == ["2 pictures could not be linked and are copied"]
    assert read_dataset(tmp_path / "out").fingerprint() == two.fingerprint()


@pytest.mark.parametrize("to", ["coco", "csv", "manifest"])
def test_pictures_can_stay_where_they_are(to: str, two: Manifest, tmp_path: Path) -> None:
    write_dataset(two, tmp_path / "out", to=to, pictures="none")
    assert not [path for path in (tmp_path / "out").rglob("*") if path.suffix == ".png"]
    again = read_dataset(tmp_path / "out")
    assert set(again.rows["path"]) == set(two.rows["path"])
    assert again.fingerprint() == two.fingerprint()


@pytest.mark.parametrize(("to", "folder"), [("voc", "JPEGImages"), ("yolo", "images")])
def test_annotations_alone_say_where_pictures_go(to: str, folder: str, two: Manifest, tmp_path: Path) -> None:
    said: list[str] = []
    write_dataset(two, tmp_path / "out", to=to, pictures="none", say=said.append)
    assert said[-1] == f"no pictures are written: put those of pictures.csv into {folder}/ under their names there"
    for name, path in pl.read_csv(tmp_path / "out" / "pictures.csv").rows():
        (tmp_path / "out" / folder / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / folder / name).write_bytes(Path(path).read_bytes())
    assert read_dataset(tmp_path / "out").fingerprint() == two.fingerprint()


def test_a_picture_that_went_leaves_nothing(two: Manifest, tmp_path: Path) -> None:
    (tmp_path / "in" / "sub" / "b.png").unlink()
    with pytest.raises(ImageError, match=r"b.png: the file is missing"):
        write_dataset(two, tmp_path / "out", to="voc")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


# --- where it goes


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "format": ({"to": "kitti"}, "--to 'kitti' is not known; use one of voc"),
    "mode": ({"to": "voc", "pictures": "move"}, "--pictures 'move' is not known; use one of copy"),
    "crop": ({"to": "voc", "crop": True}, "leave it out"),
    "no pictures": ({"to": "classes", "pictures": "none", "crop": True}, "use copy or link"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_does_not_go_together_is_refused(kind: str, two: Manifest, tmp_path: Path) -> None:
    options, words = REFUSED[kind]
    with pytest.raises(ConfigError) as caught:
        write_dataset(two, tmp_path / "out", **options)
    assert words in str(caught.value)


def test_a_folder_that_holds_something_is_refused(two: Manifest, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("dear")
    for place in (tmp_path / "out", tmp_path / "out" / "mine.txt"):
        with pytest.raises(ConfigError, match="is there and not an empty folder; name another, or move it away"):
            write_dataset(two, place, to="voc")
    assert (tmp_path / "out" / "mine.txt").read_text() == "dear"


def test_an_empty_folder_is_filled_and_a_missing_one_made(two: Manifest, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for place in (tmp_path / "empty", tmp_path / "deep" / "er"):
        write_dataset(two, place, to="csv")
        assert read_dataset(place).fingerprint() == two.fingerprint()
        assert place.stat().st_mode & 0o777 == (tmp_path / "in" / "sub").stat().st_mode & 0o777


def test_nothing_usable_is_nothing_to_write(tmp_path: Path) -> None:
    broken = manifest_of([{"path": str(tmp_path / "gone.png"), "label": "masked", "source": "s"}])
    with pytest.raises(DataError, match="none of 1 rows is usable"):
        write_dataset(broken, tmp_path / "out", to="manifest")


FULL = """
import resource, sys
from pathlib import Path
from maskwise.data.manifest import load
from maskwise.data.writing import write_dataset
manifest = load(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]),) * 2)  # what a full disk looks like to a program
try: write_dataset(manifest, Path(sys.argv[2]), to=sys.argv[3], pictures=sys.argv[5])
except Exception as error: print(type(error).__name__, error)
"""


@pytest.mark.parametrize(
    ("to", "room", "mode"),
    [("coco", 1000, "copy"), ("yolo", 20, "link"), ("csv", 20, "none"), ("manifest", 20, "none")],
)
def test_a_full_disk_leaves_nothing(to: str, room: int, mode: str, two: Manifest, tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="limits of this kind are Unix's")
    two.save(tmp_path / "in" / "m.csv")
    command = [sys.executable, "-c", FULL, f"{tmp_path}/in/m.csv", f"{tmp_path}/out", to, str(room), mode]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    assert said.startswith(f"StorageError cannot write {tmp_path / 'out'}: File too large"), said
    assert said.endswith("nothing of it is left\n"), said
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


# --- real data


def same(first: Manifest, second: Manifest, *words: str) -> bool:
    return faces(first, *words) == faces(second, *words) and first.fingerprint() == second.fingerprint()


@pytest.mark.parametrize(
    ("name", "journey"), [("jolignier", ("coco", "yolo", "voc")), ("macwin", ("voc", "yolo", "csv"))]
)
def test_real_scenes_come_back(
    name: str, journey: tuple[str, ...], shared_data: Path, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    cache = tmp_path_factory.getbasetemp() / "cache"
    here = first = read_dataset(shared_data / name, cache=cache)
    for to in journey:
        write_dataset(here, tmp_path / to, to=to, pictures="link")
        here = read_dataset(tmp_path / to, cache=cache)
        assert here.unusable.height == 0
        assert same(first, here, "group", "split")


def test_real_class_folders_come_back(
    shared_data: Path, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    cache = tmp_path_factory.getbasetemp() / "cache"
    here = first = read_dataset(shared_data / "chandrika", cache=cache)
    for to in ("csv", "classes"):
        said: list[str] = []
        write_dataset(here, tmp_path / to, to=to, pictures="link", say=said.append)
        here = read_dataset(tmp_path / to, cache=cache)
        assert dict(here.usable["label"].value_counts().rows()) == dict(first.usable["label"].value_counts().rows())
        turned_away = [line for line in said if "EXIF" in line]
        assert same(first, here) or turned_away
