"""Pictures of streams for those who look: encoded only when asked for, and once for all who ask for the same."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np

from maskwise.serving.cameras.look import Look
from maskwise.stream.outputs.blur import Blur, blurred, hides
from maskwise.values import Image

QUALITY = 80

WIDTHS = (160, 320, 480, 640, 960, 1280, 1920, 3840)
"""That pictures are made in: one of many widths would be encoded for each who asks."""

SIDE_BY_SIDE = 2
"""Pictures that are encoded at once."""


@dataclass(frozen=True, slots=True)
class Jpeg:
    """A picture, and its size in pixels."""

    content: bytes
    width: int
    height: int


class Pictures:
    """Usable from any thread; to be closed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._workers = ThreadPoolExecutor(SIDE_BY_SIDE, "encode")
        self._made: dict[int, tuple[int, dict[tuple[int, Blur], Future[Jpeg]]]] = {}

    def of(self, look: Look, width: int, blur: Blur) -> Future[Jpeg]:
        """The picture of a look.

        Args:
            look: kept for the newest look of each stream; an older one is encoded anew.
            width: at most, pixels.
            blur: whose faces are hidden.
        """
        wanted = (at_most(width), blur)
        with self._lock:
            number, made = self._made.get(look.stream, (0, {}))
            if number > look.number:
                return self._workers.submit(encoded, look, *wanted)
            if number < look.number:
                made = {}
                self._made[look.stream] = (look.number, made)
            if wanted not in made:
                made[wanted] = self._workers.submit(encoded, look, *wanted)
            return made[wanted]

    def forget(self, stream: int) -> None:
        """Keep nothing of a stream."""
        with self._lock:
            self._made.pop(stream, None)

    def close(self) -> None:
        """Make no more."""
        self._workers.shutdown(wait=True, cancel_futures=True)


def at_most(width: int) -> int:
    """The largest of WIDTHS that is not above it, or the smallest of all."""
    return max((one for one in WIDTHS if one <= width), default=WIDTHS[0])


def encoded(look: Look, width: int, blur: Blur) -> Jpeg:
    """A look as JPEG, no wider than asked, with the faces hidden that are to be."""
    image, share = _smaller(look.image, width)
    hidden = [person.box_xyxy * np.float32(share) for person in look.here if hides(blur, person.verdict.label)]
    bgr = cv2.cvtColor(blurred(image, hidden) if hidden else image, cv2.COLOR_RGB2BGR)
    content = bytes(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1])
    return Jpeg(content, image.shape[1], image.shape[0])


def _smaller(image: Image, width: int) -> tuple[Image, float]:
    """A picture no wider than that, and how much smaller it is."""
    share = width / image.shape[1]
    if share >= 1:
        return image, 1.0
    height = max(1, round(image.shape[0] * share))
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8), share
