"""Batch normalisation over the whole batch, however many processes share it.

PyTorch's own, `SyncBatchNorm`, works on graphics cards only; without one, each process would normalise its part by that
part's mean, and two processes would train another network than one.

Source: Ioffe & Szegedy (2015), Batch normalization, ICML, algorithm 1.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


class SharedBatchNorm2d(nn.BatchNorm2d):
    """In training the mean and variance of all processes' parts; else as `nn.BatchNorm2d`.

    idle: this process has nothing of the current batch; what goes through it is not counted.
    after: what timm's normalisations do besides, such as their activation.
    """

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        """Take over an existing one."""
        super().__init__(norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
        self.load_state_dict(norm.state_dict())
        self.idle = False
        self.after = nn.Sequential(*norm.children())

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, height, width) to the same."""
        shared: Tensor = self._over_processes(x) if self.training else super().forward(x)
        after: Tensor = self.after(shared)
        return after

    def _over_processes(self, x: Tensor) -> Tensor:
        weight = 0.0 if self.idle else 1.0
        over = (0, 2, 3)
        values = x.float()
        count = torch.full((1,), weight * x.numel() / x.shape[1], device=x.device)
        totals: Tensor = _Summed.apply(torch.cat([values.sum(over) * weight, count]))
        count, mean = totals[-1], totals[:-1] / totals[-1]
        centred = values - mean[None, :, None, None]
        variance: Tensor = _Summed.apply((centred * centred).sum(over) * weight) / count
        self._remember(mean.detach(), variance.detach() * count / (count - 1).clamp(min=1))
        normal = centred * torch.rsqrt(variance + self.eps)[None, :, None, None]
        if self.affine:
            normal = normal * self.weight[None, :, None, None] + self.bias[None, :, None, None]
        return normal.to(x.dtype)

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        kept = 1 - (self.momentum if self.momentum is not None else 1 / float(self.num_batches_tracked))
        self.running_mean.mul_(kept).add_(mean, alpha=1 - kept)
        self.running_var.mul_(kept).add_(variance, alpha=1 - kept)


class _Summed(torch.autograd.Function):
    """Sum over the processes; so is its gradient, since each process's loss depends on every part."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:  # noqa: ARG004 - PyTorch's signature
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ARG004
        total = gradient.clone()
        dist.all_reduce(total)
        return total


def shared(network: nn.Module) -> nn.Module:
    """The same network with every batch normalisation over all processes; names and values of its state stay."""
    for name, module in network.named_children():
        if isinstance(module, nn.BatchNorm2d):
            setattr(network, name, SharedBatchNorm2d(module))
        else:
            shared(module)
    return network


def mark_idle(network: nn.Module, *, idle: bool) -> None:
    """Say whether this process has a part of the coming batch."""
    for module in network.modules():
        if isinstance(module, SharedBatchNorm2d):
            module.idle = idle
