"""Pictures and films of embedded faces for a browser to look at: two people, the first with a mask drawn on."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np

from maskwise.data.embedded import colourise, orl_faces
from maskwise.data.masks import MaskStyle, render_mask
from maskwise.model.faces import YuNet
from maskwise.values import Image

WIDTH, HEIGHT = 640, 480
ORL = (121, 57)
"""Which of the embedded faces; a detector finds both, and the model is sure of both."""


@cache
def scene() -> Image:
    """(480, 640, 3): a masked face on the left, a bare one on the right."""
    picture = np.full((HEIGHT, WIDTH, 3), (150, 146, 140), np.uint8)
    for masked, index, left in ((True, ORL[0], 70), (False, ORL[1], 360)):
        face = _face(index, masked=masked)
        picture[90 : 90 + len(face), left : left + face.shape[1]] = face
    return picture


def _face(index: int, *, masked: bool) -> Image:
    detect = YuNet()
    large = cv2.resize(orl_faces()[index][1], None, fx=2.2, fy=2.2, interpolation=cv2.INTER_CUBIC)
    image = np.asarray(large, np.uint8)
    found = detect(image)
    image = colourise(image, found, 0.4, np.random.default_rng(index))
    if masked:
        image = render_mask(image, found.landmarks_xy[0], found.boxes_xyxy[0], MaskStyle(seed=1))
    return image


def encoded(picture: Image, ending: str) -> bytes:
    """A picture as a file's content."""
    return cv2.imencode(ending, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes()


def camera_file(path: Path) -> Path:
    """What Chromium shows as its camera: pictures one after another."""
    path.write_bytes(encoded(scene(), ".jpg") * 12)
    return path


def film(path: Path, seconds: float, rate: int = 5) -> Path:
    """The scene for so long, as a file that streams can be opened from."""
    _write(path, (scene() for _ in range(round(seconds * rate))), rate)
    return path


def _write(path: Path, pictures: Iterable[Image], rate: int) -> None:
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=rate, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for picture in pictures:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        file.mux(stream.encode(None))
