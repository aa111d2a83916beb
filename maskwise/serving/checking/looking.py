"""Several pictures looked at together: each decoded and searched, then all their faces judged in one run.

Nothing is decided here, so pictures that are to be judged by different thresholds can be looked at together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskwise.errors import ImageError
from maskwise.inference.pipeline import Pipeline
from maskwise.inference.together import judged
from maskwise.model.images import decode_image
from maskwise.model.quality import FaceQuality, quality_of
from maskwise.model.verdict import Thresholds, decide
from maskwise.values import Faces, FrameResult, Image

UNNAMED = "the picture"
"""How errors call a picture that came without a file name."""


@dataclass(frozen=True, slots=True, eq=False)
class Sent:
    """A picture as it came.

    data: content of the file.
    name: of the file, as the sender calls it; may be empty.
    index: position in its request, from 0.
    keep: whether its pixels are needed after it was looked at.
    """

    data: bytes
    name: str = ""
    index: int = 0
    keep: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What was measured of one picture.

    faces: n of them.
    crops: (n, size, size, 3) uint8, as the network sees them.
    image: the picture, if it was to be kept.
    """

    sent: Sent
    width: int
    height: int
    faces: Faces
    crops: NDArray[np.uint8]
    quality: FaceQuality
    image: Image | None

    def decided(
        self, probabilities: NDArray[np.float32], labels: tuple[str, ...], thresholds: Thresholds
    ) -> FrameResult:
        """What is said by these thresholds.

        Args:
            probabilities: (n, classes) of this picture's faces.
            labels: the classes.
            thresholds: which answer to give, and when none.
        """
        verdicts = decide(probabilities, self.quality, labels, thresholds)
        sent, size = self.sent, (self.width, self.height)
        return FrameResult(sent.name, sent.index, None, *size, self.faces, labels, probabilities, verdicts)


Looked = tuple[Seen, NDArray[np.float32]] | ImageError
"""A picture and the probabilities of its faces, or why it could not be looked at."""


def look(pipeline: Pipeline, pictures: Sequence[Sent], max_pixels: int) -> list[Looked]:
    """Look at all of them; one that cannot be read costs its own place only.

    Args:
        pipeline: its parts are used, not its thresholds.
        pictures: at least one. Their pixels are let go one after the other, so memory does not grow with their number.
        max_pixels: refuse a picture that has more by its header.
    """
    seen = [_seen(pipeline, sent, max_pixels) for sent in pictures]
    each = iter(judged(pipeline.classify, [one.crops for one in seen if isinstance(one, Seen)]))
    return [(one, next(each)) if isinstance(one, Seen) else one for one in seen]


def _seen(pipeline: Pipeline, sent: Sent, max_pixels: int) -> Seen | ImageError:
    try:
        image = decode_image(sent.data, sent.name or UNNAMED, max_pixels)
    except ImageError as error:
        return error
    height, width = image.shape[:2]
    faces = pipeline.detect(image)
    crops = pipeline.cut(image, faces.boxes_xyxy, pipeline.classify.card.crop)
    quality = quality_of(faces, crops, width, height)
    return Seen(sent, width, height, faces, crops, quality, image if sent.keep else None)
