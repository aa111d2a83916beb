"""Tables beside the pictures for what their annotations cannot say; maskwise.data.formats reads them back."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from maskwise.data.formats.found import split_name
from maskwise.data.writing.scenes import Scene
from maskwise.errors import DataError

TABLES = {"group": "groups.csv", "split": "split.csv", "provenance": "provenance.csv"}
"""Column and file of each."""


def write_companions(scenes: Sequence[Scene], folder: Path) -> None:
    """Write groups.csv, split.csv and provenance.csv, as far as there is something to say.

    Raises:
        DataError: faces of one picture differ in what a table says of the whole picture.
        OSError: a file cannot be written.
    """
    for column, name in TABLES.items():
        words = [(scene.name, word_of(scene, column)) for scene in scenes]
        # A reader would take the split from the name of a folder that the table does not speak of.
        taken = column == "split" and any(split_name(PurePosixPath(scene.name).parts[0]) for scene in scenes)
        if taken or any(word for _, word in words):
            write_csv(folder / name, ("image", column), ((image, word or "") for image, word in words))


def word_of(scene: Scene, column: str) -> str | None:
    """The group, split or provenance of a picture.

    Raises:
        DataError: its faces do not agree.
    """
    words = {getattr(face, column) for face in scene.faces}
    if len(words) > 1:
        told = " and ".join(sorted(f"{word!r}" if word else "none" for word in words))
        raise DataError(
            f"{scene.name}: its faces differ in their {column} ({told}), but this format has one for each picture; "
            "convert to coco, csv or manifest" + (", or split again by grouped" if column == "split" else "")
        )
    return words.pop() if words else None


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table in UTF-8 with its columns' names first.

    Raises:
        OSError: it cannot be written.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
