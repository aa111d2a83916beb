"""Walk through a data set's folders in a fixed order."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from maskwise.errors import DataError
from maskwise.model.images import SUFFIXES

# What lies beside pictures and is meant for people or programs, not for training.
NOT_PICTURES = frozenset(
    f".{name}"
    for names in (
        "txt csv tsv md rst json jsonl xml yaml yml html htm pdf doc docx xls xlsx parquet npy npz mat pkl",
        "py ipynb sh bat zip gz tar rar 7z db ini log mp4 mkv avi mov",
    )
    for name in names.split()
)


def files_below(folder: Path) -> Iterator[Path]:
    """Every file below a folder, sorted; links are followed, but never back into a folder that holds them.

    Hidden folders and the ones that macOS leaves in archives are passed over.

    Raises:
        DataError: a folder that cannot be opened.
    """
    # The folders above count too: a link up to the data set would bring the other classes' pictures into this one.
    return _walk(folder, tuple(_identity(above) for above in folder.resolve().parents))


def _walk(folder: Path, holders: tuple[tuple[int, int], ...]) -> Iterator[Path]:
    here = _identity(folder)
    if here in holders:
        return
    for entry in entries(folder):
        path = Path(entry.path)
        if not _is_folder(entry):
            yield path
        elif not entry.name.startswith(".") and entry.name != "__MACOSX":
            yield from _walk(path, (*holders, here))


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """What lies in a folder, sorted by name.

    Raises:
        DataError: the folder cannot be opened.
    """
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except PermissionError as error:
        raise DataError(f"no permission to open the folder {folder}; change its rights or move it away") from error
    except OSError as error:
        raise DataError(f"cannot open the folder {folder}: {error.strerror or error}; check the path") from error


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder, sorted; without hidden ones."""
    return [
        Path(e.path) for e in entries(folder) if _is_folder(e) and not e.name.startswith(".") and e.name != "__MACOSX"
    ]


def files_in(folder: Path) -> list[Path]:
    """The files in a folder itself, sorted."""
    return [Path(entry.path) for entry in entries(folder) if not _is_folder(entry)]


def is_file(path: Path) -> bool:
    """Whether there is such a file; not, where nobody may look."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_aside(path: Path) -> bool:
    """Whether a file's name says that it is not meant as a picture; any other name has to prove itself by decoding."""
    return path.name.startswith(".") or path.suffix.lower() in NOT_PICTURES


def has_picture(folder: Path) -> bool:
    """Whether some file below is named like a picture."""
    return any(path.suffix.lower() in SUFFIXES and not path.name.startswith(".") for path in files_below(folder))


def kinds(paths: Iterable[Path]) -> str:
    """Kinds of files with their counts, in words."""
    counts = Counter(path.suffix.lower() or path.name for path in paths)
    return ", ".join(f"{count} {kind}" for kind, count in counts.most_common(6))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that points at itself
        return False


def _identity(folder: Path) -> tuple[int, int]:
    try:
        about = folder.stat()
    except OSError as error:
        raise DataError(f"cannot open the folder {folder}: {error.strerror or error}; check the path") from error
    return about.st_dev, about.st_ino
