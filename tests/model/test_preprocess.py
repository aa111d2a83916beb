from __future__ import annotations

import numpy as np
import pytest

from maskwise.errors import ConfigError, ShapeError
from maskwise.model.preprocess import Preprocess

CROPS = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3)).astype(np.uint8)


def test_the_default_divides_by_255_and_moves_channels_first() -> None:
    expected = np.stack([[crop[..., channel] / 255 for channel in range(3)] for crop in CROPS])
    np.testing.assert_allclose(Preprocess()(CROPS), expected, atol=1e-6)


def test_mean_and_std_are_per_channel_in_rgb_order() -> None:
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.25, 0.125)
    got = Preprocess(mean, std)(CROPS)
    for channel in range(3):
        plain = (CROPS[..., channel] / 255 - mean[channel]) / std[channel]
        np.testing.assert_allclose(got[:, channel], plain, atol=1e-5)


def test_no_crops_are_an_ordinary_batch() -> None:
    assert Preprocess()(CROPS[:0]).shape == (0, 3, 8, 8)


def test_floats_are_refused_since_they_were_scaled_already() -> None:
    with pytest.raises(ShapeError, match="uint8"):
        Preprocess()(CROPS.astype(np.float32))


@pytest.mark.parametrize(("mean", "std"), [((0, 0, 0), (1, 0, 1)), ((0, 0), (1, 1, 1))])
def test_impossible_numbers_are_refused(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match="preprocess"):
        Preprocess(mean, std)  # type: ignore[arg-type]
