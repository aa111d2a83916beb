"""How a face stands before the camera, and how it differs from the average: read from five landmarks and a box."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from maskwise.errors import ShapeError

Array = NDArray[np.float32]

# An average adult face. x to the person's left, y down, z towards the camera; the origin lies between the eyes.
LANDMARKS_MM = np.array([[-31, 0, 0], [31, 0, 0], [0, 40, 27], [-25, 68, 5], [25, 68, 5]], np.float32)
MOUTH_MM, CHIN_MM, HALF_FACE_MM = 68.0, 113.0, 70.0


class Pose(NamedTuple):
    """How the average face stands before the camera: pixels = millimetres @ axes.T + origin.

    axes: (2, 3) pixels per millimetre.
    origin: (2,) pixels, the point between the eyes.
    """

    axes: Array
    origin: Array

    def project(self, points_mm: Array) -> Array:
        """(..., 3) millimetres to (..., 2) pixels."""
        return np.asarray(points_mm @ self.axes.T + self.origin, np.float32)

    @property
    def towards_camera(self) -> Array:
        """(3,) unit vector in the face's own axes."""
        (ax, ay, az), (bx, by, bz) = self.axes.tolist()
        x, y, z = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        length = math.hypot(x, y, z)
        return np.array([x / length, y / length, z / length], np.float32)

    @property
    def px_per_mm(self) -> float:
        """One millimetre of the face in pixels, seen square on."""
        across, down = self.axes.tolist()
        return (math.hypot(*across) + math.hypot(*down)) / 2


def fit_pose(landmarks_xy: Array) -> Pose:
    """The pose that brings the average face's landmarks nearest to those of a picture.

    Three free axes instead of a rigid rotation: a face wider or longer than the average is then met as well.

    Args:
        landmarks_xy: (5, 2) pixels.

    Raises:
        ShapeError: the landmarks lie in one point or line, or stand mirrored.
    """
    known = np.concatenate([LANDMARKS_MM, np.ones((5, 1), np.float32)], axis=1)
    solution = np.linalg.lstsq(known, landmarks_xy.astype(np.float64), rcond=None)[0]
    axes, origin = solution[:3].T, solution[3]
    across, down, depth = axes.T
    # A nose off the middle means a turned head. A nose that sits high may be a nod, or just a short nose; five points
    # cannot tell, so the nod is believed by two thirds (chosen by eye on the ORL faces).
    upright = down / max(float(np.linalg.norm(down)), 1e-6)
    axes[:, 2] = depth - upright * (depth @ upright) / 3
    area = float(across[0] * down[1] - across[1] * down[0])
    if area < 1e-6:
        raise ShapeError(f"landmarks_xy: no face stands like {landmarks_xy.tolist()}; is the person's right eye first?")
    return Pose(axes.astype(np.float32), origin.astype(np.float32))


class Fit(NamedTuple):
    """How this face differs from the average: wider by one factor, its chin longer by another."""

    width: float
    chin: float

    def __call__(self, points_mm: Array) -> Array:
        """(..., 3) millimetres of the average face to those of this one."""
        fitted = points_mm.astype(np.float32, copy=True)
        fitted[..., 0] *= self.width
        below = np.maximum(fitted[..., 1] - MOUTH_MM, 0)
        fitted[..., 1] += below * (self.chin - 1)
        return fitted


def fit_to_box(pose: Pose, box_xyxy: Array) -> Fit:
    """Width and chin from the face box, as far as the head stands upright: a box around a tilted head says little."""
    down = pose.axes[:, 1]
    upright = float(
        np.clip(down[1] / max(float(np.linalg.norm(down)), 1e-6) * 4 - 3, 0, 1)
    )  # 1 at 0, 0 from 41 degrees
    chin = pose.project(np.array([0, CHIN_MM, 5], np.float32))[1]
    mouth = pose.project(np.array([0, MOUTH_MM, 5], np.float32))[1]
    longer = float((box_xyxy[3] - mouth) / max(float(chin - mouth), 1e-6))
    sides = pose.project(np.array([[-HALF_FACE_MM, 45, -25], [HALF_FACE_MM, 45, -25]], np.float32))[:, 0]
    wider = float((box_xyxy[2] - box_xyxy[0]) / max(float(sides[1] - sides[0]), 1e-6))
    return Fit(1 + upright * (np.clip(wider, 0.92, 1.12) - 1), 1 + upright * (np.clip(longer, 0.8, 1.3) - 1))
