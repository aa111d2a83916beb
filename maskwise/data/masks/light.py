"""What the picture tells about its light and camera, and what that does to colours and to the skin under the mask."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import cv2
import numpy as np

from maskwise.data.masks.pose import Array, Pose
from maskwise.data.masks.raster import Window
from maskwise.values import Image

LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)


class Light(NamedTuple):
    """What the picture tells about its light and its camera.

    field: (16, 16) brightness across the face box, 1 on average.
    box_xyxy: that box.
    skin: brightness of the skin, 0..255.
    exposure: brightness of a white surface, 1 for 255.
    colourful: 0 in a grey picture, 1 in a colour one.
    blur_px: standard deviation of the picture's blur.
    noise: standard deviation of its noise, 0..255.
    """

    field: Array
    box_xyxy: Array
    skin: float
    exposure: float
    colourful: float
    blur_px: float
    noise: float

    def over(self, window: Window) -> Array:
        """(h, w) brightness at each pixel of a window; beyond the box its edge goes on."""
        left, top, right, bottom = self.box_xyxy.tolist()
        across, down = 16 / max(right - left, 1), 16 / max(bottom - top, 1)
        to_field = np.array(
            [[across, 0, (window.left - left) * across - 0.5], [0, down, (window.top - top) * down - 0.5]], np.float32
        )
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size = window.size_hw[::-1]
        return np.asarray(
            cv2.warpAffine(self.field, to_field, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32
        )


def measure_light(image: Image, box_xyxy: Array) -> Light:
    """Read light and camera from the face in its box: (4,) pixels; all of the picture where the box lies outside."""
    height, width = image.shape[:2]
    left, top, right, bottom = (int(v) for v in np.round(box_xyxy))
    face = image[max(top, 0) : max(bottom, 1), max(left, 0) : max(right, 1)]
    if face.size == 0:
        face = image
    small = np.asarray(cv2.resize(face, (16, 16), interpolation=cv2.INTER_AREA), np.float32)
    brightness = small @ LUMINANCE
    y, x = (np.indices((16, 16), np.float32) - 7.5) / 8
    inside = (x / 0.85) ** 2 + (y / 0.95) ** 2 < 1  # not the background in the box's corners
    skin = float(np.median(brightness[inside]))
    # From side to side a face is the same: what differs is light. From top to bottom eyes, brows and beards are dark
    # without being in the shade, and count little.
    across = _mean_along(brightness, inside, axis=0, sigma=1.5)
    alike = inside * np.exp(-(((brightness - skin) / (0.4 * skin + 8)) ** 2))
    field = np.outer(_mean_along(brightness, alike, axis=1, sigma=4), across) / max(skin, 1.0) ** 2
    field = np.clip(1 + 0.9 * (field - 1), 0.4, 1.4)
    bright = float(np.percentile(image[:: max(1, height // 64), :: max(1, width // 64)] @ LUMINANCE, 97))
    exposure = float(np.clip(0.5 * max(bright, skin) / 225 + 0.5 * skin / 145, 0.25, 1.06))
    chroma = float((small.max(axis=2) - small.min(axis=2)).mean())
    blur_px, noise = _sharpness(face)
    return Light(
        field.astype(np.float32), box_xyxy, skin, exposure, float(np.clip((chroma - 3) / 10, 0, 1)), blur_px, noise
    )


def _mean_along(values: Array, weight: Array, axis: int, sigma: float) -> Array:
    """(16,) weighted means over one axis of (16, 16), smoothed by `sigma` places."""
    summed, weights = (np.asarray(a.sum(axis=axis), np.float32)[None] for a in (values * weight, weight))
    return np.asarray((blurred(summed, sigma) / np.maximum(blurred(weights, sigma), 1e-3))[0], np.float32)


def _sharpness(face: Image) -> tuple[float, float]:
    """Blur (pixels) and noise (0..255), both as standard deviations, from how much of the detail is the finest."""
    height, width = face.shape[:2]
    middle = face[height // 6 : height - height // 6, width // 6 : width - width // 6][:256, :256]
    grey = np.asarray(middle @ LUMINANCE, np.float32)
    if min(grey.shape) < 5:
        return 0.6, 0.0
    once = blurred(grey, 1)
    finest, coarser = grey - once, once - blurred(grey, 2)
    share = float(np.percentile(np.abs(finest), 95) / max(float(np.percentile(np.abs(coarser), 95)), 0.5))
    noise = float(np.median(np.abs(finest))) * 1.1
    return float(np.clip(1.5 - 1.1 * share, 0.5, 1.5)), float(np.clip(noise, 0, 8))


def blurred(array: Array, sigma: float) -> Array:
    """(h, w) or (h, w, c), Gaussian blur of a standard deviation in pixels; the border goes on beyond itself."""
    return np.asarray(
        cv2.GaussianBlur(array.astype(np.float32, copy=False), (0, 0), sigma, borderType=cv2.BORDER_REPLICATE),
        np.float32,
    )


def noise(size_hw: tuple[int, int], seed: int) -> Array:
    """(h, w) noise as of a sensor and its JPEG, standard deviation about 0.5.

    Drawing numbers for each mask would take longer than painting it: this is a part of one large field.
    """
    height, width = size_hw
    down, across = seed % 251, seed // 251 % 241
    field = _noise_field()
    if height <= field.shape[0] - 251 and width <= field.shape[1] - 241:
        return field[down : down + height, across : across + width]
    return field.take(np.arange(down, down + height), 0, mode="wrap").take(
        np.arange(across, across + width), 1, mode="wrap"
    )


@cache
def _noise_field() -> Array:
    return blurred(np.random.default_rng(0).standard_normal((640, 640), np.float32), 0.6)


def grey_of(colour: Array) -> Array:
    """(h, w) brightness of (h, w, 3) RGB."""
    return np.asarray(cv2.transform(colour, LUMINANCE[None]), np.float32)


def tripled(array: Array) -> Array:
    """(h, w) to (h, w, 3): arithmetic on whole pictures is several times faster so than by broadcasting."""
    return np.asarray(cv2.merge((array, array, array)), np.float32)


def toned(colour: Array, light: Light) -> Array:
    """(h, w, 3) colours as this camera shows them: as bright as the light, and grey in a grey picture."""
    lit = colour * np.float32(light.exposure)
    if light.colourful < 1:
        greyed = np.outer(np.ones(3), LUMINANCE) * (1 - light.colourful) + np.eye(3) * light.colourful
        lit = np.asarray(cv2.transform(lit, greyed.astype(np.float32)), np.float32)
    return np.asarray(lit - np.maximum(lit - 225, 0) * np.float32(0.6), np.float32)  # white keeps its folds


def cast_shadow(cover: Array, inside: tuple[slice, slice], window: Window, pose: Pose) -> Array:
    """(h, w) of the whole window: share of light that the mask takes away, below its lower edge and a little around."""
    around = np.zeros(window.size_hw, np.float32)
    around[inside] = cover
    # Shadows are soft: half the size does, where the face is not tiny.
    half = 2 if min(window.size_hw) > 60 else 1
    height, width = window.size_hw
    small = cv2.resize(around, (width // half, height // half), interpolation=cv2.INTER_AREA)
    scale = pose.px_per_mm / half
    down = pose.axes[:, 1] / max(float(np.linalg.norm(pose.axes[:, 1])), 1e-6) * 4 * scale
    moved = cv2.warpAffine(small, np.array([[1, 0, down[0]], [0, 1, down[1]]], np.float32), small.shape[::-1])
    below, near = np.asarray(moved, np.float32), np.asarray(small, np.float32)
    shadow = 0.38 * blurred(below, max(3.0 * scale, 0.4)) + 0.16 * blurred(near, max(1.6 * scale, 0.4))
    return np.asarray(cv2.resize(shadow, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
