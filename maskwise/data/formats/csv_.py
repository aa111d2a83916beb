"""CSV as others write it: one line for each face, with the picture's name, a box in pixels and a class.

With a line of names first, as TensorFlow and Kaggle have it (filename,width,height,class,xmin,ymin,xmax,ymax in any
order and under several names), or without one, as RetinaNet has it (path,x1,y1,x2,y2,class).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from maskwise.data.formats.columns import WORDS, Layout, is_table, layout_of, lines
from maskwise.data.formats.companions import Companions
from maskwise.data.formats.files import is_file
from maskwise.data.formats.found import Found, Row, split_in, split_name
from maskwise.data.formats.labels import IGNORE, Labels
from maskwise.data.formats.scenes import PICTURE_FOLDERS, Pictures, folder_named, home_of, said_size, tables_in
from maskwise.data.schema import BOX
from maskwise.errors import DataError


def has_tables(folder: Path) -> bool:
    """Whether a folder, or its annotations/, holds tables of faces."""
    return any(map(is_table, tables_in(folder, ".csv")))


def find_csv(place: Path, labels: Labels) -> Found:
    """Every face of every table; a line that cannot be used becomes a row with its reason.

    Args:
        place: a folder, or one table; the pictures lie in images/ beside it, or anywhere below its folder.
        labels: finds the classes.

    Raises:
        DataError: no table of faces; one that cannot be read; or boxes that are shares instead of pixels.
        LabelError: a class name that is not known.
    """
    files = [place] if is_file(place) else list(filter(is_table, tables_in(place, ".csv")))
    if not files:
        raise DataError(f"{place}: no table of faces; write a CSV with the columns filename,class,xmin,ymin,xmax,ymax")
    home = home_of(place) if is_file(place) else place
    pictures, beside = Pictures(folder_named(home, PICTURE_FOLDERS) or home), Companions(home)
    found, ignored = Found(), Counter[str]()
    for path in files:
        table = _Table(path, pictures, labels, ignored)
        rows = list(table.rows())
        _check_pixels(path, rows)
        found.rows += [beside.complete(row, pictures.folder, split=split_in(path.stem)) for row in rows]
        if table.layout.unread:
            found.notes.append(f"{path.name}: the columns {', '.join(table.layout.unread)} are not read")
    note = pictures.unused({row.path for row in found.rows})
    found.notes += [note] if note else []
    found.notes += [f"{count} rows of {name!r} are left out, as asked" for name, count in ignored.items()]
    return found


class _Table:
    """One CSV.

    ignored: counts rows that are left out by the name of their class.
    """

    def __init__(self, path: Path, pictures: Pictures, labels: Labels, ignored: Counter[str]) -> None:
        self._path, self._pictures, self._labels, self._ignored = path, pictures, labels, ignored
        self.layout = self._known_layout()

    def rows(self) -> Iterator[Row]:
        """One for each face, and one for each line that cannot be used."""
        below = lines(self._path)
        if self.layout.named:
            next(below)
        for number, cells in below:
            try:
                row = self._row(cells)
            except (ValueError, DataError) as error:
                yield Row(self._picture(cells), None, error=f"{self._path.name}, line {number}: {error}")
                continue
            if row:
                yield row

    def _known_layout(self) -> Layout:
        layout = layout_of(self._path)
        if layout is None:
            raise DataError(
                f"{self._path}: is no table of faces; its first line has to name filename,class,xmin,ymin,xmax,ymax "
                "with commas between, or to be path,x1,y1,x2,y2,class"
            )
        return layout

    def _row(self, cells: list[str]) -> Row | None:
        """One face; None for what is left out, and for a line that only says that a picture has no face."""
        if len(cells) != self.layout.cells:
            raise ValueError(
                f"has {len(cells)} values instead of {self.layout.cells}; quote what has a comma, fill in the others"
            )
        values = {name: cells[place] for name, place in self.layout.places.items()}
        sides, name = [values.get(side, "") for side in BOX], values["label"]
        if not values["file"] or (any(sides) and not name):
            raise ValueError(f"has no {'class' if values['file'] else 'file name'}; write it")
        if not name:
            return None
        label = self._labels.get(name, str(self._path))
        if label == IGNORE:
            self._ignored[name] += 1
            return None
        words = {word: values.get(word) or None for word in WORDS} | {"split": _split(values.get("split"))}
        path = self._pictures.find(values["file"], split_in(self._path.stem))
        size = said_size(values.get("width"), values.get("height"))
        return Row(path, label, _box(sides), said_size=size, **words)

    def _picture(self, cells: list[str]) -> Path:
        """The picture of a line that cannot be used; the table itself where it tells none."""
        place = self.layout.places["file"]
        try:
            return self._pictures.find(cells[place]) if place < len(cells) and cells[place] else self._path
        except DataError:
            return self._path


def _split(word: str | None) -> str | None:
    if word and split_name(word) is None:
        raise ValueError(f"split {word!r} is not known; use train, validation (also dev, val) or test")
    return split_name(word) if word else None


def _box(sides: list[str]) -> tuple[float, float, float, float] | None:
    """Corners in pixels; None where the whole picture is the face."""
    if not any(sides):
        return None
    try:
        x_min, y_min, x_max, y_max = map(float, sides)
    except ValueError:
        raise ValueError(f"the box ({', '.join(sides)}) is not four numbers; give all four or none") from None
    return x_min, y_min, x_max, y_max


def _check_pixels(path: Path, rows: list[Row]) -> None:
    """Refuse boxes that are shares of the picture: each would be a sound box of less than a pixel."""
    boxes = [row.box for row in rows if row.box]
    if boxes and all(0 <= side <= 1 for box in boxes for side in box) and any(box[2] % 1 for box in boxes):
        raise DataError(f"{path}: the boxes are shares of the picture; multiply them by its width and height")
