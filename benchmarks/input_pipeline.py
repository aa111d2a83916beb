"""How busy the training step is kept from the second epoch on, on real pictures of many sizes.

Busy = 1 - time that steps waited for a batch / time of the epoch. Against it: what reading and decoding each picture
anew in every epoch would take, as most loaders do.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import torch
from lightning_fabric import Fabric

from benchmarks.table import Row
from maskwise.data.formats import read_dataset
from maskwise.data.manifest import Manifest
from maskwise.model import networks
from maskwise.training import recipe as recipes
from maskwise.training.loader import Examples, cut_all, examples, load_crops
from maskwise.training.trainer import fit, make_optimizer

PICTURES = Path(__file__).resolve().parents[2] / "shared" / "data" / "chandrika"
USED = 640


def measure() -> list[Row]:
    """One row for each network: the study's, and one so small that the loader has to hurry."""
    if not PICTURES.is_dir():
        return [{"skipped": f"no pictures at {PICTURES.name}"}]
    manifest = read_dataset(PICTURES)
    manifest = Manifest(manifest.usable.sample(USED, seed=0))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "crops.npy"
        recipe = recipes.load("study", {"epochs": 3})
        started = time.perf_counter()
        cut_all(manifest, recipe.crop, path)
        decode_s = time.perf_counter() - started
        data = examples(manifest, manifest.classes, load_crops(path))
        return [
            _train(name, size, data, decode_s)
            for name, size in (("sequential", 100), ("timm/mobilenetv3_small_050", 100))
        ]


def _train(name: str, size_px: int, data: Examples, decode_s: float) -> Row:
    recipe = recipes.load("study", {"epochs": 3, "network": name, "augment.flip": True, "augment.light": 0.2})
    torch.manual_seed(0)
    network = networks.build(name, 2, size_px)
    fabric = Fabric(accelerator="cpu", devices=1)
    wrapped, optimizer = fabric.setup(network, make_optimizer(network, recipe))
    none = Examples(data.crops[:0], data.targets[:0])
    records = list(fit(fabric, wrapped, optimizer, recipe, data, none))
    later = records[1:]
    seconds, waited = sum(r.seconds for r in later), sum(r.waited_s for r in later)
    return {
        "network": name,
        "pictures": len(data),
        "epoch_s": round(seconds / len(later), 2),
        "waited_s": round(waited / len(later), 3),
        "busy": round(1 - waited / seconds, 4),
        "decoding_each_epoch_s": round(decode_s, 2),
    }
