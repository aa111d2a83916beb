"""Where results go. Each sink is a context manager; what was written before an error stays."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo

from maskwise.errors import StorageError
from maskwise.inference.overlay import draw
from maskwise.values import CLASSES, Frame, FrameResult, Image

COLUMNS = (
    *("source", "index", "time_s", "width", "height", "error", "face", "x_min", "y_min", "x_max", "y_max", "score"),
    *("verdict", "confidence", "uncertain_because"),
    *(f"p_{name}" for name in CLASSES),
)
"""Of a CSV: `face` is its number in the picture, from 1; corners are pixels; `p_` is a probability.

A cell is empty where there is nothing to say: all of a face's where no face was found, `p_incorrect` where the model
does not know that class.
"""

JPEG_QUALITY = 92
JPEG_LARGEST_SIDE_PX = 65_500
MARK = "drawn by maskwise"
"""Stands inside every annotated copy, so that a later run may replace it, and nothing else."""


class ResultSink(Protocol):
    """Whatever takes results one by one."""

    def write(self, result: FrameResult) -> None:
        """Take one.

        Raises:
            StorageError: it cannot be written.
        """
        ...


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


class _Sink:
    """Closes what it opened, however the caller ends."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Finish; nothing more can be written."""


class JsonLines(_Sink):
    """One `FrameResult.to_json()` a line, plain ASCII."""

    def __init__(self, file: TextIO) -> None:
        """file: open text; stays open, since it is the caller's."""
        self._file = file

    def write(self, result: FrameResult) -> None:
        """Add a line, at once on its way to whoever reads.

        Raises:
            StorageError: it cannot be written.
        """
        with refusals(getattr(self._file, "name", "the output")):
            self._file.write(json.dumps(result.to_json(), allow_nan=False) + "\n")
            self._file.flush()


class Csv(_Sink):
    """One row for each face, and for each picture without one, in UTF-8; the columns are COLUMNS."""

    def __init__(self, path: Path) -> None:
        """Start the file anew.

        Raises:
            StorageError: it cannot be written.
        """
        self._path = path
        with refusals(str(path)):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("w", newline="", encoding="utf-8", errors="backslashreplace")
            self._writer = csv.DictWriter(self._file, COLUMNS, restval="")
            self._writer.writeheader()

    def write(self, result: FrameResult) -> None:
        """Add a picture's rows.

        Raises:
            StorageError: they cannot be written.
        """
        with refusals(str(self._path)):
            self._writer.writerows(rows(result))

    def close(self) -> None:
        """Flush and close.

        Raises:
            StorageError: the last rows cannot be written.
        """
        with refusals(str(self._path)):
            self._file.close()


def rows(result: FrameResult) -> list[dict[str, Any]]:
    """A picture as rows of COLUMNS."""
    picture = result.to_json()
    shared = {key: "" if picture[key] is None else picture[key] for key in COLUMNS[:6]}
    return [shared | _face(number, face) for number, face in enumerate(picture["faces"], start=1)] or [shared]


def _face(number: int, face: dict[str, Any]) -> dict[str, Any]:
    corners = dict(zip(("x_min", "y_min", "x_max", "y_max"), face["box_xyxy"], strict=True))
    chances = {f"p_{name}": value for name, value in face["probabilities"].items()}
    plain = {key: face[key] for key in ("score", "verdict", "confidence")}
    return {"face": number, **corners, **plain, "uncertain_because": face["uncertain_because"] or "", **chances}


class AnnotatedPictures(_Sink):
    """Copies with the verdicts drawn in, under the pictures' own names; PNG stays PNG, the rest becomes JPEG.

    Replaces only what an earlier run drew: where the name belongs to another file, or to another picture of this run,
    the copy gets a number. Each file appears whole or not at all.
    """

    def __init__(self, folder: Path) -> None:
        """Make the folder if it is not there.

        Raises:
            StorageError: it cannot be made.
        """
        self._folder = folder
        self._taken, self._tried = set[str](), Counter[str]()  # names in use, and the last number tried of each
        with refusals(str(folder)):
            folder.mkdir(parents=True, exist_ok=True)

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Draw and save one picture.

        Raises:
            StorageError: it cannot be written.
        """
        suffix = _suffix(frame)
        with refusals(str(self._folder)):
            target = self._free(Path(frame.source).stem or "picture", suffix)
            partial = target.with_name(f".{target.name}.partial")
            try:
                _save(draw(frame.image, result), partial, suffix)
                partial.replace(target)
            finally:
                partial.unlink(missing_ok=True)

    def _free(self, stem: str, suffix: str) -> Path:
        """The name, numbered where another picture of this run or a file that is not ours has it."""
        key = _folded(stem + suffix)
        for number in count(self._tried[key] + 1):
            self._tried[key] = number
            target = self._folder / (f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}")
            if _folded(target.name) not in self._taken and (not target.exists() or _drawn_by_us(target)):
                break
        self._taken.add(_folded(target.name))
        return target


def _folded(name: str) -> str:
    """Some file systems take A.jpg and a.jpg for the same file."""
    return name.casefold()


def _suffix(frame: Frame) -> str:
    too_long = max(frame.image.shape[:2]) > JPEG_LARGEST_SIDE_PX
    return ".png" if too_long or Path(frame.source).suffix.lower() == ".png" else ".jpg"


def _save(image: Image, target: Path, suffix: str) -> None:
    picture = Pillow.fromarray(image)
    if suffix == ".png":
        about = PngInfo()
        about.add_text("Comment", MARK)
        picture.save(target, "PNG", pnginfo=about)
    else:
        picture.save(target, "JPEG", quality=JPEG_QUALITY, comment=MARK)


def _drawn_by_us(path: Path) -> bool:
    """Both formats carry the mark near their beginning."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return MARK.encode() in file.read(4096)
