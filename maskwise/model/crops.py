"""Which part of a picture the network sees; the same code cuts for training, evaluation and inference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwise.errors import ConfigError
from maskwise.values import Image, check_image

Box = Sequence[float] | NDArray[np.float32]
"""x_min, y_min, x_max, y_max in pixels of the picture."""


@dataclass(frozen=True, slots=True)
class CropSpec:
    """How a face is cut out of its picture; saved in model.json.

    size_px: side of the square that the network sees.
    margin: share of the face box's longer side added on each side of the box.
    """

    size_px: int = 100
    margin: float = 0.15

    def __post_init__(self) -> None:
        if not 16 <= self.size_px <= 1024:
            raise ConfigError(f"crop.size_px: {self.size_px} is not between 16 and 1024")
        if not 0 <= self.margin <= 2:
            raise ConfigError(f"crop.margin: {self.margin} is not between 0 and 2 (share of the box's longer side)")


def square_around(box_xyxy: Box, margin: float) -> tuple[int, int, int]:
    """The square that a face box is cut as: left, top and side in whole pixels; it may leave the picture."""
    x_min, y_min, x_max, y_max = (float(v) for v in box_xyxy)
    side = max(x_max - x_min, y_max - y_min) * (1 + 2 * margin)
    side_px = max(1, round(side))
    return round((x_min + x_max - side) / 2), round((y_min + y_max - side) / 2), side_px


def cut_square(image: Image, left: int, top: int, side: int) -> Image:
    """Cut a square; what lies outside the picture repeats its edge, so that no artificial border appears."""
    height, width = image.shape[:2]
    # A box beyond the picture must not make an empty cut: the nearest pixel inside stands for it.
    inside = image[
        min(max(top, 0), height - 1) : max(min(top + side, height), 1),
        min(max(left, 0), width - 1) : max(min(left + side, width), 1),
    ]
    above, before = min(max(-top, 0), side - 1), min(max(-left, 0), side - 1)
    below, after = side - above - inside.shape[0], side - before - inside.shape[1]
    if max(above, before, below, after) <= 0:
        return inside
    return np.asarray(
        cv2.copyMakeBorder(inside, above, max(below, 0), before, max(after, 0), cv2.BORDER_REPLICATE), np.uint8
    )


def resize(image: Image, size_px: int) -> Image:
    """Resize to a square; shrinking averages the pixels, since dropping them would alias fine cloth patterns."""
    shrinks = image.shape[0] * image.shape[1] > size_px * size_px
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (size_px, size_px), interpolation=method), np.uint8)


def crop_face(image: Image, box_xyxy: Box, spec: CropSpec) -> Image:
    """Cut one face: (size_px, size_px, 3) uint8."""
    return resize(cut_square(image, *square_around(box_xyxy, spec.margin)), spec.size_px)


def crop_whole(image: Image, spec: CropSpec) -> Image:
    """The whole picture is the face, as in the study's folders: stretched to (size_px, size_px, 3) uint8."""
    return resize(image, spec.size_px)


def cut(image: Image, box_xyxy: NDArray[np.float32], spec: CropSpec) -> Image:
    """What the network sees of one row of a manifest: the whole picture where its box is nan."""
    return crop_whole(image, spec) if np.isnan(box_xyxy).any() else crop_face(image, box_xyxy, spec)


Cut = Callable[[Image, Iterable[Box], CropSpec], NDArray[np.uint8]]
"""From an RGB picture and its n face boxes to (n, size_px, size_px, 3) uint8; n may be 0."""


def crop_faces(image: Image, boxes_xyxy: Iterable[Box], spec: CropSpec) -> NDArray[np.uint8]:
    """Cut every face out of an RGB picture: (n, size_px, size_px, 3) uint8; n may be 0."""
    check_image(image)
    return _stacked([crop_face(image, box, spec) for box in boxes_xyxy], spec)


def crop_pictures(image: Image, boxes_xyxy: Iterable[Box], spec: CropSpec) -> NDArray[np.uint8]:
    """A Cut for pictures that are face crops already: whatever the box, the whole picture as `crop_whole` gives it."""
    check_image(image)
    return _stacked([crop_whole(image, spec) for _ in boxes_xyxy], spec)


def _stacked(crops: list[Image], spec: CropSpec) -> NDArray[np.uint8]:
    return np.stack(crops) if crops else np.zeros((0, spec.size_px, spec.size_px, 3), np.uint8)
