"""Crops to network input; the numbers belong to the weights and travel with them in model.json."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskwise.errors import ConfigError, ShapeError


@dataclass(frozen=True, slots=True)
class Preprocess:
    """Scale to [0, 1], then (x - mean) / std per channel, R G B.

    The defaults are the study's: division by 255 and nothing else.
    """

    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        if len(self.mean) != 3 or len(self.std) != 3:
            raise ConfigError(f"preprocess: mean and std take three numbers, R G B; got {self.mean} and {self.std}")
        if min(self.std) <= 0:
            raise ConfigError(f"preprocess.std: {self.std} must be above 0")

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, size, size, 3) uint8 RGB to (n, 3, size, size) float32."""
        if crops.ndim != 4 or crops.shape[3] != 3 or crops.dtype != np.uint8:
            raise ShapeError(f"crops: expected (n, size, size, 3) uint8 RGB, got {crops.shape} {crops.dtype}")
        scale, shift = self.scale_and_shift()
        return np.ascontiguousarray((crops * scale - shift).transpose(0, 3, 1, 2))

    def scale_and_shift(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(3,) and (3,) float32: a value of 0 to 255 times the first, less the second, is the network's input."""
        std = np.asarray(self.std, np.float32)
        return np.float32(1 / 255) / std, np.asarray(self.mean, np.float32) / std
