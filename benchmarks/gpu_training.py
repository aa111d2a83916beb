"""Training on a GPU: images/s of our loop, from crops in memory to moved weights, against a bare PyTorch loop.

The bare loop has its batches on the GPU already, as floating-point numbers, and does forward, backward and step: what
the GPU allows. `plain` is our loop with the same; `default` does all that the recipe `default` does besides: changes to
every crop, clipped gradients, averaged weights. Rounds in turns, medians; `ratio` is to the bare loop of the same
settings.
"""

from __future__ import annotations

import time
from dataclasses import replace
from statistics import median
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch.nn.functional import cross_entropy

from benchmarks.table import Row
from maskwise.engines.cores import cores
from maskwise.model import networks
from maskwise.training import recipe as recipes
from maskwise.training.augment import wider
from maskwise.training.batches import memory_format
from maskwise.training.loader import Examples
from maskwise.training.recipe import Augment, Recipe
from maskwise.training.trainer import fit, make_average, make_optimizer

FACES, BATCH, ROUNDS = 16_384, 512, 3
SETTINGS = (("32-true", False), ("32-true", True), ("bf16-mixed", False), ("bf16-mixed", True))


def measure() -> list[Row]:
    """A row for each way of computing, and of feeding it."""
    if not torch.cuda.is_available():
        return [{"skipped": "no CUDA device"}]
    spare = max(1, cores() - 1)
    rows = []
    for precision, channels_last in SETTINGS:
        recipe = _recipe(precision, channels_last=channels_last)
        plain = replace(
            recipe, augment=Augment(), ema=0.0, label_smoothing=0.0, optimizer=replace(recipe.optimizer, clip=None)
        )
        rates = {"bare": [_bare(plain) for _ in range(ROUNDS)]}
        fed: list[tuple[str, Recipe, int]] = [(f"plain, {spare} loaders", plain, spare)]
        if (precision, channels_last) == SETTINGS[-1]:
            fed += [("plain, one thread", plain, 0), ("default, one thread", recipe, 0)]
            fed += [(f"default, {loaders} loaders", recipe, loaders) for loaders in (4, 8, spare) if loaders <= spare]
        for way, wanted, loaders in fed:
            rates[way] = _ours(wanted, loaders)
        rows += [_row(recipe, way, found, median(rates["bare"])) for way, found in rates.items()]
        for row in rows[-len(rates) :]:
            print(row, flush=True)
    return rows


def _recipe(precision: str, *, channels_last: bool) -> Recipe:
    told = {"precision": precision, "channels_last": channels_last, "batch_size": BATCH, "epochs": ROUNDS + 1}
    all_of_it = {"sampling.size": FACES, "sampling.by": "once", "render": None, "sources": {}, "pretrained": False}
    return recipes.load("default", told | all_of_it)


def _row(recipe: Recipe, way: str, rates: list[float], bare: float) -> Row:
    return {
        "gpu": torch.cuda.get_device_name(),
        "precision": recipe.precision,
        "channels_last": recipe.channels_last,
        "way": way,
        "batch": BATCH,
        "faces": FACES,
        "images_per_s": round(median(rates)),
        "lowest": round(min(rates)),
        "highest": round(max(rates)),
        "ratio": round(median(rates) / bare, 3),
    }


def _parts(recipe: Recipe) -> Any:
    torch.manual_seed(0)
    fabric = Fabric(accelerator="cuda", devices=1, precision=recipe.precision)
    network = networks.build(recipe.network, 3, recipe.crop.size_px).to(memory_format=memory_format(recipe))
    optimizer = make_optimizer(network, recipe)
    return fabric, network, optimizer, *fabric.setup(network, optimizer)


def _bare(recipe: Recipe) -> float:
    fabric, _, _, network, optimizer = _parts(recipe)
    size = recipe.crop.size_px
    inputs = torch.randn(BATCH, 3, size, size, device=fabric.device).to(memory_format=memory_format(recipe))
    targets = torch.randint(0, 3, (BATCH,), device=fabric.device)

    def steps(count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            fabric.backward(cross_entropy(network(inputs), targets))
            optimizer.step()
        torch.cuda.synchronize()

    network.train()
    steps(10)
    began = time.perf_counter()
    steps(FACES // BATCH)
    return FACES / (time.perf_counter() - began)


def _ours(recipe: Recipe, loaders: int) -> list[float]:
    """Of every epoch but the first, which chooses kernels and starts the loaders."""
    fabric, network, _, wrapped, optimizer = _parts(recipe)
    data = _faces(wider(recipe.crop, recipe.augment).size_px)
    none = Examples(data.crops[:0], data.targets[:0])
    average = make_average(network, recipe)
    records = list(fit(fabric, wrapped, optimizer, recipe, data, none, average=average, loaders=loaders))
    return [FACES / record.seconds for record in records[1:]]


_KEPT: dict[int, Examples] = {}


def _faces(size_px: int) -> Examples:
    if size_px not in _KEPT:
        rng = np.random.default_rng(0)
        coarse = rng.integers(0, 256, (FACES, size_px // 8 + 1, size_px // 8 + 1, 3), np.uint8)
        crops = coarse.repeat(8, axis=1).repeat(8, axis=2)[:, :size_px, :size_px]
        _KEPT[size_px] = Examples(np.ascontiguousarray(crops), rng.integers(0, 3, FACES))
    return _KEPT[size_px]
