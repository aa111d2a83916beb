from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from maskwise.data import embedded
from maskwise.data.masks import MaskStyle, render_mask
from maskwise.model.faces import YuNet
from maskwise.training.facts import FACTS, FOUND_IN, FaceFacts, facts_table, mask_colour, measure_face, yaw_deg
from maskwise.values import Faces, Image

NOWHERE = np.full(4, np.nan, np.float32)


def turned(
    yaw: float, nod: float = 0, tilt: float = 0, nose_mm: float = 27, eyes_mm: float = 62
) -> NDArray[np.float32]:
    """Landmarks of a face in millimetres, turned, nodding and tilted, photographed from 0.8 m by a pinhole camera."""
    half = eyes_mm / 2
    face = np.array([[-half, 0, 0], [half, 0, 0], [0, 40, nose_mm], [-25, 68, 5], [25, 68, 5]])
    y, n, t = np.radians([yaw, nod, tilt])
    around_y = np.array([[math.cos(y), 0, math.sin(y)], [0, 1, 0], [-math.sin(y), 0, math.cos(y)]])
    around_x = np.array([[1, 0, 0], [0, math.cos(n), -math.sin(n)], [0, math.sin(n), math.cos(n)]])
    around_z = np.array([[math.cos(t), -math.sin(t), 0], [math.sin(t), math.cos(t), 0], [0, 0, 1]])
    x, down, near = (face @ (around_z @ around_y @ around_x).T).T
    return np.stack([500 + 900 * x / (800 - near), 300 + 900 * down / (800 - near)], axis=1).astype(np.float32)


@pytest.mark.parametrize("yaw", [-75, -50, -30, -10, 0, 10, 30, 50, 75])
@pytest.mark.parametrize("tilt", [0, -40, 25])
def test_yaw_is_that_of_a_turned_head(yaw: float, tilt: float) -> None:
    assert yaw_deg(turned(yaw, tilt=tilt)) == pytest.approx(yaw, abs=4)


@pytest.mark.parametrize("yaw", [-50, -20, 0, 20, 50])
@pytest.mark.parametrize("nod", [-25, 25])
def test_a_nod_moves_yaw_little(yaw: float, nod: float) -> None:
    assert yaw_deg(turned(yaw, nod)) == pytest.approx(yaw, abs=7)


@pytest.mark.parametrize(("nose_mm", "eyes_mm"), [(23, 62), (31, 62), (27, 56), (27, 68)])
def test_other_noses_and_eyes_move_yaw_as_little_as_is_said(nose_mm: float, eyes_mm: float) -> None:
    assert yaw_deg(turned(40, nose_mm=nose_mm, eyes_mm=eyes_mm)) == pytest.approx(40, abs=8)


def test_a_nose_beside_eyes_in_one_place_is_a_profile() -> None:
    landmarks = np.array([[50, 10], [50.001, 10], [60, 20], [55, 30], [55, 30]], np.float32)
    assert 85 < yaw_deg(landmarks) <= 90


def test_a_mirrored_face_is_turned_the_other_way() -> None:
    find = YuNet().once
    pictures = [image for _, image in embedded.orl_faces()[:40]]
    there = np.array([measure_face(image, NOWHERE, None, find).yaw_deg for image in pictures])
    back = np.array([measure_face(np.fliplr(image).copy(), NOWHERE, None, find).yaw_deg for image in pictures])
    seen = ~np.isnan(there + back)
    assert seen.sum() >= 30
    assert np.abs(there[seen]).max() > 25
    assert np.median(np.abs(there + back)[seen]) < 8
    assert np.corrcoef(there[seen], -back[seen])[0, 1] > 0.8


def tinted_people() -> list[tuple[Image, Faces]]:
    """Twelve ORL people, tinted like skin; they look in all directions that the set has."""
    pictures, tint, detect = embedded.orl_faces(), np.array([1.0, 0.78, 0.66], np.float32), YuNet()
    images = [(pictures[i * 30 + i % 10][1] * tint).astype(np.uint8) for i in range(12)]
    return [(image, faces) for image in images if len(faces := detect(image))]


@pytest.mark.parametrize(
    ("colour_rgb", "name", "worn"),
    [
        ((24, 24, 27), "dark", True),
        ((240, 240, 238), "white", True),
        ((40, 120, 190), "other", True),
        ((190, 40, 45), "other", True),
        ((24, 24, 27), "dark", False),
        ((40, 120, 190), "other", False),
    ],
)
def test_the_colour_of_a_rendered_mask_is_named(colour_rgb: tuple[int, int, int], name: str, worn: bool) -> None:
    style = MaskStyle(colour_rgb=colour_rgb, texture="plain", wearing="covering" if worn else "nose_out")
    named = []
    for image, faces in tinted_people():
        masked = render_mask(image, faces.landmarks_xy[0], faces.boxes_xyxy[0], style)
        label = "masked" if worn else "incorrect"
        named.append(measure_face(masked, faces.boxes_xyxy[0], label, lambda _: Faces.none()).mask_colour)
    assert len(named) >= 10
    assert named.count(name) >= 0.8 * len(named), named


def test_a_mask_under_the_chin_is_not_taken_for_skin() -> None:
    face = np.full((64, 64, 3), (205, 150, 125), np.uint8)
    face[52:] = (20, 20, 24)
    assert mask_colour(face, worn=False) == "dark"
    assert mask_colour(face, worn=True) == "other"  # so it does matter


def test_white_cloth_in_dim_light_is_not_dark_and_dark_cloth_in_bright_light_is() -> None:
    dim, bright = np.full((64, 64, 3), (60, 44, 36), np.uint8), np.full((64, 64, 3), (245, 220, 205), np.uint8)
    dim[32:], bright[32:] = (104, 103, 100), (60, 60, 64)
    assert mask_colour(dim, worn=True) == "white"
    assert mask_colour(bright, worn=True) == "dark"


def test_only_a_face_that_wears_a_mask_has_a_colour_of_one() -> None:
    image = embedded.astronaut()
    box = YuNet()(image).boxes_xyxy[0]
    assert measure_face(image, box, "unmasked", YuNet().once).mask_colour is None
    assert measure_face(image, box, "incorrect", YuNet().once).mask_colour is not None


def test_where_no_face_is_found_yaw_is_nan_and_the_rest_is_measured() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (90, 70, 3), np.uint8)
    measured = measure_face(noise, np.array([10, 20, 50, 55], np.float32), "masked", YuNet().once)
    assert math.isnan(measured.yaw_deg)
    assert measured.face_px == 35
    assert 100 < measured.brightness < 155
    assert measured.sharpness > 0.5


def test_a_picture_without_a_box_is_measured_whole() -> None:
    image = embedded.orl_faces()[0][1]
    seen: list[Image] = []

    def find(image: Image) -> Faces:
        seen.append(image)
        return YuNet().once(image)

    measured = measure_face(image, NOWHERE, None, find)
    assert measured.face_px == min(image.shape[:2])
    assert abs(measured.yaw_deg) < 30
    assert [cut.shape for cut in seen] == [(FOUND_IN.size_px, FOUND_IN.size_px, 3)]


def test_blur_and_light_are_seen() -> None:
    image = embedded.astronaut()
    box = YuNet()(image).boxes_xyxy[0]
    plain = measure_face(image, box, "unmasked", YuNet().once)
    blurred = measure_face(np.asarray(cv2.GaussianBlur(image, (0, 0), 9), np.uint8), box, "unmasked", YuNet().once)
    dim = measure_face((image // 3).astype(np.uint8), box, "unmasked", YuNet().once)
    assert blurred.sharpness < 0.5 * plain.sharpness
    assert dim.brightness == pytest.approx(plain.brightness / 3, abs=2)


def test_the_neighbours_face_is_not_taken() -> None:
    """Two faces beside each other, turned to different sides: each box gets its own landmarks."""
    one = Faces(
        np.array([[10, 40, 60, 100], [70, 40, 120, 100]], np.float32),
        np.array([0.7, 0.9], np.float32),
        np.stack([turned(-40) / 10 + 10, turned(40) / 10 + 10]).astype(np.float32),
    )
    image = np.zeros((128, 128, 3), np.uint8)
    # A box of half the cut's side in its middle makes the cut the picture itself: 128 px, nothing moved.
    for shift, yaw in ((-29.0, -40), (29.0, 40)):
        moved = replace(one, boxes_xyxy=one.boxes_xyxy - np.array([shift, 0, shift, 0], np.float32))
        box = np.array([32, 32, 96, 96], np.float32)
        found = measure_face(image, box, "unmasked", lambda _, moved=moved: moved).yaw_deg
        assert found == pytest.approx(yaw, abs=4)


def test_a_table_has_a_row_for_each_face_also_for_those_not_looked_at() -> None:
    table = facts_table([FaceFacts(20, 0.5, 90, math.nan, None), None])
    assert table.schema == FACTS
    assert table["face_px"].to_list() == [20, None]
    assert table["yaw_deg"].is_nan().to_list() == [True, None]
    assert facts_table([]).equals(pl.DataFrame(schema=FACTS))


def test_the_face_that_fills_its_picture_is_found_under_a_mask_too() -> None:
    """As in folders of face crops: repeated edges around the picture would hide most of these faces."""
    found = []
    for image, faces in tinted_people():
        box = faces.boxes_xyxy[0]
        masked = render_mask(image, faces.landmarks_xy[0], box, MaskStyle(texture="plain"))
        left, top, right, bottom = np.round(box).astype(int)
        tight = np.ascontiguousarray(masked[top:bottom, left:right])
        found.append(not math.isnan(measure_face(tight, NOWHERE, "masked", YuNet().once).yaw_deg))
    assert np.mean(found) >= 0.7
