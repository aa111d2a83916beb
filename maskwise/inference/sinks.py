"""Where results go. Each sink is a context manager; what was written before an error stays."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

from maskwise.inference.evidence_picture import draw_evidence
from maskwise.inference.explain import Evidence
from maskwise.inference.lettering import check_font
from maskwise.inference.overlay import draw
from maskwise.inference.picture_folder import PictureFolder, refusals
from maskwise.values import CLASSES, Frame, FrameResult

COLUMNS = (
    *("source", "index", "time_s", "width", "height", "error", "face", "x_min", "y_min", "x_max", "y_max", "score"),
    *("verdict", "confidence", "uncertain_because"),
    *(f"p_{name}" for name in CLASSES),
    *("track", "track_verdict", "track_confidence"),
)
"""Of a CSV: `face` is its number in the picture, from 1; corners are pixels; `p_` is a probability.

A cell is empty where there is nothing to say: all of a face's where no face was found, `p_incorrect` where the model
does not know that class, `track` and what is said of that person where it is no stream.
"""

DRAWN, EXPLAINED = "drawn by maskwise", "explained by maskwise"
"""Stand inside the pictures written, so that a later run may replace its own kind, and nothing else."""


class ResultSink(Protocol):
    """Whatever takes results one by one."""

    def write(self, result: FrameResult) -> None:
        """Take one.

        Raises:
            StorageError: it cannot be written.
        """
        ...


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
    keys = ("score", "verdict", "confidence", "uncertain_because", "track", "track_verdict", "track_confidence")
    return {"face": number, **corners, **{key: "" if face[key] is None else face[key] for key in keys}, **chances}


class AnnotatedPictures(_Sink):
    """Copies with the verdicts drawn in, under the pictures' own names; PNG stays PNG, the rest becomes JPEG.

    Replaces only what an earlier run drew; see `PictureFolder`.
    """

    def __init__(self, folder: Path, font: Path | None = None) -> None:
        """Make the folder if it is not there.

        Args:
            folder: where the copies go.
            font: TrueType or OpenType file for the labels; the one that comes along if None.

        Raises:
            StorageError: it cannot be made.
            ConfigError: the font cannot be read.
        """
        check_font(font)
        self._folder, self._font = PictureFolder(folder, DRAWN), font

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Draw and save one picture.

        Raises:
            StorageError: it cannot be written.
        """
        suffix = ".png" if Path(frame.source).suffix.lower() == ".png" else ".jpg"
        self._folder.save(draw(frame.image, result, self._font), _stem(frame), suffix)


class ExplainedFaces(_Sink):
    """A picture for each face that shows where in it the answer comes from: `<picture>-face<number>.png`.

    Faces are numbered from 1 in the order of the result. Replaces only what an earlier run explained; see
    `PictureFolder`.
    """

    def __init__(self, folder: Path) -> None:
        """Make the folder if it is not there.

        Raises:
            StorageError: it cannot be made.
        """
        self._folder = PictureFolder(folder, EXPLAINED)

    def write(self, frame: Frame, result: FrameResult, evidence: Sequence[Evidence]) -> None:
        """Draw and save the faces of one picture.

        Raises:
            StorageError: one cannot be written.
        """
        for number, (verdict, seen) in enumerate(zip(result.verdicts, evidence, strict=True), start=1):
            self._folder.save(draw_evidence(seen, verdict), f"{_stem(frame)}-face{number}", ".png")


def _stem(frame: Frame) -> str:
    return Path(frame.source).stem or "picture"
