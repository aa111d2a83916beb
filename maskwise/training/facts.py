"""What is measured of each face beside the model's answer: what the slices of a report are cut by.

Size, sharpness and brightness come from the face's box, yaw from five landmarks in a wider cut around it, the colour of
the mask from the lower half of the face.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import polars as pl
from numpy.typing import NDArray

from maskwise.model import quality
from maskwise.model.crops import CropSpec, cut, cut_square, resize, square_around
from maskwise.model.faces import FaceDetector
from maskwise.values import INCORRECT, MASKED, Image

FACTS = pl.Schema(
    {
        "face_px": pl.Float32,  # shorter side of the face box, or of the picture where there is none
        "sharpness": pl.Float32,  # maskwise.model.quality
        "brightness": pl.Float32,  # likewise, 0 to 255
        "yaw_deg": pl.Float32,  # -90 to 90, positive: turned to the right of the picture; nan: no face was found
        "mask_colour": pl.String,  # dark, white or other; null for a bare face
    }
)
"""A table of facts: one row for each row of a manifest, all null where it was not looked at."""

CROP = CropSpec(size_px=quality.MEASURED_AT_PX)
"""As the audit cuts, so that its limits hold here too."""

TIGHT = CropSpec(size_px=32, margin=0.0)

FOUND_IN = CropSpec(size_px=128, margin=0.5)
"""The detector looks at so wide a cut around a box, brought to one size: whatever the size of the picture, 3 ms instead
of 17 (a full look), and on the development pictures it finds more (of 100 faces of 16 to 24 px 93 instead of 86).

Where the whole picture is the face, there is nothing around it: a margin of repeated edges would only hide masked faces
(of 100, 30 would be found instead of 89)."""

EYES_MM, NOSE_MM, NOSE_DOWN = 62.0, 24.0, 0.59
"""Of an average adult: from eye to eye; how far the tip of the nose stands before the plane of eyes and mouth; and
where on the way from the eyes to the mouth."""

DARK, WHITE, OTHER = "dark", "white", "other"
_DARK_BELOW, _WHITE_SATURATION = 80.0, 0.15
_WHITE_OVER_FACE, _WHITE_LEAST, _WHITE_ALWAYS = 1.15, 100.0, 200.0


class FaceFacts(NamedTuple):
    """One row of FACTS."""

    face_px: float
    sharpness: float
    brightness: float
    yaw_deg: float
    mask_colour: str | None


def measure_face(image: Image, box_xyxy: NDArray[np.float32], label: str | None, find: FaceDetector) -> FaceFacts:
    """Measure one face.

    Args:
        image: the picture.
        box_xyxy: (4,) pixels; nan where the whole picture is the face.
        label: its true class: a bare face has no colour of a mask.
        find: finds faces in a cut of FOUND_IN.size_px around the face; `YuNet.once` is made for that.
    """
    height, width = image.shape[:2]
    whole = bool(np.isnan(box_xyxy).any())
    box = np.array([0, 0, width, height], np.float32) if whole else box_xyxy
    crop = cut(image, box_xyxy, CROP)
    landmarks = _landmarks(image, box, 0.0 if whole else FOUND_IN.margin, find)
    wears = label in (MASKED, INCORRECT)
    return FaceFacts(
        face_px=float(quality.sides_px(box[None])[0]),
        sharpness=quality.sharpness(crop),
        brightness=quality.brightness(crop),
        yaw_deg=math.nan if landmarks is None else yaw_deg(landmarks),
        mask_colour=mask_colour(cut(image, box_xyxy, TIGHT), worn=label == MASKED) if wears else None,
    )


def facts_table(measured: Sequence[FaceFacts | None]) -> pl.DataFrame:
    """One row of FACTS for each face; null where None."""
    columns = zip(*(facts or (None,) * len(FACTS) for facts in measured), strict=True) if measured else [[]] * 5
    return pl.DataFrame(
        [pl.Series(name, list(column), dtype) for (name, dtype), column in zip(FACTS.items(), columns, strict=True)]
    )


def yaw_deg(landmarks_xy: NDArray[np.float32]) -> float:
    """How far a head is turned aside, from where its nose stands between eyes and mouth.

    On an average face seen from far away, turned by an angle, the eyes draw together with its cosine, and the tip of
    the nose, which stands before the face, moves aside from the middle line with its sine:
    `tan(yaw) = (offset / NOSE_MM) / (distance / EYES_MM)`, both along the line from eye to eye. The middle line runs
    from between the eyes to between the corners of the mouth, so that a nod (which moves the nose up or down) or a
    tilted head hardly matters.

    It tells frontal from half turned from side faces, and no more: noses differ by a fifth, which is up to 6 degrees; a
    head that is turned by 40 and nods by 25 degrees reads 32 to 37; the detector's landmarks of a picture and of its
    mirror image differ by 6 degrees; under a mask it guesses nose and mouth, and on a full profile the hidden eye.

    Args:
        landmarks_xy: (5, 2) pixels, in the order of `maskwise.values.Faces`.

    Returns:
        Degrees, -90 to 90. Positive: towards the right of the picture, the person's own left.
    """
    right_eye, left_eye, nose, *mouth = landmarks_xy.astype(np.float64)
    across = left_eye - right_eye
    distance = float(np.hypot(*across))
    middle = (1 - NOSE_DOWN) * (right_eye + left_eye) / 2 + NOSE_DOWN * sum(mouth) / 2
    offset = float((nose - middle) @ across) / max(distance, 1e-9)
    return math.degrees(math.atan2(offset * EYES_MM, distance * NOSE_MM))


def mask_colour(face: Image, *, worn: bool) -> str:
    """Name the colour of a mask: dark, white or other.

    The median over the lower half of the face. Where the mask is not properly worn, much of that is skin: then over
    those two fifths of it that are least like the skin around the eyes.

    Dark is below 80 of 255 and below the face's mean; white is pale, and clearly brighter than that mean. Colours in a
    strange light, and masks that cover the eyes, are often called other. The limits were chosen by looking at the
    development pictures.

    Args:
        face: (side, side, 3) the face's box, without a margin.
        worn: whether it covers nose and mouth.
    """
    side = len(face)
    lower = face[side // 2 : side * 15 // 16, side * 9 // 32 : side * 23 // 32].reshape(-1, 3)
    if not worn:
        lower = _least_like_skin(face, lower)
    colour = np.median(lower, axis=0)
    value, mean = float(colour.max()), float(face.mean())
    if value < min(_DARK_BELOW, mean):
        return DARK
    pale = value - float(colour.min()) < _WHITE_SATURATION * value
    bright = value >= min(max(_WHITE_OVER_FACE * mean, _WHITE_LEAST), _WHITE_ALWAYS)
    return WHITE if pale and bright else OTHER


def _least_like_skin(face: Image, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    side = len(face)
    around_the_eyes = face[side * 7 // 32 : side // 2, side * 5 // 16 : side * 11 // 16]
    skin = np.median(_lab(around_the_eyes.reshape(-1, 3)), axis=0)
    distance = np.linalg.norm((_lab(pixels) - skin) * [0.5, 1, 1], axis=1)  # shadows are skin, too
    return pixels[np.argsort(-distance, kind="stable")[: len(pixels) * 2 // 5]]


def _lab(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(pixels[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0], np.float32)


def _landmarks(
    image: Image, box_xyxy: NDArray[np.float32], margin: float, find: FaceDetector
) -> NDArray[np.float32] | None:
    """(5, 2) pixels of the cut: of the face that covers most of the box and has its centre there; None without one."""
    left, top, side = square_around(box_xyxy, margin)
    found = find(resize(cut_square(image, left, top, side), FOUND_IN.size_px))
    box = (box_xyxy - np.array([left, top, left, top], np.float32)) * (FOUND_IN.size_px / side)
    low, high = np.maximum(found.boxes_xyxy[:, :2], box[:2]), np.minimum(found.boxes_xyxy[:, 2:], box[2:])
    centres = (found.boxes_xyxy[:, :2] + found.boxes_xyxy[:, 2:]) / 2
    inside = ((centres >= box[:2]) & (centres <= box[2:])).all(axis=1)
    shared = np.prod(np.maximum(high - low, 0), axis=1) * inside
    best = int(shared.argmax()) if len(shared) else 0
    return np.asarray(found.landmarks_xy[best], np.float32) if len(shared) and shared[best] > 0 else None
