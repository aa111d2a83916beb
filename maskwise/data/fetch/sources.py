"""The files that a set is made of: downloaded, or handed in by the user; each with the hash that it had to have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from maskwise.data.catalog import Entry, File
from maskwise.data.fetch.download import Patience, Progress, Say, download
from maskwise.data.fetch.record import Archive, Record, Trust
from maskwise.data.fetch.tree import sha256_of
from maskwise.errors import DataError, StorageError

DOWNLOADS = "download"
MAX_BYTES = 50_000_000_000
"""The largest file that is downloaded where neither the catalog nor the user says otherwise."""

_MARGIN = 1.1  # a catalog's size may be rounded
_ASIDE = ".wrong"


@dataclass(frozen=True, slots=True)
class Source:
    """A file or a folder to make the data of.

    archive: what is recorded of it; None for a folder.
    """

    path: Path
    archive: Archive | None
    unpack: bool = True


def downloaded(
    entry: Entry,
    folder: Path,
    before: Record | None,
    sha256: str,
    max_bytes: int | None,
    patience: Patience,
    bar: Callable[[str], AbstractContextManager[Progress]],
    say: Say,
) -> list[Source]:
    """Download every file of a set; one that is wrong is put aside.

    Raises:
        DataError: it cannot be had, or its hash is another one.
        StorageError: it cannot be written.
    """
    sources = []
    for file in entry.get.files:
        path = folder / DOWNLOADS / file.filename
        most = max_bytes or (int(file.bytes * _MARGIN) if file.bytes else MAX_BYTES)
        if not path.is_file():  # else the last run came so far
            with bar(f"downloading {file.filename}") as tick:
                download(file.url, path, max_bytes=most, patience=patience, progress=tick, say=say)
        try:
            sources.append(Source(path, _judged(path, file, before, sha256), file.unpack))
        except DataError as error:
            raise DataError(f"{error}; it is put aside as {put_aside(path)}") from error
    return sources


def handed_in(entry: Entry, given: Sequence[Path], before: Record | None, sha256: str) -> list[Source]:
    """What the user names; left where it is, whatever is found.

    Raises:
        DataError: not there, or its hash is another one.
    """
    sources = []
    for path in given:
        if path.is_dir():
            if sha256:
                raise DataError(f"--sha256 is for a file, and {path} is a folder; leave it out")
            sources.append(Source(path, None))
        elif path.is_file():
            file = _meant(entry, path, alone=len(given) == 1)
            sources.append(Source(path, _judged(path, file, before, sha256), file.unpack if file else True))
        else:
            raise DataError(f"there is no {path}; name the file or folder that you downloaded")
    return sources


def _meant(entry: Entry, path: Path, *, alone: bool) -> File | None:
    """The catalog's file; browsers rename, so the only one is it in any case."""
    if alone and len(entry.get.files) == 1:
        return entry.get.files[0]
    return next((file for file in entry.get.files if file.filename == path.name), None)


def _judged(path: Path, file: File | None, before: Record | None, sha256: str) -> Archive:
    size, found = path.stat().st_size, sha256_of(path)
    name = file.filename if file else path.name
    stable = file.stable if file else True
    first = next((a for a in before.archives if a.name == name and a.stable), None) if before else None
    if file and file.bytes and size != file.bytes and not sha256:
        raise DataError(f"{name} has {size:,} bytes, the catalog says {file.bytes:,}")
    trust: Trust = "first use"
    if sha256:
        _check(name, found, sha256, "you gave")
        trust = "user"
    elif file and file.sha256:
        _check(name, found, file.sha256, "the catalog says")
        trust = "catalog"
    elif first and before:
        _check(name, found, first.sha256, f"the first fetch, at {before.at}, had")
    return Archive(name, file.url if file else "", size, found, trust, stable)


def _check(name: str, found: str, wanted: str, who: str) -> None:
    if found != wanted:
        raise DataError(f"{name} has the SHA-256 {found}, {who} {wanted}: it is damaged, or another file")


def put_aside(path: Path) -> Path:
    """Rename a file that must not be used.

    Raises:
        StorageError: it cannot be renamed.
    """
    aside = path.with_name(path.name + _ASIDE)
    try:
        path.replace(aside)
    except OSError as error:
        raise StorageError(f"cannot rename {path}: {error.strerror or error}; remove it") from error
    return aside
