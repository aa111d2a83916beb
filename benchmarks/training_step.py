"""A training step of `sequential` through our loop against a bare PyTorch loop on the same tensors.

Ratio = bare time / our time, medians over paired rounds (one of each in turn): at 1.0 our loop costs nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from lightning_fabric import Fabric
from torch.nn.functional import cross_entropy

from benchmarks.table import Row
from maskwise.model import networks
from maskwise.training import recipe as recipes
from maskwise.training.loader import Examples
from maskwise.training.trainer import fit, make_optimizer

STEPS, ROUNDS = 4, 5


def measure() -> list[Row]:
    """One row for each input size."""
    return [_at(size_px) for size_px in (100, 64)]


def _at(size_px: int) -> Row:
    recipe = recipes.load("study", {"crop.size_px": size_px, "epochs": 1})
    rng = np.random.default_rng(0)
    n = STEPS * recipe.batch_size
    data = Examples(rng.integers(0, 256, (n, size_px, size_px, 3)).astype(np.uint8), rng.integers(0, 2, n))
    none = Examples(data.crops[:0], data.targets[:0])
    network = networks.build("sequential", 2, size_px)
    optimizer = make_optimizer(network, recipe)
    fabric = Fabric(accelerator="cpu", devices=1)
    wrapped, wrapped_optimizer = fabric.setup(network, optimizer)
    inputs, targets = torch.from_numpy(recipe.preprocess(np.asarray(data.crops))), torch.from_numpy(data.targets)

    def bare() -> None:
        for start in range(0, n, recipe.batch_size):
            optimizer.zero_grad()
            cross_entropy(
                network(inputs[start : start + recipe.batch_size]), targets[start : start + recipe.batch_size]
            ).backward()
            optimizer.step()

    def ours() -> None:
        list(fit(fabric, wrapped, wrapped_optimizer, recipe, data, none))

    _seconds(bare)  # warm up
    _seconds(ours)
    pairs = [(_seconds(bare), _seconds(ours)) for _ in range(ROUNDS)]
    return {
        "size_px": size_px,
        "batch_size": recipe.batch_size,
        "rounds": ROUNDS,
        "bare_s_per_step": round(median(b for b, _ in pairs) / STEPS, 4),
        "ours_s_per_step": round(median(o for _, o in pairs) / STEPS, 4),
        "ratio": round(median(b / o for b, o in pairs), 3),
        "ratio_min": round(min(b / o for b, o in pairs), 3),
        "ratio_max": round(max(b / o for b, o in pairs), 3),
    }


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
