from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from maskwise.inference.overlay import draw
from maskwise.model.palette import COLOURS
from maskwise.values import Faces, FrameResult, Image, Verdict

ALL = ("masked", "incorrect", "unmasked", "uncertain")


def result(image: Image, boxes: list[tuple[float, ...]], verdicts: list[str]) -> FrameResult:
    n = len(boxes)
    faces = Faces(
        np.array(boxes, np.float32).reshape(n, 4), np.ones(n, np.float32), np.full((n, 5, 2), np.nan, np.float32)
    )
    said = tuple(Verdict(verdict, 0.87) for verdict in verdicts)
    chances = np.full((n, 3), 1 / 3, np.float32)
    height, width = image.shape[:2]
    return FrameResult("x", 0, None, width, height, faces, ALL[:3], chances, said)


def noise(height: int, width: int) -> Image:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


def changed(before: Image, after: Image) -> NDArray[np.bool_]:
    return (before != after).any(axis=2)


def test_the_picture_itself_is_left_alone_and_the_face_stays_visible() -> None:
    image = noise(300, 400)
    kept = image.copy()
    drawn = draw(image, result(image, [(150, 100, 230, 200)], ["unmasked"]))
    assert np.array_equal(image, kept)
    where = changed(image, drawn)
    assert where.any()
    assert not where[110:190, 160:220].any(), "the face inside its box is covered"
    far = np.ones_like(where)
    far[60:240, 100:330] = False
    assert not where[far].any(), "something far from the face was drawn on"


def test_no_faces_no_change() -> None:
    image = noise(30, 40)
    drawn = draw(image, result(image, [], []))
    assert np.array_equal(drawn, image)
    assert drawn is not image


def test_each_verdict_has_its_colour_and_its_shape() -> None:
    image = np.full((300, 300, 3), 255, np.uint8)
    shapes = set()
    for verdict in ALL:
        drawn = draw(image, result(image, [(100, 100, 200, 200)], [verdict]))
        rgb = [int(COLOURS[verdict][i : i + 2], 16) for i in (1, 3, 5)]
        assert (abs(drawn.astype(int) - rgb).max(axis=2) <= 12).sum() > 300, verdict
        shapes.add(changed(image, drawn)[130:170, 90:110].tobytes())  # the box's left side: line, dashes or dots
    assert len(shapes) == 4


def test_labels_keep_off_other_faces() -> None:
    image = noise(400, 600)
    boxes = [(200, 180, 260, 250), (200, 100, 260, 172), (262, 180, 330, 250)]  # above and beside are taken
    drawn = draw(image, result(image, boxes, ["masked", "unmasked", "incorrect"]))
    where = changed(image, drawn)
    for x0, y0, x1, y1 in boxes:
        assert not where[int(y0) + 8 : int(y1) - 8, int(x0) + 8 : int(x1) - 8].any()


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (16, 16), (64, 2000), (4000, 3000)])
@pytest.mark.parametrize("box", ["all", "corner", "sliver"])
def test_any_picture_and_any_box_can_be_drawn(size: tuple[int, int], box: str) -> None:
    height, width = size
    image = np.zeros((height, width, 3), np.uint8)
    boxes = {
        "all": (0, 0, width, height),
        "corner": (width - 1, height - 1, width, height),
        "sliver": (0, 0, width, 0.5),
    }
    drawn = draw(image, result(image, [boxes[box]], ["uncertain"]))
    assert drawn.shape == image.shape
    assert drawn.dtype == np.uint8
