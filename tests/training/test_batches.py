"""Every batch is the same, whoever makes it and however many share it; every example is seen once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from maskwise.model.preprocess import Preprocess
from maskwise.training import recipe as recipes
from maskwise.training.batches import Batches, ahead, load, memory_format, network_input
from maskwise.training.loader import Examples, epoch_order
from maskwise.training.recipe import Recipe, Sampling
from maskwise.training.trainer import of_training


def numbered(n: int) -> Examples:
    """Crops that tell which row they are: its number in the first two bytes."""
    crops = np.random.default_rng(0).integers(0, 256, (n, 16, 16, 3)).astype(np.uint8)
    crops[:, 0, 0, 0], crops[:, 0, 0, 1] = np.arange(n) // 256, np.arange(n) % 256
    return Examples(crops, np.arange(n, dtype=np.int64) % 2)


def rows_in(crops: torch.Tensor) -> list[int]:
    return [int(crop[0, 0, 0]) * 256 + int(crop[0, 0, 1]) for crop in crops]


def recipe(**overrides: object) -> Recipe:
    return recipes.load("study", {"crop.size_px": 16, "batch_size": 8, **overrides})


@pytest.mark.parametrize("processes", [1, 2, 3, 5])
@pytest.mark.parametrize("n", [1, 16, 17, 67, 68])
def test_an_epoch_shows_every_example_once_over_all_processes(n: int, processes: int) -> None:
    data, wanted = numbered(n), recipe()
    order = epoch_order(data, Sampling(), 3, 1)
    seen, weight = Counter[int](), 0.0
    parts = [
        Batches(data, wanted, lambda _: order, changed=False, rank=rank, processes=processes)
        for rank in range(processes)
    ]
    assert len({part.steps for part in parts}) == 1, "all of them take the same number of steps"
    for number in range(parts[0].steps):
        made = [part[1, number] for part in parts]
        batch = [row for crops, _, share in made if share for row in rows_in(crops)]
        assert sorted(batch) == sorted(order[number * 8 : number * 8 + 8])
        # What a process's mean loss is weighted with: the mean over processes is then the mean over the batch.
        assert sum(share for *_, share in made) / processes == pytest.approx(1)
        weight += sum(share * len(batch) for *_, share in made) / processes
        seen.update(batch)
    assert seen == Counter(range(n))
    assert weight == pytest.approx(n)


@pytest.mark.parametrize("loaders", [1, 2])
def test_batches_made_by_other_processes_are_the_same(loaders: int) -> None:
    data, wanted = numbered(45), recipe(**{"augment.flip": True, "augment.noise": 0.5, "augment.light": 0.3})
    fabric = Fabric(accelerator="cpu", devices=1)
    here = list(load(fabric, wanted, of_training(fabric, wanted, data), range(1, 3)))
    there = list(load(fabric, wanted, of_training(fabric, wanted, data), range(1, 3), loaders))
    assert len(here) == len(there) == 12
    assert not torch.equal(here[0][0], here[6][0]), "every epoch is another"
    for (ours, our_targets, _), (theirs, their_targets, _) in zip(here, there, strict=True):
        assert torch.equal(ours, theirs)
        assert torch.equal(our_targets, their_targets)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize(
    "preprocess", [Preprocess(), Preprocess((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)), Preprocess((0.498,) * 3)]
)
def test_the_network_sees_in_training_what_it_sees_later(preprocess: Preprocess, *, channels_last: bool) -> None:
    """The model's own preprocessing is in NumPy; training's is on the device: bit for bit the same."""
    crops = np.random.default_rng(1).integers(0, 256, (5, 16, 16, 3)).astype(np.uint8)
    assert np.array_equal(network_input(torch.from_numpy(crops), preprocess).numpy(), preprocess(crops))
    wanted, fabric = recipe(channels_last=channels_last), Fabric(accelerator="cpu", devices=1)
    data = Examples(crops, np.zeros(5, np.int64))
    [(inputs, *_)] = load(fabric, wanted, of_training(fabric, wanted, data), range(1))
    assert inputs.is_contiguous(memory_format=memory_format(wanted))


def test_working_ahead_changes_nothing_and_passes_errors_on() -> None:
    def three_then_fail() -> Iterator[int]:
        yield from range(3)
        raise ValueError("broken")

    items = ahead(three_then_fail())
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="broken"):
        next(items)


def test_a_loader_that_fails_is_told() -> None:
    """A crops file that is shorter than it says: the loader's error reaches the loop."""
    data = numbered(20)
    broken = Examples(data.crops, data.targets[:5])
    batches = Batches(broken, recipe(), lambda _: np.arange(20), changed=False)
    with pytest.raises(IndexError):
        list(load(Fabric(accelerator="cpu", devices=1), recipe(), batches, range(1), 2))
