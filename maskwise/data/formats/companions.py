"""Tables beside the pictures of a data set that say what its annotations cannot."""

from __future__ import annotations

import csv
from pathlib import Path

from maskwise.data.formats.files import is_file
from maskwise.data.formats.found import Row, split_name
from maskwise.errors import DataError


class Companion:
    """A table beside the pictures that gives each of them one word.

    Args:
        path: a CSV file with the columns `image` and `column`; it need not be there.
        column: `group`, `split` or `provenance`.

    Raises:
        DataError: the file cannot be read, lacks a column, or names a picture twice with two words.
    """

    def __init__(self, path: Path, column: str) -> None:
        self.words: dict[str, str] = {}
        if not is_file(path):
            return
        for number, row in enumerate(_read_csv(path, column), start=2):
            image, word = (row["image"] or "").strip(), (row[column] or "").strip()
            if self.words.setdefault(image, word) != word:
                raise DataError(f"{path}, line {number}: {image!r} is named twice, with two {column}s; keep one")

    def get(self, picture: Path, folder: Path) -> str | None:
        """The word of a picture, found by its path inside the folder or else by its name.

        Empty where the table lists the picture without a word; None where it does not list it.
        """
        inner = picture.relative_to(folder).as_posix()
        return self.words.get(inner, self.words.get(picture.name))


class Companions:
    """groups.csv, split.csv and provenance.csv of a data set, each with the column `image` and a word for it.

    Raises:
        DataError: see Companion; or a split that is not train, validation (also dev, val) or test.
    """

    def __init__(self, folder: Path) -> None:
        self._groups = Companion(folder / "groups.csv", "group")
        self._splits = Companion(folder / "split.csv", "split")
        self._provenances = Companion(folder / "provenance.csv", "provenance")
        for word in sorted(set(self._splits.words.values())):
            if word and split_name(word) is None:
                raise DataError(
                    f"{folder / 'split.csv'}: split {word!r} is not known; "
                    "use train, validation (also dev, val) or test"
                )

    def complete(self, row: Row, pictures: Path, *, split: str | None = None) -> Row:
        """Fill in what a row leaves open.

        Args:
            row: as the annotation tells it.
            pictures: the folder from which the tables name pictures.
            split: of a picture that split.csv does not list, however it is spelled; any other word is none.
        """
        inside = row.path.is_relative_to(pictures)
        group, listed, provenance = (
            table.get(row.path, pictures) if inside else None
            for table in (self._groups, self._splits, self._provenances)
        )
        word = split if listed is None else listed
        return row._replace(
            group=row.group or group or None,
            split=row.split or (split_name(word) if word else None),
            provenance=row.provenance or provenance or None,
        )


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
