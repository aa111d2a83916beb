from __future__ import annotations

import tracemalloc
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from maskwise.errors import ConfigError, ShapeError
from maskwise.model.palette import rgb_of
from maskwise.stream.following.zones import Line, Zone
from maskwise.stream.outputs.drawing import Drawing, draw_people
from maskwise.stream.watching import Shown
from maskwise.values import Image, Verdict

ALL = ("masked", "incorrect", "unmasked", "uncertain")
ZONE = Zone("waiting room", ((0.1, 0.1), (0.7, 0.15), (0.65, 0.9), (0.05, 0.8)))
LINE = Line("entrance", ((0.8, 0.1), (0.4, 0.95)))

Box = tuple[float, float, float, float]


def shown(number: int, box: Box, verdict: str = "masked") -> Shown:
    return Shown(number, np.array(box, np.float32), Verdict(verdict, 0.87))


def noise(height: int, width: int) -> Image:
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
    image.setflags(write=False)  # whoever draws on it is stopped
    return image


def changed(before: Image, after: Image) -> NDArray[np.bool_]:
    return np.asarray((before != after).any(axis=2))


def scattered(width: int, height: int, count: int, seed: int) -> list[Box]:
    """Faces in a grid with room for labels around each, moved at random."""
    rng = np.random.default_rng(seed)
    cells = [(i % 4, i // 4) for i in rng.permutation(12)[:count]]
    side = height / 9
    corners = [((c + rng.uniform(0.05, 0.6)) * width / 4, (r + rng.uniform(0.2, 0.5)) * height / 3) for c, r in cells]
    return [(x, y, x + side * 0.8, y + side) for x, y in corners]


@pytest.mark.parametrize("size", [(320, 240), (640, 480), (1280, 720), (3840, 2160)])
@pytest.mark.parametrize("seed", range(3))
def test_no_face_is_drawn_on_within_its_line(size: tuple[int, int], seed: int) -> None:
    width, height = size
    image, boxes = noise(height, width), scattered(width, height, 8, seed)
    people = [shown(i, box, ALL[i % 4]) for i, box in enumerate(boxes)]
    where = changed(image, draw_people(image, people, [ZONE], [LINE], caption="12:30   8 people"))
    line_px = 2 * max(1.5, height / 260) * 0.625 + 1.9
    for x0, y0, x1, y1 in boxes:
        inner = where[int(y0 + line_px) : int(y1 - line_px), int(x0 + line_px) : int(x1 - line_px)]
        assert inner.size > 50
        assert not inner.any()
        assert where[int(y0) - 3 : int(y1) + 4, int(x0) - 3 : int(x1) + 4].any()


@pytest.mark.parametrize("side_px", [24, 60, 200])
def test_box_and_mark_tell_the_verdict_without_colour(side_px: int) -> None:
    """In grey, as line or no line: whichever two verdicts, a good share of the box and of the mark differ."""
    grey = {}
    for verdict in ALL:
        image = np.full((480, 640, 3), 255, np.uint8)
        drawn = draw_people(image, [shown(3, (200, 200, 200 + side_px, 200 + side_px), verdict)])
        grey[verdict] = cv2.cvtColor(drawn, cv2.COLOR_RGB2GRAY).astype(int)
    for one, other in combinations(ALL, 2):
        box, mark = [], []
        for verdict in (one, other):
            inked = grey[verdict] < 200
            rows = np.flatnonzero(inked[:195].any(axis=1))
            tag = grey[verdict][rows[0] : rows[0] + 17, 200:217]  # the plate's left end, where the mark is
            plate = np.median(tag)
            box.append(inked[200 : 200 + side_px, 196:205])
            mark.append(np.abs(tag - plate) > 0.3 * np.abs(tag - plate).max())
        assert (box[0] ^ box[1]).sum() > 0.15 * max(b.sum() for b in box), f"box of {one} and {other}"
        assert (mark[0] ^ mark[1]).sum() > 0.3 * max(m.sum() for m in mark), f"mark of {one} and {other}"


def test_people_are_told_apart_by_their_numbers() -> None:
    image = noise(240, 320)
    first, second = (draw_people(image, [shown(number, (100, 80, 150, 140))]) for number in (3, 4))
    where = changed(first, second)
    assert where.any()
    assert not where[80:].any(), "the label stands above the box"


def test_nobody_gives_an_equal_copy() -> None:
    image = noise(30, 40)
    drawn = draw_people(image, [])
    assert np.array_equal(drawn, image)
    assert not np.shares_memory(drawn, image)


@pytest.mark.parametrize(
    "box", [(-90, 20, -10, 90), (640, 20, 700, 90), (20, -90, 90, -1), (20, 480, 90, 550), (30, 40, 30, 90),
            (float("nan"),) * 4]
)  # fmt: skip
def test_who_is_outside_is_not_drawn(box: Box) -> None:
    image = noise(480, 640)
    assert np.array_equal(draw_people(image, [shown(1, box)]), image)


@pytest.mark.parametrize(
    "box", [(-40, 100, 60, 220), (600, 100, 700, 220), (300, -60, 400, 60), (300, 420, 400, 560), (-30, -30, 50, 60)]
)
def test_who_is_half_outside_is_drawn_as_far_as_seen(box: Box) -> None:
    image = noise(480, 640)
    where = changed(image, draw_people(image, [shown(1, box, "unmasked")]))
    x0, y0, x1, y1 = max(box[0], 0), max(box[1], 0), min(box[2], 640), min(box[3], 480)
    assert not where[int(y0) + 6 : int(y1) - 6, int(x0) + 6 : int(x1) - 6].any()
    for edge in (where[int(y0) : int(y0) + 3, int(x0 + 8) : int(x1 - 8)],
                 where[int(y0 + 8) : int(y1 - 8), int(x0) : int(x0) + 3]):  # fmt: skip
        assert edge.all(axis=None) or edge.mean() > 0.6, "its line runs along the picture's border"
    outside = where.copy()
    outside[max(int(y0) - 40, 0) : int(y1) + 40, max(int(x0) - 60, 0) : int(x1) + 130] = False
    assert not outside.any()


def side_of(drawn: Image, box: Box, verdict: str) -> str:
    """Where there is more of the plate's colour: above the box or below."""
    plate = (np.abs(drawn.astype(int) - rgb_of(verdict)).max(axis=2) < 3)[:, int(box[0]) : int(box[2])]
    return "above" if plate[: int(box[1]) - 3].sum() > plate[int(box[3]) + 4 :].sum() else "below"


def test_a_label_does_not_jump_while_a_face_trembles() -> None:
    """Near the upper border there is just room above the face, or just not."""
    image = noise(480, 640)
    for top in np.arange(12.0, 26.0, 0.5):
        stream, sides, afresh = Drawing(), set(), set()
        for step in (0, 1, -1, 1, 0, -1):
            box = (200.0 + step, top + step, 260.0 + step, top + 70 + step)
            sides.add(side_of(stream(image, [shown(1, box)]), box, "masked"))
            afresh.add(side_of(draw_people(image, [shown(1, box)]), box, "masked"))
        assert len(sides) == 1, f"top {top}"
        if len(afresh) == 2:
            break
    else:
        pytest.fail("no label would have jumped: this proves nothing")


def test_a_label_leaves_its_place_when_a_face_comes_there() -> None:
    image, stream = noise(480, 640), Drawing()
    one: Box = (200, 200, 280, 290)
    assert side_of(stream(image, [shown(1, one)]), one, "masked") == "above"
    other: Box = (190, 90, 290, 192)
    drawn = stream(image, [shown(1, one), shown(2, other, "unmasked")])
    assert side_of(drawn, one, "masked") == "below"
    assert not changed(image, drawn)[97:185, 197:283].any()


def test_zones_and_lines_run_behind_the_people_and_bear_their_names() -> None:
    image = noise(480, 640)
    bare = changed(image, draw_people(image, [], [ZONE], [LINE]))
    for (ax, ay), (bx, by) in ((ZONE.corners[0], ZONE.corners[1]), LINE.corners):
        for share in np.linspace(0.05, 0.95, 9):
            x, y = (ax + (bx - ax) * share) * 640, (ay + (by - ay) * share) * 480
            assert bare[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2].any()
    assert bare.mean() < 0.05
    renamed = draw_people(image, [], [Zone("hall", ZONE.corners)], [LINE])
    assert changed(renamed, draw_people(image, [], [ZONE], [LINE])).any()
    person: Box = (20, 200, 90, 300)  # on the zone's left side
    drawn = draw_people(image, [shown(1, person)], [ZONE], [LINE])
    assert bare[206:294, 26:84].any()
    assert not changed(image, drawn)[206:294, 26:84].any()


def test_a_stream_may_change_its_size() -> None:
    stream = Drawing([ZONE], [LINE])
    for width, height in ((640, 480), (320, 240), (640, 480)):
        image = noise(height, width)
        box: Box = (width / 2, height / 2, width / 2 + 40, height / 2 + 50)
        assert np.array_equal(
            stream(image, [shown(1, box)])[:9], draw_people(image, [shown(1, box)], [ZONE], [LINE])[:9]
        )


def test_a_huge_picture_costs_no_more_than_its_copy_and_its_marks() -> None:
    image = np.zeros((5000, 7000, 3), np.uint8)
    people = [shown(i, (700.0 + 800 * i, 1000, 1100.0 + 800 * i, 1500), ALL[i % 4]) for i in range(6)]
    draw_people(image[:300, :300], [shown(1, (100, 100, 150, 150))])  # fonts and tables are loaded once
    tracemalloc.start()
    drawn = draw_people(image, people)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - image.nbytes < 16e6
    touched = changed(image, drawn).sum()
    assert 0 < touched < 6 * (2 * (400 + 500) * 50 + 1500 * 160)


def test_a_font_that_cannot_be_read_is_refused_before_the_first_frame(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        Drawing(font=tmp_path / "none.ttf")


def test_a_grey_picture_is_refused() -> None:
    with pytest.raises(ShapeError, match="RGB"):
        draw_people(np.zeros((20, 20), np.uint8), [])


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (16, 16), (64, 2000)])
def test_any_picture_can_be_drawn_on(size: tuple[int, int]) -> None:
    height, width = size
    image = noise(height, width)
    drawn = draw_people(image, [shown(1, (0, 0, width, height))], [ZONE], [LINE], caption="12:30")
    assert drawn.shape == image.shape
    assert changed(image, drawn).any()
