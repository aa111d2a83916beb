"""What was unpacked is the data that the catalog means: its layout, its classes, how much there is of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from maskwise.data.catalog import public
from maskwise.data.fetch.content import count
from maskwise.data.formats import read_dataset
from maskwise.errors import DataError
from tests.data.fetch.builders import ARCHIVE, bring, entry, left, members, picture, zipped
from tests.data.fetch.site import Page, Site


def test_counts_that_differ_are_told(site: Site, tmp_path: Path) -> None:
    site.pages["/set.zip"] = Page(zipped(*members(masked=1)))
    fetched, said = bring(entry(site), tmp_path / "faces")
    assert fetched.record.remarks == ("1 masked pictures, in the catalog 3",)
    assert said[-1] == "faces: 1 masked pictures, in the catalog 3"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"counts": {"masked": 4, "exact": True}}, "it holds 3 masked pictures, in the catalog 4, exactly"),
        ({"layout": "voc"}, "nothing in it is laid out as voc"),
        ({"classes": {"without_mask": "unmasked"}}, "a class that the catalog does not name"),
    ],
)
def test_the_wrong_data_is_refused(more: dict[str, Any], message: str, site: Site, tmp_path: Path) -> None:
    site.pages["/set.zip"] = Page(ARCHIVE)
    with pytest.raises(DataError, match=f"set.zip: .*{message}.*put aside as"):
        bring(entry(site, **more), tmp_path / "faces")
    assert left(tmp_path / "faces") == ["download/set.zip.wrong"]


XML = (
    "<annotation><filename>{0}.png</filename><object><name>{1}</name><bndbox><xmin>1</xmin><ymin>1</ymin>"
    "<xmax>7</xmax><ymax>7</ymax></bndbox></object></annotation>"
)
CSV = b"filename,class,xmin,ymin,xmax,ymax\n1.png,on,1,1,7,7\n"


def coco(*images: int) -> bytes:
    """One face of each annotated image; there is a picture of the first alone."""
    content = {
        "images": [{"id": 1, "file_name": "1.png"}],
        "annotations": [{"id": i, "image_id": i, "category_id": 0, "bbox": [1, 1, 6, 6]} for i in images],
        "categories": [{"id": 0, "name": "on"}],
    }
    return json.dumps(content).encode()


SCENES: dict[str, dict[str, bytes]] = {
    "voc": {"annotations/1.xml": XML.format(1, "on").encode(), "images/1.png": picture(1)},
    "yolo": {"labels/1.txt": b"0 0.5 0.5 0.5 0.5\n", "images/1.png": picture(1), "classes.txt": b"on\n"},
    "coco": {"annotations/instances.json": coco(1), "images/1.png": picture(1)},
    "coco by split": {"train/_annotations.coco.json": coco(1), "train/1.png": picture(1)},
    "csv": {"boxes.csv": CSV, "images/1.png": picture(1)},
    "csv by split": {"train/_annotations.csv": CSV, "train/1.png": picture(1)},
}


@pytest.mark.parametrize("kind", SCENES)
def test_layouts_of_scenes_are_counted_too(kind: str, site: Site, tmp_path: Path) -> None:
    site.pages["/set.zip"] = Page(zipped(*((f"s/{name}", data) for name, data in SCENES[kind].items())))
    counts = {"of": "faces", "pictures": 1, "masked": 1}
    fetched, _ = bring(entry(site, layout=kind.split()[0], root="*", counts=counts), tmp_path)
    assert fetched.record.counts == {"pictures": 1, "masked": 1}
    manifest = read_dataset(fetched.data, format=fetched.layout, aliases=fetched.aliases)
    assert manifest.usable["label"].to_list() == ["masked"]


@pytest.mark.parametrize(
    ("layout", "table"), [("coco", coco(1, 2)), ("csv", CSV + b",on,1,1,7,7\n")], ids=["coco", "csv"]
)
def test_a_line_of_no_picture_counts_as_none(layout: str, table: bytes, tmp_path: Path) -> None:
    (tmp_path / ("a.json" if layout == "coco" else "a.csv")).write_bytes(table)
    (tmp_path / "1.png").write_bytes(picture(1))
    assert count(entry(layout=layout), tmp_path) == {"pictures": 1, "masked": 1}


# What is in the archives of the public sets, as far as it is known.
PUBLIC = {
    "rmfd": (
        {"self-built-masked-face-recognition-dataset/AFDB_masked_face_dataset/ann/1.jpg": b"1",
         "self-built-masked-face-recognition-dataset/AFDB_face_dataset/ann/1.jpg": b"2"},
        {"pictures": 2, "masked": 1, "unmasked": 1},
    ),
    "maskedface-net": (
        {"CMFD/00000/00001_Mask.jpg": b"1", "IMFD/00000/00001_Mask_Mouth_Chin.jpg": b"2"},
        {"pictures": 2, "incorrect": 1, "masked": 1},
    ),
    "andrewmvd": (
        {"annotations/1.xml": XML.format(1, "mask_weared_incorrect").encode(), "images/1.png": b"1"},
        {"pictures": 1, "incorrect": 1},
    ),
    "chandrikadeb7": (
        {"Face-Mask-Detection-master/dataset/with_mask/1.jpg": b"1",
         "Face-Mask-Detection-master/dataset/without_mask/1.jpg": b"2",
         "Face-Mask-Detection-master/Readme_images/A.PNG": b"3",
         "Face-Mask-Detection-master/Readme_images/A.png": b"4"},
        {"pictures": 2, "masked": 1, "unmasked": 1},
    ),
    "prajnasb": (
        {"observations-master/experiements/data/with_mask/1-with-mask.jpg": b"1",
         "observations-master/experiements/data/without_mask/1.jpg": b"2",
         "observations-master/experiements/dest_folder/val/with_mask/1.jpg": b"1"},
        {"pictures": 2, "masked": 1, "unmasked": 1},
    ),
    "ilc-2021": (
        {"face-mask-dataset-ilc-2021-1178de48/annotations/1.xml": XML.format(1, "with_incorrect_mask").encode(),
         "face-mask-dataset-ilc-2021-1178de48/JPEGImages/1.png": b"1"},
        {"pictures": 1, "incorrect": 1},
    ),
    "fmld": (
        {"FMLD-035016f1/MAFA_testing.txt": b"1", "FMLD-035016f1/mask-test.py": b"2",
         "FMLD-035016f1/FMLD_annotations.zip": zipped(("train/1.xml", b"<annotation/>"))},
        {},
    ),
    "pwmfd": (
        {"train/annotations/1.xml": XML.format(1, "incorrect_mask").encode(), "train/images/1.png": b"1",
         "validation/annotations/2.xml": XML.format(2, "without_mask").encode(), "validation/images/2.png": b"2"},
        {"pictures": 2, "incorrect": 1, "unmasked": 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", public())
def test_the_public_sets_are_found_in_what_comes_out(name: str, tmp_path: Path) -> None:
    held, counts = PUBLIC[name]
    (tmp_path / "got.zip").write_bytes(zipped(*held.items()))
    fetched, said = bring(public()[name], tmp_path / "out", accepted=True, given=[tmp_path / "got.zip"])
    assert fetched.record.counts == counts
    assert bool(fetched.record.remarks) == bool(counts)  # so small a set is not what the catalog counts
    assert any("checksum" in line or "packed anew" in line for line in said)
    if name == "fmld":
        assert left(fetched.data) == ["FMLD-035016f1/FMLD_annotations/train/1.xml", "FMLD-035016f1/MAFA_testing.txt"]
