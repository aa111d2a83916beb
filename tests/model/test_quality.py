from __future__ import annotations

import numpy as np
import pytest
from skimage.data import astronaut

from maskwise.errors import ShapeError
from maskwise.model.crops import CropSpec, crop_faces
from maskwise.model.faces import YuNet
from maskwise.model.quality import FaceQuality, quality_of, sharpness
from maskwise.values import Faces, Image

WIDTH, HEIGHT = 100, 80


def face(landmarks: list[tuple[float, float]], box: tuple[float, float, float, float] = (10, 10, 40, 60)) -> Faces:
    return Faces(np.array([box], np.float32), np.ones(1, np.float32), np.array([landmarks], np.float32))


def measured(image: Image) -> FaceQuality:
    faces = YuNet()(image)
    crops = crop_faces(image, faces.boxes_xyxy, CropSpec(64))
    return quality_of(faces, crops, image.shape[1], image.shape[0])


@pytest.mark.parametrize(
    ("landmarks", "inside"),
    [
        ([(20, 20), (30, 20), (25, 30), (20, 40), (30, 40)], 1.0),
        ([(0, 0), (WIDTH, 0), (25, 30), (0, HEIGHT), (WIDTH, HEIGHT)], 1.0),
        ([(-1, 20), (30, 20), (25, 30), (20, 40), (30, 40)], 0.8),
        ([(20, 70), (30, 70), (25, 79), (20, 81), (30, 90)], 0.6),
        ([(20, -5), (30, -5), (101, 30), (20, 40), (30, 40)], 0.4),
    ],
)
def test_landmarks_beyond_the_border_are_counted(landmarks: list[tuple[float, float]], inside: float) -> None:
    quality = quality_of(face(landmarks), np.zeros((1, 32, 32, 3), np.uint8), WIDTH, HEIGHT)
    assert quality.inside.tolist() == [inside]


def test_without_landmarks_nobody_knows_whether_a_face_is_cut_off() -> None:
    quality = quality_of(face([(np.nan, np.nan)] * 5), np.zeros((1, 32, 32, 3), np.uint8), WIDTH, HEIGHT)
    assert np.isnan(quality.inside).tolist() == [True]


def test_size_is_the_shorter_side_and_sharpness_that_of_the_crop() -> None:
    crops = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3)).astype(np.uint8)
    quality = quality_of(face([(20, 20)] * 5, box=(10, 10, 40, 60)), crops, WIDTH, HEIGHT)
    assert quality.side_px.tolist() == [30.0]
    assert quality.sharpness.tolist() == [sharpness(crops[0])]
    assert quality.sharpness[0] > 0.5


def test_no_face_is_an_ordinary_answer() -> None:
    quality = quality_of(Faces.none(), np.zeros((0, 32, 32, 3), np.uint8), WIDTH, HEIGHT)
    assert [len(quality.side_px), len(quality.sharpness), len(quality.inside)] == [0, 0, 0]


def test_three_arrays_of_one_length() -> None:
    with pytest.raises(ShapeError, match="one length"):
        FaceQuality(np.zeros(2), np.zeros(2), np.zeros(1))


def test_a_real_face_below_whose_nose_the_picture_ends_is_cut_off() -> None:
    """The detector still finds it and clips its box; only its landmarks tell."""
    whole: Image = astronaut()
    top, bottom = 63, 175  # of the face
    assert measured(whole).inside.tolist() == [1.0]
    cut = measured(np.ascontiguousarray(whole[: top + (bottom - top) * 6 // 10]))
    assert len(cut.inside) == 1
    assert cut.inside[0] < 0.8
