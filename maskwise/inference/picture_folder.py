"""A folder that pictures are drawn into: each file whole or not at all, and nothing of the user's replaced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo

from maskwise.errors import StorageError
from maskwise.values import Image

JPEG_QUALITY = 92
JPEG_LARGEST_SIDE_PX = 65_500


@contextmanager
def refusals(target: str) -> Iterator[None]:
    """Turn the system's refusal to write into one clear line.

    Raises:
        StorageError: disk full, no permission and the like.
    """
    try:
        yield
    except BrokenPipeError:
        raise  # the reader went away, as `head` does: no fault of the disk
    except OSError as error:
        raise StorageError(
            f"cannot write {target}: {error.strerror or error}; what was written so far stays"
        ) from error


class PictureFolder:
    """Gives out names, and replaces only what an earlier run drew.

    Where a name belongs to another file, or to another picture of this run, the picture gets a number.
    """

    def __init__(self, path: Path, mark: str) -> None:
        """Make the folder if it is not there.

        Args:
            path: the folder.
            mark: stands inside every picture, so that a later run may replace those with the same mark.

        Raises:
            StorageError: it cannot be made.
        """
        self._path, self._mark = path, mark
        self._taken, self._tried = set[str](), Counter[str]()  # names in use, and the last number tried of each
        with refusals(str(path)):
            path.mkdir(parents=True, exist_ok=True)

    def save(self, image: Image, stem: str, suffix: str) -> Path:
        """Write one picture; returns where.

        Args:
            image: (height, width, 3) uint8 RGB.
            stem: the name wished for, without the suffix.
            suffix: `.png` or `.jpg`; a picture too large for JPEG becomes a PNG.

        Raises:
            StorageError: it cannot be written.
        """
        if max(image.shape[:2]) > JPEG_LARGEST_SIDE_PX:
            suffix = ".png"
        with refusals(str(self._path)):
            target = self._free(stem, suffix)
            partial = target.with_name(f".{target.name}.partial")
            try:
                _save(image, partial, suffix, self._mark)
                partial.replace(target)
            finally:
                partial.unlink(missing_ok=True)
        return target

    def _free(self, stem: str, suffix: str) -> Path:
        """The name, numbered where another picture of this run or a file that is not ours has it."""
        key = _folded(stem + suffix)
        for number in count(self._tried[key] + 1):
            self._tried[key] = number
            target = self._path / (f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}")
            if _folded(target.name) not in self._taken and (not target.exists() or self._is_ours(target)):
                break
        self._taken.add(_folded(target.name))
        return target

    def _is_ours(self, path: Path) -> bool:
        """Both formats carry the mark near their beginning."""
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return self._mark.encode() in file.read(4096)


def _folded(name: str) -> str:
    """Some file systems take A.jpg and a.jpg for the same file."""
    return name.casefold()


def _save(image: Image, target: Path, suffix: str, mark: str) -> None:
    picture = Pillow.fromarray(image)
    if suffix == ".png":
        about = PngInfo()
        about.add_text("Comment", mark)
        picture.save(target, "PNG", pnginfo=about)
    else:
        picture.save(target, "JPEG", quality=JPEG_QUALITY, comment=mark)
