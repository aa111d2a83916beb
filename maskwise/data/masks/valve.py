"""The exhalation valve of a respirator: a plastic lid on the cloth, with slits, shine and a shadow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maskwise.data.masks.pose import Array
from maskwise.data.masks.style import MaskStyle

LIDS_RGB = ((232, 232, 228), (205, 208, 210), (60, 62, 66), (70, 110, 170), (215, 190, 90), (150, 155, 158))
PLACES = {"middle": (0.0, 0.52), "right": (-0.40, 0.55), "left": (0.40, 0.55)}
"""Where its middle lies on the mask, as (u, v)."""


def add_valve(texture: NDArray[np.uint8], u: Array, v: Array, style: MaskStyle, lit: Array) -> None:
    """Paint the valve into a texture of a mask, in place.

    Args:
        texture: (h, w, 3) RGB, as `cloth.paint` has it.
        u: (1, w), -1 on the person's right to 1.
        v: (h, 1), 0 at the upper edge to 1.
        style: says where; the lid's colour and make vary with the seed.
        lit: (h, w) light on the cloth.
    """
    rng = np.random.default_rng([style.seed, 7])
    radius, narrower = rng.uniform(14, 18), rng.uniform(0.8, 1.0)
    corner = 2.0 if rng.random() < 0.6 else 4.5  # round, or square with round corners
    at_u, at_v = PLACES[style.valve]
    x_mm, y_mm = (u - at_u) * 78, (v - at_v) * 95
    # Only the part around it is painted.
    rows, columns = (np.flatnonzero(np.abs(d.ravel()) < 1.5 * radius) for d in (y_mm, x_mm))
    part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    x_mm, y_mm, here = x_mm[:, part[1]], y_mm[part[0]], texture[part]
    reach = (np.abs(x_mm / radius) ** corner + np.abs(y_mm / (radius * narrower)) ** corner) ** (1 / corner)
    lid = LIDS_RGB[rng.integers(len(LIDS_RGB))]
    relief = _lid(x_mm, y_mm, reach, radius, slits=bool(rng.random() < 0.7))
    cover = np.clip((1.0 - reach) * radius, 0, 1)[..., None]
    shadow = 1 - 0.45 * np.clip(1.25 - np.hypot(x_mm, y_mm - 3) / radius, 0, 0.25)[..., None] * 4
    colour = np.array(lid, np.float32) * 0.8 * (lit[part] * relief)[..., None]
    here[...] = np.clip(np.round(here * shadow * (1 - cover) + colour * cover), 0, 255).astype(np.uint8)


def _lid(x_mm: Array, y_mm: Array, reach: Array, radius: float, *, slits: bool) -> Array:
    """(h, w) light and shade on the lid: a bevel lit from above, and slits or a raised disc."""
    upper = np.clip(-y_mm / radius, -1, 1)
    bevel = 0.30 * upper * np.exp(-(((reach - 0.93) / 0.07) ** 2))
    groove = -0.38 * np.exp(-(((reach - 0.78) / 0.045) ** 2))
    inner = reach < 0.72
    if slits:
        lines = -0.42 * np.clip(np.sin(y_mm * (2 * np.pi / 5.2)) * 3 - 1, 0, 1) * inner
    else:
        lines = (0.12 * upper - 0.35 * np.exp(-(((reach - 0.4) / 0.06) ** 2))) * inner
    shine = 0.12 * np.exp(-(((x_mm + 0.35 * radius) ** 2 + (y_mm + 0.45 * radius) ** 2) / (0.3 * radius) ** 2))
    return np.asarray(1.0 + bevel + groove + lines + shine, np.float32)
