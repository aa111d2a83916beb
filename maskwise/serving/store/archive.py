"""Tables as one file, whatever database they come from.

The file is a zip: one member for each table, a row a line as a JSON array of its values, and `header.json`: the
revision of the tables, their columns, how many rows each has, and the sha256 of each member.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from maskwise.errors import InputError

FORMAT = 1
HEADER = "header.json"


@dataclass(frozen=True, slots=True)
class Member:
    """One table in the file.

    columns: in the order of each line's values.
    rows: how many lines.
    sha256: of all of them.
    """

    columns: tuple[str, ...]
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Header:
    """What the file says of itself.

    format: of the file; this program writes and reads 1.
    revision: of the tables.
    version: of the program that wrote it.
    made_at: when, ISO 8601.
    tables: by name, each after those it refers to.
    """

    format: int
    revision: str
    version: str
    made_at: str
    tables: Mapping[str, Member]


def add(file: zipfile.ZipFile, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Member:
    """Write one table; its rows are taken as they are written."""
    count, digest = 0, hashlib.sha256()
    with file.open(_member(name), "w", force_zip64=True) as member:
        for row in rows:
            line = json.dumps(list(row), separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
            digest.update(line)
            member.write(line)
            count += 1
    return Member(tuple(columns), count, digest.hexdigest())


def finish(file: zipfile.ZipFile, header: Header) -> None:
    """Write what the file says of itself, last."""
    file.writestr(HEADER, json.dumps(asdict(header), indent=1), zipfile.ZIP_STORED)


def check(path: Path) -> Header:
    """Look at every byte of a file, before anything is done with it.

    Raises:
        InputError: it cannot be read, is no backup, was cut off or changed, or is of a newer program.
    """
    with _opened(path) as file:
        header = _header(json.loads(file.read(HEADER)))
        for name, member in header.tables.items():
            count, digest = 0, hashlib.sha256()
            with file.open(_member(name)) as lines:
                for line in lines:
                    digest.update(line)
                    count += 1
            if (count, digest.hexdigest()) != (member.rows, member.sha256):
                raise InputError(f"{path.name} was changed: the table {name} is not what its header says")
    return header


def rows_of(path: Path, name: str) -> Iterator[list[Any]]:
    """The rows of one table, in the order of its columns."""
    with _opened(path) as file, file.open(_member(name)) as lines:
        for line in lines:
            yield json.loads(line)


def _header(given: dict[str, Any]) -> Header:
    if given["format"] != FORMAT:
        raise InputError(f"the backup is of format {given['format']}, this maskwise reads {FORMAT}; use a newer one")
    tables = {name: Member(tuple(one["columns"]), one["rows"], one["sha256"]) for name, one in given["tables"].items()}
    return Header(given["format"], given["revision"], given["version"], given["made_at"], tables)


def _member(table: str) -> str:
    return f"{table}.jsonl"


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """A file as a zip; whatever is wrong with it is said in one line."""
    try:
        with zipfile.ZipFile(path) as file:
            yield file
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, LookupError, ValueError, TypeError, RuntimeError) as error:
        raise InputError(f"{path.name} is no backup of maskwise, or it was cut off or changed: {error}") from error
