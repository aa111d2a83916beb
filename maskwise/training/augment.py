"""Random changes to training crops: what cameras, distance and light do to a face, without touching its mask.

Each crop's changes are drawn from a stream of its own: they depend neither on batching nor on the number of processes.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwise.model.crops import CropSpec
from maskwise.training.recipe import Augment
from maskwise.values import Image

Crops = NDArray[np.uint8]

COARSEST_PX = 20
"""Side that a crop is shrunk to at most; with the usual margin that is a face of about 14 pixels."""

CLOSEST = 0.25
"""Share of a crop that can be missing at each border; with the usual margin and context the face is left."""


def augmented(
    crops: Crops, size_px: int, change: Augment, seed: int, epoch: int, positions: NDArray[np.int64]
) -> Crops:
    """Change each crop at random.

    Args:
        crops: (n, wide, wide, 3) uint8 RGB, cut as `wider` says.
        size_px: side of what comes out.
        change: what may change, and how much.
        seed: of all changes.
        epoch: each draws others.
        positions: (n,) where each crop stands in its epoch; a crop that comes twice changes in two ways.

    Returns:
        (n, size_px, size_px, 3) uint8 RGB.
    """
    if change == Augment():
        return crops
    streams = (np.random.default_rng([seed, epoch, int(position)]) for position in positions)
    return np.stack([_changed(crop, size_px, change, rng) for crop, rng in zip(crops, streams, strict=True)])


def wider(spec: CropSpec, change: Augment) -> CropSpec:
    """How faces are cut for training: at the scale that the network sees, with the surroundings that moving needs."""
    if not change.context:
        return spec
    margin = spec.margin + change.context * (1 + 2 * spec.margin)
    return CropSpec(round(spec.size_px * (1 + 2 * change.context)), margin)


def _changed(crop: Image, size_px: int, change: Augment, rng: np.random.Generator) -> Image:
    flip, contrast, brightness, zoom, *rest = rng.uniform(-1, 1, 9)
    gains, shift = np.array(rest[:3]), np.array(rest[3:5])
    image = crop[:, ::-1] if change.flip and flip < 0 else crop
    if _happens(change.border, rng):
        image = _cut_close(image, rng)
    if change.shift or change.zoom or change.rotate or change.context:
        angle = math.radians(change.rotate * rng.uniform(-1, 1)) if change.rotate else 0.0
        image = _moved(image, size_px, shift * change.shift, 1 + zoom * change.zoom, angle)
    coarse = _happens(change.coarse, rng)
    if coarse:
        side = round(math.exp(rng.uniform(math.log(COARSEST_PX), math.log(size_px))))
        image = _resized(image, side, cv2.INTER_AREA)
    if _happens(change.blur, rng):
        image = _blurred(image, rng)
    if change.light or change.colour:
        scale = (1 + contrast * change.light) * (1 + gains * change.colour)
        offset = 127.5 * (1 - scale.mean() + brightness * change.light)
        image = np.clip(image * scale.astype(np.float32) + np.float32(offset), 0, 255).astype(np.uint8)
    if change.gamma:
        image = _curved(image, math.exp(change.gamma * rng.uniform(-1, 1)))
    if _happens(change.grey, rng):
        image = np.repeat(cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)[:, :, None], 3, axis=2)
    if _happens(change.noise, rng):
        noise = rng.standard_normal(image.shape, np.float32) * np.float32(rng.uniform(2, 12))
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if _happens(change.jpeg, rng):
        image = _compressed(image, int(rng.integers(25, 95)))
    if coarse:
        image = _resized(image, size_px, cv2.INTER_LINEAR)
    return np.ascontiguousarray(image)


def _happens(share: float, rng: np.random.Generator) -> bool:
    return share > 0 and bool(rng.random() < share)


def _cut_close(image: Image, rng: np.random.Generator) -> Image:
    """The same size, but only a part of it shows the picture, and the rest its repeated edge."""
    top, bottom, left, right = (round(share * image.shape[0]) for share in rng.uniform(0, CLOSEST, 4))
    kept = image[top : image.shape[0] - bottom, left : image.shape[1] - right]
    return np.asarray(cv2.copyMakeBorder(kept, top, bottom, left, right, cv2.BORDER_REPLICATE), np.uint8)


def _moved(image: Image, size_px: int, shift: NDArray[np.float64], zoom: float, angle: float) -> Image:
    """The middle of a wide crop, enlarged, turned and moved; what lies outside it repeats its edge."""
    turn = zoom * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    centre_in, centre_out = (image.shape[0] - 1) / 2, (size_px - 1) / 2
    offset = centre_out + shift * size_px - turn @ np.full(2, centre_in)
    matrix = np.hstack([turn, offset[:, None]])
    size = (size_px, size_px)
    return np.asarray(
        cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def _resized(image: Image, side_px: int, method: int) -> Image:
    return np.asarray(cv2.resize(image, (side_px, side_px), interpolation=method), np.uint8)


def _blurred(image: Image, rng: np.random.Generator) -> Image:
    """Out of focus, or moved while the shutter was open."""
    side = image.shape[0]
    if rng.random() < 2 / 3:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), side * rng.uniform(0.004, 0.016)), np.uint8)
    length = max(3, round(side * rng.uniform(0.03, 0.08)))
    line = np.zeros((length, length), np.float32)
    line[length // 2] = 1
    turn = cv2.getRotationMatrix2D(((length - 1) / 2, (length - 1) / 2), rng.uniform(0, 180), 1)
    kernel = cv2.warpAffine(line, turn, (length, length))
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)


def _curved(image: Image, gamma: float) -> Image:
    """Darker or lighter middle tones, as exposure and screens make them."""
    table = (255 * (np.arange(256) / 255) ** gamma).round().astype(np.uint8)
    return np.asarray(cv2.LUT(np.ascontiguousarray(image), table), np.uint8)


def _compressed(image: Image, quality: int) -> Image:
    """Through JPEG and back."""
    bgr = np.ascontiguousarray(image[:, :, ::-1])
    encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)[:, :, ::-1]
