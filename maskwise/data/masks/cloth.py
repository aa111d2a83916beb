"""Paints the mask as a flat piece of cloth: colour, print, folds, seams and weave, lit as its surface is bent.

Of photographed cloth only edge and seam are painted: a swatch has its folds, and light on them, already.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwise.data.masks.pose import Array, Pose
from maskwise.data.masks.style import MaskStyle, Texture
from maskwise.data.masks.surface import ACROSS, DOWN
from maskwise.data.masks.valve import add_valve
from maskwise.errors import ConfigError
from maskwise.values import Image

UNPRINTED = ("plain", "pleated", "ridge", "moulded", "draped")
HEADROOM = 0.8
"""Textures are darker by this, so that lit folds of white cloth are not cut off at 255."""

_SLOPE_DOWN, _SLOPE_ACROSS = (np.gradient(np.eye(count, dtype=np.float32), axis=0) for count in (DOWN, ACROSS))
"""np.gradient as matrices: on a grid so small its own bookkeeping takes ten times as long."""

FINEST_PX = 176  # narrower textures could not hold seams and welds; they are painted so wide and averaged down


def paint(
    width_px: float, pose: Pose, surface_mm: Array, style: MaskStyle, swatch: Image | None = None
) -> NDArray[np.uint8]:
    """The mask spread out flat, as the light of the room falls on it.

    Args:
        width_px: of the mask in the picture; so fine it is painted.
        pose: where light and camera are, seen from the face.
        surface_mm: (DOWN, ACROSS, 3), how the cloth is bent.
        style: colours, print and folds; the latter two vary with the seed.
        swatch: (h, w, 3) RGB, cloth in white light; for the texture `photographed`.

    Returns:
        (height, width, 3) RGB, times HEADROOM; rows from the upper edge, columns from the person's right.

    Raises:
        ConfigError: photographed cloth without a swatch.
    """
    wanted = int(np.clip(1.2 * width_px, 24, 1200))  # the middle is nearer to the eye than the sides
    width, height = max(wanted, FINEST_PX), max(round(wanted * 0.85), round(FINEST_PX * 0.85))
    u = np.linspace(-1, 1, width, dtype=np.float32)[None]
    v = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    rng = np.random.default_rng(style.seed)
    if style.texture == "photographed":
        return _averaged_down(_photographed(style, u, v, swatch, rng), wanted)
    lit = np.asarray(
        cv2.resize(_lambert(surface_mm, pose), (width, height), interpolation=cv2.INTER_LINEAR), np.float32
    )
    shade = np.asarray(lit * (1 + _relief(style, u, v, rng)), np.float32)
    first, second = (np.array(rgb, np.float32) * HEADROOM for rgb in (style.colour_rgb, style.second_rgb))
    # Channel by channel: cv2.transform takes ten times as long to make three channels of one or two.
    channels = [shade * value for value in first]
    if style.texture not in UNPRINTED:
        printed = shade * _pattern(style.texture, u * 85, v * 95, rng)
        channels = [channel + printed * value for channel, value in zip(channels, second - first, strict=True)]
    texture = np.asarray(cv2.merge([cv2.convertScaleAbs(channel) for channel in channels]), np.uint8)
    if style.valve != "none" and style.wearing != "one_ear":
        add_valve(texture, u, v, style, lit)
    return _averaged_down(texture, wanted)


def _averaged_down(texture: NDArray[np.uint8], wanted_px: int) -> NDArray[np.uint8]:
    """The texture no finer than the picture can show."""
    if texture.shape[1] <= 1.5 * wanted_px:
        return texture
    size = wanted_px, round(wanted_px * 0.85)
    return np.asarray(cv2.resize(texture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _photographed(
    style: MaskStyle, u: Array, v: Array, swatch: Image | None, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """A swatch as wide and high as the mask, either way round, with a hem and perhaps a seam."""
    if swatch is None:
        raise ConfigError("mask texture: photographed cloth needs a swatch; see maskwise.data.masks.cut_swatch")
    spread = cv2.resize(swatch, (u.shape[1], v.shape[0]), interpolation=cv2.INTER_CUBIC)
    shade = HEADROOM * (1 + _hem(style, *_edge_distances(u, v)))
    turned = spread[:, ::-1] if rng.random() < 0.5 else spread
    return np.asarray(cv2.convertScaleAbs(turned * np.asarray(shade, np.float32)[..., None]), np.uint8)


def _lambert(surface_mm: Array, pose: Pose) -> Array:
    """(DOWN, ACROSS) brightness of the bent surface: cloth scatters light, so it never falls to black."""
    down = (_SLOPE_DOWN @ surface_mm.reshape(DOWN, -1)).reshape(surface_mm.shape)
    across = _SLOPE_ACROSS @ surface_mm
    ax, ay, az = (across[..., i] for i in range(3))
    bx, by, bz = (down[..., i] for i in range(3))
    x, y, z = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    light = pose.towards_camera - np.array([0, 0.5, 0], np.float32)  # rooms and skies are bright above
    i, j, k = (light / np.linalg.norm(light)).tolist()
    facing = np.clip((x * i + y * j + z * k) / np.maximum(np.sqrt(x * x + y * y + z * z), 1e-6), 0, 1)
    return np.asarray(0.46 + 0.59 * facing, np.float32)


def _pattern(texture: Texture, x_mm: Array, y_mm: Array, rng: np.random.Generator) -> Array:
    """(h, w) in 0..1: where the second colour is printed."""
    pitch = rng.uniform(9, 20)
    turn = rng.uniform(-0.6, 0.6)
    turned = np.float32(2 * np.pi / pitch)
    a = (np.float32(np.cos(turn)) * x_mm + np.float32(np.sin(turn)) * y_mm) * turned
    b = (np.float32(np.cos(turn)) * y_mm - np.float32(np.sin(turn)) * x_mm) * turned
    if texture == "stripes":
        wave = np.sin(a) + rng.uniform(-0.4, 0.6)
    elif texture == "check":
        return np.asarray(0.5 * (np.sin(a) > 0) + 0.5 * (np.sin(b) > 0), np.float32)
    elif texture == "dots":
        wave = np.cos(a) * np.cos(b) - rng.uniform(0.2, 0.6)
    else:
        wave = np.sin(a + 1.7 * np.sin(b * 0.6)) * np.sin(b + 1.3 * np.sin(a * 0.7)) - rng.uniform(-0.1, 0.3)
    return np.asarray(np.clip(wave * 4 + 0.5, 0, 1), np.float32)


def _relief(style: MaskStyle, u: Array, v: Array, rng: np.random.Generator) -> Array:
    """(h, w): by which share folds, seams and weave make the cloth lighter or darker; u (1, w), v (h, 1)."""
    size = (u.shape[1], v.shape[0])
    creases = cv2.resize(_creases(rng), size, interpolation=cv2.INTER_LINEAR)
    relief = np.asarray(creases * np.float32(0.05 * style.wrinkles), np.float32)
    # Straps pull: folds run from the corners towards the middle.
    pull = np.sin((v - 0.5) * rng.uniform(22, 34) + rng.uniform(0, 6)) * np.float32(0.12 * style.wrinkles)
    relief += pull.astype(np.float32) * u**4
    relief += _hem(style, *_edge_distances(u, v))
    if style.texture == "pleated":
        relief += _pleats(u, v, rng)
    elif style.texture == "ridge":
        relief += _ridge(u, v, rng)
    elif style.texture == "moulded":
        relief += _moulded(u, v, rng)
    elif style.texture == "draped":
        relief += _draped(u, v, rng, style.wrinkles)
    elif style.seed % 3 == 0 and style.shape == "flat":
        relief -= 0.12 * np.exp(-((u / 0.012) ** 2))  # sewn from two halves
    if style.shape == "duckbill":
        relief += 0.10 * np.exp(-(((v - 0.50) / 0.012) ** 2)) - 0.14 * np.exp(-(((v - 0.545) / 0.02) ** 2))  # the edge
    return relief


def _edge_distances(u: Array, v: Array) -> tuple[Array, Array]:
    """(h, 1) and (1, w): millimetres to the nearest edge, down and across; the nearer one counts."""
    return np.minimum(v, 1 - v) * 95, (1 - np.abs(u)) * 85


def _hem(style: MaskStyle, down: Array, across: Array) -> Array:
    """(h, w): the hem turns away from the light, and so may a seam along it."""
    relief = -0.10 * np.maximum(*_lines(down, across, 0, 1.6))
    if style.texture not in ("plain", "draped", "moulded", "photographed") or style.seed % 2:
        relief = relief - 0.09 * _nearer(down, across, 6, 1.1)
    return np.asarray(relief, np.float32)


def _nearer(down: Array, across: Array, at_mm: float, width_mm: float) -> Array:
    """(h, w): a line that runs round the mask at some distance from its edge."""
    by_row, by_column = _lines(down, across, at_mm, width_mm)
    return np.asarray(np.where(down < across, by_row, by_column), np.float32)


def _lines(down: Array, across: Array, at_mm: float, width_mm: float) -> tuple[Array, Array]:
    """(h, 1) and (1, w): lines along and down the mask at some distance from its edges."""
    by_row, by_column = (np.exp(-(((d - at_mm) / width_mm) ** 2)) for d in (down, across))
    return by_row, by_column


def _creases(rng: np.random.Generator) -> Array:
    """(48, 64) smooth random relief: long shallow creases, more across than down, and finer ones upon them."""
    size = (64, 48)
    coarse, fine = rng.standard_normal((9, 5), np.float32), rng.standard_normal((20, 12), np.float32)
    broad = np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC), np.float32)
    finer = np.asarray(cv2.resize(fine, size, interpolation=cv2.INTER_CUBIC), np.float32)
    return np.asarray(0.7 * broad + 0.35 * finer, np.float32)


def _pleats(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """Three folds that open downwards: a sharp line, its shadow below, light on the fold's belly above it."""
    relief = np.zeros((v.shape[0], u.shape[1]), np.float32)
    for middle in (0.33, 0.52, 0.71):
        line = (
            middle
            + rng.normal(0, 0.012)
            + 0.02 * np.sin(u * 2 + rng.uniform(0, 6))
            - 0.05 * (1 - u**2) * (middle - 0.5)
        )
        below = v - line.astype(np.float32)
        # One exponential for both sides of the line: it falls off below, and a little faster above.
        fall = np.exp(np.minimum(below * np.float32(1 / 0.03), below * np.float32(-1 / 0.035)))
        relief += np.where(below < 0, np.float32(0.07), np.float32(-0.22)) * fall
    return relief


def _ridge(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """A respirator folded in the middle: two flat panels that meet in a crease, welded lines along the edges."""
    lit = rng.choice([-1, 1]) * 0.05
    panels = lit * np.tanh(u / 0.02) * np.exp(-np.abs(u) / 0.5)
    crease = 0.10 * np.exp(-((u / 0.014) ** 2)) - 0.08 * np.exp(-(((np.abs(u) - 0.03) / 0.02) ** 2))
    dots = 0.5 + 0.5 * np.sin(u * 170)
    welds = sum(0.09 * np.exp(-(((v - line) / 0.010) ** 2)) for line in (0.13, 0.17, 0.87))
    return np.asarray(panels + crease - welds * dots, np.float32)


def _moulded(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """A pressed cup: a flat rim with a groove inside it, a nose clip, and a fine net pressed into the dome."""
    out = np.sqrt(u**2 + (2 * v - 1) ** 2 * 0.9)
    rim = -0.15 * _nearer(np.minimum(v, 1 - v) * 95, (1 - np.abs(u)) * 85, 7, 1.8)
    ribs = 0.03 * np.exp(-(((out - rng.uniform(0.45, 0.6)) / 0.03) ** 2))
    clip = 0.12 * np.exp(-(((v - 0.075) / 0.018) ** 2)) * (np.abs(u) < 0.34)
    net = 0.02 * np.sin(u * 150) * np.sin(v * 120)
    return np.asarray(rim + ribs + clip + net, np.float32)


def _draped(u: Array, v: Array, rng: np.random.Generator, wrinkles: float) -> Array:
    """Cloth that hangs: broad folds that sag between the sides, closer together towards the neck."""
    relief = np.zeros((v.shape[0], u.shape[1]), np.float32)
    for middle in np.sort(rng.uniform(0.25, 0.98, 7)).tolist():
        sag = rng.uniform(-0.05, 0.14)
        slant = rng.normal(0, 0.05)
        below = v - (middle + sag * (1 - u**2) - sag / 2 + slant * u).astype(np.float32)
        width = rng.uniform(0.018, 0.05)
        strength = (0.08 + 0.24 * wrinkles * middle) * (0.5 + 0.5 * np.cos((u - rng.uniform(-0.8, 0.8)) * 1.6))
        fold = np.exp(-((below / width) ** 2))
        relief += strength * (0.8 * np.roll(fold, -max(1, int(width * v.shape[0] * 1.2)), axis=0) - fold)
    return relief
