"""One face of one picture, measured once, however many masks are then drawn on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from maskwise.data.masks.light import Light, blurred, grey_of, measure_light
from maskwise.data.masks.pose import Array, Fit, Pose, fit_pose, fit_to_box
from maskwise.data.masks.raster import Window, window_around
from maskwise.errors import ShapeError
from maskwise.values import Image, check_image

REACH_MM = ((-150, 150), (-130, 270), (-70, 60))
"""Where the widest and longest masks, their straps and shadows end: x, y and z from, to."""


@dataclass(frozen=True, eq=False)  # no slots: what is measured only when a mask asks for it is kept in the instance
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

    @cached_property
    def around(self) -> Window:
        """The part of the picture that masks can reach; all of it where the face lies outside."""
        corners = np.stack(np.meshgrid(*REACH_MM), axis=-1).astype(np.float32)
        height, width = self.image.shape[:2]
        return window_around(self.pose.project(corners), 0, self.image) or Window(0, 0, width, height, 1)

    def window(self, points_xy: Array, margin_px: float) -> Window | None:
        """The part of the picture around some points, within what masks can reach; None where there is none."""
        window = window_around(points_xy, margin_px, self.image)
        return window.clipped(self.around) if window else None

    def light_over(self, window: Window) -> Array:
        """(h, w) brightness of the light at each pixel, 1 on average over the face."""
        return self._light_over[window.within(self.around)]

    def skin_like(self, window: Window) -> Array:
        """(h, w) in 0..1: 1 where the picture is about as bright as the skin, 0 where it is hair or sky."""
        return self._skin_like[window.within(self.around)]

    def hair_over(self, window: Window) -> Array:
        """(h, w) in 0..1: where dark hair falls over the cheeks. Only dark hair is told from skin, so only that.

        Not below the jaw, where dark is shadow, and not on a cheek that is turned away, where it is background.
        """
        return self._hair_over[window.within(self.around)]

    @cached_property
    def _light_over(self) -> Array:
        return self.light.over(self.around)

    @cached_property
    def _skin_like(self) -> Array:
        skin = self.light.skin
        off = (self._brightness - np.float32(skin)) * np.float32(1 / (0.55 * skin + 5))
        off *= off
        return self._in_pixels(np.exp(-off * off))

    @cached_property
    def _hair_over(self) -> Array:
        x_mm, y_mm = self.face_mm(self.around, every=self._every)
        aside = np.clip((np.abs(x_mm) - (39 + np.clip(y_mm - 35, 0, 45) * np.float32(10 / 45))) * 0.16, 0, 1)
        aside *= (x_mm * np.float32(self.pose.towards_camera[0]) > -10) * np.clip((92 - y_mm) / 16, 0, 1)
        light = self._light_over[:: self._every, :: self._every]
        relative = self._brightness / (light * np.float32(self.light.skin) + 1)
        return self._in_pixels(aside * np.clip((0.52 - relative) / 0.16, 0, 1))

    @cached_property
    def _brightness(self) -> Array:
        """Of what lies around, about one value a millimetre, without detail finer than two."""
        part = self.image[self.around.cut]
        size = -(-part.shape[1] // self._every), -(-part.shape[0] // self._every)
        small = cv2.resize(part, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        return blurred(grey_of(small), max(2 * self.pose.px_per_mm / self._every, 0.5))

    @property
    def _every(self) -> int:
        """So many pixels make one step, about a millimetre of the face: hair is no finer, and large faces cost less."""
        return max(1, int(self.pose.px_per_mm))

    def _in_pixels(self, coarse: Array) -> Array:
        """(h, w) of what lies around."""
        size = self.around.size_hw[::-1]
        return np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR), np.float32)

    def face_mm(self, window: Window, depth_mm: float = 10, every: int = 1) -> tuple[Array, Array]:
        """(h, w) each: how far a pixel lies to the person's left and below the eyes, on a plane before the face.

        Args:
            window: the pixels.
            depth_mm: of the plane; the lips lie near 10, the nose tip near 27.
            every: which of the pixels, along either axis.
        """
        middle = self.pose.project(np.array([0, 0, depth_mm], np.float32))
        inverse = np.linalg.inv(self.pose.axes[:, :2]).astype(np.float32)
        columns = (np.arange(window.left, window.right, every) - middle[0]).astype(np.float32)[None]
        rows = (np.arange(window.top, window.bottom, every) - middle[1]).astype(np.float32)[:, None]
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
