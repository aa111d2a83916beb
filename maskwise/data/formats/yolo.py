"""YOLO: one text for each picture, a line for each face: class, then centre and size as shares of the picture."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from maskwise.data.formats.companions import Companions
from maskwise.data.formats.files import files_below, is_file
from maskwise.data.formats.found import Found, Row
from maskwise.data.formats.labels import IGNORE, Labels
from maskwise.data.formats.scenes import PICTURE_FOLDERS, Pictures, folder_named
from maskwise.errors import DataError

LABEL_FOLDERS = ("labels", "label")
_NAME_FILES = ("classes.txt", "obj.names", "data.yaml", "data.yml")


def is_yolo(folder: Path) -> bool:
    """Whether there is a folder of text annotations."""
    inner = folder_named(folder, LABEL_FOLDERS)
    return inner is not None and any(_is_annotation(path) for path in files_below(inner))


def find_yolo(folder: Path, labels: Labels, classes: Sequence[str] | None = None) -> Found:
    """Every face box of every annotation; the boxes are shares of width and height, see `to_pixels`.

    Args:
        folder: holds the folders labels and images.
        labels: finds the classes.
        classes: names in the order of the numbers; None reads classes.txt, obj.names or data.yaml.

    Raises:
        DataError: the folders or the class names are not there.
        LabelError: a class name that is not known.
    """
    texts, images = folder_named(folder, LABEL_FOLDERS), folder_named(folder, PICTURE_FOLDERS)
    if texts is None or images is None:
        raise DataError(f"{folder}: YOLO needs the folders labels (text) and images; name or move them so")
    names = list(classes) if classes else _class_names(folder, texts)
    targets = [labels.get(name, f"{folder}, class {number}") for number, name in enumerate(names)]
    pictures, beside = Pictures(images), Companions(folder)
    found, ignored = Found(), Counter[str]()
    for path in files_below(texts):
        if not _is_annotation(path):
            continue
        inner = path.relative_to(texts)
        picture = pictures.stemmed(str(inner.with_suffix(""))) or pictures.stemmed(path.stem)
        for row in _rows(path, picture or images / inner.with_suffix(".jpg"), names, targets, ignored):
            found.rows.append(beside.complete(row, images, split=inner.parts[0]))
    note = pictures.unused({row.path for row in found.rows})
    found.notes += [note] if note else []
    found.notes += [f"{count} boxes of {name!r} are left out, as asked" for name, count in ignored.items()]
    return found


def to_pixels(rows: pl.DataFrame) -> pl.DataFrame:
    """Turn shares into pixels of the upright picture."""
    sides = {"x_min": "width", "x_max": "width", "y_min": "height", "y_max": "height"}
    return rows.with_columns((pl.col(name) * pl.col(side)).alias(name) for name, side in sides.items())


def _is_annotation(path: Path) -> bool:
    return path.suffix.lower() == ".txt" and path.name not in _NAME_FILES and not path.name.startswith(".")


def _class_names(folder: Path, texts: Path) -> list[str]:
    # labelImg puts classes.txt among the labels; with folders for each split, data.yaml lies above them.
    for place in (folder, texts, folder.parent):
        for name in _NAME_FILES:
            if is_file(place / name):
                return _read_names(place / name)
    raise DataError(
        f"{folder}: no class names; write classes.txt with one name in each line, in the order of the numbers, "
        "or give them with --classes masked,unmasked"
    )


def _read_names(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path}: {error}; it is text in UTF-8 with the class names") from error
    if path.suffix in (".yaml", ".yml"):
        return _names_of_yaml(text, path)
    return [line.strip() for line in text.strip().splitlines()]


def _names_of_yaml(text: str, path: Path) -> list[str]:
    import yaml

    try:
        names = yaml.safe_load(text)["names"]
        if isinstance(names, dict):
            return [str(names[number]) for number in range(len(names))]
        return [str(name) for name in names]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise DataError(f"{path}: holds no list `names` of the classes; add it, or give --classes") from error


def _rows(path: Path, picture: Path, names: list[str], targets: list[str], ignored: Counter[str]) -> list[Row]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        return [Row(picture, None, error=f"its annotation {path.name} cannot be read ({error})")]
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            which, box = _parse(line, len(names))
        except ValueError as error:
            rows.append(Row(picture, None, error=f"{path.name}, line {number}: {error}"))
            continue
        if targets[which] == IGNORE:
            ignored[names[which]] += 1
        else:
            rows.append(Row(picture, targets[which], box))
    return rows


def _parse(line: str, classes: int) -> tuple[int, tuple[float, float, float, float]]:
    """Class number and corners as shares."""
    words = line.split()
    if len(words) != 5:
        raise ValueError(f"has {len(words)} values instead of 5 (class, centre x, centre y, width, height)")
    try:
        which, (x, y, width, height) = int(words[0]), map(float, words[1:])
    except ValueError:
        raise ValueError(f"{line.strip()!r} is not a class number and four decimals") from None
    if not 0 <= which < classes:
        raise ValueError(f"class {which} has no name; there are {classes}, counted from 0")
    if not all(map(math.isfinite, (x, y, width, height))) or not all(-1 <= v <= 2 for v in (x, y, width, height)):
        raise ValueError(f"{line.strip()!r}: positions are shares of the picture between 0 and 1, not pixels")
    return which, (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
