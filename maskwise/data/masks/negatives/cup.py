"""A mug or paper cup before the mouth, held by the fingers of one hand."""

from __future__ import annotations

import numpy as np

from maskwise.data.masks.light import toned
from maskwise.data.masks.negatives.skin import Limb, covered, height_of, joined, laid_over, shaded, skin_colour
from maskwise.data.masks.pose import Array
from maskwise.data.masks.raster import Window, window_around
from maskwise.data.masks.sitter import Sitter
from maskwise.values import Image

CUPS_RGB = ((238, 236, 230), (60, 62, 68), (170, 40, 44), (50, 84, 140), (196, 160, 116), (80, 120, 90), (226, 200, 90))
REACH_MM = ((-120, 120), (30, 330))
"""Part of the face's plane that the cup, the hand and the arm can hide."""


def draw_cup(sitter: Sitter, seed: int) -> Image:
    """The sitter's picture with a cup at the lips; it hides the mouth, and the eyes stay free."""
    rng = np.random.default_rng([seed, 13])
    corners = np.array([[x, y, 35] for x in REACH_MM[0] for y in REACH_MM[1]], np.float32)
    window = window_around(sitter.pose.project(corners), 2, sitter.image)
    if window is None:
        return sitter.image.copy()
    mm_per_px = 1 / max(sitter.pose.px_per_mm, 0.05)
    x_mm, y_mm = sitter.face_mm(window, depth_mm=35)
    side, lean = rng.choice([-1.0, 1.0]), rng.normal(0, 0.05)
    x = side * (x_mm - rng.normal(0, 3)) + lean * (y_mm - 60)
    y = y_mm - rng.uniform(50, 56)
    cup, cup_cover = _cup(x, y, mm_per_px, window, sitter, rng)
    skin, skin_cover = _holding(x, y, mm_per_px, window, sitter, seed)
    colour = cup * (1 - skin_cover[..., None]) + skin * skin_cover[..., None]
    cover = np.maximum(cup_cover, skin_cover)
    return laid_over(sitter, window, np.clip(colour, 0, 255), np.asarray(cover, np.float32), seed)


def _cup(
    x: Array, y: Array, mm_per_px: float, window: Window, sitter: Sitter, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Colour and cover of a cup whose rim is tilted towards the lips, so that its outside is what is seen."""
    tall, wide, narrow = rng.uniform(78, 98), rng.uniform(38, 43), rng.uniform(28, 40)
    down = np.clip(y / tall, 0, 1)
    half = wide + (narrow - wide) * down
    across = np.clip(x / half, -1, 1)
    bow = np.sqrt(1 - across**2)
    rim, base = -4.5 * bow, tall + 6.5 * bow  # seen a little from below: both edges bow
    inside = np.minimum(np.minimum(y - rim, base - y), half - np.abs(x))
    light = 0.42 + 0.62 * np.clip(bow * 0.9 + 0.28 * across, 0, 1.05)  # a cylinder, lit a little from one side
    light = light + 0.10 * np.exp(-(((across + 0.45) / 0.10) ** 2)) - 0.15 * np.exp(-(((base - y) / 7) ** 2))
    light += 0.16 * np.exp(-(((y - rim - 1.2) / 1.1) ** 2)) - 0.14 * np.exp(-(((y - rim - 3.6) / 1.3) ** 2))
    colour = np.array(CUPS_RGB[rng.integers(len(CUPS_RGB))], np.float32) * np.ones((*x.shape, 1), np.float32)
    if rng.random() < 0.5:  # a band, as of a print or a cardboard sleeve
        band = ((y > tall * rng.uniform(0.25, 0.4)) & (y < tall * rng.uniform(0.6, 0.85)))[..., None]
        colour = np.where(band, np.array(CUPS_RGB[rng.integers(len(CUPS_RGB))], np.float32), colour)
    lit = np.asarray(colour * light[..., None] * sitter.light.over(window)[..., None], np.float32)
    return toned(lit, sitter.light), covered(np.asarray(inside, np.float32), mm_per_px)


def _holding(x: Array, y: Array, mm_per_px: float, window: Window, sitter: Sitter, seed: int) -> tuple[Array, Array]:
    """Colour and cover of four fingers round the cup, and of the hand and arm that they belong to."""
    rng = np.random.default_rng([seed, 17])
    start = rng.uniform(16, 22)
    fingers = []
    for i, (length, radius) in enumerate(((-8, 8.8), (-13, 9.0), (-10, 8.6), (0, 7.6))):
        height = start + i * 16.5
        reach = length + rng.normal(0, 2)
        joints = [[50, height + 3, radius * 1.1], [34, height, radius * 1.05], [reach, height + 1.5, radius * 0.85]]
        fingers.append(height_of(Limb(np.array(joints, np.float32), raised_mm=3.0), x, y))
    back = [
        Limb(np.array([[48, start + i * 16.5, 12], [58, start + 34 + i * 10, 15], [62, start + 74, 17]], np.float32))
        for i in range(4)
    ]
    arm = Limb(np.array([[60, start + 66, 22], [76, start + 130, 26], [112, start + 320, 36]], np.float32))
    palm = joined([height_of(limb, x, y) for limb in (*back, arm)])
    heights = np.stack([*fingers, palm])
    height = heights.max(axis=0)
    colour = shaded(height, skin_colour(sitter) * rng.uniform(1.0, 1.1), mm_per_px, seed)
    second = np.partition(heights[:4], 2, axis=0)[2]
    gap = np.exp(-(((heights[:4].max(axis=0) - second) / 1.6) ** 2)) * (second > -2.5) * (x < 46)
    light = 1 - 0.5 * gap - 0.25 * np.exp(-((np.maximum(height, 0) / 1.8) ** 2))
    return np.asarray(colour * light[..., None] * sitter.light.over(window)[..., None], np.float32), covered(
        height, mm_per_px
    )
