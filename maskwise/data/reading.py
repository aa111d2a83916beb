"""What is known of a picture once it has been read: its content's hash, its size, or why it cannot be used.

Every file is decoded in full, since a picture that opens may still break in its middle. A second run finds what it
needs in a cache keyed by the content's hash: it reads and hashes the files, but decodes none. The cache holds hashes
and sizes, no pixels and no names.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import platformdirs

from maskwise.errors import ImageError
from maskwise.model.images import decode_image, read_file

CHUNK = 2000
"""So many pictures are handed out at a time; what is known of them is stored before the next."""

_CACHE_VERSION = 1  # raise it when reading comes to say something else about the same bytes
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Facts:
    """One picture.

    sha256: of the file's bytes, hexadecimal; empty where they could not be read.
    width, height: pixels after EXIF rotation; 0 where the picture could not be decoded.
    error: why it cannot be used, without the file's name; else None.
    """

    sha256: str
    width: int
    height: int
    error: str | None = None


def default_cache() -> Path:
    """The user's cache folder, or what the environment variable MASKWISE_CACHE names."""
    return Path(os.environ.get("MASKWISE_CACHE") or platformdirs.user_cache_dir("maskwise"))


def read_facts(
    paths: Sequence[str | Path],
    *,
    cache: Path | None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Facts]:
    """Read pictures on all cores; threads do, since Pillow and hashlib work outside the interpreter's lock.

    Args:
        paths: n files.
        cache: folder of the cache; None keeps none. A cache that cannot be used is done without.
        workers: threads; None means one for each core.
        progress: called with (done, n), in this thread.

    Returns:
        n facts, in the order of the paths. A file that cannot be read has its reason in `error`.
    """
    facts: list[Facts] = []
    with _Cache(cache) as known, ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        for start in range(0, len(paths), CHUNK):
            fresh = []
            for one in pool.map(lambda path: _facts(Path(path), known), paths[start : start + CHUNK]):
                facts.append(one)
                fresh.append(one)
                if progress:
                    progress(len(facts), len(paths))
            known.add(fresh)
    return facts


def _facts(path: Path, known: _Cache) -> Facts:
    sha256 = ""
    try:
        data = read_file(path)
        sha256 = hashlib.sha256(data).hexdigest()
        size = known.size(sha256)
        if size is None:
            height, width = decode_image(data, str(path)).shape[:2]
            size = width, height
        return Facts(sha256, *size)
    except ImageError as error:
        return Facts(sha256, 0, 0, str(error).removeprefix(f"{path}: "))


class _Cache:
    """Sizes by content hash, in SQLite; whatever is wrong with the file, reading goes on without it.

    Only pictures that could be read are kept: a failure may have gone with the next version of Pillow.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        if self._folder:
            self._database = _open(self._folder / f"facts-{_CACHE_VERSION}.sqlite")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._database:
            self._database.close()

    def size(self, sha256: str) -> tuple[int, int] | None:
        """Width and height, where they are known."""
        with self._lock:
            try:
                query = "SELECT width, height FROM facts WHERE sha256 = ?"
                row = self._database.execute(query, (sha256,)).fetchone() if self._database else None
            except sqlite3.Error as error:
                self._give_up(error)
                return None
        return (row[0], row[1]) if row and all(isinstance(v, int) and v > 0 for v in row) else None

    def add(self, facts: Iterable[Facts]) -> None:
        """Keep what is new."""
        rows = [(f.sha256, f.width, f.height) for f in facts if f.error is None]
        with self._lock:
            try:
                if self._database:
                    with self._database:
                        self._database.executemany("INSERT OR IGNORE INTO facts VALUES (?, ?, ?)", rows)
            except sqlite3.Error as error:
                self._give_up(error)

    def _give_up(self, error: sqlite3.Error) -> None:
        _log.warning("the cache in %s cannot be used (%s); going on without it", self._folder, error)
        self._database = None


def _open(path: Path, *, again: bool = True) -> sqlite3.Connection | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(path, check_same_thread=False, timeout=5)
        database.execute(
            "CREATE TABLE IF NOT EXISTS facts (sha256 TEXT PRIMARY KEY, width INTEGER, height INTEGER) WITHOUT ROWID"
        )
        database.execute("SELECT sha256, width, height FROM facts LIMIT 1").fetchone()
    except (sqlite3.Error, OSError) as error:
        # Locked or unwritable is OperationalError: then it is not ours to delete.
        if again and isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            return _anew(path)
        _log.warning("the cache %s cannot be used (%s); going on without it", path, error)
        return None
    return database


def _anew(path: Path) -> sqlite3.Connection | None:
    """A cache that is no database is worth nothing: start it again."""
    try:
        path.unlink()
    except OSError as error:
        _log.warning("the cache %s cannot be used (%s); going on without it", path, error)
        return None
    return _open(path, again=False)
