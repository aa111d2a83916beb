"""Which format a data set has, and its rows as its files tell them; no picture is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from maskwise.data.formats.coco import find_coco, is_coco
from maskwise.data.formats.csv_ import find_csv, has_tables
from maskwise.data.formats.files import folders_in, has_picture, is_file
from maskwise.data.formats.folders import find_classes, find_identities, has_persons
from maskwise.data.formats.found import Found, split_name
from maskwise.data.formats.labels import Labels
from maskwise.data.formats.voc import find_voc, is_voc
from maskwise.data.formats.yolo import find_yolo, is_yolo

_FINDERS: dict[str, Callable[[Path, Labels], Found]] = {
    "classes": find_classes,
    "identities": find_identities,
    "voc": find_voc,
    "coco": find_coco,
    "csv": find_csv,
}


def detect(folder: Path, labels: Labels) -> str | None:
    """The format of a folder, or None; folders named like splits are looked into.

    Raises:
        DataError: a folder that cannot be opened.
    """
    splits = _split_folders(folder)
    if splits:
        return detect(splits[0], labels) or _detect_table(folder)
    if is_voc(folder):
        return "voc"
    if is_yolo(folder):
        return "yolo"
    if is_coco(folder):
        return "coco"
    if any(labels.find(inner.name) and has_picture(inner) for inner in folders_in(folder)):
        return "identities" if has_persons(folder) else "classes"
    return _detect_table(folder)


def find_rows(place: Path, format: str, labels: Labels, classes: Sequence[str] | None = None) -> Found:
    """Every picture or face that a data set tells of; where folders are named like splits, of all of them.

    Args:
        place: a folder, or the JSON or CSV of a data set of the format coco or csv.
        format: classes, identities, voc, yolo, coco or csv.
        labels: finds the classes; what they ignore is left out.
        classes: YOLO's class names in the order of their numbers; None reads its file of names.

    Raises:
        DataError: it is not laid out so, or cannot be read.
        LabelError: a class name that is not known.
    """
    at_top = is_file(place) or (format == "coco" and is_coco(place)) or (format == "csv" and has_tables(place))
    splits = [] if at_top else _split_folders(place)
    if not splits:
        return _find_in(place, format, labels, classes)
    found = Found()
    for folder in splits:
        part = _find_in(folder, format, labels, classes)
        found.rows += [row._replace(split=row.split or split_name(folder.name)) for row in part.rows]
        found.notes += [f"{folder.name}: {note}" for note in part.notes]
    return found


def manifest_in(folder: Path) -> Path | None:
    """The manifest that `maskwise data convert --to manifest` writes into its folder."""
    return next((folder / name for name in ("manifest.parquet", "manifest.csv") if is_file(folder / name)), None)


def _find_in(place: Path, format: str, labels: Labels, classes: Sequence[str] | None) -> Found:
    if format == "yolo":
        return find_yolo(place, labels, classes)
    return _FINDERS[format](place, labels)


def _split_folders(folder: Path) -> list[Path]:
    """The folders with pictures of a data set that is laid out by split, else none."""
    inner = [f for f in folders_in(folder) if has_picture(f)]
    return inner if all(split_name(f.name) for f in inner) else []


def _detect_table(folder: Path) -> str | None:
    """One annotation file for many pictures, which may lie in folders for each split."""
    if is_coco(folder):
        return "coco"
    if has_tables(folder):
        return "csv"
    return "manifest" if manifest_in(folder) else None
