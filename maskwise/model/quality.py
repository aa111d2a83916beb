"""How much a cut-out face shows: fine detail and light, measured at one size so that all faces compare."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwise.values import Image

MEASURED_AT_PX = 64


def sharpness(crop: Image) -> float:
    """Standard deviation of the Laplacian over that of the grey values; under 0.12 hardly any fine detail is there.

    The square of its numerator is the "variance of the Laplacian" of Pech-Pacheco et al. (2000); divided by the
    contrast, since a dim picture is not a blurred one.
    """
    grey = _grey(crop)
    return float(cv2.Laplacian(grey, cv2.CV_32F).std()) / max(float(grey.std()), 1.0)


def brightness(crop: Image) -> float:
    """Mean grey value, 0 to 255."""
    return float(_grey(crop).mean())


def _grey(crop: Image) -> NDArray[np.uint8]:
    size = (MEASURED_AT_PX, MEASURED_AT_PX)
    if crop.shape[:2] != size:
        crop = np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), np.uint8)
