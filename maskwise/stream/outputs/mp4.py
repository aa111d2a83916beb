"""Video files that browsers play, and that stay playable up to the last second whatever becomes of the writer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import cv2
import numpy as np

from maskwise.errors import StorageError
from maskwise.values import Image

TICKS = 90_000
"""Of the file's clock in a second; the customary one for video."""

KEY_S = 1.0
"""A fragment begins with a key frame each second: so much is lost at most."""

SPEEDS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium")


class Mp4:
    """H.264 in fragmented MP4, each frame at its own time; use it as a context.

    A plain MP4 has its index at the end and is worthless without; a fragmented one carries its own with each second.

    The size is that of the first frame, made even; a later frame of another size is fitted into it, black beside it.
    """

    def __init__(self, path: Path, rate: float = 30.0, speed: str = "superfast", quality: int = 23) -> None:
        """Nothing is written before the first frame.

        Args:
            path: the file; what is there is replaced.
            rate: frames a second, about; a hint for the encoder.
            speed: one of SPEEDS: faster makes larger files.
            quality: of x264: 18 is hardly told from the original, 28 is coarse.
        """
        self._path, self._rate, self._speed, self._quality = path, rate, speed, quality
        self._out: tuple[av.container.OutputContainer, av.VideoStream] | None = None
        self._last, self._key = -1, -TICKS

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def write(self, image: Image, time_s: float) -> None:
        """Add a frame.

        Args:
            image: (height, width, 3) uint8 RGB.
            time_s: later than that of the frame before, else it is moved one tick behind it.

        Raises:
            StorageError: it cannot be written.
        """
        with self._refusals():
            container, stream = self._out = self._out or self._open(image)
            frame = _encodable(_fitted(image, stream.width, stream.height))
            frame.pts = max(round(time_s * TICKS), self._last + 1)
            frame.time_base = Fraction(1, TICKS)
            if frame.pts - self._key >= KEY_S * TICKS:
                frame.pict_type = av.video.frame.PictureType.I
                self._key = frame.pts
            self._last = frame.pts
            container.mux(stream.encode(frame))

    def close(self) -> None:
        """Write what the encoder still holds.

        Raises:
            StorageError: it cannot be written.
        """
        out, self._out = self._out, None
        if out is None:
            return
        container, stream = out
        with self._refusals():
            container.mux(stream.encode(None))
            container.close()

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except (av.FFmpegError, OSError) as error:
            raise StorageError(
                f"cannot write {self._path}: {error.strerror or error}; what was written stays"
            ) from error

    def _open(self, image: Image) -> tuple[av.container.OutputContainer, av.VideoStream]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        flags = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "flush_packets": "1"}
        container = av.open(str(self._path), "w", format="mp4", options=flags)
        stream = container.add_stream("libx264", rate=Fraction(self._rate).limit_denominator(1001))
        stream.height, stream.width = (max(2, side - side % 2) for side in image.shape[:2])
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, TICKS)
        stream.options = {"preset": self._speed, "crf": str(self._quality), "tune": "zerolatency", "threads": "1"}
        return container, stream


def _encodable(image: Image) -> av.VideoFrame:
    """OpenCV converts colours several times as fast as FFmpeg does; both by BT.601, as players expect."""
    planes = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420), np.uint8)
    return av.VideoFrame.from_ndarray(planes, format="yuv420p")


def _fitted(image: Image, width: int, height: int) -> Image:
    """The picture at this size; cut by a pixel where only its size is odd."""
    if image.shape[0] - height in (0, 1) and image.shape[1] - width in (0, 1):
        return np.ascontiguousarray(image[:height, :width])
    scale = min(width / image.shape[1], height / image.shape[0])
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    fitted = np.zeros((height, width, 3), np.uint8)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    fitted[top : top + size[1], left : left + size[0]] = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return fitted
