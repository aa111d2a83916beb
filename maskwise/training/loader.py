"""From a manifest to examples: every face is decoded and cut once, then each epoch only gathers and augments.

The cut faces lie in one memory-mapped array in the run's folder, shared by all processes, so memory stays flat however
many there are; it is removed when training ends, since no face is kept that nobody asked to keep.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskwise.data.manifest import Manifest
from maskwise.errors import DataError, StorageError
from maskwise.model.crops import CropSpec
from maskwise.training.cutting import cut_ahead
from maskwise.training.recipe import Sampling
from maskwise.training.sampling import weights_of
from maskwise.training.shards import ShardedCrops, by_windows
from maskwise.values import NOT_A_FACE

Crops = NDArray[np.uint8]

NO_CLASS = -1
"""Target of what is not a face."""


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Cut faces and their classes.

    crops: (n, size, size, 3) uint8 RGB; often a memory map, or shards.
    targets: (n,) int64, positions in the labels; NO_CLASS for what is not a face.
    weights: (n,) chance of each to be drawn in a balanced epoch, sum 1; None where an epoch sees every one once.
    """

    crops: Crops | ShardedCrops
    targets: NDArray[np.int64]
    weights: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.targets)


def cut_all(manifest: Manifest, spec: CropSpec, path: Path, progress: Callable[[int, int], None] | None = None) -> None:
    """Decode and cut every row of a manifest into one array file: (rows, size, size, 3) uint8, in the manifest's order.

    Written in order, not through the memory map: a full disk then refuses a write, which can be told; through a map it
    would kill the process.

    Raises:
        DataError: a picture that could be read when the manifest was made cannot be read now.
        StorageError: the disk is full.
    """
    paths, done = manifest.rows["path"].to_list(), 0
    shape = (len(paths), spec.size_px, spec.size_px, 3)
    try:
        with path.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
            for cuts in cut_ahead(paths, manifest.boxes_xyxy(), list(range(len(paths))), spec):
                for _, crop in sorted(cuts.items()):
                    if isinstance(crop, str):
                        raise DataError(f"{crop}; it could be read when this run was prepared")
                    file.write(crop.tobytes())
                done += len(cuts)
                if progress:
                    progress(done, len(paths))
    except OSError as error:
        raise StorageError(f"cannot write the cut faces to {path}: {error.strerror or error}; make room") from error


def load_crops(path: Path) -> Crops:
    """Open what `cut_all` wrote, as a read-only memory map."""
    crops: Crops = np.load(path, mmap_mode="r")
    return crops


def examples(
    manifest: Manifest, labels: tuple[str, ...], crops: Crops | ShardedCrops, sampling: Sampling | None = None
) -> Examples:
    """Pair cut faces with their classes' positions, and with how often they are drawn.

    Raises:
        DataError: a row's label is not one of the labels.
    """
    unknown = set(manifest.rows["label"]) - {*labels, NOT_A_FACE}
    if unknown:
        raise DataError(f"labels {sorted(unknown)} are not among the model's {list(labels)}")
    positions = {name: i for i, name in enumerate(labels)} | {NOT_A_FACE: NO_CLASS}
    targets = np.array([positions[name] for name in manifest.rows["label"]], np.int64)
    return Examples(crops, targets, weights_of(manifest.rows, sampling or Sampling()))


def epoch_order(data: Examples, sampling: Sampling, seed: int, epoch: int) -> NDArray[np.int64]:
    """Which examples an epoch sees, in which order; seed and epoch alone decide, so that a resumed run repeats it.

    `once` sees every example once. `balanced` draws them with their weights: some come several times, some not at all.
    Either way, examples that lie in shards come window by window.
    """
    rng = np.random.default_rng([seed, epoch])
    if data.weights is None:
        order = rng.permutation(len(data))
    else:
        order = rng.choice(len(data), sampling.size or len(data), p=data.weights)
    if isinstance(data.crops, ShardedCrops):
        return by_windows(order, data.crops.shard_of, data.crops.window, rng)
    return order
