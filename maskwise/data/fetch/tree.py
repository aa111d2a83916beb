"""The files of a folder with their hashes, written and read as `sha256sum` does."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from maskwise.errors import DataError
from maskwise.model.storage import written_whole

Progress = Callable[[int, int], None]
_TOLD = 3  # so many differences are named


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal.

    Raises:
        DataError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}; check the path and its rights") from error


def hash_tree(folder: Path, progress: Progress | None = None) -> dict[str, str]:
    """SHA-256 of every file below a folder by its path with '/', sorted."""
    paths = sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file())
    hashes = {}
    for done, (name, path) in enumerate(paths, start=1):
        hashes[name] = sha256_of(path)
        if progress:
            progress(done, len(paths))
    return hashes


def tree_sha256(hashes: Mapping[str, str]) -> str:
    """One SHA-256 for all: of the lines that `write` writes, without the folder's name before each path."""
    return hashlib.sha256(_lines(hashes, "").encode()).hexdigest()


def write(hashes: Mapping[str, str], path: Path, folder: str) -> None:
    """Write what `sha256sum --check` can read from where the file lies.

    Raises:
        StorageError: it cannot be written.
    """
    with written_whole(path) as partial:
        partial.write_text(_lines(hashes, f"{folder}/"), encoding="utf-8")


def read(path: Path, folder: str) -> dict[str, str]:
    """What `write` wrote.

    Raises:
        DataError: not there, or altered.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")[:-1]
        return {name.removeprefix(f"{folder}/"): sha256 for sha256, name in (line.split("  ", 1) for line in lines)}
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {path} ({error}); remove the folder {path.parent} and fetch again") from error


def differences(expected: Mapping[str, str], found: Mapping[str, str]) -> str:
    """What differs between two trees, in words; empty where nothing does."""
    kinds = {
        "missing": [name for name in expected if name not in found],
        "new": [name for name in found if name not in expected],
        "changed": [name for name in expected if name in found and found[name] != expected[name]],
    }
    return ", ".join(f"{len(names)} {kind} ({_some(names)})" for kind, names in kinds.items() if names)


def _some(names: list[str]) -> str:
    return ", ".join(names[:_TOLD]) + (", ..." if len(names) > _TOLD else "")


def _lines(hashes: Mapping[str, str], before: str) -> str:
    return "".join(f"{sha256}  {before}{name}\n" for name, sha256 in sorted(hashes.items()))
