from __future__ import annotations

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import nn
from torch.nn.functional import cross_entropy

from maskwise.errors import UsageError
from maskwise.model import networks
from maskwise.training import recipe as recipes
from maskwise.training.batches import memory_format
from maskwise.training.loader import NO_CLASS, Examples
from maskwise.training.recipe import Recipe, Schedule
from maskwise.training.trainer import (
    EpochRecord,
    fit,
    lr_scale,
    make_average,
    make_optimizer,
    measure,
    wanted_of,
)


def examples(n: int, seed: int = 0) -> Examples:
    """Dark crops of class 0 and bright ones of class 1: learnable in a few steps."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 2, n)
    crops = rng.integers(0, 120, (n, 16, 16, 3)) + 110 * targets[:, None, None, None]
    return Examples(crops.astype(np.uint8), targets.astype(np.int64))


def small(**overrides: object) -> Recipe:
    return recipes.load("study", {"crop.size_px": 16, "batch_size": 8, "epochs": 3, "optimizer.lr": 0.01, **overrides})


def run(recipe: Recipe, train: Examples, validation: Examples) -> tuple[nn.Module, list[EpochRecord]]:
    torch.manual_seed(recipe.seed)
    network = networks.build("sequential", 2, 16).to(memory_format=memory_format(recipe))
    fabric = Fabric(accelerator="cpu", devices=1)
    wrapped, optimizer = fabric.setup(network, make_optimizer(network, recipe))
    return network, list(fit(fabric, wrapped, optimizer, recipe, train, validation))


def test_the_loop_is_the_bare_loop() -> None:
    """The same batches through the plainest PyTorch: the very same weights and losses come out."""
    recipe, data = small(), examples(30)
    network, records = run(recipe, data, examples(0))
    torch.manual_seed(recipe.seed)
    plain = networks.build("sequential", 2, 16)
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.01, momentum=0.9)
    images = torch.from_numpy(data.crops).permute(0, 3, 1, 2).float() / 255
    targets = torch.from_numpy(data.targets)
    losses = []
    for epoch in range(3):
        order = torch.from_numpy(np.random.default_rng([0, epoch]).permutation(30))
        total = 0.0
        for batch in order.split(8):
            optimizer.zero_grad()
            loss = cross_entropy(plain(images[batch]), targets[batch])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        losses.append(total / 30)
    np.testing.assert_allclose([r.train_loss for r in records], losses, rtol=1e-5)
    for ours, theirs in zip(network.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


def test_validation_figures_are_those_of_the_weights() -> None:
    recipe, validation = small(), examples(21, seed=1)
    network, records = run(recipe, examples(40), validation)
    logits = network(torch.from_numpy(recipe.preprocess(np.asarray(validation.crops))))
    targets = torch.from_numpy(validation.targets)
    assert records[-1].validation_loss == pytest.approx(cross_entropy(logits, targets).item(), rel=1e-5)
    assert records[-1].validation_accuracy == pytest.approx((logits.argmax(1) == targets).float().mean().item())


def test_it_learns() -> None:
    _, records = run(small(epochs=6), examples(64), examples(32, seed=1))
    assert records[-1].train_loss < records[0].train_loss / 2
    assert records[-1].validation_accuracy is not None
    assert records[-1].validation_accuracy > 0.9


def test_averaged_weights_are_what_is_measured_and_follow_the_trained_ones() -> None:
    recipe, validation = small(ema=0.9), examples(21, seed=1)
    torch.manual_seed(0)
    network = networks.build("sequential", 2, 16)
    average = make_average(network, recipe)
    assert average is not None
    fabric = Fabric(accelerator="cpu", devices=1)
    wrapped, optimizer = fabric.setup(network, make_optimizer(network, recipe))
    path = [torch.cat([p.detach().flatten() for p in network.parameters()])]

    def remember(*_: object) -> None:
        path.append(torch.cat([p.detach().flatten() for p in network.parameters()]))

    records = list(fit(fabric, wrapped, optimizer, recipe, examples(40), validation, 0, remember, average))
    expected = path[1]
    for steps, weights in enumerate(path[2:], start=1):
        kept = min(0.9, (steps + 1) / (steps + 10))
        expected = kept * expected + (1 - kept) * weights
    found = torch.cat([p.detach().flatten() for p in average.module.parameters()])
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
    with torch.no_grad():
        logits = average(torch.from_numpy(recipe.preprocess(np.asarray(validation.crops))))
    expected_loss = cross_entropy(logits, torch.from_numpy(validation.targets)).item()
    assert records[-1].validation_loss == pytest.approx(expected_loss, rel=1e-5)
    assert make_average(network, small()) is None


def test_smoothed_and_mixed_targets_still_teach() -> None:
    _, plain = run(small(epochs=6), examples(64), examples(32, seed=1))
    _, mixed = run(small(epochs=6, label_smoothing=0.1, mixup=0.3), examples(64), examples(32, seed=1))
    assert mixed[-1].validation_accuracy is not None
    assert mixed[-1].validation_accuracy > 0.9
    assert mixed[-1].train_loss > plain[-1].train_loss, "a target that is never certain leaves a loss"


def test_of_what_is_not_a_face_every_answer_is_wanted_alike() -> None:
    wanted = wanted_of(torch.tensor([1, NO_CLASS, 0]), 3)
    assert wanted.tolist() == [[0, 1, 0], pytest.approx([1 / 3] * 3), [1, 0, 0]]


def test_a_network_learns_to_be_unsure_of_what_is_not_a_face() -> None:
    """Stripes are not a face; a network that never saw any is as sure of them as of faces."""
    faces, later = examples(64), examples(32, seed=1)
    stripes = np.zeros((48, 16, 16, 3), np.uint8)
    stripes[:, :, ::2] = np.random.default_rng(2).integers(120, 256, (48, 1, 8, 1))
    both = Examples(np.concatenate([faces.crops, stripes[:32]]), np.append(faces.targets, np.full(32, NO_CLASS)))
    recipe = small(epochs=12)
    confidence = {}
    for name, data in (("without", faces), ("with", both)):
        network, records = run(recipe, data, later)
        assert records[-1].train_accuracy > 0.9, "what is not a face is neither right nor wrong"
        assert records[-1].validation_accuracy == pytest.approx(1, abs=0.1)
        with torch.no_grad():
            seen = [
                network(torch.from_numpy(recipe.preprocess(c))).softmax(1)
                for c in (np.asarray(later.crops), stripes[32:])
            ]
        confidence[name] = [float(p.max(dim=1).values.mean()) for p in seen]
    assert confidence["with"][1] < 0.65 < 0.85 < confidence["with"][0]
    assert confidence["without"][1] > 0.8


def test_how_pictures_lie_in_memory_changes_nothing_but_the_time() -> None:
    _, plain = run(small(), examples(30), examples(12, seed=1))
    _, pixels = run(small(channels_last=True), examples(30), examples(12, seed=1))
    assert [r.train_loss for r in pixels] == pytest.approx([r.train_loss for r in plain], rel=1e-4)


def test_a_clipped_step_is_no_longer_than_its_bound() -> None:
    recipe = small(**{"optimizer.clip": 1e-3, "optimizer.lr": 1.0, "optimizer.momentum": 0.0, "epochs": 1})
    torch.manual_seed(recipe.seed)
    before = torch.cat([p.detach().flatten() for p in networks.build("sequential", 2, 16).parameters()])
    network, _ = run(recipe, examples(8), examples(0))
    after = torch.cat([p.detach().flatten() for p in network.parameters()])
    assert 0 < float((after - before).norm()) <= 1.01e-3


def test_without_validation_its_figures_are_absent() -> None:
    _, records = run(small(epochs=1), examples(8), examples(0))
    assert (records[0].validation_loss, records[0].validation_accuracy) == (None, None)


def test_a_loss_that_explodes_says_what_to_do() -> None:
    with pytest.raises(UsageError, match=r"lower optimizer\.lr"):
        run(small(**{"optimizer.lr": 1e9}), examples(64), examples(0))


def test_measuring_teaches_nothing() -> None:
    network = networks.build("sequential", 2, 16)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    measure(Fabric(accelerator="cpu", devices=1), network, small(), examples(20))
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("schedule", "at", "expected"),
    [
        (Schedule(), 3.0, 1.0),
        (Schedule("cosine"), 0.0, 1.0),
        (Schedule("cosine"), 5.0, 0.5),
        (Schedule("cosine"), 10.0, 0.0),
        (Schedule("cosine", warmup_epochs=2), 1.0, 0.5),
        (Schedule("cosine", warmup_epochs=2), 6.0, 0.5),
        (Schedule("step", step_epochs=4), 3.9, 1.0),
        (Schedule("step", step_epochs=4), 8.0, 0.01),
    ],
)
def test_learning_rates(schedule: Schedule, at: float, expected: float) -> None:
    assert lr_scale(schedule, at, epochs=10) == pytest.approx(expected, abs=1e-9)
