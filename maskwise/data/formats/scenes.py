"""What data sets of scenes share: a folder of pictures, annotations beside it, and tables of groups and splits."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from maskwise.data.formats.files import files_below, folders_in, is_aside, is_file
from maskwise.data.formats.found import split_name
from maskwise.errors import DataError

PICTURE_FOLDERS = ("images", "jpegimages", "image", "imgs", "pictures")


def folder_named(folder: Path, names: Iterable[str]) -> Path | None:
    """The folder inside that bears one of the names, whatever its case."""
    wanted = set(names)
    return next((inner for inner in folders_in(folder) if inner.name.lower() in wanted), None)


class Pictures:
    """The pictures of a data set, found by the names that annotations use."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.all = [path for path in files_below(folder) if not is_aside(path)]
        self._by_name = {str(path.relative_to(folder)): path for path in reversed(self.all)}
        self._by_name |= {path.name: path for path in reversed(self.all) if path.name not in self._by_name}
        self._by_stem = {_stem(path.relative_to(folder)): path for path in reversed(self.all)}
        self._by_stem |= {path.stem: path for path in reversed(self.all) if path.stem not in self._by_stem}

    def named(self, name: str) -> Path | None:
        """By file name, or by path inside the folder."""
        return self._by_name.get(name)

    def stemmed(self, stem: str) -> Path | None:
        """By name or inner path without suffix; the name need not agree in its suffix."""
        return self._by_stem.get(stem)

    def unused(self, used: set[Path]) -> str | None:
        """What to tell of pictures that no box lies in, or None."""
        left = [path for path in self.all if path not in used]
        if not left:
            return None
        return f"{len(left)} pictures have no box and are left out (the first: {left[0].name})"


def _stem(path: Path) -> str:
    return str(path.with_suffix(""))


class Companion:
    """A table beside the pictures that gives each of them one word.

    Args:
        path: a CSV file with the columns `image` and `column`; it need not be there.
        column: `group` or `split`.

    Raises:
        DataError: the file cannot be read, lacks a column, or names a picture twice with two words.
    """

    def __init__(self, path: Path, column: str) -> None:
        self._words: dict[str, str] = {}
        if not is_file(path):
            return
        for number, row in enumerate(_read_csv(path, column), start=2):
            image, word = (row["image"] or "").strip(), (row[column] or "").strip()
            if self._words.setdefault(image, word) != word:
                raise DataError(f"{path}, line {number}: {image!r} is named twice, with two {column}s; keep one")

    def get(self, picture: Path, folder: Path) -> str | None:
        """The word of a picture, found by its path inside the folder or by its name; None where the table has none."""
        return self._words.get(picture.relative_to(folder).as_posix()) or self._words.get(picture.name) or None


def companions(folder: Path) -> tuple[Companion, Companion]:
    """groups.csv and split.csv of a data set.

    Raises:
        DataError: see Companion; or a split that is not train, validation (also dev, val) or test.
    """
    groups, splits = Companion(folder / "groups.csv", "group"), Companion(folder / "split.csv", "split")
    for word in sorted(set(splits._words.values())):
        if word and split_name(word) is None:
            raise DataError(
                f"{folder / 'split.csv'}: split {word!r} is not known; use train, validation (also dev, val) or test"
            )
    return groups, splits


def _read_csv(path: Path, column: str) -> list[dict[str, str | None]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns, rows = reader.fieldnames or (), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read {path}: {error}; it is a CSV (UTF-8) with the columns image,{column}") from error
    if not {"image", column} <= set(columns):
        raise DataError(
            f"{path}: the columns are {', '.join(columns) or 'none'}, needed are image,{column}; name them so"
        )
    return rows
