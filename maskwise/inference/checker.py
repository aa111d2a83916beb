"""The three-line API: load an artifact, hand it pictures, read the verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from maskwise.errors import ConfigError, ImageError, InputError, UsageError
from maskwise.inference.explain import Evidence
from maskwise.inference.pipeline import Pipeline
from maskwise.inference.sources import frames
from maskwise.model.artifact import folder_of
from maskwise.model.classifier import MaskClassifier
from maskwise.model.crops import crop_pictures
from maskwise.model.faces import DEFAULT_MIN_FACE_PX, WholePicture, YuNet
from maskwise.model.images import read_image
from maskwise.model.memory import keep_freed
from maskwise.values import Frame, FrameResult, Image

Picture = str | Path | Image | Frame
"""A file, an RGB array (height, width, 3) uint8, or a Frame."""

FACES = ("detect", "whole")


def load(
    artifact: str | Path = "default",
    *,
    faces: Literal["detect", "whole"] = "detect",
    operating_point: str | None = None,
    threshold: float | None = None,
    threads: int = 0,
    min_face_px: int = DEFAULT_MIN_FACE_PX,
) -> Checker:
    """Load a model, ready to check pictures.

    Args:
        artifact: the folder that training wrote; `default` is the model that comes with maskwise.
        faces: `detect` finds the faces; `whole` takes each picture as one face that was cut out already.
        operating_point: `balanced`, `gate`, `statistics`, or another that the artifact has; its default if None.
        threshold: confidence below which a verdict is `uncertain`, in [0, 1]; the operating point's own if None.
        threads: for detector and network; 0 takes every core.
        min_face_px: find faces from so many pixels a side: 40, 24 (the detector takes about 2.7 times as long) or 16
            (4.5 times).

    Raises:
        ArtifactError: no sound artifact there.
        ConfigError: `faces`, `threshold`, `threads` or `min_face_px` out of range, an operating point that the artifact
            has not, or `min_face_px` where no faces are looked for.
    """
    if faces not in FACES:
        raise ConfigError(f"faces: {faces!r} is not one of {', '.join(FACES)}")
    if threads < 0:
        raise ConfigError(f"threads: {threads} is below 0; 0 takes every core")
    if faces == "whole" and min_face_px != DEFAULT_MIN_FACE_PX:
        raise ConfigError(f"min_face_px: {min_face_px} goes with faces='detect'; in whole pictures none is looked for")
    keep_freed()
    classify = MaskClassifier.load(folder_of(artifact), threads)
    thresholds = classify.card.thresholds_at(operating_point)
    if threshold is not None:
        thresholds = replace(thresholds, confidence=threshold)
    if faces == "whole":
        return Checker(Pipeline(WholePicture(), classify, thresholds, cut=crop_pictures))
    return Checker(Pipeline(YuNet(min_face_px=min_face_px, threads=threads), classify, thresholds))


class Checker:
    """Says of every face in a picture how its mask is worn.

    pipeline: what does the work.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline

    @property
    def labels(self) -> tuple[str, ...]:
        """The model's classes."""
        return self.pipeline.labels

    @property
    def trained_on(self) -> str:
        """What training cut: `detect`, the faces that the detector finds, or `whole` pictures."""
        return self.pipeline.classify.card.faces

    def __call__(self, picture: Picture) -> FrameResult:
        """Check one picture.

        Raises:
            ImageError: a file that cannot be read.
            ShapeError: an array that is not (height, width, 3) uint8.
            InputError: neither a file's name, nor an array, nor a Frame.
        """
        return self.pipeline(_frame(picture, 0))

    def explain(self, picture: Picture, result: FrameResult | None = None) -> tuple[Evidence, ...]:
        """Where in each face the answer comes from, in the order of the faces; takes far longer than checking.

        Args:
            picture: as for checking.
            result: what the checker said of this picture; if None, it is checked first.

        Raises:
            ImageError, ShapeError, InputError: as for checking.
        """
        frame = _frame(picture, 0)
        return self.pipeline.explain(frame, result or self.pipeline(frame))

    def batch(self, pictures: Iterable[Picture]) -> Iterator[FrameResult]:
        """Check many, one after the other as they come; one that cannot be used gives a result with its error.

        Raises:
            UsageError: one picture instead of several.
        """
        if isinstance(pictures, str | Path | np.ndarray | Frame):
            raise UsageError("batch takes several pictures, as a list; for a single one call the checker itself")
        return self._batch(pictures)

    def _batch(self, pictures: Iterable[Picture]) -> Iterator[FrameResult]:
        for index, picture in enumerate(pictures):
            try:
                frame = _frame(picture, index)
            except InputError as error:
                source = str(picture) if isinstance(picture, str | Path) else ""
                yield FrameResult.failed(source, index, str(error), self.labels)
            else:
                yield self.pipeline(frame)

    def files(self, paths: Sequence[Path]) -> Iterator[tuple[Frame | None, FrameResult]]:
        """Check many files, decoding ahead in the background; each with its picture, None if it cannot be read."""
        for index, (path, frame) in enumerate(zip(paths, frames(paths), strict=True)):
            if isinstance(frame, ImageError):
                yield None, FrameResult.failed(str(path), index, str(frame), self.labels)
            else:
                yield frame, self.pipeline(frame)


def _frame(picture: Picture, index: int) -> Frame:
    if isinstance(picture, Frame):
        return picture
    if isinstance(picture, np.ndarray):
        return Frame(picture, index=index)
    if isinstance(picture, str | Path):
        return Frame(read_image(Path(picture)), str(picture), index)
    raise InputError(
        f"picture: {type(picture).__name__} is neither a file's name, nor an RGB array (height, width, 3) uint8, nor "
        "a Frame; turn a Pillow picture into numpy.asarray(picture.convert('RGB'))"
    )
