"""Draws a mask on one face: the whole way from landmarks to picture, and the laying of straps and cloth into it."""

from __future__ import annotations

import cv2
import numpy as np

from maskwise.data.masks.cloth import Cloth, paint
from maskwise.data.masks.light import LUMINANCE, Light, blurred, cast_shadow, measure_light, toned
from maskwise.data.masks.pose import Array, Pose, fit_pose, fit_to_box
from maskwise.data.masks.raster import Window, window_around
from maskwise.data.masks.style import MaskStyle
from maskwise.data.masks.surface import strap_lines, surface
from maskwise.errors import ShapeError
from maskwise.values import Image, check_image


def render_mask(image: Image, landmarks_xy: Array, box_xyxy: Array, style: MaskStyle) -> Image:
    """Draw a mask on one face; the picture given is left as it is.

    Args:
        image: (height, width, 3) uint8 RGB; a grey picture gets a grey mask.
        landmarks_xy: (5, 2) pixels: the person's right eye, left eye, nose tip, right and left mouth corner.
        box_xyxy: (4,) pixels, around the face from forehead to chin.
        style: the mask, and how it is worn.

    Returns:
        A new picture of the same size.

    Raises:
        ShapeError: the picture, landmarks or box have another shape, are not finite, or lie all in one point or line.
    """
    check_image(image)
    landmarks = _checked("landmarks_xy", landmarks_xy, (5, 2))
    box = _checked("box_xyxy", box_xyxy, (4,))
    pose = fit_pose(landmarks)
    fit = fit_to_box(pose, box)
    surface_mm = fit(surface(style))
    outline = pose.project(surface_mm)
    window = window_around(outline, 24 * pose.px_per_mm + 3, image)  # room for straps and shadow
    painted = window_around(outline, 4, image)
    if window is None or painted is None:  # the face lies outside the picture
        return image.copy()
    cloth = paint(painted, pose, surface_mm, style)
    straps = strap_lines(style, surface_mm, fit, pose)
    light = measure_light(image, box)
    scene = _with_straps(image[window.cut].astype(np.float32), window, straps, pose, style, light)
    inside = painted.within(window)
    scene *= 1 - cast_shadow(cloth.cover, inside, window, pose)[..., None]
    scene[inside] = _lay_over(scene[inside], cloth, painted, style, light)
    result = image.copy()
    result[window.cut] = np.clip(np.round(scene), 0, 255).astype(np.uint8)
    return result


def _checked(name: str, array: Array, shape: tuple[int, ...]) -> Array:
    array = np.asarray(array, np.float32)
    if array.shape != shape or not np.isfinite(array).all():
        raise ShapeError(f"{name}: expected {shape} finite pixels, got {array.shape} {array.tolist()}")
    return array


def _with_straps(
    scene: Array, window: Window, straps: list[Array], pose: Pose, style: MaskStyle, light: Light
) -> Array:
    if not straps:
        return scene
    lines = np.zeros((window.size_hw[0] * window.fine, window.size_hw[1] * window.fine), np.uint8)
    thickness = max(1, round(2.6 * pose.px_per_mm * window.fine))
    for strap in straps:
        t = np.linspace(0, 1, 9, dtype=np.float32)[:, None]
        curve = (1 - t) ** 2 * strap[0] + 2 * t * (1 - t) * strap[1] + t**2 * strap[2]
        points = np.round(window.to_fine(pose.project(curve)) * 16).astype(np.int32)
        cv2.polylines(lines, [points], False, 255, thickness, cv2.LINE_AA, 4)
    drawn = cv2.resize(lines, window.size_hw[::-1], interpolation=cv2.INTER_AREA)
    cover = blurred(np.asarray(drawn, np.float32) / np.float32(255), light.blur_px)
    # Hair hangs over straps: they show only where the picture is about as bright as the skin.
    brightness = blurred(scene @ LUMINANCE, max(2 * pose.px_per_mm, 0.5))
    cover *= np.exp(-(((brightness - light.skin) / (0.55 * light.skin + 5)) ** 4))
    shadow = blurred(np.roll(cover, max(1, round(1.5 * pose.px_per_mm)), axis=0), max(pose.px_per_mm, 0.4))
    scene = scene * (1 - 0.25 * shadow[..., None])
    colour = toned(np.array(style.strap_rgb, np.float32), 1.0, light) * 0.9
    return np.asarray(scene + (colour - scene) * cover[..., None], np.float32)


def _lay_over(scene: Array, cloth: Cloth, painted: Window, style: MaskStyle, light: Light) -> Array:
    """(h, w, 3) the scene of the painted window with the cloth over it, as blurred and as noisy as the rest."""
    cover = blurred(cloth.cover, light.blur_px)[..., None]
    tone = blurred(toned(cloth.colour * light.over(painted), cloth.cover[..., None], light), light.blur_px)
    grain = np.random.default_rng(style.seed + 1).standard_normal(painted.size_hw, np.float32)
    grain = blurred(grain, 0.6)[..., None] * (light.noise * 1.8 + 0.8)
    return np.asarray(scene * (1 - cover) + tone + grain * cover, np.float32)
