"""Faces that the usual two looks are too coarse for, and that the usual two looks stay as they were."""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise, product

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwise.data import embedded
from maskwise.errors import ConfigError
from maskwise.model.faces import (
    DEFAULT_MIN_FACE_PX,
    MAX_ENLARGED_PX,
    MIN_FACES_PX,
    YuNet,
    bundled_weights,
    enlarged,
    scales,
)
from maskwise.values import Faces, Image

UHD, QHD, FULL_HD = (3840, 2160), (2560, 1440), (1920, 1080)


@cache
def detector(min_face_px: int) -> YuNet:
    return YuNet(min_face_px=min_face_px)


def head(face_px: int) -> Image:
    """The astronaut's head, her face (100 px of the photograph) about `face_px` wide."""
    side = round(face_px * 2)
    return np.asarray(cv2.resize(embedded.astronaut()[10:210, 125:325], (side, side), interpolation=cv2.INTER_AREA))


def paste(canvas: Image, picture: Image, x: float, y: float) -> tuple[float, float]:
    """Put a picture with its middle at (x, y), moved as little as it takes to lie inside; returns where that is."""
    down, across = picture.shape[:2]
    left = min(max(round(x - across / 2), 0), canvas.shape[1] - across)
    top = min(max(round(y - down / 2), 0), canvas.shape[0] - down)
    canvas[top : top + down, left : left + across] = picture
    return left + across / 2, top + down / 2


def holding(faces: Faces, x: float, y: float) -> int:
    boxes = faces.boxes_xyxy
    inside = (boxes[:, 0] < x) & (x < boxes[:, 2]) & (boxes[:, 1] < y) & (y < boxes[:, 3])
    return int(inside.sum())


class TestWhatIsLookedAt:
    def test_40_px_looks_as_it_always_has(self) -> None:
        """The present table, written out."""
        for (width, height), usual in {
            (5, 5): [1.0, 4.0],
            (100, 50): [1.0, 3.2],
            (320, 200): [1.0],
            (390, 300): [1.0],
            (512, 512): [1.0, 0.625],
            (1920, 1080): [1.0, 1 / 6],
            (3840, 2160): [0.5, 1 / 12],
            (1000, 8000): [0.24, 0.04],
        }.items():
            assert scales(width, height) == pytest.approx(usual, rel=1e-12)
            assert enlarged(width, height, 40) == []

    @pytest.mark.parametrize(
        ("size", "at_24", "at_16"),
        [
            ((100, 50), None, None),  # long side 320 is larger already
            ((250, 200), None, 2.0),  # and nearly as large as 1.5 times
            ((400, 300), 1.5, 2.0),
            ((1920, 1080), 1.5, 2.0),
            (UHD, 1.5, 2.0),
            ((4000, 3000), 1.5, 1.663),
            ((8000, 6000), 0.831, 0.831),
        ],
    )
    def test_the_size_of_the_further_look(
        self, size: tuple[int, int], at_24: float | None, at_16: float | None
    ) -> None:
        for min_face_px, wanted in ((24, at_24), (16, at_16)):
            sizes = sorted({scale for scale, _ in enlarged(*size, min_face_px)})
            assert sizes == ([] if wanted is None else [pytest.approx(wanted, abs=1e-3)])

    @settings(max_examples=200, deadline=None)
    @given(st.integers(1, 20000), st.integers(1, 20000), st.sampled_from(MIN_FACES_PX))
    def test_the_work_is_bounded(self, width: int, height: int, min_face_px: int) -> None:
        looks = enlarged(width, height, min_face_px)
        looked_at = sum(scale**2 * (t.right - t.left) * (t.bottom - t.top) for scale, t in looks)
        assert looked_at <= 4 * MAX_ENLARGED_PX * 1.01
        if 0.5 <= width / height <= 16 / 9:
            assert looked_at <= 1.8 * MAX_ENLARGED_PX

    @settings(max_examples=200, deadline=None)
    @given(st.integers(1500, 20000), st.integers(1500, 20000), st.sampled_from((16, 24)))
    def test_tiles_share_twice_the_largest_face_that_only_they_see_well(
        self, width: int, height: int, min_face_px: int
    ) -> None:
        largest = DEFAULT_MIN_FACE_PX / scales(width, height)[0]
        spans = sorted({(t.left, t.right) for _, t in enlarged(width, height, min_face_px)})
        assert all(end - begin >= 2 * largest for (_, end), (begin, _) in pairwise(spans))

    @pytest.mark.parametrize("wrong", [17, 0, -16, 39, 16.5, math.nan, 1000])
    def test_another_size_is_refused_with_the_three_that_are_not(self, wrong: float) -> None:
        with pytest.raises(ConfigError, match=r"min_face_px: .* is not one of 16, 24, 40"):
            YuNet(min_face_px=wrong)  # type: ignore[arg-type]


class TestWhatIsFound:
    def test_40_px_answers_as_opencv_does_at_the_two_sizes(self) -> None:
        """Independent of our looks: OpenCV itself on the same pixels, the better of both for the one face."""
        image = embedded.astronaut()
        bgr = np.ascontiguousarray(image[..., ::-1])
        best = np.zeros(15, np.float32)
        for side in (512, 320):
            pixels = bgr if side == 512 else cv2.resize(bgr, (320, 320), interpolation=cv2.INTER_AREA)
            _, rows = cv2.FaceDetectorYN.create(str(bundled_weights()), "", (side, side), 0.6, 0.4).detect(pixels)
            row = rows[0] * np.array([512 / side] * 14 + [1], np.float32)
            best = row if row[14] > best[14] else best
        for detect in (YuNet(), detector(40)):
            faces = detect(image)
            assert len(faces) == 1
            assert faces.scores[0] == pytest.approx(best[14], abs=1e-6)
            assert faces.boxes_xyxy[0] == pytest.approx([*best[:2], *(best[:2] + best[2:4])], abs=1e-3)
            assert faces.landmarks_xy[0].ravel() == pytest.approx(best[4:14], abs=1e-3)

    @pytest.mark.parametrize(("face_px", "found_at"), [(10, (16,)), (14, (16, 24)), (30, (16, 24, 40))])
    def test_smaller_faces_take_a_smaller_setting(self, face_px: int, found_at: tuple[int, ...]) -> None:
        """Hers is an easy face: sharp, frontal, in good light; others take more pixels."""
        canvas = np.full((480, 640, 3), 127, np.uint8)
        x, y = paste(canvas, head(face_px), 256, 240)
        assert tuple(px for px in MIN_FACES_PX if holding(detector(px)(canvas), x, y) == 1) == found_at

    def test_far_faces_of_4k_are_lost_without_tiles(self) -> None:
        """A strip as wide as 4K is seen at half its size."""
        canvas = np.full((600, UHD[0], 3), 127, np.uint8)
        x, y = paste(canvas, head(20), 1900, 300)
        assert [holding(detector(px)(canvas), x, y) for px in (40, 24)] == [0, 1]

    @pytest.mark.parametrize(
        ("size", "min_face_px", "face_px"),
        [(UHD, 24, 24), (QHD, 16, 24), (QHD, 16, 60), (QHD, 24, 200), (FULL_HD, 16, 50), (FULL_HD, 24, 100)],
        ids=str,
    )
    def test_a_face_on_a_cut_is_found_once(self, size: tuple[int, int], min_face_px: int, face_px: int) -> None:
        """Faces astride every cut, at the crossings of cuts, and at the picture's corners: small ones, ones near the
        largest that the tiles are to find, and ones that only the look at own size sees whole."""
        width, height = size
        cover = [tile for _, tile in enlarged(width, height, min_face_px)]
        xs = {x for tile in cover for x in (tile.left, (tile.left + tile.right) / 2, tile.right)}
        ys = {y for tile in cover for y in (tile.top, (tile.top + tile.bottom) / 2, tile.bottom)}
        canvas, picture = np.full((height, width, 3), 127, np.uint8), head(face_px)
        places: list[tuple[float, float]] = []
        for x, y in product(_apart(sorted(xs), picture.shape[1]), _apart(sorted(ys), picture.shape[0])):
            places.append(paste(canvas, picture, x, y))
        cuts = {x for tile in cover for x in (tile.left, tile.right)} - {0, width}
        assert any(abs(x - cut) < face_px / 4 for x, _ in places for cut in cuts)
        faces = detector(min_face_px)(canvas)
        assert [holding(faces, x, y) for x, y in places] == [1] * len(places)
        assert len(faces) == len(places)


def _apart(positions: list[float], by: int) -> list[float]:
    """Those that lie so far from the ones before them that the pictures there do not overlap, even at the border."""
    kept: list[float] = []
    for position in positions:
        if not kept or position - max(kept[-1], by / 2) > by + 1:
            kept.append(position)
    return kept
