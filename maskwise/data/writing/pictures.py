"""Put pictures where a written data set has them.

Boxes are those of the upright picture, while most other programs look at the pixels as they are stored. So a picture
that its EXIF block turns is written anew, upright and without the block; every other file is copied byte for byte.
"""

from __future__ import annotations

import hashlib
import io
import os
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from PIL import ExifTags
from PIL import Image as Pillow

from maskwise.model.images import decode_image, read_file
from maskwise.values import Image

MODES = ("copy", "link", "none")
"""copy: bytes of their own. link: hard links, which share the bytes; copies where that cannot be. none: no pictures."""

_JPEG_SUFFIXES = frozenset((".jpg", ".jpeg", ".jpe", ".jfif"))


class Placer:
    """Places pictures and remembers what became of them.

    turned: paths of pictures that their EXIF block turns, with the sha256 of the upright file; empty where none is
        written.
    unlinked: so many could not be linked and were copied.

    Args:
        folder: the pictures' names are seen from it; made when the first is written.
        mode: one of MODES.
    """

    def __init__(self, folder: Path, mode: str) -> None:
        self._folder, self._mode = folder, mode
        self.turned: dict[str, str] = {}
        self.unlinked = 0

    def place(self, path: str, name: str) -> str:
        """Place one picture, or only look at it where the mode is `none`.

        Args:
            path: of the picture.
            name: that it gets inside the folder, with slashes.

        Returns:
            The name; an upright picture may have another suffix than was asked for.

        Raises:
            ImageError: it can no longer be read.
            OSError: it cannot be written.
        """
        data, target = read_file(Path(path)), self._folder / name
        if is_turned(data):
            upright = _write_upright(data, path, target) if self._mode != "none" else None
            self.turned[path] = hashlib.sha256(upright.read_bytes()).hexdigest() if upright else ""
            return upright.relative_to(self._folder).as_posix() if upright else name
        if self._mode == "none" or (self._mode == "link" and _linked(Path(path), target)):
            return name
        self.unlinked += self._mode == "link"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        return name

    def place_all(self, names: Mapping[str, str], progress: Callable[[int, int], None] | None = None) -> dict[str, str]:
        """Place pictures by path and name; see `place`.

        Returns:
            The names by path.
        """
        final = {}
        for path, name in names.items():
            final[path] = self.place(path, name)
            if progress:
                progress(len(final), len(names))
        return final


def is_turned(data: bytes) -> bool:
    """Whether the EXIF block of a picture's bytes says to turn or flip it."""
    # Only the header is read, so the size that Pillow warns of costs nothing; decoding has limits of its own.
    with warnings.catch_warnings(), suppress(Exception):  # a damaged EXIF block counts as none, as in reading
        warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)
        with Pillow.open(io.BytesIO(data)) as picture:
            return picture.getexif().get(ExifTags.Base.Orientation) in range(2, 9)
    return False


def write_png(image: Image, target: Path) -> None:
    """Write pixels without loss.

    Raises:
        OSError: it cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(_encoded(image, "PNG"))


def _linked(path: Path, target: Path) -> bool:
    """Whether the file could be linked; not onto another file system, or onto one without links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):
        os.link(path.resolve(), target)  # resolved: a link to a symbolic link would break with it
        return True
    return False


def _write_upright(data: bytes, path: str, target: Path) -> Path:
    """JPEG stays JPEG, hardly squeezed further; everything else becomes PNG."""
    with Pillow.open(io.BytesIO(data)) as picture:
        is_jpeg = picture.format in ("JPEG", "MPO")
    suffix = ".png" if not is_jpeg else target.suffix if target.suffix.lower() in _JPEG_SUFFIXES else ".jpg"
    target = target.with_suffix(suffix)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(_encoded(decode_image(data, path), "JPEG" if is_jpeg else "PNG"))
    return target


def _encoded(image: Image, format: str) -> bytes:
    stream = io.BytesIO()
    Pillow.fromarray(image).save(stream, format, **({"quality": 95, "subsampling": 0} if format == "JPEG" else {}))
    return stream.getvalue()
