from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from maskwise.errors import ShapeError
from maskwise.inference import lettering
from maskwise.inference.overlay import draw
from maskwise.model.palette import COLOURS
from maskwise.values import Faces, FrameResult, Image, Verdict

ALL = ("masked", "incorrect", "unmasked", "uncertain")


def result(image: Image, boxes: Sequence[tuple[float, ...]], verdicts: Sequence[str]) -> FrameResult:
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
    return np.asarray((before != after).any(axis=2))


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


def test_in_a_thumbnail_crowd_words_give_way_before_faces_do() -> None:
    image = noise(60, 200)
    boxes = [(5 + 24 * i, 20, 25 + 24 * i, 42) for i in range(8)]  # no room for eight times "incorrect 87%"
    where = changed(image, draw(image, result(image, boxes, ["incorrect"] * 8)))
    for x0, y0, x1, y1 in boxes:
        assert not where[y0 + 4 : y1 - 4, x0 + 4 : x1 - 4].any()


def test_a_line_is_the_same_all_along() -> None:
    image = np.full((512, 512, 3), 255, np.uint8)
    drawn = draw(image, result(image, [(196.3, 166.7, 316.3, 346.7)], ["masked"]))
    line = drawn[164:170, 206:306]
    assert (line == line[:, :1]).all()
    assert (line[:, 0] < 255).any(axis=1).sum() >= 3


def test_text_and_lines_stay_visible_in_a_large_picture_made_small() -> None:
    """A face of 30 px in a 4K picture: its 1.4 px line and 11 px text would vanish on a screen."""
    image = np.full((2160, 3840, 3), 255, np.uint8)
    where = changed(image, draw(image, result(image, [(1000, 1000, 1030, 1040)], ["masked"])))
    assert where[1015, 980:1015].sum() >= 5, "the line"
    assert where[900:996, 1005].sum() >= 24, "the label above it"


@pytest.mark.parametrize("verdict", ALL)
@pytest.mark.parametrize("box", [(0, 0, 100, 120), (0, 0, 40, 50), (60, 70, 100, 120), (30, 40, 60, 76)])
def test_the_middle_of_a_face_is_never_drawn_on(verdict: str, box: tuple[int, int, int, int]) -> None:
    image = noise(120, 100)
    x0, y0, x1, y1 = box
    across, down = (x1 - x0) // 4, (y1 - y0) // 4
    where = changed(image, draw(image, result(image, [box], [verdict])))
    assert not where[y0 + down : y1 - down, x0 + across : x1 - across].any()


def test_a_long_film_does_not_fill_the_memory_with_fonts() -> None:
    image = np.zeros((400, 400, 3), np.uint8)
    lettering.font.cache_clear()
    for i in range(150):  # a face that comes nearer has another width in each frame
        draw(image, result(image, [(20, 100, 86 + 0.26 * i, 220)], ["masked"]))
    assert lettering.font.cache_info().currsize <= lettering.FONTS
    assert lettering.font.cache_info().misses < 50, "a font was made anew for nearly every frame"


def test_a_crowd_of_hundreds_takes_seconds_not_minutes() -> None:
    random = np.random.default_rng(0)
    corners, sides = random.uniform(0, 1, (300, 2)) * (1890, 1040), random.uniform(12, 30, (300, 1))
    image = np.zeros((1080, 1920, 3), np.uint8)
    boxes = [tuple(box) for box in np.concatenate([corners, corners + sides * (1, 1.2)], axis=1).tolist()]
    before_s = time.process_time()
    draw(image, result(image, boxes, [ALL[i % 4] for i in range(300)]))
    assert time.process_time() - before_s < 5  # about 0.8 s where labels look at their neighbours only, else 13 s


def test_a_result_of_another_size_is_refused() -> None:
    small, large = noise(30, 40), noise(60, 80)
    with pytest.raises(ShapeError, match="40 x 30, drawn on 80 x 60"):
        draw(large, result(small, [(0, 0, 20, 20)], ["masked"]))


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
