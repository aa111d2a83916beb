"""The batches of one pass over the data: this process's part of each, ready before it is needed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import cv2
import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from maskwise.errors import MaskwiseError
from maskwise.model.preprocess import Preprocess
from maskwise.training.augment import augmented
from maskwise.training.loader import Examples
from maskwise.training.recipe import Recipe
from maskwise.training.shards import ShardedCrops

T = TypeVar("T")

Batch = tuple[Tensor, Tensor, float]
"""Faces, targets, and this process's share of the batch times the number of processes (1.0 if alone)."""


Key = tuple[int, int]
"""An epoch, and a batch's number in it."""


class Batches(Dataset[Batch]):
    """Gathers and changes crops; every batch depends on its key alone, so anybody may make any of them."""

    def __init__(
        self,
        data: Examples,
        recipe: Recipe,
        order: Callable[[int], NDArray[np.int64]],
        *,
        changed: bool,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        """Nothing is read yet.

        Args:
            data: what is gathered from.
            recipe: size of a batch, and what changes.
            order: gives the rows of an epoch, one after the other; as many in each.
            changed: as the recipe's augmentation says; else the crops are left as they are.
            rank: which process this is.
            processes: how many share each batch.
        """
        self._data, self._recipe, self._changed = data, recipe, changed
        self._rank, self._processes = rank, processes
        self._order_of, self._epoch, self._order = order, 0, order(0)
        self.steps = math.ceil(len(self._order) / recipe.batch_size)
        self._begun = False

    def keys(self, epochs: range) -> Iterator[Key]:
        """Of every batch of these epochs, in order."""
        return ((epoch, number) for epoch in epochs for number in range(self.steps))

    def __getitem__(self, key: Key) -> Batch:
        """(m, size, size, 3) uint8 crops, (m,) int64 targets, share."""
        epoch, number = key
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self._order_of(epoch)
        size = self._recipe.batch_size
        batch = np.arange(number * size, min((number + 1) * size, len(self._order)))
        mine = batch[self._rank :: self._processes]
        # A last batch smaller than the number of processes: the idle ones go through the motions, with weight 0.
        positions, share = (mine, len(mine) * self._processes / len(batch)) if len(mine) else (batch[:1], 0.0)
        rows = self._order[positions]
        crops = self._gathered(rows, number * size)
        if self._changed:
            recipe = self._recipe
            crops = augmented(crops, recipe.crop.size_px, recipe.augment, recipe.seed, epoch, positions)
        return torch.from_numpy(crops), torch.from_numpy(self._data.targets[rows]), share

    def _gathered(self, rows: NDArray[np.int64], at: int) -> NDArray[np.uint8]:
        crops = self._data.crops
        if isinstance(crops, ShardedCrops):
            ahead = at + math.ceil(len(self._order) / crops.windows)  # where the next window is as far as this one
            crops.coming(self._order[ahead if self._begun else at : ahead + self._recipe.batch_size])
            self._begun = True
            return crops[rows]
        return crops[np.sort(rows)][np.argsort(np.argsort(rows))]  # a memory map reads fastest in order


def load(fabric: Fabric, recipe: Recipe, batches: Batches, epochs: range, loaders: int = 0) -> Iterator[Batch]:
    """Network input of this process's part of each batch, on its device; the next is made while one is used.

    loaders: processes that make them, over all epochs; 0 makes them in a thread of this one.
    """
    made = _made(batches, epochs, loaders, pinned=fabric.device.type == "cuda")
    return ahead(_on_device(fabric, recipe, made))


def _made(batches: Batches, epochs: range, loaders: int, *, pinned: bool) -> Iterator[Batch]:
    if not loaders:
        return (batches[key] for key in batches.keys(epochs))
    loader = DataLoader(
        batches,
        batch_size=None,
        sampler=_Keys(batches, epochs),
        num_workers=loaders,
        pin_memory=pinned,
        worker_init_fn=_alone,
        multiprocessing_context="fork",  # anything else would copy the crops into each of them
        generator=torch.Generator(),  # what loaders draw must not move what the network draws
    )
    return _in_one_line(loader)


def _in_one_line(loader: DataLoader[Batch]) -> Iterator[Batch]:
    """A loader's own error ends in its traceback's last line; that line is what the user has to know."""
    try:
        yield from loader
    except MaskwiseError as error:
        raise type(error)(str(error).strip().splitlines()[-1].partition("Error: ")[2]) from error


class _Keys(Sampler[Key]):
    def __init__(self, batches: Batches, epochs: range) -> None:
        self._batches, self._epochs = batches, epochs

    def __iter__(self) -> Iterator[Key]:
        return self._batches.keys(self._epochs)


def _alone(_: int) -> None:
    """A loader uses one core: there are many of them."""
    cv2.setNumThreads(0)
    torch.set_num_threads(1)


def _on_device(fabric: Fabric, recipe: Recipe, batches: Iterator[Batch]) -> Iterator[Batch]:
    for crops, targets, share in batches:
        sent = crops.to(fabric.device, non_blocking=True)
        inputs = network_input(sent, recipe.preprocess).contiguous(memory_format=memory_format(recipe))
        yield inputs, targets.to(fabric.device, non_blocking=True), share


def network_input(crops: Tensor, preprocess: Preprocess) -> Tensor:
    """What `preprocess` makes of crops, bit for bit, on the device that they are on.

    Args:
        crops: (n, size, size, 3) uint8 RGB.
        preprocess: mean and standard deviation.

    Returns:
        (n, 3, size, size) float32, pixel by pixel in memory.
    """
    scale, shift = (torch.from_numpy(numbers).to(crops.device) for numbers in preprocess.scale_and_shift())
    return crops.float().mul_(scale).sub_(shift).permute(0, 3, 1, 2)


def memory_format(recipe: Recipe) -> torch.memory_format:
    """How a picture lies in memory: plane by plane, or pixel by pixel."""
    return torch.channels_last if recipe.channels_last else torch.contiguous_format


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items, with the next one made in the background while the current one is used."""
    end: Any = object()
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, end)
        while (item := coming.result()) is not end:
            coming = pool.submit(next, items, end)
            yield item
