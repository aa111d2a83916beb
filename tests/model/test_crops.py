from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwise.errors import ConfigError, ShapeError
from maskwise.model.crops import CropSpec, crop_face, crop_faces, crop_whole, cut_square, square_around
from maskwise.values import Image


def picture(height: int, width: int) -> Image:
    """Every pixel names its place: R the row, G the column."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0], image[..., 1] = np.arange(height)[:, None], np.arange(width)[None, :]
    return image


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(-60, 60), st.integers(-60, 60), st.integers(1, 70))
def test_a_cut_is_the_nearest_pixel_everywhere(height: int, width: int, left: int, top: int, side: int) -> None:
    image = picture(height, width)
    rows = np.clip(np.arange(top, top + side), 0, height - 1)
    columns = np.clip(np.arange(left, left + side), 0, width - 1)
    assert np.array_equal(cut_square(image, left, top, side), image[rows][:, columns])


def test_a_box_in_the_middle_keeps_its_aspect() -> None:
    left, top, side = square_around((40, 20, 60, 60), margin=0.25)  # 20 x 40: the longer side decides
    assert (left, top, side) == (20, 10, 60)


def test_without_margin_a_square_box_is_the_crop() -> None:
    image = picture(100, 100)
    crop = crop_face(image, (10, 20, 42, 52), CropSpec(size_px=32, margin=0))
    assert np.array_equal(crop, image[20:52, 10:42])


def test_whole_pictures_are_stretched_as_in_the_study() -> None:
    assert crop_whole(picture(50, 100), CropSpec(size_px=20)).shape == (20, 20, 3)


def test_no_faces_are_an_ordinary_batch() -> None:
    crops = crop_faces(picture(9, 9), [], CropSpec(size_px=16))
    assert crops.shape == (0, 16, 16, 3)
    assert crops.dtype == np.uint8


def test_fine_patterns_are_averaged_not_sampled() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[::2] = 255
    assert abs(crop_whole(stripes, CropSpec(size_px=16)).astype(int) - 127).max() <= 1


@pytest.mark.parametrize("size_px", [0, 15, 5000])
def test_a_size_out_of_range_is_refused(size_px: int) -> None:
    with pytest.raises(ConfigError, match=str(size_px)):
        CropSpec(size_px=size_px)


def test_a_grey_picture_is_refused() -> None:
    with pytest.raises(ShapeError, match="RGB"):
        crop_faces(np.zeros((9, 9), np.uint8), [], CropSpec())
