"""One face of one picture, measured once, however many masks are then drawn on it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from maskwise.data.masks.light import Light, blurred, grey_of, measure_light
from maskwise.data.masks.pose import Array, Fit, Pose, fit_pose, fit_to_box
from maskwise.data.masks.raster import Window
from maskwise.errors import ShapeError
from maskwise.values import Image, check_image


@dataclass(frozen=True, slots=True, eq=False)
class Sitter:
    """A face, and what is known of how it stands and is lit.

    image: (height, width, 3) uint8 RGB, the whole picture; never changed.
    box_xyxy: (4,) pixels, from forehead to chin.
    pose: how the head stands.
    fit: how it differs from the average.
    light: light and camera.
    """

    image: Image
    box_xyxy: Array
    pose: Pose
    fit: Fit
    light: Light

    def brightness(self, window: Window) -> Array:
        """(h, w) brightness of a part of the picture, without detail finer than two millimetres of the face."""
        return blurred(grey_of(self.image[window.cut].astype(np.float32)), max(2 * self.pose.px_per_mm, 0.5))

    def skin_like(self, brightness: Array) -> Array:
        """(h, w) in 0..1: 1 where the picture is about as bright as the skin, 0 where it is hair or sky."""
        skin = self.light.skin
        off = (brightness - np.float32(skin)) * np.float32(1 / (0.55 * skin + 5))
        off *= off
        return np.asarray(np.exp(-off * off), np.float32)

    def hair_over(self, window: Window, brightness: Array) -> Array:
        """(h, w) in 0..1: where dark hair falls over the cheeks. Only dark hair is told from skin, so only that.

        Not below the jaw, where dark is shadow, and not on a cheek that is turned away, where it is background.
        """
        # Hair is coarse: every other pixel does.
        x_mm, y_mm = (mm[::2, ::2] for mm in self.face_mm(window))
        aside = np.clip((np.abs(x_mm) - (39 + np.clip(y_mm - 35, 0, 45) * np.float32(10 / 45))) * 0.16, 0, 1)
        aside *= (x_mm * np.float32(self.pose.towards_camera[0]) > -10) * np.clip((92 - y_mm) / 16, 0, 1)
        relative = brightness[::2, ::2] / (self.light.over(window)[::2, ::2] * np.float32(self.light.skin) + 1)
        hair = np.asarray(aside * np.clip((0.52 - relative) / 0.16, 0, 1), np.float32)
        return np.asarray(cv2.resize(hair, window.size_hw[::-1], interpolation=cv2.INTER_LINEAR), np.float32)

    def face_mm(self, window: Window, depth_mm: float = 10) -> tuple[Array, Array]:
        """(h, w) each: how far a pixel lies to the person's left and below the eyes, on a plane before the face.

        Args:
            window: the pixels.
            depth_mm: of the plane; the lips lie near 10, the nose tip near 27.
        """
        middle = self.pose.project(np.array([0, 0, depth_mm], np.float32))
        inverse = np.linalg.inv(self.pose.axes[:, :2]).astype(np.float32)
        columns = (np.arange(window.left, window.right) - middle[0]).astype(np.float32)[None]
        rows = (np.arange(window.top, window.bottom) - middle[1]).astype(np.float32)[:, None]
        return (inverse[0, 0] * columns + inverse[0, 1] * rows, inverse[1, 0] * columns + inverse[1, 1] * rows)


def sit(image: Image, landmarks_xy: Array, box_xyxy: Array) -> Sitter:
    """Measure one face.

    Args:
        image: (height, width, 3) uint8 RGB.
        landmarks_xy: (5, 2) pixels: the person's right eye, left eye, nose tip, right and left mouth corner.
        box_xyxy: (4,) pixels, around the face from forehead to chin.

    Raises:
        ShapeError: the picture, landmarks or box have another shape, are not finite, or lie all in one point or line.
    """
    check_image(image)
    landmarks = _checked("landmarks_xy", landmarks_xy, (5, 2))
    box = _checked("box_xyxy", box_xyxy, (4,))
    pose = fit_pose(landmarks)
    return Sitter(image, box, pose, fit_to_box(pose, box), measure_light(image, box))


def _checked(name: str, array: Array, shape: tuple[int, ...]) -> Array:
    array = np.asarray(array, np.float32)
    if array.shape != shape or not np.isfinite(array).all():
        raise ShapeError(f"{name}: expected {shape} finite pixels, got {array.shape} {array.tolist()}")
    return array
