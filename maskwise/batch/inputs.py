"""What the user names, as a stream of pictures: never all of them in memory.

| named                                    | stands for                                                              |
|------------------------------------------|-------------------------------------------------------------------------|
| a picture                                | itself, whether it is there or not                                      |
| a folder                                 | every picture below it; its Parquet files, if there is no picture       |
| a glob, `**` goes down folders           | every picture that matches; every Parquet file, if there is no picture  |
| `.csv`, `.tsv`, `.jsonl`                 | the column `path`, a row for each picture                               |
| `.txt`                                   | a path a line                                                           |
| `.parquet`                               | the column `path`; or pictures themselves, in `bytes` or `image`        |
| any of these as `s3://`, `gs://`, ...    | the same, in an object store                                            |

Paths in a table are as seen from its folder. Whatever is named twice is two inputs.
"""

from __future__ import annotations

import csv
import glob
import io
import json
import os
import posixpath
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from maskwise.data.store import filesystem, is_url
from maskwise.errors import InputError
from maskwise.inference.sources import pictures_below, pictures_matching
from maskwise.model.images import SUFFIXES

TABLES = (".csv", ".tsv", ".jsonl", ".txt", ".parquet")
PARQUET = ".parquet"

PATH, PICTURE = "path", ("bytes", "image")
"""Columns of tables: where a picture is, or what it is."""

READ_ROWS = 1024
"""Of a table of paths, at a time."""


@dataclass(frozen=True, slots=True)
class Input:
    """One picture to be looked at.

    path: of its file, or of the Parquet file that holds it; as the user named it, or an address.
    row: in that Parquet file, from 0; None for a file of its own.
    """

    path: str
    row: int | None = None


def inputs(sources: Iterable[str]) -> Iterator[Input]:
    """Every picture that the sources name, in their order; files in a folder are sorted.

    Raises:
        InputError: a source that names no picture, or a table that cannot be read; the source is named.
        UsageError, DependencyError: an address of an unknown kind.
    """
    for source in sources:
        found = iter(_of_url(source) if is_url(source) else _of_path(source))
        first = next(found, None)
        if first is None:
            raise InputError(f"{source}: no picture in it; looked for {', '.join(sorted(SUFFIXES))} and {PARQUET}")
        yield first
        yield from found


def _of_path(source: str) -> Iterator[Input]:
    path = Path(source)
    if path.is_dir():
        yield from _or_tables(map(str, pictures_below(path)), lambda: map(str, sorted(path.rglob(f"*{PARQUET}"))))
    elif glob.has_magic(source) and not path.exists():
        try:
            pictures = [str(found) for found in pictures_matching(source)]
        except InputError:
            pictures = []
        yield from _or_tables(pictures, lambda: (one for one in _matching(source) if one.endswith(PARQUET)))
    elif path.suffix.lower() in TABLES:
        yield from _of_table(source, lambda: path.open("rb"))
    else:
        yield Input(source)


def _matching(pattern: str) -> list[str]:
    return sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - of any pattern, absolute ones too


def _of_url(source: str) -> Iterator[Input]:
    fs, root = filesystem(source)
    with _readable(source):
        if glob.has_magic(root):
            yield from _of_names(fs, sorted(fs.glob(root)))
        elif os.path.splitext(root)[1].lower() in TABLES:  # noqa: PTH122 - of an address
            yield from _of_table(source, lambda: fs.open(root, "rb"))
        elif fs.isdir(root):
            yield from _of_names(fs, _below(fs, root))
        else:
            yield Input(source)


def _below(fs: Any, root: str) -> Iterator[str]:
    """Files to the bottom; a listing is of one folder at a time, and sorted."""
    for folder, folders, names in fs.walk(root):
        folders[:] = sorted(folders)
        yield from (posixpath.join(folder, name) for name in sorted(names))


def _of_names(fs: Any, names: Iterable[str]) -> Iterator[Input]:
    tables: list[str] = []

    def pictures() -> Iterator[str]:
        for name in names:
            suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 - of an address
            if suffix in SUFFIXES:
                yield str(fs.unstrip_protocol(name))
            elif suffix == PARQUET:
                tables.append(str(fs.unstrip_protocol(name)))

    yield from _or_tables(pictures(), lambda: tables)


def _or_tables(pictures: Iterable[str], tables: Callable[[], Iterable[str]]) -> Iterator[Input]:
    """The pictures; if there are none, what the Parquet files say."""
    one = False
    for picture in pictures:
        one = True
        yield Input(picture)
    if not one:
        yield from chain.from_iterable(_of_url(name) if is_url(name) else _of_path(name) for name in tables())


def _of_table(source: str, open_: Callable[[], IO[bytes]]) -> Iterator[Input]:
    suffix = os.path.splitext(source)[1].lower()  # noqa: PTH122 - may be an address
    with _readable(source), open_() as file:
        if suffix == PARQUET:
            yield from _of_parquet(source, pq.ParquetFile(file))
            return
        lines = io.TextIOWrapper(file, encoding="utf-8-sig", newline="" if suffix in (".csv", ".tsv") else None)
        for path in _paths(source, suffix, lines):
            yield Input(_from(source, path))


def _paths(source: str, suffix: str, lines: io.TextIOWrapper) -> Iterator[str]:
    if suffix == ".txt":
        yield from (line for line in (line.rstrip("\r\n") for line in lines) if line.strip())
        return
    if suffix == ".jsonl":
        rows: Iterable[tuple[int, Any]] = ((n, json.loads(line)) for n, line in enumerate(lines, 1) if line.strip())
    else:
        csv.field_size_limit(sys.maxsize)
        reader = csv.DictReader(lines, delimiter="," if suffix == ".csv" else "\t")
        if PATH not in (reader.fieldnames or ()):
            raise InputError(f"{source}: has no column {PATH!r}, only {', '.join(reader.fieldnames or ())}")
        rows = enumerate(reader, 2)
    for number, row in rows:
        path = row.get(PATH) if isinstance(row, dict) else None
        if not isinstance(path, str) or not path:
            raise InputError(f"{source}: line {number} has no {PATH!r}; give every row the path of its picture")
        yield path


def _of_parquet(source: str, table: pq.ParquetFile) -> Iterator[Input]:
    if picture_column(table.schema_arrow) is not None:
        yield from (Input(source, row) for row in range(table.metadata.num_rows))
        return
    schema = table.schema_arrow
    if PATH not in schema.names or not _is_text(schema.field(PATH).type):
        raise InputError(
            f"{source}: has neither a column {PATH!r} of text nor one of pictures ({' or '.join(PICTURE)}), only "
            f"{', '.join(schema.names)}"
        )
    for batch in table.iter_batches(READ_ROWS, columns=[PATH]):
        for path in batch.column(0).to_pylist():
            if not path:
                raise InputError(f"{source}: a row has no {PATH!r}; give every row the path of its picture")
            yield Input(_from(source, path))


def picture_column(schema: pa.Schema) -> str | None:
    """The column that holds pictures, in the dotted form in which it is read; None if there is none.

    The form of Hugging Face's data sets, `image` with `bytes` in it, is known.
    """
    for name in PICTURE:
        if name in schema.names:
            kind = schema.field(name).type
            if _is_binary(kind):
                return name
            if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0 and _is_binary(kind.field("bytes").type):
                return f"{name}.bytes"
    return None


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _is_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _from(table: str, path: str) -> str:
    """A path in a table, as seen from where its folder is seen from."""
    if is_url(path) or posixpath.isabs(path) or Path(path).is_absolute():
        return path
    if is_url(table):
        return f"{table.rsplit('/', 1)[0]}/{path}"
    return str(Path(table).parent / path)


@contextmanager
def _readable(source: str) -> Iterator[None]:
    """Turn whatever is wrong with a table or a listing into one clear line."""
    try:
        yield
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{source}: is not there; check the name") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{source}: is not text in UTF-8 ({error.reason}); save it so") from error
    except (json.JSONDecodeError, csv.Error, pa.ArrowException) as error:
        raise InputError(f"{source}: cannot be read: {error}") from error
    except OSError as error:
        raise InputError(f"{source}: cannot be read: {error.strerror or error}") from error
