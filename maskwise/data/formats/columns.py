"""What the first line of somebody else's CSV says of all its lines."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from maskwise.data.formats.labels import normal
from maskwise.data.schema import BOX, SCHEMA
from maskwise.errors import DataError

WORDS = ("group", "split", "kind", "provenance", "origin")
"""Columns of SCHEMA that a table may have beside the usual ones, under these names."""

_NAMES: dict[str, tuple[str, ...]] = {
    "file": ("filename", "file", "imagename", "imageid", "imagepath", "filepath", "image", "img", "path", "name"),
    "label": ("class", "classname", "label", "labelname", "category"),
    "x_min": ("xmin", "x1", "left"), "y_min": ("ymin", "y1", "top"),
    "x_max": ("xmax", "x2", "right"), "y_max": ("ymax", "y2", "bottom"),
    "width": ("width", "imagewidth", "imgwidth"), "height": ("height", "imageheight", "imgheight"),
    **{word: (word,) for word in WORDS},
}  # fmt: skip
# As `normal` leaves them; where a table has several, the first counts.

_RETINANET = {name: i for i, name in enumerate(("file", *BOX, "label"))}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where in a line to look.

    places: number of the cell of `file`, `label`, the sides of BOX, `width`, `height` and WORDS, as far as there.
    cells: so many has a line.
    named: whether the first line holds names.
    unread: names of columns that mean nothing here.
    """

    places: dict[str, int]
    cells: int
    named: bool
    unread: tuple[str, ...] = ()


def lines(path: Path, *, strict: bool = True) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of every line that is not blank; the file is closed however the caller stops.

    Args:
        path: of the table.
        strict: refuse what is not UTF-8, instead of passing over it.

    Raises:
        DataError: the file cannot be read, or is no CSV in UTF-8.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig", errors="strict" if strict else "replace") as file:
            reader = csv.reader(file)
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield reader.line_num, [cell.strip() for cell in cells]
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}; check the path") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: is not a CSV in UTF-8 ({error}); save it as one") from error


def layout_of(path: Path) -> Layout | None:
    """Where a table of faces has what; None of a table that is none, or of a manifest."""
    first = _first(path)
    have = {normal(name): i for i, name in reversed(list(enumerate(first)))}
    spelled = {name: next((one for one in names if one in have), None) for name, names in _NAMES.items()}
    places = {name: have[one] for name, one in spelled.items() if one is not None}
    if {"file", "label"} <= places.keys() and sum(side in places for side in BOX) in (0, len(BOX)):
        unread = tuple(name for i, name in enumerate(first) if i not in places.values())
        return Layout(places, len(first), True, unread)
    if len(first) == len(_RETINANET) and (not any(first[1:5]) or all(map(_is_number, first[1:5]))):
        return Layout(_RETINANET, len(first), False)
    return None


def is_manifest(path: Path) -> bool:
    """Whether the first line is a manifest's: it has `path` and `label`, or nothing but columns of SCHEMA."""
    names = set(_first(path))
    return {"path", "label"} <= names or (bool(names) and names <= set(SCHEMA))


def is_table(path: Path) -> bool:
    """Whether a file is a table of faces that is no manifest."""
    return not is_manifest(path) and layout_of(path) is not None


def _first(path: Path) -> list[str]:
    """Cells of the first line; none of a file that cannot be read. What is wrong below is told in reading it all."""
    try:
        return next(lines(path, strict=False), (0, list[str]()))[1]
    except DataError:
        return []


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
