"""The mask as a surface over the average face, in millimetres: its edges, what it lies on, and its straps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from maskwise.data.masks.pose import Array, Fit, Pose
from maskwise.data.masks.style import MaskStyle

EAR_MM = np.array([75, 16, -66], np.float32)  # where a strap leaves the face: the front of the ear's root


def _table(*rows: tuple[float, float]) -> Array:
    """(2, n): heights, and the value at each."""
    return np.array(rows, np.float32).T


# What the cloth lies on, as (height, value): half width of the face, and depth of its middle.
HALF_WIDTH_MM = _table((-80, 60), (-50, 68), (-20, 70), (0, 69), (30, 68), (60, 64), (85, 57), (105, 47), (125, 38))
DEPTH_MM = _table((-80, -14), (-50, 3), (-20, 9), (0, 8), (35, 12), (70, 15), (100, 12), (113, 4), (125, -14))
# On top of it the cloth rises to the nose tip and falls straight from there to the chin.
TENT_MM = _table((-20, 0), (0, 2), (18, 9), (40, 20), (62, 14), (90, 5), (105, 0))
TENT_HALF_WIDTH_MM = _table((0, 9), (20, 12), (40, 21), (70, 30), (105, 34))
# A tube leaves the jaw's line and hangs down to the neck.
TUBE_HALF_WIDTH_MM = _table((0, 70), (60, 66), (90, 59), (110, 52), (130, 48), (150, 49), (175, 54))
TUBE_DEPTH_MM = _table((0, 8), (35, 12), (70, 15), (100, 14), (113, 9), (128, -8), (175, -20))
SIDE_DEPTH_MM = 62.0  # how far the cheeks fall back from the middle to the side

ACROSS, DOWN = 17, 11  # vertices of the surface; odd across, so that one column runs over the nose
_U = np.linspace(-1, 1, ACROSS, dtype=np.float32)
_V = np.linspace(0, 1, DOWN, dtype=np.float32)[:, None]


class _Edges(NamedTuple):
    """Heights in millimetres below the line of the eyes, and how far the cloth is lifted off the lips by the nose."""

    top: float
    bottom: float
    side_top: float
    side_bottom: float
    lift: float


def _edges(style: MaskStyle) -> _Edges:
    half = style.side_mm / 2
    if style.wearing == "forehead":  # the brows lie near -18
        return _Edges(-82 + style.top_mm * 0.4, -26, -58 - half * 0.3, -46 + half * 0.3, 0)
    if style.shape == "tube":
        return _tube_edges(style)
    if style.wearing == "nose_out":  # the nostrils end near 50, the mouth begins near 60
        lower = style.top_mm * 0.45
        return _Edges(48 + lower, min(style.bottom_mm + 3, 125), 60 + lower / 2 - half, 62 + half, 0.35)
    if style.wearing == "chin":  # the lower lip ends near 80; what finds no room on the chin bulges under it
        return _Edges(86 + style.top_mm * 0.5, max(style.bottom_mm + 14, 125), 88 - half * 0.7, 88 + half * 0.7, 0)
    return _Edges(style.top_mm, style.bottom_mm, 57 - half, 57 + half, 1)


def _tube_edges(style: MaskStyle) -> _Edges:
    bottom = max(style.bottom_mm, 135)
    if style.wearing == "nose_out":
        return _Edges(51 + style.top_mm * 0.15, bottom, 56 + style.top_mm * 0.15, bottom - 30, 0.3)
    if style.wearing == "chin":
        return _Edges(90 + style.top_mm * 0.4, bottom, 98 + style.top_mm * 0.2, bottom - 24, 0)
    return _Edges(style.top_mm, bottom, style.top_mm + 16, bottom - 30, 0.8)


def at(height_mm: Array, table: Array) -> Array:
    """Read a table at heights in millimetres; beyond its ends it stays as it is."""
    return np.asarray(np.interp(height_mm, *table), np.float32)


def surface(style: MaskStyle, lift: float | None = None) -> Array:
    """The mask on the average face: (DOWN, ACROSS, 3) millimetres, rows from the upper edge, columns from the right.

    Args:
        style: its shape and how it is worn.
        lift: by how much the nose lifts it off the lips, 0 to 1; None: as it is worn.
    """
    if style.wearing == "one_ear":
        return _hanging(style)
    edges = _edges(style)
    lift = edges.lift if lift is None else lift
    nose = 0.5 * np.exp(-((_U / 0.2) ** 2)) + 0.5 * (1 - _U**2)  # straight over the cheeks, up and over the nose
    if style.shape == "cup":  # round, where cloth is cut straight
        nose = np.clip(1 - np.abs(_U) ** 2.2, 0, 1) ** 0.62
    top = edges.side_top - (edges.side_top - edges.top) * nose
    bottom = edges.side_bottom + (edges.bottom - edges.side_bottom) * (1 - np.abs(_U) ** 2.2) ** 0.9
    y = top + (bottom - top) * _V
    angle = _U * np.radians(style.reach_deg)
    tube = style.wearing == "chin" or (style.shape == "tube" and style.wearing != "forehead")
    x = at(y, TUBE_HALF_WIDTH_MM if tube else HALF_WIDTH_MM) * np.sin(angle)
    tent = lift * at(y, TENT_MM) * np.exp(-((x / at(y, TENT_HALF_WIDTH_MM)) ** 2))
    lifted = np.maximum(tent, _bulge(style))
    z = at(y, TUBE_DEPTH_MM if tube else DEPTH_MM) + lifted + 1.5 - SIDE_DEPTH_MM * (1 - np.cos(angle))
    return np.stack([x, y + style.tilt_mm * _U, z], axis=-1).astype(np.float32)


def _bulge(style: MaskStyle) -> Array:
    """(DOWN, ACROSS) millimetres by which a shape stands off the face by itself."""
    if style.shape == "duckbill":  # two panels that meet in an edge
        panels = np.minimum(_V / 0.52, (1 - _V) / 0.48)
        return np.asarray(34 * panels * np.clip((1 - np.abs(_U)) / 0.45, 0, 1) ** 0.8, np.float32)
    if style.shape == "cup":
        dome = np.clip(1 - (2 * _V - 1) ** 2, 0, 1) ** 0.6 * np.clip(1 - _U**2, 0, 1) ** 0.7
        return np.asarray(29 * dome, np.float32)
    return np.zeros((DOWN, ACROSS), np.float32)


def _hanging(style: MaskStyle) -> Array:
    """A mask that hangs from one ear beside the jaw, clear of the mouth: its length hangs down, its pleats with it."""
    along, across = (_U + 1) / 2, 1 - 2 * _V  # from the ear down; from the front edge to the rear one
    width = (24 + style.side_mm * 0.25) * (0.5 + 0.5 * np.sin(np.pi * np.clip(0.12 + along * 0.86, 0, 1)) ** 0.7)
    swing = 10 + 3 * style.tilt_mm
    forward = -26 + swing * along + width * across
    y = 30 + style.bottom_mm * 1.05 * along + 5 * across * (1 - along)
    x = 74 - 6 * along - 0.68 * (forward + 26) + 7 * np.cos(across * 1.4) * np.sin(np.pi * along)
    sign = 1 if style.side == "left" else -1
    hung = np.stack(np.broadcast_arrays(sign * x, y, forward), axis=-1).astype(np.float32)
    return hung if sign < 0 else np.ascontiguousarray(hung[::-1])


def strap_lines(style: MaskStyle, surface_mm: Array, fit: Fit, pose: Pose) -> list[Array]:
    """Lines, (points, 3) millimetres, from the corners of the mask; only those that the camera can see."""
    if style.strap == "none" or (style.shape == "tube" and style.wearing != "one_ear"):
        return []
    if style.wearing == "one_ear":
        return _hanging_loops(style, surface_mm, fit)
    lines: list[Array] = []
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


def _hanging_loops(style: MaskStyle, surface_mm: Array, fit: Fit) -> list[Array]:
    """From the upper corners to the ear; and below, the other loop, which nothing holds."""
    sign = 1 if style.side == "left" else -1
    ear = fit(EAR_MM * (sign, 1, 1)) - np.array([0, 6, 0], np.float32)
    up = [np.array([surface_mm[r, 0], (surface_mm[r, 0] + ear) / 2 + (sign * 2, 0, 2), ear]) for r in (1, -2)]
    one, other = surface_mm[1, -1], surface_mm[-2, -1]
    return [np.asarray(line, np.float32) for line in (*up, np.array([one, (one + other) / 2 + (0, 52, 0), other]))]
