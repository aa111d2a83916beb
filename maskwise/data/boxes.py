"""The faces of a data set as the detector finds them, so that training and evaluation cut what inference will cut.

Annotators draw boxes around hair and chin, detectors around the features: a network trained on one and shown the other
is off before it has seen a mask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from maskwise.data.manifest import BOX, Manifest
from maskwise.engines.chunks import in_chunks
from maskwise.engines.engine import Done, Engine
from maskwise.errors import ImageError
from maskwise.model.faces import FaceDetector
from maskwise.model.images import read_image
from maskwise.model.worker import not_survived, one_of_many
from maskwise.values import NOT_A_FACE, Faces

NO_FACE = "no face found"
SAME_FACE_IOU = 0.35
"""From this overlap on a found face is the annotated one; annotated boxes are often half as large again."""

ENOUGH = 20
"""Faces of a source that have to be found before its other boxes are moved as these were."""

AT_ONCE = 32
"""Pictures of a task of an engine."""

Boxes = NDArray[np.float32]
"""(n, 4) x_min, y_min, x_max, y_max in pixels."""


def detected(
    manifest: Manifest,
    detect: FaceDetector,
    progress: Callable[[int, int], None] | None = None,
    *,
    engine: Engine | None = None,
) -> Manifest:
    """Put every usable row's box where the detector puts it.

    A row without a box gets the largest face of its picture; where none is found, that is its error, and evaluation
    counts it as not found. An annotated box becomes the found box of the same face. One that is not found stays in: it
    is moved and scaled as the found boxes of its source were, in the median. What is not a face stays as it is.

    Args:
        manifest: the data.
        detect: finds the faces; for an engine it has to be one that can be pickled, with one thread.
        progress: hears of pictures done and pictures in all.
        engine: who looks at the pictures; None: threads of this process. What is found is the same.

    Raises:
        EngineError: workers cannot work.
    """
    rows = manifest.rows.with_row_index("row").filter(pl.col("error").is_null() & (pl.col("label") != NOT_A_FACE))
    pictures = rows.partition_by("path", maintain_order=True)
    boxes, errors = manifest.boxes_xyxy().copy(), manifest.rows["error"].to_list()
    missed = np.zeros(len(errors), bool)
    looked = _looked([picture["path"][0] for picture in pictures], detect, engine)
    for done, (picture, faces) in enumerate(zip(pictures, looked, strict=True), start=1):
        for row in picture["row"]:
            found = faces if isinstance(faces, str) else _of_face(faces, boxes[row])
            if isinstance(found, str):
                errors[row] = found
            elif found is None:
                missed[row] = True
            else:
                boxes[row] = found
        if progress:
            progress(done, len(pictures))
    annotated = manifest.boxes_xyxy()
    for source in rows["source"].unique().sort():
        own = np.zeros(len(errors), bool)
        own[rows.filter(pl.col("source").eq_missing(source))["row"].to_numpy()] = True
        known = own & ~missed & ~np.isnan(annotated).any(axis=1)
        if known.sum() >= ENOUGH:
            boxes[own & missed] = _moved(boxes[own & missed], annotated[known], boxes[known])
    return Manifest(_with_boxes(manifest.rows, boxes, errors))


def _looked(paths: list[str], detect: FaceDetector, engine: Engine | None) -> Iterator[Faces | str]:
    """Of each picture its faces, or why there are none, in order."""
    if engine is None:
        with ThreadPoolExecutor() as pool:
            yield from pool.map(lambda path: _faces_of(path, detect), paths)
        return
    for one in in_chunks(engine, _Finding(detect), paths, AT_ONCE):
        if isinstance(one, Done):
            yield from one.result
        else:
            yield from (not_survived(path, one.why) for path in one.task)


@dataclass(frozen=True, slots=True)
class _Finding:
    """How a worker comes to find faces."""

    detect: FaceDetector

    def __call__(self) -> Callable[[list[str]], list[Faces | str]]:
        one_of_many()
        return lambda paths: [_faces_of(path, self.detect) for path in paths]


def _faces_of(path: str, detect: FaceDetector) -> Faces | str:
    try:
        return detect(read_image(Path(path)))
    except ImageError as error:
        return str(error)


def _of_face(faces: Faces, box: Boxes) -> Boxes | str | None:
    """The found box of an annotated face, None if it is not found; of a picture without a box its largest face."""
    if np.isnan(box).any():
        if not len(faces):
            return NO_FACE
        sides = faces.boxes_xyxy[:, 2:] - faces.boxes_xyxy[:, :2]
        return np.asarray(faces.boxes_xyxy[int(sides.prod(axis=1).argmax())], np.float32)
    if not len(faces):
        return None
    overlap = faces.iou(box)
    best = int(overlap.argmax())
    return np.asarray(faces.boxes_xyxy[best], np.float32) if overlap[best] >= SAME_FACE_IOU else None


def _moved(boxes: Boxes, before: Boxes, after: Boxes) -> Boxes:
    """Boxes moved and scaled as others were, in the median: in units of their own sides."""
    (centres, sides), (from_centres, from_sides), (to_centres, to_sides) = map(_parted, (boxes, before, after))
    shift = np.median((to_centres - from_centres) / from_sides, axis=0)
    scale = np.median(to_sides / from_sides, axis=0)
    moved, half = centres + shift * sides, sides * scale / 2
    return np.concatenate([moved - half, moved + half], axis=1).astype(np.float32)


def _parted(boxes: Boxes) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(n, 2) centres and (n, 2) widths and heights."""
    low, high = boxes[:, :2].astype(np.float32), boxes[:, 2:].astype(np.float32)
    return (low + high) / np.float32(2), high - low


def _with_boxes(rows: pl.DataFrame, boxes: Boxes, errors: Sequence[str | None]) -> pl.DataFrame:
    columns = [pl.Series(name, boxes[:, i]).fill_nan(None) for i, name in enumerate(BOX)]
    return rows.with_columns(*columns, pl.Series("error", errors, pl.String))
