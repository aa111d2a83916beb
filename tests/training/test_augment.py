from __future__ import annotations

import numpy as np
import pytest

from maskwise.errors import ConfigError
from maskwise.model.config import from_mapping
from maskwise.model.crops import CropSpec, crop_face
from maskwise.training.augment import augmented, wider
from maskwise.training.recipe import Augment, Recipe

SIZE = 40
CROPS = np.random.default_rng(0).integers(0, 256, (12, SIZE, SIZE, 3)).astype(np.uint8)
POSITIONS = np.arange(12)


def smooth(size: int) -> np.ndarray:
    """A picture whose middle moves and turns measurably."""
    y, x = np.mgrid[:size, :size] / size
    return np.stack([255 * x, 255 * y, 127 + 127 * np.sin(9 * x) * np.cos(7 * y)], axis=2).astype(np.uint8)


def test_nothing_to_change_is_no_change() -> None:
    assert augmented(CROPS, SIZE, Augment(), 0, 0, POSITIONS) is CROPS


@pytest.mark.parametrize(
    "change",
    [
        Augment(flip=True), Augment(light=0.3), Augment(colour=0.3), Augment(gamma=0.5), Augment(shift=0.1),
        Augment(zoom=0.2), Augment(rotate=20), Augment(border=0.9), Augment(coarse=0.9), Augment(blur=0.9),
        Augment(noise=0.9), Augment(jpeg=0.9), Augment(grey=0.5),
    ],
    ids=lambda change: next(name for name in Augment.__slots__ if getattr(change, name)),
)  # fmt: skip
def test_a_change_depends_on_seed_epoch_and_position_alone(change: Augment) -> None:
    whole = augmented(CROPS, SIZE, change, 0, 5, POSITIONS)
    part = augmented(CROPS[[7, 2]], SIZE, change, 0, 5, np.array([7, 2]))
    assert np.array_equal(part, whole[[7, 2]])
    assert not np.array_equal(whole, CROPS)
    assert not np.array_equal(whole, augmented(CROPS, SIZE, change, 0, 6, POSITIONS))
    assert whole.shape == CROPS.shape
    assert whole.dtype == np.uint8


def test_the_same_crop_twice_in_an_epoch_changes_in_two_ways() -> None:
    twice = augmented(np.repeat(CROPS[:1], 2, axis=0), SIZE, Augment(light=0.3), 0, 0, np.array([3, 4]))
    assert not np.array_equal(twice[0], twice[1])


def test_a_flip_mirrors_about_half() -> None:
    flipped = augmented(np.repeat(CROPS[:1], 200, axis=0), SIZE, Augment(flip=True), 0, 0, np.arange(200))
    mirrored = sum(np.array_equal(crop, CROPS[0, :, ::-1]) for crop in flipped)
    kept = sum(np.array_equal(crop, CROPS[0]) for crop in flipped)
    assert mirrored + kept == 200
    assert 70 < mirrored < 130


@pytest.mark.parametrize("name", ["border", "coarse", "blur", "noise", "jpeg", "grey"])
def test_a_share_is_a_share(name: str) -> None:
    crops = np.repeat(smooth(48)[None], 300, axis=0)
    changed = augmented(crops, 48, from_mapping(Augment, "", {name: 0.3}), 0, 0, np.arange(300))
    share = np.mean([not np.array_equal(crop, crops[0]) for crop in changed])
    assert 0.2 < share < 0.4


def test_grey_has_no_colour_and_gamma_keeps_black_and_white() -> None:
    grey = augmented(CROPS, SIZE, Augment(grey=1.0), 0, 0, POSITIONS)
    assert (grey == grey[..., :1]).all()
    ends = np.zeros((1, SIZE, SIZE, 3), np.uint8)
    ends[:, 20:] = 255
    assert np.array_equal(augmented(ends, SIZE, Augment(gamma=1.0), 0, 0, POSITIONS[:1]), ends)


def test_a_crop_cut_close_keeps_its_middle_and_repeats_its_edge() -> None:
    crops = np.repeat(smooth(80)[None], 50, axis=0)
    cut = augmented(crops, 80, Augment(border=1.0), 0, 0, np.arange(50))
    assert np.array_equal(cut[:, 20:60, 20:60], crops[:, 20:60, 20:60])
    for side in (cut, cut[:, ::-1], cut.swapaxes(1, 2), cut[:, :, ::-1].swapaxes(1, 2)):
        repeated = [int((crop == crop[0]).all(axis=(1, 2)).sum()) - 1 for crop in side]  # rows like the first
        assert 0 <= min(repeated) < 4
        assert 16 < max(repeated) <= 20


def test_a_wide_crop_holds_in_its_middle_what_inference_sees() -> None:
    """Cut with its surroundings and not moved, it is the very crop; moved, it shows the picture and not its edge."""
    picture, box, spec = smooth(300), (110.0, 120.0, 170.0, 190.0), CropSpec(64, margin=0.2)
    wide = wider(spec, Augment(context=0.25))
    assert wide.size_px == 96
    middle = augmented(crop_face(picture, box, wide)[None], 64, Augment(context=0.25), 0, 0, np.array([0]))[0]
    assert np.abs(middle.astype(int) - crop_face(picture, box, spec).astype(int)).mean() < 3
    assert wider(spec, Augment(shift=0.2)) == spec


def test_moving_shows_the_picture_where_there_is_context() -> None:
    """Red grows to the right: a crop moved beyond its own edge shows redder pixels than any inside it."""
    spec, change = CropSpec(64, margin=0.0), Augment(shift=0.2, context=0.25)
    picture = smooth(300)
    inside = crop_face(picture, (100.0, 100.0, 164.0, 164.0), spec)
    wide = crop_face(picture, (100.0, 100.0, 164.0, 164.0), wider(spec, change))
    moved = augmented(np.repeat(wide[None], 40, axis=0), 64, change, 0, 0, np.arange(40))
    assert moved[..., 0].max() > inside[..., 0].max() + 5
    assert moved[..., 0].min() < inside[..., 0].min() - 5


def test_context_needs_faces() -> None:
    with pytest.raises(ConfigError, match="a whole picture has nothing around it"):
        Recipe(augment=Augment(context=0.1))
