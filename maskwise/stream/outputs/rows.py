"""Files of rows that grow while a stream runs: JSON lines, CSV or Parquet, by the file's suffix.

Whatever becomes of the writer, what is there can be read: lines go out whole, one call of the system each, and Parquet
is a folder of files, each written whole and then given its name.
"""

from __future__ import annotations

import csv
import io
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, Self

from maskwise.errors import DependencyError, UsageError
from maskwise.inference.picture_folder import refusals

Row = Mapping[str, Any]
Kind = Literal["text", "whole", "real"]
Columns = Mapping[str, Kind]
"""Names of columns, in order, and what stands in them; every cell may be empty."""

SUFFIXES = (".jsonl", ".csv", ".parquet")
PART_ROWS, PART_S = 5_000, 60.0
"""A part of a Parquet folder is written after so many rows, and after so long at the latest."""


class RowFile(Protocol):
    """Whatever takes rows."""

    def write(self, row: Row) -> None:
        """Take one.

        Raises:
            StorageError: it cannot be written.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...


def open_rows(path: Path, columns: Columns, *, go_on: bool = False) -> RowFile:
    """A file of rows, by its suffix.

    Args:
        path: `.jsonl`, `.csv`, or `.parquet`, which becomes a folder.
        columns: of the rows.
        go_on: add to what is there; else begin anew.

    Raises:
        UsageError: another suffix, or a table of other columns to go on with.
        StorageError: it cannot be written.
        DependencyError: Parquet without the extra `video`.
    """
    suffix = path.suffix.lower()
    if suffix == ".jsonl":
        return JsonLinesFile(path, go_on=go_on)
    if suffix == ".csv":
        return CsvFile(path, tuple(columns), go_on=go_on)
    if suffix == ".parquet":
        return ParquetFolder(path, columns, go_on=go_on)
    raise UsageError(f"{path}: rows are written as {', '.join(SUFFIXES)}; give the file one of these endings")


class _Lines:
    """A text file whose lines are whole at any time."""

    def __init__(self, path: Path, *, go_on: bool) -> None:
        self._path = path
        with refusals(str(path)):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("r+b" if go_on and path.exists() else "w+b", buffering=0)
            self.empty = self._file.seek(0, os.SEEK_END) == 0
            if not self.empty and self._byte_before_end() != b"\n":  # of a machine that lost power in mid-line
                self._file.write(b"\n")

    def add(self, text: str) -> None:
        content = text.encode("utf-8", errors="backslashreplace")
        with refusals(str(self._path)):
            began = self._file.tell()
            try:
                while content:  # a disk that fills up takes a part first and refuses the rest
                    content = content[self._file.write(content) :]
            except OSError:
                self._file.truncate(began)
                raise

    def first(self) -> str:
        with refusals(str(self._path)):
            self._file.seek(0)
            line = self._file.readline().decode("utf-8", errors="replace")
            self._file.seek(0, os.SEEK_END)
        return line.rstrip("\r\n")

    def close(self) -> None:
        with refusals(str(self._path)):
            self._file.close()

    def _byte_before_end(self) -> bytes:
        self._file.seek(-1, os.SEEK_END)
        return self._file.read(1)


class JsonLinesFile:
    """One JSON object a line, plain ASCII."""

    def __init__(self, path: Path, *, go_on: bool = False) -> None:
        """Begin it, or go on after what is there."""
        self._lines = _Lines(path, go_on=go_on)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._lines.close()

    def write(self, row: Row) -> None:
        """Add a line."""
        self._lines.add(json.dumps(row, allow_nan=False) + "\n")


class CsvFile:
    """One row a line, in UTF-8; lists are joined by a blank, and a cell is empty where there is nothing to say."""

    def __init__(self, path: Path, columns: Sequence[str], *, go_on: bool = False) -> None:
        """Begin it, or go on after what is there.

        Raises:
            UsageError: what is there has other columns.
        """
        self._columns = tuple(columns)
        self._lines = _Lines(path, go_on=go_on)
        if self._lines.empty:
            self._lines.add(_csv_line(self._columns))
        elif self._lines.first() != _csv_line(self._columns).rstrip("\r\n"):
            self._lines.close()
            raise UsageError(f"{path}: a table of other columns is there; nothing is added to it: name another file")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._lines.close()

    def write(self, row: Row) -> None:
        """Add a line."""
        self._lines.add(_csv_line([_cell(row.get(name)) for name in self._columns]))


def _cell(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return " ".join(str(v) for v in value)
    return "" if value is None else value


def _csv_line(cells: Sequence[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


class ParquetFolder:
    """A folder of Parquet files with the same columns; every reader of Parquet takes it as one table."""

    def __init__(self, path: Path, columns: Columns, *, go_on: bool = False) -> None:
        """Make the folder; parts of an earlier run go, unless this one goes on with them.

        Raises:
            UsageError: a file is there, or something that is no part of such a folder.
        """
        try:
            import polars as pl
        except ImportError as error:  # pragma: no cover - the tests have it
            raise DependencyError("Parquet needs the extra `video`: pip install 'maskwise[video]'") from error
        self._path, self._frame = path, pl.DataFrame
        kinds = {"text": pl.String, "whole": pl.Int64, "real": pl.Float64}
        self._schema = {name: kinds[kind] for name, kind in columns.items()}
        self._rows: list[dict[str, Any]] = []
        self._since = time.monotonic()
        with refusals(str(path)):
            if path.exists() and not path.is_dir():
                raise UsageError(f"{path}: a file is there; rows become a folder of that name: name another one")
            path.mkdir(parents=True, exist_ok=True)
            there = sorted(path.iterdir())
            strangers = [entry for entry in there if not entry.match("part-*.parquet")]
            if strangers:
                raise UsageError(f"{path}: holds {strangers[0].name}, which is no part of it; name another folder")
            for entry in there if not go_on else ():
                entry.unlink()
        self._number = 1 + max((int(entry.stem[5:]) for entry in path.glob("part-*.parquet")), default=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._flush()

    def write(self, row: Row) -> None:
        """Keep a row; write a part when there are enough of them, or the oldest has waited for long enough."""
        cells = {name: _cell(row.get(name)) for name in self._schema}
        self._rows.append({name: None if cell == "" else cell for name, cell in cells.items()})
        if len(self._rows) >= PART_ROWS or time.monotonic() - self._since >= PART_S:
            self._flush()

    def _flush(self) -> None:
        self._since = time.monotonic()
        if not self._rows and self._number > 1:
            return
        target = self._path / f"part-{self._number:06d}.parquet"
        partial = self._path.with_name(f".{self._path.name}.partial")  # a reader of the folder must not meet it
        with refusals(str(self._path)):
            self._frame(self._rows, schema=self._schema).write_parquet(partial)
            partial.replace(target)
        self._rows, self._number = [], self._number + 1
