"""The training loop, on one page: it yields one record per epoch; saving, logging and stopping are its caller's.

Whatever is random depends on (seed, epoch) alone, and the learning rate on the step alone. So a run that was killed and
resumed from its last epoch walks the very curve it would have walked.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
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
from maskwise.training.augment import augmented
from maskwise.training.loader import NO_CLASS, Examples, ahead, epoch_order
from maskwise.training.recipe import Recipe, Schedule

Batch = tuple[Tensor, Tensor, float]
"""Network input, targets, and this process's share of the batch times the number of processes (1.0 if alone)."""

OnStep = Callable[[int, int, float, float], None]
"""Called after each step with steps done, steps in the epoch, running loss and running accuracy."""


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

    def follow(averaged: Tensor, current: Tensor, steps: Tensor | int) -> Tensor:
        kept = min(recipe.ema, (int(steps) + 1) / (int(steps) + 10))
        return averaged * kept + current * (1 - kept)

    return AveragedModel(network, avg_fn=follow, use_buffers=True)


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

    Raises:
        UsageError: the loss is no longer a number.
    """
    for epoch in range(first_epoch, recipe.epochs):
        started, waited_s, sums = time.monotonic(), 0.0, torch.zeros(3, dtype=torch.float64)
        torch.manual_seed(recipe.seed * 1_000_003 + epoch)  # for dropout and the like
        network.train()
        order = epoch_order(train, recipe.sampling, recipe.seed, epoch)
        steps = math.ceil(len(order) / recipe.batch_size)
        asked = time.monotonic()
        for step, batch in enumerate(ahead(load(fabric, recipe, train, order, epoch)), start=1):
            waited_s += time.monotonic() - asked
            set_lr(optimizer, recipe, epoch + step / steps)
            sums += training_step(fabric, network, optimizer, batch, recipe)
            if average is not None:
                average.update_parameters(network)
            if on_step:
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


def training_step(fabric: Fabric, network: nn.Module, optimizer: Optimizer, batch: Batch, recipe: Recipe) -> Tensor:
    """One step; returns the sum of losses, the number right and the number of faces."""
    inputs, targets, share = batch
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
    sums = torch.zeros(3, dtype=torch.float64)
    for inputs, targets, share in ahead(load(fabric, recipe, data, np.arange(len(data)), epoch=None)):
        logits = network(inputs)
        sums += _sums(cross_entropy(logits, targets), logits, targets) * (share > 0)
    return means(fabric, sums)


def load(
    fabric: Fabric, recipe: Recipe, data: Examples, order: NDArray[np.int64], epoch: int | None
) -> Iterator[Batch]:
    """Gather this process's part of each batch; augmented where an epoch is given."""
    for start in range(0, len(order), recipe.batch_size):
        batch = np.arange(start, min(start + recipe.batch_size, len(order)))
        mine = batch[fabric.global_rank :: fabric.world_size]
        # A last batch smaller than the number of processes: the idle ones go through the motions, with weight 0.
        positions, share = (mine, len(mine) * fabric.world_size / len(batch)) if len(mine) else (batch[:1], 0.0)
        indices = order[positions]
        crops = data.crops[np.sort(indices)][np.argsort(np.argsort(indices))]  # a memory map reads fastest in order
        if epoch is not None:
            crops = augmented(crops, recipe.crop.size_px, recipe.augment, recipe.seed, epoch, positions)
        inputs = torch.from_numpy(recipe.preprocess(crops))
        inputs = inputs.to(fabric.device, non_blocking=True, memory_format=memory_format(recipe))
        yield inputs, torch.from_numpy(data.targets[indices]).to(fabric.device, non_blocking=True), share


def memory_format(recipe: Recipe) -> torch.memory_format:
    """How a picture lies in memory: plane by plane, or pixel by pixel."""
    return torch.channels_last if recipe.channels_last else torch.contiguous_format


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


def _sums(loss: Tensor, logits: Tensor, targets: Tensor) -> Tensor:
    n = float((targets != NO_CLASS).sum())  # what is not a face can be neither right nor wrong
    right = (logits.argmax(dim=1) == targets).sum()
    return torch.tensor([float(loss) * n, float(right), n], dtype=torch.float64)
