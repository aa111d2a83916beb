"""Draws a worn face mask on a bare face.

The mask is a surface in millimetres over an average face. Five landmarks say how that face stands before the camera, so
turning, nodding and tilting come out by themselves; the surface is then painted as cloth in the light of the picture.
No pictures of masks are used: everything is computed, and the same style and face give the same pixels.

    landmarks -> pose -> surface -> layer (straps, cloth) -> light, shadow, blur and noise of the picture -> picture
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwise.errors import ConfigError, ShapeError
from maskwise.values import Image, check_image

Array = NDArray[np.float32]
Texture = Literal["plain", "pleated", "ridge", "dots", "stripes", "check", "blotches"]
Wearing = Literal["covering", "nose_out", "chin"]
Strap = Literal["ear", "head", "none"]
UNPRINTED = ("plain", "pleated", "ridge")

# An average adult face. x to the person's left, y down, z towards the camera; the origin lies between the eyes.
LANDMARKS_MM = np.array([[-31, 0, 0], [31, 0, 0], [0, 40, 27], [-25, 68, 5], [25, 68, 5]], np.float32)
MOUTH_MM, CHIN_MM, HALF_FACE_MM = 68.0, 113.0, 70.0
EAR_MM = np.array([75, 16, -66], np.float32)  # where a strap leaves the face: the front of the ear's root

# What the cloth lies on, as (height, value): half width of the face, and depth of its middle.
HALF_WIDTH_MM = ((0, 69), (30, 68), (60, 64), (85, 57), (105, 47), (125, 38))
DEPTH_MM = ((0, 8), (35, 12), (70, 15), (100, 12), (113, 4), (125, -14))
# On top of it the cloth rises to the nose tip and falls straight from there to the chin.
TENT_MM = ((0, 2), (18, 9), (40, 20), (62, 14), (90, 5), (105, 0))
TENT_HALF_WIDTH_MM = ((0, 9), (20, 12), (40, 21), (70, 30), (105, 34))
SIDE_DEPTH_MM = 62.0  # how far the cheeks fall back from the middle to the side

ACROSS, DOWN = 25, 15  # vertices of the surface; odd across, so that one column runs over the nose
DETAIL_PX = 220  # smaller masks are painted finer by a whole factor and averaged down: smooth edges, no aliasing
FINEST = 4
LARGE_PX = 640  # wider masks are painted as they are: four times the work would show nothing
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True, slots=True)
class MaskStyle:
    """A mask, and how it sits.

    colour_rgb: of the cloth in white light, each 0 to 255.
    second_rgb: of the pattern, where the texture has one.
    texture: plain cloth, pleated surgical, ridge (folded respirator), or a pattern printed on cloth.
    top_mm: height of the upper edge over the middle of the nose, counted down from the line of the eyes on an average
        face; the nose tip is near 40. Ways of wearing that leave the nose bare move it down.
    bottom_mm: height of the lower edge in the middle; the chin is near 113, cloth beyond it lies under the chin.
    side_mm: how high the mask is at its sides.
    reach_deg: how far round the head it reaches: 0 is the nose, 90 the ear.
    tilt_mm: how much lower it sits on the person's left than on the right.
    strap: round the ear, round the head, or out of sight.
    strap_rgb: its colour.
    wrinkles: strength of the folds, 0 to 1.
    seed: of the wrinkles and the pattern.
    wearing: `covering` nose and mouth (masked); `nose_out` and `chin` (incorrect).
    """

    colour_rgb: tuple[int, int, int] = (150, 190, 215)
    second_rgb: tuple[int, int, int] = (240, 240, 240)
    texture: Texture = "pleated"
    top_mm: float = 14.0
    bottom_mm: float = 119.0
    side_mm: float = 50.0
    reach_deg: float = 74.0
    tilt_mm: float = 0.0
    strap: Strap = "ear"
    strap_rgb: tuple[int, int, int] = (235, 235, 235)
    wrinkles: float = 0.5
    seed: int = 0
    wearing: Wearing = "covering"

    def __post_init__(self) -> None:
        for name, allowed in (("texture", Texture), ("strap", Strap), ("wearing", Wearing)):
            if getattr(self, name) not in get_args(allowed):
                raise ConfigError(f"mask {name}: {getattr(self, name)!r} is not one of {list(get_args(allowed))}")
        for name, low, high in (
            ("top_mm", 0, 30),  # lower, the nose would be out and the label a lie
            ("bottom_mm", 90, 125),
            ("side_mm", 15, 70),
            ("reach_deg", 50, 85),
            ("tilt_mm", -15, 15),
            ("wrinkles", 0, 1),
        ):
            if not low <= getattr(self, name) <= high:
                raise ConfigError(f"mask {name}: {getattr(self, name)} is not between {low} and {high}")


SURGICAL_RGB = ((152, 196, 222), (120, 178, 214), (176, 214, 226), (150, 205, 195), (232, 236, 238))
# Skin-like, grey and dark cloth belongs in: with gaudy masks only, a network learns colour and not cloth.
CLOTH_RGB = (
    (236, 236, 234),
    (28, 28, 31),
    (62, 64, 70),
    (128, 130, 133),
    (185, 186, 186),
    (205, 170, 145),
    (224, 190, 166),
    (150, 108, 82),
    (96, 66, 50),
    (230, 182, 190),
    (40, 55, 95),
    (120, 30, 42),
    (54, 88, 62),
    (190, 60, 60),
    (90, 120, 175),
    (222, 205, 150),
)
RESPIRATOR_RGB = ((240, 240, 238), (232, 233, 236), (48, 48, 52), (206, 196, 184), (170, 190, 205))
TEXTURES: dict[str, tuple[Texture, ...]] = {
    "surgical": ("pleated",),
    "cloth": ("plain",),
    "printed": ("dots", "stripes", "check", "blotches"),
    "respirator": ("ridge",),
}


def random_style(rng: np.random.Generator, wearing: Wearing = "covering") -> MaskStyle:
    """Draw a mask such as people wear; the generator decides everything."""
    kind = str(rng.choice(["surgical", "cloth", "printed", "respirator"], p=[0.42, 0.25, 0.15, 0.18]))
    texture = TEXTURES[kind][rng.integers(len(TEXTURES[kind]))]
    palette = {"surgical": SURGICAL_RGB, "respirator": RESPIRATOR_RGB}.get(kind, CLOTH_RGB)
    colour = _vary(rng, palette[rng.integers(len(palette))])
    if kind == "surgical" and rng.random() < 0.15:
        colour = _vary(rng, (38, 38, 42))
    white = rng.random() < 0.6
    return MaskStyle(
        colour_rgb=colour,
        second_rgb=_vary(rng, CLOTH_RGB[rng.integers(len(CLOTH_RGB))]),
        texture=texture,
        top_mm=float(rng.uniform(6, 24)),
        bottom_mm=float(rng.uniform(112, 123)),
        side_mm=float(rng.uniform(*{"surgical": (42, 60), "respirator": (24, 38)}.get(kind, (32, 56)))),
        reach_deg=float(rng.uniform(66, 80)),
        tilt_mm=float(np.clip(rng.normal(0, 1.5), -5, 5)),
        strap=("ear", "ear", "ear", "none", "head")[rng.integers(5 if kind == "respirator" else 4)],
        strap_rgb=(235, 235, 235) if white else colour,
        wrinkles=float(rng.uniform(0.2, 1)),
        seed=int(rng.integers(2**31)),
        wearing=wearing,
    )


def _vary(rng: np.random.Generator, colour_rgb: tuple[int, int, int]) -> tuple[int, int, int]:
    r, g, b = (int(v) for v in np.clip(np.array(colour_rgb) * rng.uniform(0.88, 1.08) + rng.normal(0, 5, 3), 12, 250))
    return r, g, b


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
    surface_mm = fit(_surface(style))
    outline = pose.project(surface_mm)
    window = _window(outline, 24 * pose.px_per_mm + 3, image)  # room for straps and shadow
    painted = _window(outline, 4, image)
    if window is None or painted is None:  # the face lies outside the picture
        return image.copy()
    cloth = _paint(painted, pose, surface_mm, style)
    straps = _straps(style, surface_mm, fit, pose)
    light = _light(image, box)
    scene = _with_straps(image[window.cut].astype(np.float32), window, straps, pose, style, light)
    inside = painted.within(window)
    scene *= 1 - _shadow(cloth.cover, inside, window, pose)[..., None]
    scene[inside] = _lay_over(scene[inside], cloth, painted, style, light)
    result = image.copy()
    result[window.cut] = np.clip(np.round(scene), 0, 255).astype(np.uint8)
    return result


def _checked(name: str, array: Array, shape: tuple[int, ...]) -> Array:
    array = np.asarray(array, np.float32)
    if array.shape != shape or not np.isfinite(array).all():
        raise ShapeError(f"{name}: expected {shape} finite pixels, got {array.shape} {array.tolist()}")
    return array


# --- how the face stands ----------------------------------------------------------------------------------------------


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
        normal = np.cross(self.axes[0], self.axes[1])
        return np.asarray(normal / np.linalg.norm(normal), np.float32)

    @property
    def px_per_mm(self) -> float:
        """One millimetre of the face in pixels, seen square on."""
        return float(np.linalg.norm(self.axes, axis=1).mean())


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


# --- the mask's surface -----------------------------------------------------------------------------------------------


class _Edges(NamedTuple):
    """Heights in millimetres below the line of the eyes, and how far the cloth is lifted off the lips by the nose."""

    top: float
    bottom: float
    side_top: float
    side_bottom: float
    lift: float


def _edges(style: MaskStyle) -> _Edges:
    half = style.side_mm / 2
    if style.wearing == "nose_out":  # the nostrils end near 50
        return _Edges(50 + style.top_mm * 0.15, min(style.bottom_mm + 3, 125), 62 - half, 62 + half, 0.35)
    if style.wearing == "chin":  # the lower lip ends near 80
        return _Edges(86 + style.top_mm * 0.3, 125, 88 - half * 0.7, 88 + half * 0.7, 0)
    return _Edges(style.top_mm, style.bottom_mm, 57 - half, 57 + half, 1)


def _at(height_mm: Array, table: tuple[tuple[float, float], ...]) -> Array:
    heights, values = zip(*table, strict=True)
    return np.asarray(np.interp(height_mm, heights, values), np.float32)


def _surface(style: MaskStyle) -> Array:
    """The mask on the average face: (DOWN, ACROSS, 3) millimetres, rows from the upper edge, columns from the right."""
    edges = _edges(style)
    u = np.linspace(-1, 1, ACROSS, dtype=np.float32)
    v = np.linspace(0, 1, DOWN, dtype=np.float32)[:, None]
    nose = 0.5 * np.exp(-((u / 0.2) ** 2)) + 0.5 * (1 - u**2)  # straight over the cheeks, up and over the nose
    top = edges.side_top - (edges.side_top - edges.top) * nose
    bottom = edges.side_bottom + (edges.bottom - edges.side_bottom) * (1 - np.abs(u) ** 2.2) ** 0.9
    y = top + (bottom - top) * v
    angle = u * np.radians(style.reach_deg)
    x = _at(y, HALF_WIDTH_MM) * np.sin(angle)
    tent = edges.lift * _at(y, TENT_MM) * np.exp(-((x / _at(y, TENT_HALF_WIDTH_MM)) ** 2))
    z = _at(y, DEPTH_MM) + tent + 1.5 - SIDE_DEPTH_MM * (1 - np.cos(angle))
    return np.stack([x, y + style.tilt_mm * u, z], axis=-1).astype(np.float32)


def _straps(style: MaskStyle, surface_mm: Array, fit: Fit, pose: Pose) -> list[Array]:
    """Lines, (points, 3) millimetres, from the corners of the mask; only those that the camera can see."""
    lines: list[Array] = []
    if style.strap == "none":
        return lines
    upper, lower = ((-8, 14), (-34, 34))[style.strap == "head"]
    for side, column in ((-1, 0), (1, -1)):
        cheek = np.array([side * 0.98, 0, 0.2], np.float32)
        if cheek @ pose.towards_camera < 0.05:
            continue
        for row, drop in ((1, upper), (-2, lower)):
            start = surface_mm[row, column]
            end = fit(EAR_MM * (side, 1, 1) + (0, drop, 0))
            middle = (start + end) / 2 + (side * 2.0, 0, 4)  # the cheek is round: the strap lies on it
            lines.append(np.array([start, middle, end], np.float32))
    return lines


# --- from the surface to pixels ---------------------------------------------------------------------------------------


class _Window(NamedTuple):
    """The part of the picture that changes, and how much finer than the picture it is painted."""

    left: int
    top: int
    right: int
    bottom: int
    fine: int

    @property
    def cut(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def size_hw(self) -> tuple[int, int]:
        return self.bottom - self.top, self.right - self.left

    def within(self, larger: _Window) -> tuple[slice, slice]:
        """Where this window lies in a larger one."""
        top, left = self.top - larger.top, self.left - larger.left
        return slice(top, top + self.size_hw[0]), slice(left, left + self.size_hw[1])

    def to_fine(self, points_xy: Array) -> Array:
        """Picture pixels to window pixels, finer; pixel centres lie at whole numbers on both sides."""
        moved = (points_xy - (self.left, self.top) + 0.5) * self.fine - 0.5
        return np.asarray(moved, np.float32)


def _triangles() -> NDArray[np.int64]:
    """(triangles, 3) positions in the flattened grid of vertices, two for each cell, clockwise on the screen."""
    vertex = np.arange(DOWN * ACROSS).reshape(DOWN, ACROSS)
    here, right, across, below = (
        c.ravel() for c in (vertex[:-1, :-1], vertex[:-1, 1:], vertex[1:, 1:], vertex[1:, :-1])
    )
    return np.concatenate([np.stack([here, right, across], axis=1), np.stack([here, across, below], axis=1)])


TRIANGLES = _triangles()
GRID_UV = np.stack(np.meshgrid(np.linspace(-1, 1, ACROSS), np.linspace(0, 1, DOWN)), axis=-1).reshape(-1, 2)
MIN_AREA_PX = 1e-3


def _window(outline_xy: Array, margin_px: float, image: Image) -> _Window | None:
    """The part of the picture around some points; None where that lies outside."""
    flat = outline_xy.reshape(-1, 2)
    low, high = flat.min(axis=0), flat.max(axis=0)
    left, top = (max(0, int(np.floor(v - margin_px))) for v in low)
    limits = image.shape[1::-1]
    right, bottom = (min(limit, int(np.ceil(v + margin_px)) + 1) for v, limit in zip(high, limits, strict=True))
    if left >= right or top >= bottom:
        return None
    width = max(float(high[0] - low[0]), 1.0)
    fine = 1 if width > LARGE_PX else int(np.clip(np.ceil(DETAIL_PX / width), 2, FINEST))
    return _Window(left, top, right, bottom, fine)


class _Cloth(NamedTuple):
    """Painted cloth in picture pixels.

    colour: (h, w, 3) in 0..255, already weighted by cover.
    cover: (h, w) in 0..1.
    """

    colour: Array
    cover: Array


def _unwrap(window: _Window, pose: Pose, surface_mm: Array) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Which point of the mask each fine pixel shows: u (-1 right side .. 1 left side), v (0 top .. 1 bottom), seen."""
    points = window.to_fine(pose.project(surface_mm)).reshape(-1, 2)
    corners = points[TRIANGLES]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    depth = (surface_mm.reshape(-1, 3) @ pose.towards_camera)[TRIANGLES].sum(axis=1)
    which = np.zeros((window.size_hw[0] * window.fine, window.size_hw[1] * window.fine), np.int32)
    sixteenths = np.round(corners * 16).astype(np.int32)
    for i in np.argsort(depth, kind="stable").tolist():  # what is nearer is drawn over what is farther
        if area[i] > MIN_AREA_PX:  # seen from outside; the inside is hidden by the head
            cv2.fillConvexPoly(which, sixteenths[i], i + 1, cv2.LINE_8, 4)
    seen = which > 0
    # Inside one triangle u = a x + b y + c, and v likewise: six numbers for each, looked up by pixel.
    flat = np.where(area > MIN_AREA_PX, area, 1.0)
    table = []
    for at in (GRID_UV[TRIANGLES, 0], GRID_UV[TRIANGLES, 1]):
        rise, other = at[:, 1] - at[:, 0], at[:, 2] - at[:, 0]
        by_x = (rise * second[:, 1] - other * first[:, 1]) / flat
        by_y = (other * first[:, 0] - rise * second[:, 0]) / flat
        table += [by_x, by_y, at[:, 0] - by_x * corners[:, 0, 0] - by_y * corners[:, 0, 1]]
    cell = np.stack(table, axis=1).astype(np.float32)[np.maximum(which - 1, 0)]
    columns, rows = np.arange(which.shape[1], dtype=np.float32), np.arange(which.shape[0], dtype=np.float32)[:, None]
    u = cell[..., 0] * columns + cell[..., 1] * rows + cell[..., 2]
    v = cell[..., 3] * columns + cell[..., 4] * rows + cell[..., 5]
    return np.clip(u, -1, 1), np.clip(v, 0, 1), seen


def _sample(grid: Array, u: Array, v: Array) -> Array:
    """Read a (rows, columns) grid that spans the mask, smoothly between its points."""
    x = (u + 1) * ((grid.shape[1] - 1) / 2)
    return np.asarray(cv2.remap(grid, x, v * (grid.shape[0] - 1), cv2.INTER_LINEAR), np.float32)


# --- cloth ------------------------------------------------------------------------------------------------------------


def _paint(window: _Window, pose: Pose, surface_mm: Array, style: MaskStyle) -> _Cloth:
    u, v, seen = _unwrap(window, pose, surface_mm)
    rng = np.random.default_rng(style.seed)
    weight = seen.astype(np.float32)
    shade = _sample(_lambert(surface_mm, pose), u, v) * (1 + _relief(style, u, v, rng)) * weight
    size = window.size_hw[::-1]
    cover = np.asarray(cv2.resize(weight, size, interpolation=cv2.INTER_AREA), np.float32)
    lit = np.asarray(cv2.resize(shade, size, interpolation=cv2.INTER_AREA), np.float32)
    colour = lit[..., None] * np.array(style.colour_rgb, np.float32)
    if style.texture not in UNPRINTED:
        printed = shade * _pattern(style.texture, u * 85, v * 95, rng)
        printed = np.asarray(cv2.resize(printed, size, interpolation=cv2.INTER_AREA), np.float32)
        colour += printed[..., None] * np.subtract(style.second_rgb, style.colour_rgb).astype(np.float32)
    return _Cloth(colour, cover)


def _lambert(surface_mm: Array, pose: Pose) -> Array:
    """(DOWN, ACROSS) brightness of the bent surface: cloth scatters light, so it never falls to black."""
    down, across = np.gradient(surface_mm, axis=(0, 1))
    normal = np.cross(across, down)
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)
    light = pose.towards_camera - np.array([0, 0.5, 0])  # rooms and skies are bright above
    facing = np.clip(normal @ (light / np.linalg.norm(light)), 0, 1)
    return np.asarray(0.46 + 0.59 * facing, np.float32)


def _pattern(texture: Texture, x_mm: Array, y_mm: Array, rng: np.random.Generator) -> Array:
    """(h, w) in 0..1: where the second colour is printed."""
    pitch = rng.uniform(9, 20)
    turn = rng.uniform(-0.6, 0.6)
    a = (np.cos(turn) * x_mm + np.sin(turn) * y_mm) * (2 * np.pi / pitch)
    b = (np.cos(turn) * y_mm - np.sin(turn) * x_mm) * (2 * np.pi / pitch)
    if texture == "stripes":
        wave = np.sin(a) + rng.uniform(-0.4, 0.6)
    elif texture == "check":
        return np.asarray(0.5 * (np.sin(a) > 0) + 0.5 * (np.sin(b) > 0), np.float32)
    elif texture == "dots":
        wave = np.cos(a) * np.cos(b) - rng.uniform(0.2, 0.6)
    else:
        wave = np.sin(a + 1.7 * np.sin(b * 0.6)) * np.sin(b + 1.3 * np.sin(a * 0.7)) - rng.uniform(-0.1, 0.3)
    return np.asarray(np.clip(wave * 4 + 0.5, 0, 1), np.float32)


def _relief(style: MaskStyle, u: Array, v: Array, rng: np.random.Generator) -> Array:
    """(h, w): by which share folds, seams and weave make the cloth lighter or darker."""
    relief = 0.05 * style.wrinkles * _sample(_creases(rng), u, v)
    # Straps pull: folds run from the corners towards the middle.
    pull = np.sin((v - 0.5) * rng.uniform(22, 34) + rng.uniform(0, 6)) * np.abs(u) ** 4
    relief += 0.12 * style.wrinkles * pull
    edge = np.minimum(np.minimum(v, 1 - v) * 95, (1 - np.abs(u)) * 85)  # distance to the nearest edge in millimetres
    relief -= 0.10 * np.exp(-((edge / 1.6) ** 2))  # the hem turns away from the light
    if style.texture != "plain" or style.seed % 2:
        relief -= 0.09 * np.exp(-(((edge - 6) / 1.1) ** 2))  # its seam
    if style.texture == "pleated":
        relief += _pleats(u, v, rng)
    elif style.texture == "ridge":
        relief += _ridge(u, v, rng)
    elif style.seed % 3 == 0:
        relief -= 0.12 * np.exp(-((u / 0.012) ** 2))  # sewn from two halves
    return np.asarray(relief, np.float32)


def _creases(rng: np.random.Generator) -> Array:
    """(48, 64) smooth random relief: long shallow creases, more across than down, and finer ones upon them."""
    size = (64, 48)
    coarse, fine = rng.standard_normal((9, 5), np.float32), rng.standard_normal((20, 12), np.float32)
    broad = np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC), np.float32)
    finer = np.asarray(cv2.resize(fine, size, interpolation=cv2.INTER_CUBIC), np.float32)
    return np.asarray(0.7 * broad + 0.35 * finer, np.float32)


def _pleats(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """Three folds that open downwards: a sharp line, its shadow below, light on the fold's belly above it."""
    relief = np.zeros_like(v)
    for middle in (0.33, 0.52, 0.71):
        line = (
            middle
            + rng.normal(0, 0.012)
            + 0.02 * np.sin(u * 2 + rng.uniform(0, 6))
            - 0.05 * (1 - u**2) * (middle - 0.5)
        )
        below = v - line
        relief -= 0.22 * np.exp(-np.maximum(below, 0) / 0.035) * (below >= 0)
        relief += 0.07 * np.exp(np.minimum(below, 0) / 0.03) * (below < 0)
    return relief


def _ridge(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """A respirator folded in the middle: two flat panels that meet in a crease, welded lines along the edges."""
    lit = rng.choice([-1, 1]) * 0.05
    panels = lit * np.tanh(u / 0.02) * np.exp(-np.abs(u) / 0.5)
    crease = 0.10 * np.exp(-((u / 0.014) ** 2)) - 0.08 * np.exp(-(((np.abs(u) - 0.03) / 0.02) ** 2))
    welded = np.zeros_like(v)
    for line in (0.13, 0.17, 0.87):
        dots = 0.5 + 0.5 * np.sin(u * 170)
        welded -= 0.09 * np.exp(-(((v - line) / 0.010) ** 2)) * dots
    return np.asarray(panels + crease + welded, np.float32)


# --- the picture's light, and laying the cloth into it ----------------------------------------------------------------


class _Light(NamedTuple):
    """What the picture tells about its light and its camera.

    field: (16, 16) brightness across the face box, 1 on average.
    box_xyxy: that box.
    skin: brightness of the skin, 0..255.
    exposure: brightness of a white surface, 1 for 255.
    colourful: 0 in a grey picture, 1 in a colour one.
    blur_px: standard deviation of the picture's blur.
    noise: standard deviation of its noise, 0..255.
    """

    field: Array
    box_xyxy: Array
    skin: float
    exposure: float
    colourful: float
    blur_px: float
    noise: float

    def over(self, window: _Window) -> Array:
        """(h, w, 1) brightness at each pixel of a window; beyond the box its edge goes on."""
        left, top, right, bottom = self.box_xyxy
        columns = (np.arange(window.left, window.right) - left) / max(right - left, 1) * 16 - 0.5
        rows = (np.arange(window.top, window.bottom) - top) / max(bottom - top, 1) * 16 - 0.5
        x, y = np.meshgrid(np.clip(columns, 0, 15).astype(np.float32), np.clip(rows, 0, 15).astype(np.float32))
        return np.asarray(cv2.remap(self.field, x, y, cv2.INTER_LINEAR), np.float32)[..., None]


def _light(image: Image, box_xyxy: Array) -> _Light:
    height, width = image.shape[:2]
    left, top, right, bottom = (int(v) for v in np.round(box_xyxy))
    face = image[max(top, 0) : max(bottom, 1), max(left, 0) : max(right, 1)]
    if face.size == 0:
        face = image
    small = np.asarray(cv2.resize(face, (16, 16), interpolation=cv2.INTER_AREA), np.float32)
    brightness = small @ LUMINANCE
    y, x = (np.indices((16, 16), np.float32) - 7.5) / 8
    inside = (x / 0.85) ** 2 + (y / 0.95) ** 2 < 1  # not the background in the box's corners
    skin = float(np.median(brightness[inside]))
    # From side to side a face is the same: what differs is light. From top to bottom eyes, brows and beards are dark
    # without being in the shade, and count little.
    across = _mean_along(brightness, inside, axis=0, sigma=1.5)
    alike = inside * np.exp(-(((brightness - skin) / (0.4 * skin + 8)) ** 2))
    field = np.outer(_mean_along(brightness, alike, axis=1, sigma=4), across) / max(skin, 1.0) ** 2
    field = np.clip(1 + 0.9 * (field - 1), 0.4, 1.4)
    bright = float(np.percentile(image[:: max(1, height // 64), :: max(1, width // 64)] @ LUMINANCE, 97))
    exposure = float(np.clip(0.5 * max(bright, skin) / 225 + 0.5 * skin / 145, 0.25, 1.06))
    chroma = float((small.max(axis=2) - small.min(axis=2)).mean())
    blur_px, noise = _sharpness(face)
    return _Light(
        field.astype(np.float32), box_xyxy, skin, exposure, float(np.clip((chroma - 3) / 10, 0, 1)), blur_px, noise
    )


def _mean_along(values: Array, weight: Array, axis: int, sigma: float) -> Array:
    """(16,) weighted means over one axis of (16, 16), smoothed by `sigma` places."""
    summed, weights = (np.asarray(a.sum(axis=axis), np.float32)[None] for a in (values * weight, weight))
    return np.asarray((_blurred(summed, sigma) / np.maximum(_blurred(weights, sigma), 1e-3))[0], np.float32)


def _sharpness(face: Image) -> tuple[float, float]:
    """Blur (pixels) and noise (0..255), both as standard deviations, from how much of the detail is the finest."""
    height, width = face.shape[:2]
    middle = face[height // 6 : height - height // 6, width // 6 : width - width // 6][:256, :256]
    grey = np.asarray(middle @ LUMINANCE, np.float32)
    if min(grey.shape) < 5:
        return 0.6, 0.0
    once = _blurred(grey, 1)
    finest, coarser = grey - once, once - _blurred(grey, 2)
    share = float(np.percentile(np.abs(finest), 95) / max(float(np.percentile(np.abs(coarser), 95)), 0.5))
    noise = float(np.median(np.abs(finest))) * 1.1
    return float(np.clip(1.5 - 1.1 * share, 0.5, 1.5)), float(np.clip(noise, 0, 8))


def _blurred(array: Array, sigma: float) -> Array:
    return np.asarray(
        cv2.GaussianBlur(array.astype(np.float32), (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.float32
    )


def _lay_over(scene: Array, cloth: _Cloth, painted: _Window, style: MaskStyle, light: _Light) -> Array:
    """(h, w, 3) the scene of the painted window with the cloth over it, as blurred and as noisy as the rest."""
    cover = _blurred(cloth.cover, light.blur_px)[..., None]
    tone = _blurred(_toned(cloth.colour * light.over(painted), cloth.cover[..., None], light), light.blur_px)
    grain = np.random.default_rng(style.seed + 1).standard_normal(painted.size_hw, np.float32)
    grain = _blurred(grain, 0.6)[..., None] * (light.noise * 1.8 + 0.8)
    return np.asarray(scene * (1 - cover) + tone + grain * cover, np.float32)


def _toned(colour: Array, cover: Array | float, light: _Light) -> Array:
    """Colours as this picture's camera would show them: as bright as its light, and grey in a grey picture."""
    grey = (colour @ LUMINANCE)[..., None]
    lit = (grey + (colour - grey) * light.colourful) * light.exposure
    knee = 225 * cover
    return np.asarray(np.where(lit > knee, knee + (lit - knee) * 0.4, lit), np.float32)  # white keeps its folds


def _shadow(cover: Array, inside: tuple[slice, slice], window: _Window, pose: Pose) -> Array:
    """(h, w) of the whole window: share of light that the mask takes away, below its lower edge and a little around."""
    around = np.zeros(window.size_hw, np.float32)
    around[inside] = cover
    scale = pose.px_per_mm
    down = pose.axes[:, 1] / max(float(np.linalg.norm(pose.axes[:, 1])), 1e-6) * 4 * scale
    moved = cv2.warpAffine(around, np.array([[1, 0, down[0]], [0, 1, down[1]]], np.float32), around.shape[::-1])
    below = np.asarray(moved, np.float32)
    return 0.38 * _blurred(below, max(3.0 * scale, 0.4)) + 0.16 * _blurred(around, max(1.6 * scale, 0.4))


def _with_straps(
    scene: Array, window: _Window, straps: list[Array], pose: Pose, style: MaskStyle, light: _Light
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
    cover = _blurred(np.asarray(drawn, np.float32) / np.float32(255), light.blur_px)
    # Hair hangs over straps: they show only where the picture is about as bright as the skin.
    brightness = _blurred(scene @ LUMINANCE, max(2 * pose.px_per_mm, 0.5))
    cover *= np.exp(-(((brightness - light.skin) / (0.55 * light.skin + 5)) ** 4))
    shadow = _blurred(np.roll(cover, max(1, round(1.5 * pose.px_per_mm)), axis=0), max(pose.px_per_mm, 0.4))
    scene = scene * (1 - 0.25 * shadow[..., None])
    colour = _toned(np.array(style.strap_rgb, np.float32), 1.0, light) * 0.9
    return np.asarray(scene + (colour - scene) * cover[..., None], np.float32)
