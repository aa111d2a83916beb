"""Swatches: real cloth, cut out of the middle of masks that people wear in photographs, to be worn by others.

Drawn cloth teaches that what looks drawn may be worn wrongly and what looks real is worn properly. Real cloth on both
sides of that line leaves only how it is worn.
"""

from __future__ import annotations

import cv2
import numpy as np

from maskwise.data.masks.light import measure_light
from maskwise.data.masks.sitter import Sitter
from maskwise.data.masks.style import MaskStyle
from maskwise.data.masks.surface import surface
from maskwise.values import Image

SWATCH_HW = (80, 96)
NARROWEST_PX = 28  # a smaller piece is a blur and would make every mask one
TURNED = 0.45  # sine of the angle from which the far half of a mask is a guess
DIMMEST = 0.35  # in darker light the colours are noise

# Inside of nearly every mask that covers: below the tip of the nose, above the chin, between the cheeks.
_MIDDLE = MaskStyle(top_mm=32, bottom_mm=104, side_mm=46, reach_deg=56)


def cut_swatch(sitter: Sitter) -> Image | None:
    """The middle of the mask that a face wears, spread out flat; None where the picture shows too little of it.

    Args:
        sitter: a face whose mask covers nose and mouth.

    Returns:
        (80, 96, 3) uint8 RGB as in white light; rows downwards, columns from the person's right.
    """
    outline = sitter.pose.project(sitter.fit(surface(_MIDDLE)))
    height, width = sitter.image.shape[:2]
    left, top, right, bottom = sitter.box_xyxy
    light = measure_light(sitter.image, np.array([left, top, right, (top + bottom) / 2], np.float32))  # above the mask
    outside = outline.min() < 0 or bool((outline.max(axis=(0, 1)) > (width - 1, height - 1)).any())
    turned = abs(float(sitter.pose.towards_camera[0])) > TURNED
    if outside or turned or np.ptp(outline[..., 0]) < NARROWEST_PX or light.exposure < DIMMEST:
        return None
    where = np.asarray(cv2.resize(outline, SWATCH_HW[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
    seen = np.asarray(cv2.remap(sitter.image, where[..., 0], where[..., 1], cv2.INTER_LINEAR), np.float32)
    return np.asarray(cv2.convertScaleAbs(seen, alpha=1 / light.exposure), np.uint8)
