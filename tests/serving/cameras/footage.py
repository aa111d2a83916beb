"""A film of embedded faces, and waiting for what must come."""

from __future__ import annotations

from pathlib import Path

from maskwise.data import clips
from maskwise.values import Image
from tests.stream.footage import film, patiently

SIZE = (320, 240)


def pictures(name: str = "leaves", seconds: float = 8.0, seed: int = 2, rate: float = 10.0) -> list[Image]:
    """The frames of a scene of known people."""
    scene = clips.scenario(name, seconds, seed=seed)
    return [frame.image for frame, _ in clips.film(scene, seconds, rate, SIZE, seed)]


def clip(path: Path, name: str = "leaves", seconds: float = 8.0, seed: int = 2, rate: int = 10) -> Path:
    """The same as a file."""
    images = pictures(name, seconds, seed, float(rate))
    return film(path, range(len(images)), rate=rate, size=SIZE, make=lambda i: images[i])


__all__ = ["SIZE", "clip", "patiently", "pictures"]
