"""What data sets of scenes share: a folder of pictures, and annotations beside it that name them."""

from __future__ import annotations

import math
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from maskwise.data.formats.files import files_below, files_in, folders_in, is_aside, is_file
from maskwise.data.formats.found import split_in
from maskwise.errors import DataError

ANNOTATION_FOLDERS = ("annotations", "annotation", "xml", "xmls")
PICTURE_FOLDERS = ("images", "jpegimages", "image", "imgs", "pictures")


def folder_named(folder: Path, names: Iterable[str]) -> Path | None:
    """The folder inside that bears one of the names, whatever its case."""
    wanted = set(names)
    return next((inner for inner in folders_in(folder) if inner.name.lower() in wanted), None)


def tables_in(folder: Path, suffix: str) -> list[Path]:
    """Files of annotations for many pictures: those of a suffix in the folder itself and in its annotations/."""
    inner = folder_named(folder, ANNOTATION_FOLDERS)
    files = files_in(folder) + (files_in(inner) if inner else [])
    return [path for path in files if path.suffix.lower() == suffix and not path.name.startswith(".")]


def home_of(table: Path) -> Path:
    """The data set's folder, seen from one of its `tables_in`."""
    return table.parent.parent if table.parent.name.lower() in ANNOTATION_FOLDERS else table.parent


class Pictures:
    """The pictures of a data set, found by the names that annotations use."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.all = [path for path in files_below(folder) if not is_aside(path)]
        self._by_name = {str(path.relative_to(folder)): path for path in reversed(self.all)}
        self._by_name |= {path.name: path for path in reversed(self.all) if path.name not in self._by_name}
        self._by_stem = {_stem(path.relative_to(folder)): path for path in reversed(self.all)}
        self._by_stem |= {path.stem: path for path in reversed(self.all) if path.stem not in self._by_stem}
        inner = [(path.relative_to(folder).as_posix(), path) for path in self.all]
        self._inner = {_composed(name): path for name, path in inner} | dict(inner)
        self._same: defaultdict[str, list[Path]] = defaultdict(list)
        for path in self.all:
            self._same[_composed(path.name)].append(path)
        self._guessed: dict[Path, str] = {}

    def named(self, name: str) -> Path | None:
        """By file name, or by path inside the folder."""
        return self._by_name.get(name)

    def stemmed(self, stem: str) -> Path | None:
        """By name or inner path without suffix; the name need not agree in its suffix."""
        return self._by_stem.get(stem)

    def find(self, name: str, split: str | None = None) -> Path:
        """By a name with or without folders, be they those of another machine.

        Args:
            name: as the annotation has it.
            split: of the annotation; decides between pictures of one name in folders for each split.

        Returns:
            The picture; where there is none, the path at which it is missing.

        Raises:
            DataError: the name could mean several pictures, or a picture that was found for another name.
        """
        if Path(name).is_absolute() and is_file(Path(name)):
            return Path(name)
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
        whole = "/".join(parts)
        picture = self._exact(whole)
        if picture or not parts:
            return picture or self.folder / whole
        picture = self._by_ending(parts) or self._by_last(parts[-1], split)
        if picture and self._guessed.setdefault(picture, whole) != whole:
            raise DataError(f"{name!r} and {self._guessed[picture]!r} could both be {picture.name}; write its folder")
        return picture or self.folder / whole

    def unused(self, used: set[Path]) -> str | None:
        """What to tell of pictures that no box lies in, or None."""
        left = [path for path in self.all if path not in used]
        if not left:
            return None
        return f"{len(left)} pictures have no box and are left out (the first: {left[0].name})"

    def _exact(self, name: str) -> Path | None:
        return self._inner.get(name) or self._inner.get(_composed(name))

    def _by_ending(self, parts: list[str]) -> Path | None:
        return next(filter(None, (self._exact("/".join(parts[i:])) for i in range(1, len(parts)))), None)

    def _by_last(self, name: str, split: str | None) -> Path | None:
        same = self._same.get(_composed(name), [])
        if len(same) > 1 and split:
            same = [p for p in same if split in map(split_in, p.relative_to(self.folder).parts[:-1])] or same
        if len(same) > 1:
            raise DataError(f"there are {len(same)} pictures called {name!r}; write the folder, too")
        return same[0] if same else None


def _stem(path: Path) -> str:
    return str(path.with_suffix(""))


def _composed(name: str) -> str:
    """One spelling of accents: macOS writes them apart, annotations seldom do."""
    return unicodedata.normalize("NFC", name)


def said_size(width: object, height: object) -> tuple[int, int] | None:
    """The size of a picture in pixels as an annotation tells it; None where it is left open, as 0 or nothing.

    Raises:
        ValueError: something that is no size; says what.
    """
    sides = []
    for side in (width, height):
        try:
            number = 0.0 if side is None or str(side).strip() == "" else float(str(side))
        except ValueError:
            number = math.nan
        if not (math.isfinite(number) and number >= 0 and number.is_integer()):
            raise ValueError(f"the picture's size {width} x {height} is not in whole pixels; correct or remove it")
        sides.append(int(number))
    return (sides[0], sides[1]) if all(sides) else None
