"""Draws a mask on one face: the whole way from landmarks to picture, and the laying of straps and cloth into it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from maskwise.data.masks.cloth import HEADROOM, paint
from maskwise.data.masks.light import blurred, cast_shadow, noise, toned, tripled
from maskwise.data.masks.pose import Array
from maskwise.data.masks.raster import Window, looked_up, unwrap
from maskwise.data.masks.sitter import Sitter, sit
from maskwise.data.masks.style import MaskStyle
from maskwise.data.masks.surface import strap_lines, surface
from maskwise.values import Image

ROOM_MM = 24  # round the mask, for straps and shadow
LOOP_MM = 60  # below a mask that hangs from one ear

_T = np.linspace(0, 1, 9, dtype=np.float32)[:, None]
_BEND = np.concatenate([(1 - _T) ** 2, 2 * _T * (1 - _T), _T**2], axis=1)  # from three points to a curve


def render_mask(image: Image, landmarks_xy: Array, box_xyxy: Array, style: MaskStyle) -> Image:
    """Draw a mask on one face; the picture given is left as it is.

    For several masks on one face, `sit` measures the face once and `draw_mask` draws each.

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
    return draw_mask(sit(image, landmarks_xy, box_xyxy), style)


def draw_mask(sitter: Sitter, style: MaskStyle, swatch: Image | None = None) -> Image:
    """The sitter's picture with a mask; unchanged where the face lies outside it.

    Args:
        sitter: the face.
        style: the mask, and how it is worn.
        swatch: (h, w, 3) uint8 RGB of `cut_swatch`, for the texture `photographed`.

    Raises:
        ConfigError: photographed cloth without a swatch.
    """
    style = _on_the_visible_side(style, sitter)
    pose, image = sitter.pose, sitter.image
    surface_mm = sitter.fit(surface(style))
    outline = pose.project(surface_mm)
    room = LOOP_MM if style.wearing == "one_ear" else ROOM_MM
    window = sitter.window(outline, room * pose.px_per_mm + 3)
    painted = sitter.window(outline, 4)
    result = image.copy()
    if window is None or painted is None:
        return result
    texture = paint(float(np.ptp(outline[..., 0])), pose, surface_mm, style, swatch)
    shown = unwrap(painted, pose, surface_mm, texture.shape[:2])
    scene = image[window.cut].astype(np.float32)
    inside, straps = painted.within(window), strap_lines(style, surface_mm, sitter.fit, pose)
    _add_straps(scene, window, straps, style, sitter)
    cover = shown.cover
    if style.under_hair:
        cover = cover * (1 - sitter.hair_over(painted))
    scene *= tripled(1 - cast_shadow(cover, inside, window, pose))
    scene[inside] = lay_over(scene[inside], looked_up(texture, shown), cover, painted, sitter, style.seed)
    result[window.cut] = cv2.convertScaleAbs(scene)
    return result


def _on_the_visible_side(style: MaskStyle, sitter: Sitter) -> MaskStyle:
    """A mask on one ear hangs where the camera sees it: otherwise the picture would not show what its label says."""
    turned = float(sitter.pose.towards_camera[0])  # positive: the person's left cheek faces the camera
    if style.wearing != "one_ear" or abs(turned) < 0.2:
        return style
    return replace(style, side="left" if turned > 0 else "right")


def _add_straps(scene: Array, window: Window, straps: list[Array], style: MaskStyle, sitter: Sitter) -> None:
    """Draw straps into the scene of a window, in place; each side of the face for itself, since they lie far apart."""
    curves = [sitter.pose.project(_BEND @ strap) for strap in straps]
    for side in (-1, 1):
        lines = [curve for curve, strap in zip(curves, straps, strict=True) if strap[0, 0] * side > 0]
        around = sitter.window(np.stack(lines), 4 * sitter.pose.px_per_mm + 4) if lines else None
        part = around.clipped(window) if around else None
        if part is not None:
            inside = part.within(window)
            scene[inside] = _with_straps(scene[inside], part, lines, style, sitter)


def _with_straps(scene: Array, part: Window, lines: list[Array], style: MaskStyle, sitter: Sitter) -> Array:
    pose, light = sitter.pose, sitter.light
    drawn = np.zeros(part.size_hw, np.uint8)
    wanted = 2.6 * pose.px_per_mm
    thickness = max(1, round(wanted))
    origin = np.array([part.left, part.top], np.float32)
    for line in lines:
        cv2.polylines(drawn, [np.round((line - origin) * 16).astype(np.int32)], False, 255, thickness, cv2.LINE_AA, 4)
    # A strap thinner than a pixel shows only in part.
    cover = blurred(np.asarray(drawn, np.float32) * np.float32(min(wanted / thickness, 1) / 255), light.blur_px)
    # Hair hangs over straps: they show only where the picture is about as bright as the skin.
    cover *= sitter.skin_like(part)
    shadow = blurred(np.roll(cover, max(1, round(1.5 * pose.px_per_mm)), axis=0), max(pose.px_per_mm, 0.4))
    scene = scene * tripled(1 - np.float32(0.25) * shadow)
    colour = toned(np.array(style.strap_rgb, np.float32).reshape(1, 1, 3), light) * np.float32(0.9)
    return np.asarray(scene + (colour - scene) * tripled(cover), np.float32)


def lay_over(scene: Array, colour: Array, cover: Array, window: Window, sitter: Sitter, seed: int) -> Array:
    """(h, w, 3) the scene of a window with painted things over it, as blurred and as noisy as the rest.

    Args:
        scene: (h, w, 3) float32, the picture there.
        colour: (h, w, 3) float32, in white light, times HEADROOM.
        cover: (h, w) in 0..1.
        window: where that is.
        sitter: whose light falls on it.
        seed: of the noise.
    """
    tone = toned(colour * tripled(sitter.light_over(window) * np.float32(1 / HEADROOM)), sitter.light)
    return blend(scene, tone, cover, window, sitter, seed)


def blend(scene: Array, tone: Array, cover: Array, window: Window, sitter: Sitter, seed: int) -> Array:
    """(h, w, 3) as `lay_over`, of colours that stand in the light of the picture already."""
    light = sitter.light
    tone, shown = blurred(tone * tripled(cover), light.blur_px), blurred(cover, light.blur_px)
    grain = noise(window.size_hw, seed) * (shown * np.float32(light.noise * 1.8 + 0.8))
    return np.asarray(scene * tripled(1 - shown) + tone + tripled(grain), np.float32)
