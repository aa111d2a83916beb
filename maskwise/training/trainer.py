"""The training loop, on one page: it yields one record per epoch; saving, logging and stopping are its caller's.

Whatever is random depends on (seed, epoch) alone, and the learning rate on the step alone. So a run that was killed and
resumed from its last epoch walks the very curve it would have walked.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.distributions import Beta
from torch.nn.functional import cross_entropy, one_hot
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.swa_utils import AveragedModel

from maskwise.errors import UsageError
from maskwise.training.batches import Batch, Batches, load
from maskwise.training.loader import NO_CLASS, Examples, epoch_order
from maskwise.training.norm import mark_idle
from maskwise.training.recipe import Recipe, Schedule

Tensors = tuple[Tensor, ...] | list[Tensor]

OnStep = Callable[[int, int, float, float], None]
"""Called with steps done, steps in the epoch, running loss and accuracy: after each step, on a GPU now and then."""

TOLD_EVERY = 20
"""Steps between two words about a GPU's, which would otherwise be waited for at each."""


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """What one epoch came to; losses are mean cross entropy, accuracies shares.

    waited_s: of `seconds`, how long the steps stood still because no batch was ready.
    """

    epoch: int
    lr: float
    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float
    waited_s: float

    def to_json(self) -> dict[str, Any]:
        """One row of history.csv."""
        return asdict(self)


def make_optimizer(network: nn.Module, recipe: Recipe) -> Optimizer:
    """The recipe's optimiser over all of the network's parameters."""
    given = recipe.optimizer
    if given.name == "sgd":
        return SGD(network.parameters(), given.lr, momentum=given.momentum, weight_decay=given.weight_decay)
    return AdamW(network.parameters(), given.lr, weight_decay=given.weight_decay)


def make_average(network: nn.Module, recipe: Recipe) -> AveragedModel | None:
    """A copy of the network whose weights follow those that are trained; None where the recipe wants none.

    Early on it keeps less of itself than the recipe says: the first weights know nothing, and would stay in it long.
    """
    if not recipe.ema:
        return None

    def follow(averaged: Tensors, current: Tensors, steps: Tensor | int) -> None:
        steps = int(average.n_averaged)  # the same number, but never on the GPU, which would have to be waited for
        kept = min(recipe.ema, (steps + 1) / (steps + 10))
        if averaged[0].is_floating_point():
            torch._foreach_mul_(averaged, kept)
            torch._foreach_add_(averaged, torch._foreach_mul(current, 1 - kept))
        else:
            for count, now in zip(averaged, current, strict=True):
                count.copy_(count * kept + now * (1 - kept))

    average = AveragedModel(network, multi_avg_fn=follow, use_buffers=True)
    return average


def lr_scale(schedule: Schedule, epochs_done: float, epochs: int) -> float:
    """Factor on the learning rate after a (fractional) number of epochs."""
    if epochs_done < schedule.warmup_epochs:
        return epochs_done / schedule.warmup_epochs
    if schedule.name == "cosine":
        through = (epochs_done - schedule.warmup_epochs) / max(epochs - schedule.warmup_epochs, 1e-9)
        return 0.5 * (1 + math.cos(math.pi * min(through, 1.0)))
    if schedule.name == "step":
        return float(0.1 ** (epochs_done // schedule.step_epochs))
    return 1.0


def fit(
    fabric: Fabric,
    network: nn.Module,
    optimizer: Optimizer,
    recipe: Recipe,
    train: Examples,
    validation: Examples,
    first_epoch: int = 0,
    on_step: OnStep | None = None,
    average: AveragedModel | None = None,
    loaders: int = 0,
) -> Iterator[EpochRecord]:
    """Train in place; one record per epoch.

    Args:
        fabric: knows device, precision and processes.
        network: set up by fabric.
        optimizer: set up by fabric.
        recipe: epochs, batches, learning rate, augmentation.
        train: what is learned from.
        validation: what is measured on; may be empty, then the records' validation figures are None.
        first_epoch: where a resumed run goes on.
        on_step: hears how it goes.
        average: follows the weights, and is what is measured on; None measures the weights themselves.
        loaders: processes that make batches; see `load`.

    Raises:
        UsageError: the loss is no longer a number.
    """
    batches = of_training(fabric, recipe, train)
    steps = batches.steps
    coming = load(fabric, recipe, batches, range(first_epoch, recipe.epochs), loaders)
    for epoch in range(first_epoch, recipe.epochs):
        started, waited_s, sums = time.monotonic(), 0.0, _no_sums(fabric)
        torch.manual_seed(recipe.seed * 1_000_003 + epoch + (fabric.global_rank << 40))  # for dropout and the like
        network.train()
        asked = time.monotonic()
        for step, batch in enumerate(islice(coming, steps), start=1):
            waited_s += time.monotonic() - asked
            set_lr(optimizer, recipe, epoch + step / steps)
            sums += training_step(fabric, network, optimizer, batch, recipe)
            if average is not None:
                average.update_parameters(network)
            if on_step and (fabric.device.type == "cpu" or step % TOLD_EVERY == 0 or step == steps):
                on_step(step, steps, float(sums[0] / sums[2]), float(sums[1] / sums[2]))
            asked = time.monotonic()
        train_loss, train_accuracy = means(fabric, sums)
        if not math.isfinite(train_loss):
            raise UsageError(
                f"epoch {epoch + 1}: the loss is no longer a number; lower optimizer.lr ({recipe.optimizer.lr})"
            )
        judged = network if average is None else average
        loss, accuracy = measure(fabric, judged, recipe, validation) if len(validation) else (None, None)
        seconds = time.monotonic() - started
        lr = optimizer.param_groups[0]["lr"]
        yield EpochRecord(epoch, lr, train_loss, train_accuracy, loss, accuracy, seconds, waited_s)


def of_training(fabric: Fabric, recipe: Recipe, data: Examples) -> Batches:
    """What this process learns from, epoch by epoch."""

    def order(epoch: int) -> NDArray[np.int64]:
        return epoch_order(data, recipe.sampling, recipe.seed, epoch)

    return Batches(data, recipe, order, changed=True, rank=fabric.global_rank, processes=fabric.world_size)


def training_step(fabric: Fabric, network: nn.Module, optimizer: Optimizer, batch: Batch, recipe: Recipe) -> Tensor:
    """One step; returns the sum of losses, the number right and the number of faces."""
    inputs, targets, share = batch
    if fabric.world_size > 1:
        mark_idle(network, idle=share == 0)
    optimizer.zero_grad()
    others, kept = targets, 1.0
    if recipe.mixup:
        partners = torch.randperm(len(targets), device=targets.device)
        kept = float(Beta(recipe.mixup, recipe.mixup).sample())
        inputs, others = inputs * kept + inputs[partners] * (1 - kept), targets[partners]
    logits = network(inputs)
    wanted = wanted_of(targets, logits.shape[1])
    if recipe.mixup:
        wanted = wanted * kept + wanted_of(others, logits.shape[1]) * (1 - kept)
    loss = cross_entropy(logits, wanted, label_smoothing=recipe.label_smoothing)
    fabric.backward(loss * share if share != 1 else loss)
    if recipe.optimizer.clip:
        fabric.clip_gradients(network, optimizer, max_norm=recipe.optimizer.clip, error_if_nonfinite=False)
    optimizer.step()
    return _sums(loss.detach(), logits.detach(), targets) * (share > 0)


def wanted_of(targets: Tensor, classes: int) -> Tensor:
    """(n, classes) probabilities that the network is to give; of what is not a face all the same.

    Source: Hendrycks, Mazeika & Dietterich (2019), Deep anomaly detection with outlier exposure, ICLR.
    """
    sure = one_hot(targets.clamp(min=0), classes).float()
    return torch.where((targets == NO_CLASS)[:, None], 1 / classes, sure)


@torch.no_grad()
def measure(fabric: Fabric, network: nn.Module, recipe: Recipe, data: Examples) -> tuple[float, float]:
    """Mean loss and accuracy, nothing learned."""
    network.eval()
    sums = _no_sums(fabric)
    batches = Batches(
        data,
        recipe,
        lambda _: np.arange(len(data)),
        changed=False,
        rank=fabric.global_rank,
        processes=fabric.world_size,
    )
    for inputs, targets, share in load(fabric, recipe, batches, range(1)):
        logits = network(inputs)
        sums += _sums(cross_entropy(logits, targets), logits, targets) * (share > 0)
    return means(fabric, sums)


def set_lr(optimizer: Optimizer, recipe: Recipe, epochs_done: float) -> None:
    """The learning rate is a function of where the run stands, so that resuming needs no memory of it."""
    for group in optimizer.param_groups:
        group["lr"] = recipe.optimizer.lr * lr_scale(recipe.schedule, epochs_done, recipe.epochs)


def means(fabric: Fabric, sums: Tensor) -> tuple[float, float]:
    """Mean loss and accuracy over all processes."""
    total = sums
    if fabric.world_size > 1:
        total = torch.as_tensor(fabric.all_reduce(sums.to(fabric.device), reduce_op="sum"))
    return float(total[0] / total[2]), float(total[1] / total[2])


def _no_sums(fabric: Fabric) -> Tensor:
    """Zeros on the device, so that no step waits for the one before to be told; mps has no float64."""
    return torch.zeros(3, dtype=torch.float64, device="cpu" if fabric.device.type == "mps" else fabric.device)


def _sums(loss: Tensor, logits: Tensor, targets: Tensor) -> Tensor:
    n = (targets != NO_CLASS).sum()  # what is not a face can be neither right nor wrong
    right = (logits.argmax(dim=1) == targets).sum()
    sums = torch.stack([loss.float(), right.float(), n.float()])
    sums = sums.cpu().double() if loss.device.type == "mps" else sums.double()
    sums[0] *= sums[2]
    return sums
