"""How much of a face can be seen: its size, its fine detail and light, and whether the frame's border cuts it off.

Detail and light are measured at one size, so that all faces compare.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwise.errors import ShapeError
from maskwise.values import Faces, Image

MEASURED_AT_PX = 64


@dataclass(frozen=True, slots=True, eq=False)
class FaceQuality:
    """How much of each of n faces can be seen; nan where that is not known.

    side_px: (n,) float64, shorter side of the face box in pixels.
    sharpness: (n,) float64, see `sharpness`.
    inside: (n,) float64, share of the five landmarks that lie in the picture, in [0, 1].
    """

    side_px: NDArray[np.float64]
    sharpness: NDArray[np.float64]
    inside: NDArray[np.float64]

    def __post_init__(self) -> None:
        shapes = self.side_px.shape, self.sharpness.shape, self.inside.shape
        if len(set(shapes)) != 1 or self.side_px.ndim != 1:
            raise ShapeError(f"quality: expected three arrays of one length, got {shapes}")


def quality_of(faces: Faces, crops: NDArray[np.uint8], width: int, height: int) -> FaceQuality:
    """Measure n faces of one picture; n may be 0.

    The detector clips its boxes to the picture but not its landmarks, so landmarks beyond the border tell that a face
    is cut off.

    Args:
        faces: where they are.
        crops: (n, size, size, 3) uint8 RGB, as the network sees them.
        width: of the picture, in pixels.
        height: likewise.
    """
    x, y = np.moveaxis(faces.landmarks_xy, 2, 0)
    inside = ((x >= 0) & (x <= width) & (y >= 0) & (y <= height)).mean(axis=1, dtype=np.float64)
    return FaceQuality(
        sides_px(faces.boxes_xyxy),
        np.array([sharpness(crop) for crop in crops], np.float64),
        np.where(np.isnan(faces.landmarks_xy).any(axis=(1, 2)), np.nan, inside),
    )


def sides_px(boxes_xyxy: NDArray[np.float32]) -> NDArray[np.float64]:
    """Shorter side of each box in pixels: (n, 4) to (n,) float64; nan where the box is."""
    return np.asarray((boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).min(axis=1), np.float64)


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
