"""COCO: one JSON for many pictures, with a box [x, y, width, height] in pixels for each face."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from maskwise.data.formats.companions import Companions
from maskwise.data.formats.files import is_file
from maskwise.data.formats.found import Found, Row, split_in
from maskwise.data.formats.labels import IGNORE, Labels
from maskwise.data.formats.scenes import PICTURE_FOLDERS, Pictures, folder_named, home_of, said_size, tables_in
from maskwise.errors import DataError

OWN = "maskwise"
"""Key of an annotation under which maskwise keeps what COCO has no place for; other programs pass over it."""
OWN_WORDS = ("group", "kind", "provenance", "origin")
"""What is kept there, beside `whole_picture`: true where the box stands for none."""

_LISTS = ("images", "annotations", "categories")
_BEGINS = re.compile(r'"(images|annotations|categories)"\s*:')
_SNIFFED = 1 << 16
# Outlines can make nine tenths of the file; boxes need none of it, and dropped while parsing they cost no memory.
_HEAVY = frozenset(("segmentation", "keypoints", "licenses", "caption"))


def is_coco(folder: Path) -> bool:
    """Whether there is a JSON of instances in the folder or its annotations/."""
    return bool(_files(folder)[0])


def find_coco(place: Path, labels: Labels) -> Found:
    """Every face box of every JSON; an entry that cannot be used becomes a row with its reason.

    Args:
        place: a folder, or one JSON; the pictures lie in images/ beside it, or anywhere below its folder.
        labels: finds the classes.

    Raises:
        DataError: no JSON of instances, or one that is not well-formed.
        LabelError: a class name that is not known.
    """
    files, aside = ([place], []) if is_file(place) else _files(place)
    if not files:
        raise DataError(f"{place}: COCO needs a JSON with {', '.join(_LISTS)}, here or in annotations/; move it there")
    home = home_of(place) if is_file(place) else place
    pictures, beside = Pictures(folder_named(home, PICTURE_FOLDERS) or home), Companions(home)
    found, left_out = Found(), Counter[str]()
    for path in files:
        split = split_in(path.stem)
        rows = _File(path, pictures, labels, left_out).rows()
        found.rows += [beside.complete(row, pictures.folder, split=split) for row in rows]
    note = pictures.unused({row.path for row in found.rows})
    found.notes += [note] if note else []
    found.notes += [f"{count} boxes {why}" for why, count in left_out.items()]
    found.notes += [f"{path.name} is not read, since there are instances_*.json" for path in aside]
    return found


def _files(folder: Path) -> tuple[list[Path], list[Path]]:
    """JSONs of instances; and others like them, of captions and body points, that tell of the same pictures."""
    files = [path for path in tables_in(folder, ".json") if _begins_right(path)]
    instances = [path for path in files if path.stem.startswith("instances")] or files
    return instances, [path for path in files if path not in instances]


def _begins_right(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(_SNIFFED).decode("utf-8-sig", errors="replace").lstrip()
    except OSError:
        return False
    return start.startswith("{") and _BEGINS.search(start) is not None


def _load(path: Path) -> dict[str, list[Any]]:
    try:
        content = json.loads(path.read_bytes(), object_pairs_hook=_light)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}; check the path") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: is not well-formed JSON ({error}); copy or export it again") from error
    wrong = [key for key in _LISTS if not isinstance(content, dict) or not isinstance(content.get(key), list)]
    if wrong:
        raise DataError(f"{path}: has no list {', '.join(wrong)}; COCO instances need {', '.join(_LISTS)}")
    return {key: content[key] for key in _LISTS}


def _light(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key: value for key, value in pairs if key not in _HEAVY}


class _Image(NamedTuple):
    """An entry of `images`: where it lies, its size as told, and why it cannot be used, else None."""

    path: Path
    name: object = None
    size: tuple[int, int] | None = None
    fault: str | None = None


class _File:
    """One JSON.

    left_out: counts boxes that are left out by why they are.
    """

    def __init__(self, path: Path, pictures: Pictures, labels: Labels, left_out: Counter[str]) -> None:
        self._path, self._pictures, self._labels, self._left_out = path, pictures, labels, left_out
        self._nameless: list[Row] = []
        content = _load(path)
        self._annotations = content["annotations"]
        self._images = self._index_images(content["images"])
        self._categories = _index_categories(content["categories"])

    def rows(self) -> Iterator[Row]:
        """One for each face, and one for each entry of a picture that cannot be used and has no face."""
        seen, used = set[object](), set[object]()
        for number, entry in enumerate(self._annotations):
            if not isinstance(entry, dict):
                yield self._broken(f"annotation {number} (counted from 0) is {entry!r:.40}, no object")
                continue
            used.add(_key(entry.get("image_id")))
            row = self._row(entry, f"annotation {entry.get('id', number)!r}", seen)
            if row:
                yield row
        yield from self._nameless
        for key, image in self._images.items():
            if image.fault and key not in used:
                yield Row(image.path, None, error=image.fault)

    def _row(self, entry: dict[str, Any], called: str, seen: set[object]) -> Row | None:
        key = _key(entry.get("id"))
        if key is not None and key in seen:
            return self._broken(f"{called}: its id is used twice; number the annotations anew", entry)
        seen.add(key)
        if entry.get("iscrowd"):
            self._left_out["of crowds (iscrowd) are left out"] += 1
            return None
        image, category = self._images.get(_key(entry.get("image_id"))), _key(entry.get("category_id"))
        if image is None:
            return self._broken(f"{called}: image_id {entry.get('image_id')!r:.40} is not among the images")
        if category not in self._categories:
            return self._broken(f"{called}: category_id {entry.get('category_id')!r:.40} has no name of its own", entry)
        name = self._categories[category]
        label = self._labels.get(name, f"{self._path}, category {category!r}")
        if label == IGNORE:
            self._left_out[f"of {name!r} are left out, as asked"] += 1
            return None
        return self._face(entry, called, image, label)

    def _face(self, entry: dict[str, Any], called: str, image: _Image, label: str) -> Row:
        own = entry[OWN] if isinstance(entry.get(OWN), dict) else {}
        row = Row(image.path, label, error=image.fault, said_size=image.size)
        row = row._replace(**{word: own[word] for word in OWN_WORDS if _is_text(own.get(word))})
        if own.get("whole_picture") is True:
            return row
        try:
            return row._replace(box=_corners(entry.get("bbox")))
        except ValueError as error:
            return row._replace(error=row.error or f"{self._path.name}: {called}: {error}; correct it")

    def _broken(self, reason: str, entry: dict[str, Any] | None = None) -> Row:
        image = self._images.get(_key(entry.get("image_id"))) if entry else None
        return Row(image.path if image else self._path, None, error=f"{self._path.name}: {reason}")

    def _index_images(self, entries: list[Any]) -> dict[object, _Image]:
        images: dict[object, _Image] = {}
        for number, entry in enumerate(entries):
            key = _key(entry.get("id")) if isinstance(entry, dict) else None
            if key is None:
                reason = f"{self._path.name}: image {number} (counted from 0) has no id; number it"
                self._nameless.append(Row(self._path, None, error=reason))
                continue
            image = self._image(entry, key)
            before = images.get(key)
            if before and before.name != image.name:
                fault = f"{self._path.name}: image id {key!r} is that of {before.name!r} and of {image.name!r}"
                image = before._replace(fault=f"{fault}; number the images anew")
            images[key] = image
        return images

    def _image(self, entry: dict[str, Any], key: object) -> _Image:
        name = entry.get("file_name")
        if not isinstance(name, str) or not _is_text(name):
            return _Image(self._path, name, fault=f"{self._path.name}: image {key!r} has no file_name; write it")
        try:
            path = self._pictures.find(name, split_in(self._path.stem))
        except DataError as error:
            return _Image(self._path, name, fault=f"{self._path.name}: image {key!r}: {error}")
        try:
            return _Image(path, name, said_size(entry.get("width"), entry.get("height")))
        except ValueError as error:
            return _Image(path, name, fault=f"{self._path.name}: image {key!r}: {error}")


def _index_categories(entries: list[Any]) -> dict[object, str]:
    """Names of the categories; those without one and ids with two are left out, and missed where they are used."""
    names: dict[object, set[object]] = {}
    for entry in entries:
        if isinstance(entry, dict):
            names.setdefault(_key(entry.get("id")), set()).add(_key(entry.get("name")))
    single = {key: next(iter(found)) for key, found in names.items() if len(found) == 1 and key is not None}
    return {key: name for key, name in single.items() if isinstance(name, str) and _is_text(name)}


def _key(value: object) -> int | float | str | None:
    return value if isinstance(value, int | float | str) else None


def _is_text(value: object) -> bool:
    """Whether it is words; JSON also knows halves of signs, which no table can hold."""
    return isinstance(value, str) and bool(value.strip()) and value == value.encode(errors="ignore").decode()


def _corners(box: object) -> tuple[float, float, float, float]:
    """From [x, y, width, height] to corners, all in pixels."""
    if not isinstance(box, list) or len(box) != 4 or not all(type(side) in (int, float) for side in box):
        raise ValueError(f"bbox {box!r:.60} is not four numbers x, y, width, height")
    try:
        x, y, width, height = map(float, box)
    except OverflowError:
        x = y = width = height = math.nan
    if not all(map(math.isfinite, (x, y, width, height))) or width <= 0 or height <= 0:
        raise ValueError(f"bbox {box!r:.60} has no area; width and height must be positive")
    return x, y, x + width, y + height
