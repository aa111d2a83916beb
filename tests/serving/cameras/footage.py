"""Films of embedded faces, as files and as cameras send them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2

from maskwise.data import clips
from maskwise.values import Image
from tests.stream.footage import film

SIZE = (320, 240)


def pictures(name: str, seconds: float, seed: int, rate: float = 10.0) -> list[Image]:
    """The frames of a scene of known people."""
    scene = clips.scenario(name, seconds, seed=seed)
    return [frame.image for frame, _ in clips.film(scene, seconds, rate, SIZE, seed)]


def clip(path: Path, name: str, seconds: float, seed: int, rate: int = 10) -> Path:
    """The same as a file."""
    images = pictures(name, seconds, seed, float(rate))
    return film(path, range(len(images)), rate=rate, size=SIZE, make=lambda i: images[i])


def jpegs(name: str, seconds: float, seed: int) -> list[bytes]:
    """The same, each as a JPEG."""
    made = (cv2.cvtColor(image, cv2.COLOR_RGB2BGR) for image in pictures(name, seconds, seed))
    return [bytes(cv2.imencode(".jpg", bgr)[1]) for bgr in made]


def repeated(items: Sequence[bytes], step_s: float = 0.1) -> Iterator[bytes | float]:
    """What a camera sends that never ends."""
    for item in itertools.cycle(items):
        yield item
        yield step_s
