"""Pictures with many faces, of what ordinary packages carry: bare, with masks drawn on, small, large, at the border."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pillow

from maskwise.data.embedded import astronaut, build_demo_dataset, demo_pictures
from maskwise.model.images import read_image
from maskwise.values import Image

ACROSS, DOWN = 4, 2
"""Faces of a contact sheet."""


def some_pictures(folder: Path) -> list[Image]:
    """26 pictures: eight contact sheets, twelve single faces, and the astronaut in six ways."""
    faces = [read_image(p) for p in sorted(build_demo_dataset(folder / "faces", people=8).rglob("*.png"))]
    order = np.random.default_rng(0).permutation(len(faces))
    faces = [faces[i] for i in order]
    size = ACROSS * DOWN
    sheets = [_sheet(faces[size * i : size * (i + 1)], scale) for i, scale in enumerate(np.linspace(0.35, 1.2, 8))]
    singles = [_scaled(face, scale) for face, scale in zip(faces[-12:], np.linspace(0.3, 2.2, 12), strict=True)]
    bare, masked = (read_image(path) for path in demo_pictures(folder))
    cut = [bare[:, :225], masked[110:, 200:]]
    return [*sheets, *singles, bare, masked, _scaled(bare, 0.2), _scaled(masked, 2.6), *cut]


def noise_and_nothing() -> list[Image]:
    """Pictures without a face, down to one pixel."""
    noise = np.random.default_rng(1).integers(0, 256, (90, 133, 3), np.uint8)
    return [noise, np.zeros((1, 1, 3), np.uint8), np.full((700, 20, 3), 255, np.uint8), astronaut()[:50]]


def encoded(image: Image, kind: str) -> bytes:
    """The picture as a file: PNG keeps every pixel, JPEG does not."""
    file = io.BytesIO()
    Pillow.fromarray(image).save(file, kind, **({"quality": 90} if kind == "JPEG" else {"compress_level": 1}))
    return file.getvalue()


def _sheet(faces: list[Image], scale: float) -> Image:
    rows = [np.concatenate(faces[i : i + ACROSS], axis=1) for i in range(0, ACROSS * DOWN, ACROSS)]
    return _scaled(np.concatenate(rows), scale)


def _scaled(image: Image, scale: float) -> Image:
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
