"""Paints the surface as cloth: colour, print, folds, seams and weave, in white light."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from maskwise.data.masks.pose import Array, Pose
from maskwise.data.masks.raster import Window, sample, unwrap
from maskwise.data.masks.style import MaskStyle, Texture

UNPRINTED = ("plain", "pleated", "ridge")


class Cloth(NamedTuple):
    """Painted cloth in picture pixels.

    colour: (h, w, 3) in 0..255, already weighted by cover.
    cover: (h, w) in 0..1.
    """

    colour: Array
    cover: Array


def paint(window: Window, pose: Pose, surface_mm: Array, style: MaskStyle) -> Cloth:
    """The mask as the camera sees it, in white light: colours, print and folds; the latter two vary with the seed."""
    u, v, seen = unwrap(window, pose, surface_mm)
    rng = np.random.default_rng(style.seed)
    weight = seen.astype(np.float32)
    shade = sample(_lambert(surface_mm, pose), u, v) * (1 + _relief(style, u, v, rng)) * weight
    size = window.size_hw[::-1]
    cover = np.asarray(cv2.resize(weight, size, interpolation=cv2.INTER_AREA), np.float32)
    lit = np.asarray(cv2.resize(shade, size, interpolation=cv2.INTER_AREA), np.float32)
    colour = lit[..., None] * np.array(style.colour_rgb, np.float32)
    if style.texture not in UNPRINTED:
        printed = shade * _pattern(style.texture, u * 85, v * 95, rng)
        printed = np.asarray(cv2.resize(printed, size, interpolation=cv2.INTER_AREA), np.float32)
        colour += printed[..., None] * np.subtract(style.second_rgb, style.colour_rgb).astype(np.float32)
    return Cloth(colour, cover)


def _lambert(surface_mm: Array, pose: Pose) -> Array:
    """(DOWN, ACROSS) brightness of the bent surface: cloth scatters light, so it never falls to black."""
    down, across = np.gradient(surface_mm, axis=(0, 1))
    normal = np.cross(across, down)
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)
    light = pose.towards_camera - np.array([0, 0.5, 0])  # rooms and skies are bright above
    facing = np.clip(normal @ (light / np.linalg.norm(light)), 0, 1)
    return np.asarray(0.46 + 0.59 * facing, np.float32)


def _pattern(texture: Texture, x_mm: Array, y_mm: Array, rng: np.random.Generator) -> Array:
    """(h, w) in 0..1: where the second colour is printed."""
    pitch = rng.uniform(9, 20)
    turn = rng.uniform(-0.6, 0.6)
    a = (np.cos(turn) * x_mm + np.sin(turn) * y_mm) * (2 * np.pi / pitch)
    b = (np.cos(turn) * y_mm - np.sin(turn) * x_mm) * (2 * np.pi / pitch)
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
    """(h, w): by which share folds, seams and weave make the cloth lighter or darker."""
    relief = 0.05 * style.wrinkles * sample(_creases(rng), u, v)
    # Straps pull: folds run from the corners towards the middle.
    pull = np.sin((v - 0.5) * rng.uniform(22, 34) + rng.uniform(0, 6)) * np.abs(u) ** 4
    relief += 0.12 * style.wrinkles * pull
    edge = np.minimum(np.minimum(v, 1 - v) * 95, (1 - np.abs(u)) * 85)  # distance to the nearest edge in millimetres
    relief -= 0.10 * np.exp(-((edge / 1.6) ** 2))  # the hem turns away from the light
    if style.texture != "plain" or style.seed % 2:
        relief -= 0.09 * np.exp(-(((edge - 6) / 1.1) ** 2))  # its seam
    if style.texture == "pleated":
        relief += _pleats(u, v, rng)
    elif style.texture == "ridge":
        relief += _ridge(u, v, rng)
    elif style.seed % 3 == 0:
        relief -= 0.12 * np.exp(-((u / 0.012) ** 2))  # sewn from two halves
    return np.asarray(relief, np.float32)


def _creases(rng: np.random.Generator) -> Array:
    """(48, 64) smooth random relief: long shallow creases, more across than down, and finer ones upon them."""
    size = (64, 48)
    coarse, fine = rng.standard_normal((9, 5), np.float32), rng.standard_normal((20, 12), np.float32)
    broad = np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC), np.float32)
    finer = np.asarray(cv2.resize(fine, size, interpolation=cv2.INTER_CUBIC), np.float32)
    return np.asarray(0.7 * broad + 0.35 * finer, np.float32)


def _pleats(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """Three folds that open downwards: a sharp line, its shadow below, light on the fold's belly above it."""
    relief = np.zeros_like(v)
    for middle in (0.33, 0.52, 0.71):
        line = (
            middle
            + rng.normal(0, 0.012)
            + 0.02 * np.sin(u * 2 + rng.uniform(0, 6))
            - 0.05 * (1 - u**2) * (middle - 0.5)
        )
        below = v - line
        relief -= 0.22 * np.exp(-np.maximum(below, 0) / 0.035) * (below >= 0)
        relief += 0.07 * np.exp(np.minimum(below, 0) / 0.03) * (below < 0)
    return relief


def _ridge(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """A respirator folded in the middle: two flat panels that meet in a crease, welded lines along the edges."""
    lit = rng.choice([-1, 1]) * 0.05
    panels = lit * np.tanh(u / 0.02) * np.exp(-np.abs(u) / 0.5)
    crease = 0.10 * np.exp(-((u / 0.014) ** 2)) - 0.08 * np.exp(-(((np.abs(u) - 0.03) / 0.02) ** 2))
    welded = np.zeros_like(v)
    for line in (0.13, 0.17, 0.87):
        dots = 0.5 + 0.5 * np.sin(u * 170)
        welded -= 0.09 * np.exp(-(((v - line) / 0.010) ** 2)) * dots
    return np.asarray(panels + crease + welded, np.float32)
