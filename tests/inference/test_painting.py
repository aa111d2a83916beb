from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw

from maskwise.inference.painting import DARK, THINNEST_PX, Outline, lay
from maskwise.values import Image

FINER = 12
RGB = (213, 94, 0)
DASHED, DOTTED = (4.0, 2.5), (0.5, 1.9)


def strokes(outline: Outline) -> list[list[tuple[float, float]]]:
    """Ends of the strokes, side by side, as a plain walk around the box."""
    x0, y0, x1, y1 = outline.box
    ends = []
    for a, b in pairwise([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]):
        length = math.dist(a, b)
        if outline.dash is None:
            ends.append([a, b])
            continue
        stroke, gap = (part * max(outline.line_px, THINNEST_PX) for part in outline.dash)
        count = max(2, round((length + gap) / (stroke + gap)))
        for i in range(count):
            start = i * (length - stroke) / (count - 1)
            shares = (start / length, (start + stroke) / length)
            ends.append([(a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share) for share in shares])
    return ends


def pillow_cover(outline: Outline, px: float, side: int) -> NDArray[np.float32]:
    """(side, side) the strokes drawn twelve times as large, as lines with round ends, and averaged down."""
    large = Pillow.new("L", (side * FINER, side * FINER))
    pen, r = ImageDraw.Draw(large), px * FINER / 2
    for ends in strokes(outline):
        fine = [(x * FINER, y * FINER) for x, y in ends]
        pen.line(fine, fill=255, width=round(px * FINER))
        for x, y in fine:
            pen.ellipse((x - r, y - r, x + r, y + r), fill=255)
    return np.asarray(np.asarray(large.reduce(FINER)) / 255, np.float32)


@pytest.mark.parametrize("dash", [None, DASHED, DOTTED])
@pytest.mark.parametrize(
    ("box", "line_px"),
    [((20.0, 30.0, 120.0, 130.0), 2.0), ((20.4, 30.7, 121.2, 99.9), 3.3), ((50.0, 50.0, 66.0, 69.0), 1.3),
     ((15.5, 15.5, 140.5, 140.5), 9.0)],
)  # fmt: skip
def test_lines_look_as_when_drawn_large_and_made_small(
    dash: tuple[float, float] | None, box: tuple[float, float, float, float], line_px: float
) -> None:
    outline = Outline(box, RGB, line_px, dash)
    drawn = np.full((160, 160, 3), 200, np.uint8)
    outline.paint(drawn)
    expected = np.full((160, 160, 3), 200.0)
    for px, rgb, opacity in ((line_px * 1.25 + 0.8, (0, 0, 0), DARK), (line_px, RGB, 1.0)):
        cover = opacity * pillow_cover(outline, px, 160)[..., None]
        expected = expected * (1 - cover) + np.array(rgb) * cover
    off = np.abs(drawn - expected)
    assert (expected != 200).any()
    assert off.max() < 60  # of one pixel at an edge
    assert off.mean() < 0.02 * np.abs(expected - 200).mean() + 0.25


def test_an_outline_touches_nothing_beyond_its_reach() -> None:
    image = np.random.default_rng(0).integers(0, 256, (200, 200, 3)).astype(np.uint8)
    outline = Outline((40.3, 50.2, 150.8, 170.1), RGB, 4.0)
    drawn = image.copy()
    outline.paint(drawn)
    y, x = np.mgrid[:200, :200] + 0.5
    x0, y0, x1, y1 = outline.box
    inside = np.minimum(np.minimum(x - x0, x1 - x), np.minimum(y - y0, y1 - y))
    assert np.array_equal(
        drawn[np.abs(inside) > 1.5 * outline.reach_px], image[np.abs(inside) > 1.5 * outline.reach_px]
    )
    assert np.array_equal(drawn[inside > outline.reach_px], image[inside > outline.reach_px])


@pytest.mark.parametrize("box", [(-50.0, -50.0, 250.0, 250.0), (-500.0, 0.0, -400.0, 50.0), (90.0, 90.0, 300.0, 120.0)])
def test_an_outline_may_leave_the_picture(box: tuple[float, float, float, float]) -> None:
    """The same pixels as in a picture large enough, from which the small one is cut."""
    small, large = np.full((100, 100, 3), 90, np.uint8), np.full((1100, 1100, 3), 90, np.uint8)
    Outline(box, RGB, 3.0, DASHED).paint(small)
    x0, y0, x1, y1 = (v + 500 for v in box)
    Outline((x0, y0, x1, y1), RGB, 3.0, DASHED).paint(large)
    assert np.abs(small.astype(int) - large[500:600, 500:600]).max() <= 2


@pytest.mark.parametrize(("at", "seen"), [((-2, -1), (3, 2)), ((7, 8), (3, 2)), ((20, 0), (0, 0)), ((2, 3), (5, 3))])
def test_colours_are_laid_on_as_far_as_they_lie_inside(at: tuple[int, int], seen: tuple[int, int]) -> None:
    picture: Image = np.zeros((10, 10, 3), np.uint8)
    lay(picture, at, np.full((3, 5, 3), 100, np.uint8), np.full((3, 5), 0.5, np.float32))
    assert (picture == 50).sum() == seen[0] * seen[1] * 3
    assert ((picture == 50) | (picture == 0)).all()
