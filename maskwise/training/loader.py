"""From a manifest to batches: every face is decoded and cut once, then each epoch only gathers and augments.

The cut faces lie in one memory-mapped array in the run's folder, shared by all processes, so memory stays flat however
many there are; it is removed when training ends, since no face is kept that nobody asked to keep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwise.data.manifest import Manifest
from maskwise.errors import DataError, StorageError
from maskwise.model.crops import CropSpec
from maskwise.training.cutting import cut_ahead
from maskwise.training.recipe import Augment
from maskwise.values import Image

Crops = NDArray[np.uint8]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Cut faces and their classes.

    crops: (n, size, size, 3) uint8 RGB; often a memory map.
    targets: (n,) int64, positions in the labels.
    """

    crops: Crops
    targets: NDArray[np.int64]

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


def examples(manifest: Manifest, labels: tuple[str, ...], crops: Crops) -> Examples:
    """Pair cut faces with their classes' positions.

    Raises:
        DataError: a row's label is not one of the labels.
    """
    unknown = set(manifest.rows["label"]) - set(labels)
    if unknown:
        raise DataError(f"labels {sorted(unknown)} are not among the model's {list(labels)}")
    targets = np.array([labels.index(name) for name in manifest.rows["label"]], np.int64)
    return Examples(crops, targets)


def epoch_batches(n: int, batch_size: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
    """Every example once, in an order that depends on seed and epoch alone, so that a resumed run repeats it."""
    order = np.random.default_rng([seed, epoch]).permutation(n)
    return [order[start : start + batch_size] for start in range(0, n, batch_size)]


def augmented(crops: Crops, change: Augment, seed: int, epoch: int, indices: NDArray[np.int64]) -> Crops:
    """Random changes, each example's drawn from its own stream: independent of batching and of processes."""
    if change == Augment():
        return crops
    streams = (np.random.default_rng([seed, epoch, int(i)]) for i in indices)
    return np.stack([_change(crop, change, rng) for crop, rng in zip(crops, streams, strict=True)])


def _change(crop: Image, change: Augment, rng: np.random.Generator) -> Image:
    flip, contrast, brightness, zoom, *rest = rng.uniform(-1, 1, 9)
    gains, shift = np.array(rest[:3]), np.array(rest[3:5])
    image = crop[:, ::-1] if change.flip and flip < 0 else crop
    if change.shift or change.zoom:
        image = _moved(image, shift * change.shift, 1 + zoom * change.zoom)
    if change.light or change.colour:
        scale = (1 + contrast * change.light) * (1 + gains * change.colour)
        offset = 127.5 * (1 - scale.mean() + brightness * change.light)
        image = np.clip(image * scale.astype(np.float32) + np.float32(offset), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(image)


def _moved(image: Image, shift: NDArray[np.float64], zoom: float) -> Image:
    size = image.shape[0]
    centre = (size - 1) / 2
    matrix = np.array([[zoom, 0, 0], [0, zoom, 0]], np.float64)
    matrix[:, 2] = centre * (1 - zoom) + shift * size
    return np.asarray(
        cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items, with the next one made in the background while the current one is used."""
    end: Any = object()
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, end)
        while (item := coming.result()) is not end:
            coming = pool.submit(next, items, end)
            yield item
