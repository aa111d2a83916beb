"""A file on its way: what is there of it, and by what the server can tell whether it is still the same file.

NAME.partial       the bytes so far
NAME.partial.json  address, ETag or Last-Modified: written before the first byte, so that it holds after a crash
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from maskwise.errors import DataError, StorageError
from maskwise.model.storage import PARTIAL, written_whole


@dataclass(frozen=True, slots=True)
class Origin:
    """Which file it is.

    etag, last_modified: as the server sent them; empty where it did not.
    """

    url: str
    etag: str = ""
    last_modified: str = ""

    @property
    def validator(self) -> str:
        """What If-Range may carry: a weak ETag says nothing of single bytes."""
        return self.last_modified if self.etag.startswith("W/") or not self.etag else self.etag


class Partial:
    """The bytes so far, for one process at a time."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._path, self._file = path, file
        self._origin_path = path.with_name(path.name + ".json")

    @property
    def size(self) -> int:
        """Bytes that are there."""
        return self._file.seek(0, os.SEEK_END)

    def origin(self, url: str) -> Origin | None:
        """Where the bytes come from; None where that is not known, or is another address."""
        try:
            known = Origin(**json.loads(self._origin_path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        return known if known.url == url and self.size else None

    def begin(self, origin: Origin) -> None:
        """Start from nothing."""
        self._file.truncate(0)
        with written_whole(self._origin_path) as path:
            path.write_text(json.dumps(asdict(origin)), encoding="utf-8")

    def append(self, data: bytes) -> None:
        """More bytes at the end."""
        self._file.write(data)

    def discard(self) -> None:
        """Forget it all."""
        self._file.truncate(0)
        self._origin_path.unlink(missing_ok=True)

    def finish(self, path: Path) -> None:
        """Let it appear under its own name."""
        os.fsync(self._file.fileno())
        self._file.close()  # Windows renames no open file
        self._path.replace(path)
        self._origin_path.unlink(missing_ok=True)


@contextmanager
def opened(path: Path) -> Iterator[Partial]:
    """What there is of a file so far.

    Raises:
        DataError: another process is at it.
        StorageError: it cannot be written; what is there stays.
    """
    partial = path.with_name(path.name + PARTIAL)
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("ab", buffering=0) as file:  # unbuffered: what has come is there, however the process ends
            _lock(file, partial)
            try:
                yield Partial(partial, file)
            finally:
                _unlink_empty(partial)
    except OSError as error:
        reason = error.strerror or error
        raise StorageError(f"cannot write {partial}: {reason}; free some space, then run the command again") from error


def _unlink_empty(path: Path) -> None:
    with suppress(OSError):
        if not path.stat().st_size:
            path.unlink()


def _lock(file: IO[bytes], path: Path) -> None:
    """Two processes would mix their bytes; the lock goes with the process, even when that is killed."""
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows has none; there the checksum has to find it out
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise DataError(
            f"another process is fetching {path.name}; wait for it, or fetch into another folder"
        ) from error
