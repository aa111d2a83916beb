"""The faces of a picture that are to be drawn on: found, matched with the boxes of a data set, and measured."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from maskwise.data.masks.pose import Array
from maskwise.data.masks.sitter import Sitter, sit
from maskwise.errors import ShapeError
from maskwise.model.faces import SMALL_SIDE_PX, YuNet
from maskwise.values import Faces, Image

MIN_FACE_PX = 24  # narrower faces show no mask that a person could name
MIN_IOU = 0.3  # boxes of some data sets include the hair, the detector's do not
MIN_SIDE_PX = 64  # of a picture
ONE_LOOK_PX = 400  # pictures up to this size are searched once, at the size the detector was trained at


def shrunk(image: Image, size_px: int | None) -> Image:
    """The picture with its longest side at most so long."""
    height, width = image.shape[:2]
    if size_px is None or max(height, width) <= size_px:
        return image
    scale = size_px / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def find_faces(image: Image) -> Faces:
    """Faces of a picture, best first; a small picture is brought to the detector's own size and searched once."""
    longest = max(image.shape[:2])
    if longest > ONE_LOOK_PX or longest < MIN_SIDE_PX:
        return _detector()(image)
    scale = SMALL_SIDE_PX / longest
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    found = _detector()(np.asarray(cv2.resize(image, size, interpolation=method), np.uint8))
    back = np.float32(1 / scale)
    return Faces(found.boxes_xyxy * back, found.scores, found.landmarks_xy * back)


@cache
def _detector() -> YuNet:
    return YuNet()


def choose_face(image: Image, found: Faces, box_xyxy: Array | None) -> Sitter | str:
    """The face to draw on, measured; or why there is none.

    Args:
        image: the picture.
        found: its faces.
        box_xyxy: (4,) pixels of the face that is meant; None: the best one.
    """
    if not len(found):
        return "no face found"
    which = 0
    if box_xyxy is not None:
        overlaps = found.iou(box_xyxy)
        which = int(overlaps.argmax())
        if overlaps[which] < MIN_IOU:
            return "no face found in the box"
    box, landmarks = found.boxes_xyxy[which], found.landmarks_xy[which]
    if box[2] - box[0] < MIN_FACE_PX:
        return f"the face is under {MIN_FACE_PX} pixels wide"
    try:
        return sit(image, landmarks, box)
    except ShapeError:
        return "the landmarks are no face's"
