"""From pixels to what is said, several pictures at a time: their faces go through the network together.

A picture that was decoded at part of its size is judged as it would be in full: boxes are those of the whole picture,
and where a face has fewer pixels than the network takes, it is decoded again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from maskwise.batch.reading import Read
from maskwise.errors import ImageError
from maskwise.inference.pipeline import Pipeline
from maskwise.inference.together import judged
from maskwise.model.images import Size
from maskwise.model.quality import FaceQuality, quality_of
from maskwise.model.verdict import decide
from maskwise.values import Faces, FrameResult, Image

TOGETHER = 8
"""Pictures whose faces are judged in one run of the network: one costs 6.4 ms of a core alone, 3.8 from four on."""


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """One picture, judged.

    decoded_at: its size as it was looked at, as a share of its own.
    read_ms, check_ms: what it took; the network's time is shared out by faces.
    """

    result: FrameResult
    decoded_at: float
    read_ms: float
    check_ms: float


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    size: Size
    faces: Faces
    crops: NDArray[np.uint8]
    quality: FaceQuality
    decoded_at: float


def look(pipeline: Pipeline, coming: Iterable[Read], number: int) -> Iterator[Looked]:
    """Judge each picture, in order; one that cannot be read is its error.

    Args:
        pipeline: detector, network and thresholds.
        coming: pictures.
        number: of the first.
    """
    fresh = iter(coming)
    while group := list(islice(fresh, TOGETHER)):
        yield from _together(pipeline, group, number)
        number += len(group)


def _together(pipeline: Pipeline, group: list[Read], number: int) -> Iterator[Looked]:
    views: list[_View | ImageError] = []
    took: list[float] = []
    for one in group:
        began = time.perf_counter()
        views.append(_view(pipeline, one))
        took.append(time.perf_counter() - began)
    crops = [view.crops for view in views if isinstance(view, _View)]
    began = time.perf_counter()
    each = iter(judged(pipeline.classify, crops))
    a_face_s = (time.perf_counter() - began) / max(1, sum(map(len, crops)))
    for i, (one, view) in enumerate(zip(group, views, strict=True)):
        if isinstance(view, ImageError):
            failed = FrameResult.failed(one.one.path, number + i, str(view), pipeline.labels)
            yield Looked(failed, 1.0, one.took_ms, 0.0)
            continue
        own = next(each)
        verdicts = decide(own, view.quality, pipeline.labels, pipeline.thresholds)
        result = FrameResult(one.one.path, number + i, None, *view.size, view.faces, pipeline.labels, own, verdicts)
        yield Looked(result, view.decoded_at, one.took_ms, (took[i] + a_face_s * len(own)) * 1000)


def _view(pipeline: Pipeline, one: Read) -> _View | ImageError:
    if isinstance(one.image, ImageError):
        return one.image
    view = _seen(pipeline, one.image, one.size)
    own_side, needed = one.image.shape[1] / one.size[0], pipeline.classify.card.crop.size_px
    if own_side == 1 or not len(view.faces) or view.quality.side_px.min() * own_side >= needed:
        return view
    try:
        return _seen(pipeline, one.again(), one.size)
    except ImageError as error:
        return error


def _seen(pipeline: Pipeline, image: Image, size: Size) -> _View:
    height, width = image.shape[:2]
    found = pipeline.detect(image)
    crops = pipeline.cut(image, found.boxes_xyxy, pipeline.classify.card.crop)
    faces = _enlarged(found, size[0] / width, size[1] / height)
    return _View(size, faces, crops, quality_of(faces, crops, *size), round(width / size[0], 4))


def _enlarged(faces: Faces, x: float, y: float) -> Faces:
    if x == y == 1:
        return faces
    both = np.array([x, y], np.float32)
    return Faces(faces.boxes_xyxy * np.tile(both, 2), faces.scores, faces.landmarks_xy * both)
