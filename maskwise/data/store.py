"""Where files lie: a folder of this machine, or of an object store; each file is there whole or not at all."""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from fsspec.core import url_to_fs

from maskwise.errors import DependencyError, StorageError, UsageError

HELPERS = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}
"""Packages that speak to object stores, by the scheme of the address."""

LOCK = "plan/lock"


def is_url(text: str) -> bool:
    """Whether it names something by its scheme; a file called `a://b` would have to be written `./a://b`."""
    return "://" in text and text.split("://")[0].replace("+", "").isalnum()


def filesystem(url: str) -> tuple[Any, str]:
    """The fsspec file system of an address, and the path within.

    Raises:
        DependencyError: it needs a package that is not installed.
        UsageError: no such scheme.
    """
    scheme = url.split("://")[0]
    try:
        fs, path = url_to_fs(url)
    except ImportError as error:
        helper = HELPERS.get(scheme, "")
        how = f"pip install {helper}" if helper else str(error)
        raise DependencyError(f"{url}: {scheme}:// needs one more package: {how}") from error
    except ValueError as error:
        known = ", ".join(sorted(HELPERS))
        raise UsageError(f"{url}: {scheme}:// is not known; give a path, or an address of {known} or file") from error
    return fs, str(path)


class Store:
    """Named files below one place; names have slashes.

    place: as the user gave it.
    """

    def __init__(self, place: str) -> None:
        """Nothing is looked at yet.

        Args:
            place: path of a folder, or its address (`s3://bucket/folder`).

        Raises:
            DependencyError, UsageError: see `filesystem`.
        """
        self.place = place
        self.folder: Path | None = None
        if not is_url(place):
            self.folder = Path(place).absolute()
        elif place.startswith(("file://", "local://")):
            self.folder = Path(filesystem(place)[1])
        else:
            self._fs, self._root = filesystem(place)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep a second run out of a folder of this machine; in an object store two would only do the same twice.

        Raises:
            UsageError: another run is there.
            StorageError: it cannot be written to.
        """
        if self.folder is None:
            yield
            return
        path = self.folder / LOCK
        with _told(self.place):
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = path.open("ab")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ends with the process, however that ends
            except BlockingIOError:
                raise UsageError(
                    f"{self.place}: another run is at work there; wait for it, or name another folder"
                ) from None
            yield

    def read(self, name: str) -> bytes | None:
        """Content of a file; None if there is none.

        Raises:
            StorageError: it is there and cannot be read.
        """
        with _told(self.place):
            try:
                return (self.folder / name).read_bytes() if self.folder else bytes(self._fs.cat_file(self._at(name)))
            except FileNotFoundError:
                return None

    @contextmanager
    def opened(self, name: str) -> Iterator[IO[bytes] | None]:
        """A file, to read parts of; None if there is none.

        Raises:
            StorageError: it is there and cannot be opened.
        """
        with ExitStack() as stack:
            with _told(self.place):
                try:
                    opened = (self.folder / name).open("rb") if self.folder else self._fs.open(self._at(name), "rb")
                except FileNotFoundError:
                    opened = None
            yield stack.enter_context(opened) if opened else None

    def write(self, name: str, content: bytes) -> None:
        """Write a file; whoever reads sees all of the old one or all of the new one.

        Raises:
            StorageError: it cannot be written.
        """
        with _told(self.place):
            if self.folder is None:
                self._fs.pipe_file(self._at(name), content)
                return
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")  # another writer of the same has its own
            try:
                with partial.open("xb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there.

        Raises:
            StorageError: it stays.
        """
        with _told(self.place):
            try:
                (self.folder / name).unlink() if self.folder else self._fs.rm_file(self._at(name))
            except FileNotFoundError:
                return

    def names(self, folder: str) -> list[str]:
        """Names of the files in a folder, sorted; none if there is no such folder. Unfinished files are left out.

        Raises:
            StorageError: it cannot be listed.
        """
        with _told(self.place):
            try:
                if self.folder:
                    found = os.listdir(self.folder / folder)  # noqa: PTH208 - names of a million files
                else:
                    self._fs.invalidate_cache()
                    found = [str(path).rsplit("/", 1)[-1] for path in self._fs.ls(self._at(folder), detail=False)]
            except FileNotFoundError:
                return []
        return sorted(name for name in found if name and not name.startswith("."))

    def _at(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"


@contextmanager
def _told(place: str) -> Iterator[None]:
    """Turn whatever a file system says no with into one clear line."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        raise StorageError(f"cannot use {place}: {error.strerror or error}; what was written so far stays") from error
    except Exception as error:  # object stores raise types of their own: no credentials, no bucket, no connection
        why = f"{type(error).__name__}: {error}"
        raise StorageError(f"cannot use {place}: {why}; what was written so far stays") from error
