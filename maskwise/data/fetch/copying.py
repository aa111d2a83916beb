"""Take over files that somebody downloaded, under the rules that hold for archives."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from maskwise.data.fetch.limits import Budget, member_path
from maskwise.errors import DataError, StorageError


def copy_folder(
    source: Path, folder: Path, budget: Budget, *, progress: Callable[[int, int], None] | None = None
) -> None:
    """Copy every file below a folder; hidden folders are left out.

    Raises:
        DataError: a link or a name that an archive might not hold either.
        StorageError: it cannot be read or written.
    """
    try:
        for where, folders, files in os.walk(source, onerror=_raise):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            linked = [name for name in folders if (Path(where) / name).is_symlink()]
            for name in sorted(files) + linked:  # a linked folder is refused like a linked file
                _copy(Path(where) / name, source, folder, budget)
                if progress:
                    progress(budget.bytes, 0)
    except OSError as error:
        raise StorageError(f"cannot copy {source}: {error.strerror or error}; free some space") from error


def copy_file(source: Path, folder: Path, budget: Budget) -> None:
    """Copy one file that is no archive.

    Raises:
        DataError: another file of this name is there.
        StorageError: it cannot be read or written.
    """
    try:
        _copy(source, source.parent, folder, budget)
    except OSError as error:
        raise StorageError(f"cannot copy {source}: {error.strerror or error}; free some space") from error


def _raise(error: OSError) -> None:
    raise error


def _copy(path: Path, source: Path, folder: Path, budget: Budget) -> None:
    inner = path.relative_to(source).as_posix()
    if path.is_symlink() or not path.is_file():
        raise DataError(f"{path} is a link or no plain file; put the file itself there")
    size = path.stat().st_size
    budget.packed_bytes += size
    target = _reserved(inner, size, budget)
    (folder / target).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, folder / target)


def _reserved(inner: str, size: int, budget: Budget) -> PurePosixPath:
    try:
        budget.count()
        budget.spend(size)
        target = member_path(inner)
        budget.take(target)
    except DataError as error:
        raise DataError(f"what was handed in cannot be taken: {error}") from error
    return target
