"""A beard: hairs along the jaw, over chin and upper lip; lips and cheeks stay bare."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwise.data.masks.pose import Array
from maskwise.data.masks.raster import Unwrapped, looked_up, unwrap, window_around
from maskwise.data.masks.render import blend
from maskwise.data.masks.sitter import Sitter
from maskwise.data.masks.style import MaskStyle
from maskwise.data.masks.surface import surface
from maskwise.values import Image

HAIR_RGB = ((24, 20, 18), (38, 28, 22), (58, 40, 28), (84, 58, 38), (112, 74, 44), (96, 92, 90))
# A beard lies on the skin: no cloth lifted by the nose, from the nostrils to below the chin.
SKIN = MaskStyle(top_mm=30, bottom_mm=124, side_mm=70, reach_deg=88, wearing="covering", strap="none")
TEXTURE_HW = (230, 260)


def draw_beard(sitter: Sitter, seed: int) -> Image:
    """The sitter's picture with a beard, from stubble to full; lips, nose and eyes stay as they are."""
    rng = np.random.default_rng([seed, 19])
    surface_mm = sitter.fit(surface(SKIN, lift=0.12))
    window = window_around(sitter.pose.project(surface_mm), 4, sitter.image)
    if window is None:
        return sitter.image.copy()
    shown = unwrap(window, sitter.pose, surface_mm, TEXTURE_HW)
    thick = _on_picture(_hairs(surface(SKIN, lift=0.12), rng), shown) * shown.cover
    strength = rng.uniform(0.55, 0.97)
    hair = np.array(HAIR_RGB[rng.integers(len(HAIR_RGB))], np.float32)
    gloss = _on_picture(_strands(rng), shown)[..., None]
    scene = sitter.image[window.cut].astype(np.float32)
    grey = hair.mean() + (hair - hair.mean()) * sitter.light.colourful
    colour = grey * (0.75 + 0.7 * gloss) * sitter.light.over(window)[..., None] * sitter.light.exposure
    # Skin shines through: hair darkens it more than it hides it.
    mixed = 0.35 * scene * (0.35 + 0.4 * gloss) + 0.65 * colour
    laid = blend(scene, np.asarray(mixed, np.float32), np.asarray(thick * strength, np.float32), window, sitter, seed)
    result = sitter.image.copy()
    result[window.cut] = cv2.convertScaleAbs(laid)
    return result


def _on_picture(texture: Array, shown: Unwrapped) -> Array:
    """(h, w) in 0..1: a texture in 0..1 as the picture shows it."""
    return np.asarray(looked_up(np.asarray(np.clip(texture, 0, 1) * 255, np.uint8), shown) / 255, np.float32)


def _hairs(surface_mm: Array, rng: np.random.Generator) -> Array:
    """TEXTURE_HW in 0..1: how much hair grows at each point of the skin."""
    size = TEXTURE_HW[::-1]
    x, y = (np.asarray(cv2.resize(np.ascontiguousarray(surface_mm[..., i]), size), np.float32) for i in (0, 1))
    aside = np.abs(x)
    # The cheek line falls from the sideburn to the corner of the mouth and passes below it to the chin.
    line = np.interp(aside, (0, 27, 34, 50, 62, 70), (60, 60, 66, 62, 44, 20)).astype(np.float32) + rng.uniform(-3, 4)
    full = _soft((y - line) / rng.uniform(5, 9)) * np.maximum(_soft((aside - 24) / 6), _soft((y - 84) / 4))
    below_nose = np.minimum(_soft((y - 53) / 2.5), _soft((67 - y) / 2.5))
    moustache = below_nose * _soft((33 - aside) / 6) * (1 - 0.35 * np.exp(-((x / 3.5) ** 2)))
    goatee = _soft((y - 76) / 3) * _soft((30 - aside) / 9)
    grown = np.maximum.reduce([full, moustache, goatee])
    lips = ((x / 27) ** 2 + ((y - 71.5) / 8.0) ** 2) < 1
    soft_lips = cv2.GaussianBlur(lips.astype(np.float32), (0, 0), 2.0)
    uneven = cv2.resize(rng.standard_normal((9, 12)).astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    patchy = grown * (1 - soft_lips) * (0.88 + 0.14 * uneven)
    return np.asarray(patchy * (0.62 + 0.75 * _strands(rng)), np.float32)


def _soft(distance: NDArray[np.floating]) -> Array:
    return np.asarray(np.clip(distance + 0.5, 0, 1), np.float32)


def _strands(rng: np.random.Generator) -> Array:
    """TEXTURE_HW in 0..1: many short hairs, more or less downwards."""
    height, width = TEXTURE_HW
    noise = rng.standard_normal((height, width)).astype(np.float32)
    along = cv2.GaussianBlur(noise, (0, 0), sigmaX=0.7, sigmaY=2.6)
    slant = cv2.warpAffine(along, np.array([[1, 0.25, 0], [0, 1, 0]], np.float32), (width, height), borderMode=2)
    locks = cv2.GaussianBlur(rng.standard_normal((height, width)).astype(np.float32), (0, 0), sigmaX=2.2, sigmaY=7)
    return np.asarray(np.clip(0.5 + 0.16 * slant / slant.std() + 0.12 * locks / locks.std(), 0, 1), np.float32)
