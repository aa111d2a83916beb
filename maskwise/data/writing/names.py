"""What pictures from anywhere are called in the data set that is written.

A name is a path inside the folder of pictures. It is legal on every system and in every format, keeps the folders in
which its source has the picture, and no other picture has the same without its suffix, since VOC and YOLO name their
annotations so. It depends on sources and paths only, not on the order of rows.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

from PIL import Image as Pillow

from maskwise.data.formats.files import is_aside
from maskwise.model.images import SUFFIXES

MAX_BYTES = 200
"""Longest part of a name before its suffix; file systems end at 255, and a number may be added."""

_FORBIDDEN = frozenset('<>:"/\\|?*')  # on Windows, or by a format that reads them as folders
_INVISIBLE = ("Cc", "Cn", "Cs", "Zl", "Zp")  # not legal in XML, or ends of lines to some readers
_SUFFIX = {
    "JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp", "GIF": ".gif", "BMP": ".bmp", "DIB": ".dib",
    "TIFF": ".tif", "AVIF": ".avif", "JPEG2000": ".jp2", "PPM": ".ppm",
}  # fmt: skip


class Names:
    """Gives each name once.

    Args:
        same: names for which it gives the same count as one; as file systems do it, unless another is given.
    """

    def __init__(self, same: Callable[[str], str] | None = None) -> None:
        self._same = same or _on_disk
        self._next: dict[str, int] = {}

    def unique(self, name: str) -> str:
        """The name itself, or with the lowest number from 2 that makes it new."""
        key, candidate = self._same(name), name
        while self._same(candidate) in self._next:
            candidate = f"{name}-{self._next[key]}"
            self._next[key] += 1
        self._next[self._same(candidate)] = 2
        return candidate


def picture_names(pairs: Iterable[tuple[str | None, str]], *, folders: bool = True) -> dict[str, str]:
    """A name for each path.

    Args:
        pairs: source and path of each picture, in any order; a path may come again.
        folders: keep the folders below that which all pictures of a source share, and put each of several sources
            into a folder of its own; otherwise the names are flat.
    """
    known = sorted({(source or "", path) for source, path in pairs})
    roots, tops, names = _roots(known), _tops([source for source, _ in known]), Names()
    named: dict[str, str] = {}
    for source, path in known:
        if path not in named:
            inner = Path(path).relative_to(roots[source]).parts[:-1]
            above = [*tops[source], *map(clean, inner)] if folders else []
            stem, suffix = stem_and_suffix(Path(path))
            named[path] = names.unique(str(PurePosixPath(*above, stem))) + suffix
    return named


def clean(part: str) -> str:
    """A folder's or file's name without what some system or format does not allow."""
    signs = ("_" if c in _FORBIDDEN or unicodedata.category(c) in _INVISIBLE else c for c in part)
    short = "".join(signs).strip(" .").encode()[:MAX_BYTES].decode(errors="ignore").strip(" .")
    return "_" if short in ("", "__MACOSX") else short


def stem_and_suffix(path: Path) -> tuple[str, str]:
    """A clean name, and the suffix of a picture: where the file has none, that of its content."""
    if path.suffix.lower() in SUFFIXES and not is_aside(path):
        stem, suffix = clean(path.stem), path.suffix
    else:
        stem, suffix = clean(path.name), _suffix_of(path)
    # Beside YOLO's annotations, classes.txt holds the names of the classes.
    return ("classes_" if stem.casefold() == "classes" else stem), suffix


def _suffix_of(path: Path) -> str:
    try:
        with Pillow.open(path) as picture:
            return _SUFFIX.get(picture.format or "", ".png")
    except (OSError, Pillow.DecompressionBombError):
        return ".png"


def _roots(known: list[tuple[str, str]]) -> dict[str, str]:
    """Of each source, the folder that holds all its pictures."""
    above: dict[str, set[str]] = {}
    for source, path in known:
        above.setdefault(source, set()).add(str(Path(path).parent))
    return {source: os.path.commonpath(folders) for source, folders in above.items()}


def _tops(sources: list[str]) -> dict[str, list[str]]:
    """Of each source, the folder that it gets, as far as there are several."""
    several, names = sorted(set(sources)), Names()
    return {source: [names.unique(clean(source))] if len(several) > 1 else [] for source in several}


def _on_disk(name: str) -> str:
    """Some systems see one name where only upper and lower case or the spelling of accents differ."""
    return unicodedata.normalize("NFC", name.casefold())
