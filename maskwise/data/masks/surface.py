"""The mask as a surface over the average face, in millimetres: its edges, what it lies on, and its straps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from maskwise.data.masks.pose import Array, Fit, Pose
from maskwise.data.masks.style import MaskStyle

EAR_MM = np.array([75, 16, -66], np.float32)  # where a strap leaves the face: the front of the ear's root

# What the cloth lies on, as (height, value): half width of the face, and depth of its middle.
HALF_WIDTH_MM = ((0, 69), (30, 68), (60, 64), (85, 57), (105, 47), (125, 38))
DEPTH_MM = ((0, 8), (35, 12), (70, 15), (100, 12), (113, 4), (125, -14))
# On top of it the cloth rises to the nose tip and falls straight from there to the chin.
TENT_MM = ((0, 2), (18, 9), (40, 20), (62, 14), (90, 5), (105, 0))
TENT_HALF_WIDTH_MM = ((0, 9), (20, 12), (40, 21), (70, 30), (105, 34))
SIDE_DEPTH_MM = 62.0  # how far the cheeks fall back from the middle to the side

ACROSS, DOWN = 25, 15  # vertices of the surface; odd across, so that one column runs over the nose


class _Edges(NamedTuple):
    """Heights in millimetres below the line of the eyes, and how far the cloth is lifted off the lips by the nose."""

    top: float
    bottom: float
    side_top: float
    side_bottom: float
    lift: float


def _edges(style: MaskStyle) -> _Edges:
    half = style.side_mm / 2
    if style.wearing == "nose_out":  # the nostrils end near 50
        return _Edges(50 + style.top_mm * 0.15, min(style.bottom_mm + 3, 125), 62 - half, 62 + half, 0.35)
    if style.wearing == "chin":  # the lower lip ends near 80
        return _Edges(86 + style.top_mm * 0.3, 125, 88 - half * 0.7, 88 + half * 0.7, 0)
    return _Edges(style.top_mm, style.bottom_mm, 57 - half, 57 + half, 1)


def _at(height_mm: Array, table: tuple[tuple[float, float], ...]) -> Array:
    heights, values = zip(*table, strict=True)
    return np.asarray(np.interp(height_mm, heights, values), np.float32)


def surface(style: MaskStyle) -> Array:
    """The mask on the average face: (DOWN, ACROSS, 3) millimetres, rows from the upper edge, columns from the right."""
    edges = _edges(style)
    u = np.linspace(-1, 1, ACROSS, dtype=np.float32)
    v = np.linspace(0, 1, DOWN, dtype=np.float32)[:, None]
    nose = 0.5 * np.exp(-((u / 0.2) ** 2)) + 0.5 * (1 - u**2)  # straight over the cheeks, up and over the nose
    top = edges.side_top - (edges.side_top - edges.top) * nose
    bottom = edges.side_bottom + (edges.bottom - edges.side_bottom) * (1 - np.abs(u) ** 2.2) ** 0.9
    y = top + (bottom - top) * v
    angle = u * np.radians(style.reach_deg)
    x = _at(y, HALF_WIDTH_MM) * np.sin(angle)
    tent = edges.lift * _at(y, TENT_MM) * np.exp(-((x / _at(y, TENT_HALF_WIDTH_MM)) ** 2))
    z = _at(y, DEPTH_MM) + tent + 1.5 - SIDE_DEPTH_MM * (1 - np.cos(angle))
    return np.stack([x, y + style.tilt_mm * u, z], axis=-1).astype(np.float32)


def strap_lines(style: MaskStyle, surface_mm: Array, fit: Fit, pose: Pose) -> list[Array]:
    """Lines, (points, 3) millimetres, from the corners of the mask; only those that the camera can see."""
    lines: list[Array] = []
    if style.strap == "none":
        return lines
    upper, lower = ((-8, 14), (-34, 34))[style.strap == "head"]
    for side, column in ((-1, 0), (1, -1)):
        cheek = np.array([side * 0.98, 0, 0.2], np.float32)
        if cheek @ pose.towards_camera < 0.05:
            continue
        for row, drop in ((1, upper), (-2, lower)):
            start = surface_mm[row, column]
            end = fit(EAR_MM * (side, 1, 1) + (0, drop, 0))
            middle = (start + end) / 2 + (side * 2.0, 0, 4)  # the cheek is round: the strap lies on it
            lines.append(np.array([start, middle, end], np.float32))
    return lines
