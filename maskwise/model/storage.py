"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from maskwise.errors import StorageError

PARTIAL = ".partial"
"""How the name of a file ends while it is being written."""


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Hand out a name to write to beside `path`; moved over it at the end, removed after an error.

    Raises:
        StorageError: it cannot be written; a file already at `path` is untouched.
    """
    partial = path.with_name(path.name + PARTIAL)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(path)
    except OSError as error:
        reason = error.strerror or error
        raise StorageError(f"cannot write {path}: {reason}; what was saved there before is untouched") from error
    finally:
        with suppress(OSError):  # the reason to tell is the first one
            partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a file of text, complete or not at all.

    Raises:
        StorageError: it cannot be written; a file already at `path` is untouched.
    """
    with written_whole(path) as partial:
        partial.write_text(text, encoding="utf-8")


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Hand out a folder to fill beside `path`; it gets its name at the end, and is removed after an error.

    Raises:
        StorageError: something is at `path` already, or it cannot be written.
    """
    if path.exists():
        raise StorageError(f"{path} is there already and stays untouched; remove it, or name another place")
    partial = path.with_name(path.name + PARTIAL)
    try:
        shutil.rmtree(partial, ignore_errors=True)  # of a run that was interrupted
        partial.mkdir(parents=True)
        yield partial
        partial.rename(path)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
