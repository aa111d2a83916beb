"""What the audit keeps of a picture and of each face in it, all from one decoding.

Two fixed records, so that a hundred thousand of them lie in two flat files that an interrupted audit goes on from. They
hold small thumbnails, which show people in a coarse way: the files lie in the folder that the user named for the audit,
and are removed when it is done.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwise.data.audit.header import FIELDS, header
from maskwise.errors import ImageError
from maskwise.model import quality
from maskwise.model.crops import CropSpec, cut
from maskwise.model.faces import FaceDetector
from maskwise.model.images import decode_image, read_file
from maskwise.values import Faces, Image

GREY_PX = 64
POINTS = 128
POINTS_SIDE_PX = 256
HOG_PX = 48
CROP = CropSpec(size_px=64)

Records = NDArray[Any]
"""(n,) of one of the record types."""

Look = tuple[Records, Records, Records]
"""Of one picture with n faces: one PICTURE, one POINT and n FACE records."""

PICTURE = np.dtype(
    [
        ("header", np.float32, len(FIELDS)),
        ("grey", np.uint8, (GREY_PX, GREY_PX)),  # the whole picture, stretched to a square
        ("border", np.uint8, (112, 3)),  # Lab colours of a 16 x 16 copy, two pixels deep along its edge
        ("faces", np.int16),  # how many the detector finds; -1 where it was not asked
        ("readable", np.bool_),
    ]
)
POINT = np.dtype(
    [
        ("count", np.int16),
        ("xy", np.float16, (POINTS, 2)),  # pixels of a copy whose longer side is 256
        ("descriptor", np.uint8, (POINTS, 128)),  # SIFT
    ]
)
FACE = np.dtype(
    [
        ("thumbnail", np.uint8, (16, 16, 3)),
        ("histogram", np.float16, 64),  # shares of 4 x 4 x 4 RGB colours
        ("hog", np.float16, 900),  # orientations of edges in a 48 x 48 grey copy
        ("lab", np.uint8, (8, 8, 3)),
        ("sharpness", np.float32),  # standard deviation of the Laplacian over that of the grey values
        ("brightness", np.float32),  # mean grey value, 0 to 255
        ("found", np.bool_),  # the detector finds a face where the row says that one is
    ]
)

_HOG = cv2.HOGDescriptor((HOG_PX, HOG_PX), (16, 16), (8, 8), (8, 8), 9)
_RING = np.ones((16, 16), bool)
_RING[2:-2, 2:-2] = False


def look_at(path: Path, boxes_xyxy: NDArray[np.float32], detect: FaceDetector | None) -> Look:
    """Read one picture.

    Args:
        path: the file.
        boxes_xyxy: (n, 4) float32, its faces; nan where the whole picture is one.
        detect: finds faces; None leaves them uncounted.

    Returns:
        What is kept; `unseen` where the file cannot be read any more.
    """
    picture, points, faces = unseen(len(boxes_xyxy))
    try:
        data = read_file(path)
        image = decode_image(data, str(path))
    except ImageError:
        return picture, points, faces
    picture[0] = (header(data), *_of_picture(image), -1, True)
    points[0] = _points(image)
    found = detect(image) if detect else None
    picture["faces"] = -1 if found is None else len(found)
    for face, box in zip(faces, boxes_xyxy, strict=True):
        crop = cut(image, box, CROP)
        face["thumbnail"], face["lab"] = _small(crop, 16), _lab(_small(crop, 8))
        face["histogram"], face["hog"] = _histogram(crop), _hog(crop)
        face["sharpness"], face["brightness"] = quality.sharpness(crop), quality.brightness(crop)
        face["found"] = found is None or _is_found(box, found)
    return picture, points, faces


def unseen(faces: int) -> Look:
    """Of a picture that nobody could look at: all zero, `readable` false."""
    picture = np.zeros(1, PICTURE)
    picture["faces"] = -1
    return picture, np.zeros(1, POINT), np.zeros(faces, FACE)


def _small(image: Image, side_px: int) -> Image:
    return np.asarray(cv2.resize(image, (side_px, side_px), interpolation=cv2.INTER_AREA), np.uint8)


def _grey(image: Image) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def _lab(image: Image) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2LAB), np.uint8)


def _of_picture(image: Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    grey = cv2.resize(_grey(image), (GREY_PX, GREY_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(grey, np.uint8), _lab(_small(image, 16))[_RING]


def _points(image: Image) -> tuple[int, NDArray[np.float16], NDArray[np.uint8]]:
    """The strongest local features; small pictures are not enlarged, since that adds no detail."""
    scale = min(1.0, POINTS_SIDE_PX / max(image.shape[:2]))
    grey = _grey(image)
    if scale < 1:
        grey = np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    keypoints, descriptors = cv2.SIFT.create(POINTS).detectAndCompute(grey, None)
    xy, table = np.zeros((POINTS, 2), np.float16), np.zeros((POINTS, 128), np.uint8)
    count = min(len(keypoints), POINTS)
    if count:
        xy[:count] = [point.pt for point in keypoints[:count]]
        table[:count] = descriptors[:count]
    return count, xy, table


def _histogram(crop: Image) -> NDArray[np.float32]:
    quarter = (crop >> 6).astype(np.int64).reshape(-1, 3) @ np.array([16, 4, 1])
    return (np.bincount(quarter, minlength=64) / len(quarter)).astype(np.float32)


def _hog(crop: Image) -> NDArray[np.float32]:
    return np.asarray(_HOG.compute(_grey(_small(crop, HOG_PX))), np.float32).ravel()


def _is_found(box_xyxy: NDArray[np.float32], faces: Faces) -> bool:
    """Whether some found face shares at least three tenths of its union with the box; any, where there is no box."""
    if np.isnan(box_xyxy).any() or not len(faces):
        return len(faces) > 0
    return bool((faces.iou(box_xyxy) >= 0.3).any())
