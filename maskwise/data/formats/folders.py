"""Class folders, with or without a folder for each person inside them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from maskwise.data.formats.companions import Companions
from maskwise.data.formats.files import files_below, files_in, folders_in, has_picture, is_aside, kinds
from maskwise.data.formats.found import Found, Row
from maskwise.data.formats.labels import IGNORE, Labels
from maskwise.errors import DataError

# MaskedFace-Net cuts its class folders into thousands, 00000, 01000 ...: those are no persons.
_THOUSANDS = re.compile(r"\d{2}000")


def find_classes(folder: Path, labels: Labels) -> Found:
    """One folder for each class; folders inside mean nothing.

    Raises:
        DataError: no folder holds pictures; or a table beside them that cannot be read, see Companions.
        LabelError: a class folder whose name is not known.
    """
    return _find(folder, labels, by_person=False)


def find_identities(folder: Path, labels: Labels) -> Found:
    """One folder for each class, and in it one for each person; the same name in two classes is the same person.

    Raises:
        DataError: no folder holds pictures; or a table beside them that cannot be read, see Companions.
        LabelError: a class folder whose name is not known.
    """
    return _find(folder, labels, by_person=True)


def find_pictures(folder: Path, label: str) -> Found:
    """Every picture below a folder shows the same class; folders inside mean nothing.

    Raises:
        DataError: no picture; or a table beside them that cannot be read, see Companions.
    """
    beside = Companions(folder)
    files = list(files_below(folder))
    pictures = [path for path in files if not is_aside(path)]
    aside = [path for path in files if is_aside(path)]
    if not pictures:
        raise DataError(f"{folder}: holds no picture to call {label}")
    notes = [f"{len(aside)} files are not pictures and are left out ({kinds(aside)})"] if aside else []
    return Found([beside.complete(Row(path, label), folder) for path in pictures], notes)


def has_persons(folder: Path) -> bool:
    """Whether class folders hold further folders that look like persons."""
    inside = [inner for outer in folders_in(folder) for inner in folders_in(outer) if has_picture(inner)]
    return bool(inside) and not all(_THOUSANDS.fullmatch(inner.name) for inner in inside)


def _find(folder: Path, labels: Labels, *, by_person: bool) -> Found:
    found, aside, ignored, beside = Found(), list[Path](), Counter[str](), Companions(folder)
    for outer in folders_in(folder):
        files = list(files_below(outer))
        pictures = [path for path in files if not is_aside(path)]
        aside += [path for path in files if is_aside(path)]
        if not pictures:
            found.notes.append(f"{outer.name}: holds no pictures")
            continue
        label = labels.get(outer.name, str(outer))
        if label == IGNORE:
            ignored[outer.name] += len(pictures)
            continue
        rows = [Row(path, label, group=_person(path, outer) if by_person else None) for path in pictures]
        found.rows += [beside.complete(row, folder) for row in rows]
    loose = [path for path in files_in(folder) if not is_aside(path)]
    if loose:
        found.notes.append(f"{len(loose)} files lie beside the class folders and are left out ({kinds(loose)})")
    if aside:
        found.notes.append(f"{len(aside)} files are not pictures and are left out ({kinds(aside)})")
    found.notes += [f"{count} pictures of {name!r} are left out, as asked" for name, count in ignored.items()]
    if not found.rows and not ignored:
        raise DataError(f"{folder}: no class folder holds a picture; put pictures into folders such as with_mask")
    return found


def _person(path: Path, outer: Path) -> str | None:
    inner = path.relative_to(outer).parts
    return inner[0] if len(inner) > 1 else None
