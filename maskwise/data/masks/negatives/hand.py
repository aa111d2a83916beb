"""A hand over the mouth: four fingers, the back of the hand, thumb and forearm, in the skin's own colour."""

from __future__ import annotations

import numpy as np

from maskwise.data.masks.negatives.skin import (
    Limb,
    covered,
    height_of,
    joined,
    laid_over,
    shaded,
    skin_colour,
)
from maskwise.data.masks.pose import Array
from maskwise.data.masks.raster import window_around
from maskwise.data.masks.sitter import Sitter
from maskwise.values import Image

# A hand seen from its back, millimetres: a along the fingers from the knuckles, b across, thumb at negative b.
FINGERS = ((-33.0, 70.0, 8.6), (-11.0, 79.0, 8.9), (11.0, 73.0, 8.4), (31.0, 56.0, 7.3))
"""(b at the knuckle, length, radius): index, middle, ring and little finger."""

EYES_MM = 14.0  # nothing is drawn above this line below the eyes
HIDDEN_MM = ((-150, 200), (10, 330))
"""Part of the face's plane that a hand and its arm can hide: x and y from, to."""


def draw_hand(sitter: Sitter, seed: int) -> Image:
    """The sitter's picture with a hand over the mouth; the eyes stay free."""
    rng = np.random.default_rng([seed, 11])
    corners = np.array([[x, y, 30] for x in HIDDEN_MM[0] for y in HIDDEN_MM[1]], np.float32)
    window = window_around(sitter.pose.project(corners), 2, sitter.image)
    if window is None:
        return sitter.image.copy()
    x_mm, y_mm = sitter.face_mm(window, depth_mm=25)
    a, b = _hand_axes(x_mm, y_mm, rng)
    mm_per_px = 1 / max(sitter.pose.px_per_mm, 0.05)
    fingers = [height_of(finger, a, b) for finger in _fingers(rng)]
    back = joined([height_of(limb, a, b) for limb in _back()])
    heights = np.stack([*fingers, back])
    height = heights.max(axis=0)
    colour = shaded(height, skin_colour(sitter) * rng.uniform(1.0, 1.12), mm_per_px, seed)
    colour *= _details(heights, a, b)[..., None] * sitter.light.over(window)[..., None]
    cover = covered(height, mm_per_px) * (y_mm > EYES_MM)
    sleeve = np.clip((-a - rng.uniform(105, 150)) / 3, 0, 1)[..., None]  # the arm is dressed from there on
    cloth = (rng.uniform(25, 200) * rng.uniform(0.85, 1.1, 3)).astype(np.float32) * sitter.light.exposure
    colour = colour * (1 - sleeve) + cloth * (colour.mean(axis=2, keepdims=True) / max(sitter.light.skin, 1)) * sleeve
    return laid_over(sitter, window, np.clip(colour, 0, 255), np.asarray(cover, np.float32), seed)


def _hand_axes(x_mm: Array, y_mm: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """(h, w) each: the hand's own axes, so that the middle of its fingers lies on the mouth."""
    side = rng.choice([-1.0, 1.0])  # which hand
    angle = np.radians(rng.uniform(15, 50))  # of the fingers above the horizontal
    x, y = side * (x_mm - rng.normal(0, 3)), y_mm - rng.uniform(64, 72)
    a = np.cos(angle) * x - np.sin(angle) * y + rng.uniform(24, 38)
    b = np.sin(angle) * x + np.cos(angle) * y
    return np.asarray(a, np.float32), np.asarray(b, np.float32)


def _fingers(rng: np.random.Generator) -> list[Limb]:
    """Nearly parallel, a little spread, a little bent."""
    spread, bend = rng.uniform(-0.07, 0.05), rng.normal(0, 2.5)
    limbs = []
    for b, length, radius in FINGERS:
        slope = spread * b / 33 + rng.normal(0, 0.02)
        along = np.array([-6, 0.42 * length, 0.72 * length, length - radius * 0.8])
        across = b * 0.86 + slope * along + bend * (along / length) ** 2 * np.sign(b + 12)
        thick = radius * rng.uniform(1.0, 1.1) * np.array([1.08, 1.05, 0.99, 0.84])
        limbs.append(Limb(np.stack([along, across, thick], axis=1).astype(np.float32), raised_mm=2.0))
    return limbs


def _back() -> list[Limb]:
    """Back of the hand, thumb and forearm; joined, they make one piece."""
    bones = [
        Limb(np.array([[0, b * 0.95, 9.5], [-48, b * 0.72, 11], [-84, b * 0.5, 13]], np.float32)) for b, *_ in FINGERS
    ]
    thumb = Limb(np.array([[-80, -14, 12], [-48, -40, 12], [-16, -53, 9.5], [8, -55, 7.5]], np.float32))
    arm = Limb(np.array([[-80, 0, 24], [-110, 0, 23], [-190, 4, 31], [-420, 10, 38]], np.float32))
    return [*bones, thumb, arm]


def _details(heights: Array, a: Array, b: Array) -> Array:
    """(h, w) factor of brightness: dark gaps between the fingers, creases on the joints, pale nails."""
    fingers, height = heights[:4], heights.max(axis=0)
    second = np.partition(fingers, 2, axis=0)[2]
    gap = np.exp(-((np.minimum(np.abs(fingers.max(axis=0) - second), 30) / 1.6) ** 2)) * (second > -2.5) * (a > 2)
    light = 1 - 0.42 * gap * np.clip(1 - second / 9, 0, 1)
    light *= 1 - 0.20 * np.exp(-((np.maximum(height, 0) / 1.8) ** 2))  # the rim turns away
    for i, (at, length, radius) in enumerate(FINGERS):
        here = (fingers[i] >= height) & (fingers[i] > 0)
        for joint in (0.42, 0.72):
            for shift in (-2.4, 0.0, 2.2):
                crease = np.exp(-(((a - joint * length - shift - 0.02 * (b - at) ** 2) / 0.7) ** 2))
                light -= 0.05 * here * crease
        middle = at * 0.86
        nail = ((a - (length - 7.0)) / 6.2) ** 4 + ((b - middle) / (radius * 0.62)) ** 2
        light += 0.10 * here * (nail < 1) - 0.10 * here * np.exp(-(((nail - 1) / 0.22) ** 2))
    return np.asarray(light, np.float32)
