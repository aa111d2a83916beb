"""Skin: its colour in a face, and round limbs of it, as heights above the picture and as light on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from maskwise.data.masks.light import blurred, cast_shadow, tripled
from maskwise.data.masks.pose import Array
from maskwise.data.masks.raster import Window
from maskwise.data.masks.render import blend
from maskwise.data.masks.sitter import Sitter
from maskwise.values import Image

CHEEKS_MM = np.array([[-33, 44, 6], [33, 44, 6], [-24, 50, 12], [24, 50, 12]], np.float32)


class Limb(NamedTuple):
    """A round limb: a line of joints, in millimetres, thick as its radius there.

    joints_mm: (n, 3), x, y and radius.
    raised_mm: by how much it lies above the others.
    """

    joints_mm: Array
    raised_mm: float = 0.0


def skin_colour(sitter: Sitter) -> Array:
    """(3,) RGB of the cheeks: the brighter half of what is seen there, since hair and shadow are darker."""
    height, width = sitter.image.shape[:2]
    reach = max(1, round(5 * sitter.pose.px_per_mm))
    found = []
    for x, y in np.round(sitter.pose.project(CHEEKS_MM)).astype(int):
        if 0 <= x < width and 0 <= y < height:
            patch = sitter.image[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1]
            found.append(np.median(patch.reshape(-1, 3), axis=0))
    if not found:
        return np.full(3, sitter.light.skin, np.float32)
    colours = np.array(found, np.float32)
    return np.asarray(colours[np.argsort(colours.sum(axis=1))[len(colours) // 2 :]].mean(axis=0), np.float32)


def height_of(limb: Limb, x_mm: Array, y_mm: Array) -> Array:
    """(h, w) millimetres above the plane; negative beside the limb, as far as the distance to it."""
    height = np.full(x_mm.shape, -1e3, np.float32)
    for (x0, y0, r0), (x1, y1, r1) in zip(limb.joints_mm[:-1].tolist(), limb.joints_mm[1:].tolist(), strict=True):
        dx, dy = x1 - x0, y1 - y0
        t = np.clip(((x_mm - x0) * dx + (y_mm - y0) * dy) / max(dx * dx + dy * dy, 1e-6), 0, 1)
        radius = r0 + t * (r1 - r0)
        away = np.sqrt((x_mm - x0 - t * dx) ** 2 + (y_mm - y0 - t * dy) ** 2)
        dome = np.where(away < radius, np.sqrt(np.maximum(radius**2 - away**2, 0)), radius - away)
        np.maximum(height, dome + limb.raised_mm * (away < radius), out=height)
    return height


def joined(heights: Sequence[Array]) -> Array:
    """(h, w): several limbs grown into one, without a crease between them."""
    power = 5.0
    inside = sum(np.maximum(h, 0) ** power for h in heights) ** (1 / power)
    return np.asarray(np.where(inside > 0, inside, np.max(heights, axis=0)), np.float32)


def shaded(height_mm: Array, colour_rgb: Array, mm_per_px: float, seed: int) -> Array:
    """(h, w, 3) float32: skin of some colour on a relief, lit from above the camera; flat skin keeps its colour."""
    relief = blurred(np.maximum(height_mm, 0), max(0.9 / mm_per_px, 0.5))
    down, across = np.gradient(relief, mm_per_px)
    length = np.sqrt(down**2 + across**2 + 1)
    facing = (0.16 * across + 0.42 * down + 1) / length / 1.1
    light = np.clip(0.47 + 0.56 * np.maximum(facing, 0), 0, 1.12)
    mottled = np.random.default_rng([seed, 3]).standard_normal((12, 12)).astype(np.float32)
    light = light * (1 + 0.035 * cv2.resize(mottled, light.shape[::-1], interpolation=cv2.INTER_CUBIC))
    # Light that enters skin comes out red: its shadows are warmer than their colour times grey.
    return np.asarray(colour_rgb * light[..., None] ** np.array([0.85, 1.05, 1.1], np.float32), np.float32)


def covered(height_mm: Array, mm_per_px: float) -> Array:
    """(h, w) in 0..1: share of each pixel that lies on the limb."""
    return np.asarray(np.clip(height_mm / mm_per_px + 0.5, 0, 1) * (height_mm > -mm_per_px), np.float32)


def laid_over(sitter: Sitter, window: Window, colour: Array, cover: Array, seed: int) -> Image:
    """The sitter's picture with something that stands in its light already, and the shadow that it casts.

    Args:
        sitter: whose picture it is.
        window: the part that changes.
        colour: (h, w, 3) float32 of that part.
        cover: (h, w) in 0..1.
        seed: of the noise.
    """
    scene = sitter.image[window.cut].astype(np.float32)
    whole = slice(0, window.size_hw[0]), slice(0, window.size_hw[1])
    scene *= tripled(1 - cast_shadow(cover, whole, window, sitter.pose))
    scene = blend(scene, colour, cover, window, sitter, seed)
    result = sitter.image.copy()
    result[window.cut] = cv2.convertScaleAbs(scene)
    return result
