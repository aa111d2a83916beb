from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from maskwise.training.loader import ahead, augmented, epoch_batches
from maskwise.training.recipe import Augment

CROPS = np.random.default_rng(0).integers(0, 256, (12, 20, 20, 3)).astype(np.uint8)
INDICES = np.arange(12)


def test_an_epoch_sees_every_example_once_in_an_order_of_its_own() -> None:
    first, again, second = (np.concatenate(epoch_batches(103, 10, seed=3, epoch=e)) for e in (0, 0, 1))
    assert sorted(first) == list(range(103))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)
    assert [len(b) for b in epoch_batches(103, 10, 0, 0)] == [10] * 10 + [3]


def test_nothing_to_change_is_no_change() -> None:
    assert augmented(CROPS, Augment(), 0, 0, INDICES) is CROPS


@pytest.mark.parametrize(
    "change", [Augment(flip=True), Augment(light=0.3), Augment(colour=0.3), Augment(shift=0.1), Augment(zoom=0.2)]
)
def test_a_change_depends_on_seed_epoch_and_example_alone(change: Augment) -> None:
    whole = augmented(CROPS, change, 0, 5, INDICES)
    part = augmented(CROPS[[7, 2]], change, 0, 5, np.array([7, 2]))
    assert np.array_equal(part, whole[[7, 2]])
    assert not np.array_equal(whole, augmented(CROPS, change, 0, 6, INDICES))
    assert whole.shape == CROPS.shape
    assert whole.dtype == np.uint8


def test_a_flip_mirrors_about_half() -> None:
    crops = np.repeat(CROPS[:1], 200, axis=0)
    flipped = augmented(crops, Augment(flip=True), 0, 0, np.arange(200))
    mirrored = sum(np.array_equal(crop, CROPS[0, :, ::-1]) for crop in flipped)
    kept = sum(np.array_equal(crop, CROPS[0]) for crop in flipped)
    assert mirrored + kept == 200
    assert 70 < mirrored < 130


def test_working_ahead_changes_nothing_and_passes_errors_on() -> None:
    def three_then_fail() -> Iterator[int]:
        yield from range(3)
        raise ValueError("broken")

    items = ahead(three_then_fail())
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="broken"):
        next(items)
