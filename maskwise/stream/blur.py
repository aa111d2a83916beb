"""Faces made unrecognisable, and nothing else of the picture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwise.values import Image

Blur = Literal["all", "unmasked", "none"]
BLURS: tuple[Blur, ...] = ("all", "unmasked", "none")

CELLS = 6
"""A face becomes so many squares across: nobody is recognised by 6 x 8 colours, and a mask is still seen to be there."""

AROUND = 0.15
"""Of the box's sides, on each side: ears and hair tell as well."""


def blurred(image: Image, boxes_xyxy: Iterable[NDArray[np.float32]]) -> Image:
    """A copy with each box made coarse, in an oval; boxes may reach over the border.

    Args:
        image: (height, width, 3) uint8 RGB.
        boxes_xyxy: (4,) pixels each.
    """
    hidden = image.copy()
    height, width = image.shape[:2]
    for box in boxes_xyxy:
        x0, y0, x1, y1 = (float(v) for v in box)
        dx, dy = AROUND * (x1 - x0), AROUND * (y1 - y0)
        left, top = max(0, round(x0 - dx)), max(0, round(y0 - dy))
        right, bottom = min(width, round(x1 + dx)), min(height, round(y1 + dy))
        if right - left < 2 or bottom - top < 2:
            continue
        part = hidden[top:bottom, left:right]
        across = min(CELLS, part.shape[1])
        down = max(1, min(round(across * part.shape[0] / part.shape[1]), part.shape[0]))
        small = cv2.resize(part, (across, down), interpolation=cv2.INTER_AREA)
        coarse = cv2.resize(small, (part.shape[1], part.shape[0]), interpolation=cv2.INTER_LINEAR)
        oval = np.zeros(part.shape[:2], np.uint8)
        centre = round((x0 + x1) / 2) - left, round((y0 + y1) / 2) - top
        axes = max(1, round((x1 - x0) / 2 + dx)), max(1, round((y1 - y0) / 2 + dy))
        cv2.ellipse(oval, centre, axes, 0, 0, 360, 255, cv2.FILLED)
        part[oval > 0] = coarse[oval > 0]
    return hidden
