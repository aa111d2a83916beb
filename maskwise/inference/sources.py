"""What the user names, as pictures: files, folders and globs."""

from __future__ import annotations

import glob
import os
import stat
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from itertools import takewhile
from pathlib import Path

from maskwise.errors import ImageError, InputError
from maskwise.model.images import SUFFIXES, read_image
from maskwise.values import Frame

AHEAD = 4
"""Pictures decoded ahead of the detector; bounds the memory."""


def expand(sources: Sequence[str | Path]) -> list[Path]:
    """Every picture that the sources name, each once, in the order named; folders and globs sorted.

    In folders and globs a file counts as a picture by its suffix; a file that is named outright is taken whatever it
    is called and whether it is there or not, so that it becomes a row with its reason like any other bad picture. So
    does a folder that may not be looked into.

    Args:
        sources: files, folders (searched to the bottom, hidden files left out) and globs (`**` goes down folders).

    Raises:
        InputError: a folder or glob that names no picture, or a glob that is none.
    """
    home = cache(os.path.realpath)  # of folders: many files share few
    found: dict[tuple[str, str], Path] = {}  # a dict keeps the order
    for source in sources:
        for path in _expand_one(str(source)):
            found.setdefault((home(path.parent), path.name), path)
    return list(found.values())


def _expand_one(source: str) -> list[Path]:
    path = Path(source)
    mode = _mode(path)
    if stat.S_ISDIR(mode):
        pictures = list(pictures_below(path))
        if not pictures:
            raise InputError(f"{source}: no picture in this folder; looked for {', '.join(sorted(SUFFIXES))}")
        return pictures
    if mode or not glob.has_magic(source):
        return [path]
    pictures = pictures_matching(source)
    if not pictures:
        raise InputError(f"{source}: no picture matches; quote the pattern, or name a folder")
    return pictures


def _mode(path: Path) -> int:
    """Kind of file; 0 where there is none or it cannot be seen: reading it will say why."""
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return 0


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def pictures_matching(pattern: str) -> list[Path]:
    """Sorted, without hidden files; `**` does not follow links to folders."""
    parts = Path(pattern).parts
    fixed = list(takewhile(lambda part: not glob.has_magic(part), parts))
    base, rest = Path(*fixed), Path(*parts[len(fixed) :])
    try:
        found = [path for path in base.glob(str(rest)) if _is_picture(path) and not stat.S_ISDIR(_mode(path))]
    except ValueError as error:
        raise InputError(f"{pattern}: not a pattern ({error}); write folder/**/*.jpg to go down folders") from error
    return sorted(path for path in found if not any(_hidden(part) for part in path.relative_to(base).parts))


def pictures_below(folder: Path) -> Iterator[Path]:
    """Pictures to the bottom, without hidden ones; links to folders are not followed: they may form a loop.

    Yields:
        A folder's own pictures sorted, then those of its folders, sorted; a folder that may not be looked into.
    """
    closed: list[Path] = []
    for at, folders, names in os.walk(folder, onerror=lambda error: closed.append(Path(error.filename))):
        folders[:] = sorted(name for name in folders if not _hidden(name))
        yield from closed  # each stands for what is in it; silence would look like an empty folder
        closed.clear()
        paths = (Path(at) / name for name in sorted(names) if not _hidden(name))
        yield from (path for path in paths if _is_picture(path))
    yield from closed


def _hidden(name: str) -> bool:
    return name.startswith(".") and name != ".."


def frames(paths: Sequence[Path]) -> Iterator[Frame | ImageError]:
    """Decode in the background, a few pictures ahead; a picture that cannot be read is its error.

    However the caller stops, the threads end; what was not begun is not decoded.
    """
    pool = ThreadPoolExecutor(min(AHEAD, os.cpu_count() or 1), thread_name_prefix="decode")
    try:
        coming: deque[Future[Frame | ImageError]] = deque()
        for index, path in enumerate(paths):
            coming.append(pool.submit(_read, path, index))
            if len(coming) > AHEAD:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _read(path: Path, index: int) -> Frame | ImageError:
    try:
        if stat.S_ISDIR(_mode(path)):
            return ImageError(f"{path}: this folder cannot be looked into; change its rights")
        return Frame(read_image(path), str(path), index)
    except ImageError as error:
        return error
