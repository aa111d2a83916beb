"""Where results go. Each sink is a context manager; what was written before an error stays."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from PIL import Image as Pillow

from maskwise.errors import StorageError
from maskwise.inference.overlay import draw
from maskwise.values import CLASSES, Frame, FrameResult

COLUMNS = (
    *("source", "index", "time_s", "width", "height", "error", "face", "x_min", "y_min", "x_max", "y_max", "score"),
    *("verdict", "confidence", "uncertain_because"),
    *(f"p_{name}" for name in CLASSES),
)
JPEG_QUALITY = 92


@contextmanager
def _said(target: str) -> Iterator[None]:
    """The system's refusal to write, in one line."""
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
    """One `FrameResult.to_json()` a line."""

    def __init__(self, file: TextIO) -> None:
        """file: open text; stays open, since it is the caller's."""
        self._file = file

    def write(self, result: FrameResult) -> None:
        """Add a line, at once on its way to whoever reads.

        Raises:
            StorageError: it cannot be written.
        """
        with _said(getattr(self._file, "name", "the output")):
            self._file.write(json.dumps(result.to_json(), allow_nan=False) + "\n")
            self._file.flush()


class Csv(_Sink):
    """One row for each face, and for each picture without one; columns as in COLUMNS, empty where there is nothing.

    face: number in its picture, from 1. x_min to y_max: pixels. p_<class>: empty where the model lacks the class.
    """

    def __init__(self, path: Path) -> None:
        """Start the file anew.

        Raises:
            StorageError: it cannot be written.
        """
        self._path = path
        with _said(str(path)):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("w", newline="")
            self._writer = csv.DictWriter(self._file, COLUMNS, restval="")
            self._writer.writeheader()

    def write(self, result: FrameResult) -> None:
        """Add a picture's rows.

        Raises:
            StorageError: they cannot be written.
        """
        with _said(str(self._path)):
            self._writer.writerows(rows(result))

    def close(self) -> None:
        """Flush and close.

        Raises:
            StorageError: the last rows cannot be written.
        """
        with _said(str(self._path)):
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
    """Copies with the verdicts drawn in, under the pictures' own names; PNG stays PNG, the rest becomes JPEG."""

    def __init__(self, folder: Path) -> None:
        """Make the folder if it is not there.

        Raises:
            StorageError: it cannot be made.
        """
        self._folder, self._taken = folder, set[Path]()
        with _said(str(folder)):
            folder.mkdir(parents=True, exist_ok=True)

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Draw and save one picture.

        Raises:
            StorageError: it cannot be written, or would replace the user's own picture.
        """
        target = self._free(Path(frame.source))
        if target.exists() and Path(frame.source).exists() and target.samefile(frame.source):
            raise StorageError(f"{target} is the picture itself; name another folder for the annotated copies")
        with _said(str(target)):
            Pillow.fromarray(draw(frame.image, result)).save(target, quality=JPEG_QUALITY)

    def _free(self, source: Path) -> Path:
        """The name, numbered where another folder's picture has it already in this run."""
        suffix = ".png" if source.suffix.lower() == ".png" else ".jpg"
        stem, number = source.stem or "picture", 1
        while (target := self._folder / f"{stem}{'' if number == 1 else f'-{number}'}{suffix}") in self._taken:
            number += 1
        self._taken.add(target)
        return target
