"""What the user names, as pictures: files, folders and globs."""

from __future__ import annotations

import glob
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import takewhile
from pathlib import Path

from maskwise.errors import ImageError, InputError
from maskwise.model.images import read_image
from maskwise.values import Frame

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".pgm", ".ppm", ".jp2", ".avif"}
)
"""What is taken for a picture in a folder or glob; a file that is named outright is tried whatever it is called."""

AHEAD = 4
"""Pictures decoded ahead of the detector; bounds the memory."""


def expand(sources: Sequence[str | Path]) -> list[Path]:
    """Every picture that the sources name, each once, in the order named; folders and globs sorted.

    Args:
        sources: files, folders (searched to the bottom, hidden files left out) and globs (`**` goes down folders).

    Raises:
        InputError: a source that names no picture.
    """
    found: dict[Path, None] = {}  # a dict keeps the order and drops what comes twice
    for source in sources:
        found |= dict.fromkeys(_expand_one(str(source)))
    return list(found)


def _expand_one(source: str) -> list[Path]:
    path = Path(source)
    if path.is_dir():
        pictures = [p for p in _below(path) if p.suffix.lower() in SUFFIXES]
        if not pictures:
            raise InputError(f"{source}: no picture in this folder; looked for {', '.join(sorted(SUFFIXES))}")
        return pictures
    if path.exists() or not glob.has_magic(source):
        return [path]  # a name that is not there becomes one row with its error, like any other bad picture
    pictures = [p for p in _matching(path) if p.suffix.lower() in SUFFIXES]
    if not pictures:
        raise InputError(f"{source}: no picture matches; quote the pattern, or name a folder")
    return pictures


def _matching(pattern: Path) -> list[Path]:
    """Sorted, without hidden files; `**` does not follow links to folders."""
    fixed = list(takewhile(lambda part: not glob.has_magic(part), pattern.parts))
    base, rest = Path(*fixed), Path(*pattern.parts[len(fixed) :])
    found = (path for path in base.glob(str(rest)) if path.is_file())
    return sorted(p for p in found if not any(part.startswith(".") for part in p.relative_to(base).parts))


def _below(folder: Path) -> list[Path]:
    """Files to the bottom, sorted, without hidden ones; links to folders are not followed, so a loop cannot trap us."""
    files = []
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        files += [Path(at) / name for name in sorted(names) if not name.startswith(".")]
    return files


def frames(paths: Sequence[Path]) -> Iterator[Frame | ImageError]:
    """Decode in the background, a few pictures ahead; a picture that cannot be read is its error.

    However the caller stops, the threads end.
    """
    with ThreadPoolExecutor(min(AHEAD, os.cpu_count() or 1)) as pool:
        coming: deque[Future[Frame | ImageError]] = deque()
        for index, path in enumerate(paths):
            coming.append(pool.submit(_read, path, index))
            if len(coming) > AHEAD:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()


def _read(path: Path, index: int) -> Frame | ImageError:
    try:
        return Frame(read_image(path), str(path), index)
    except ImageError as error:
        return error
