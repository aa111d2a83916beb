"""Batch normalisation over processes, against PyTorch's own over the whole batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn

from maskwise.model import networks
from maskwise.training.norm import SharedBatchNorm2d, mark_idle, shared


def small() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, momentum=0.3), nn.ReLU(), nn.BatchNorm2d(4, affine=False)
    )


def batch(n: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).normal(3, 2, (n, 3, 8, 8)).astype(np.float32))


def _part(rank: int, port: int, sizes: tuple[int, ...], folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    network, whole = shared(small()).train(), batch(sum(sizes))
    mine = whole[: sizes[0]] if rank == 0 else whole[sizes[0] :]
    if not len(mine):
        mark_idle(network, idle=True)
        mine = whole[:1]
    loss = (network(mine) ** 3).sum() if sizes[rank] else 0 * network(mine).sum()
    loss.backward()
    for parameter in network.parameters():
        assert parameter.grad is not None
        dist.all_reduce(parameter.grad)
    if rank == 0:
        torch.save(
            {"state": network.state_dict(), "gradients": [p.grad for p in network.parameters()]}, f"{folder}/out.pt"
        )
    dist.destroy_process_group()


@pytest.mark.parametrize("sizes", [(5, 3), (1, 7), (4, 0)], ids=str)
def test_two_processes_normalise_as_one(sizes: tuple[int, int], tmp_path: Path) -> None:
    """Gradients and running figures, also where one process has nothing of the batch."""
    mp.spawn(_part, (29600 + sum(sizes), sizes, str(tmp_path)), nprocs=2)  # type: ignore[attr-defined]
    alone = small().train()
    (alone(batch(sum(sizes))) ** 3).sum().backward()
    found = torch.load(tmp_path / "out.pt", weights_only=True)
    for ours, theirs in zip(found["gradients"], alone.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs.grad, rtol=1e-3, atol=1e-3)
    assert found["state"].keys() == alone.state_dict().keys()
    for name, value in alone.state_dict().items():
        torch.testing.assert_close(found["state"][name], value, rtol=1e-5, atol=1e-6)


def test_a_network_keeps_its_state_and_answers() -> None:
    """With timm's normalisations, which have their activation inside."""
    plain = networks.build("efficientnet-lite0", 3, 32).eval()
    ours = shared(networks.build("efficientnet-lite0", 3, 32)).eval()
    ours.load_state_dict(plain.state_dict())
    assert sum(isinstance(module, SharedBatchNorm2d) for module in ours.modules()) == 49
    crops = batch(4).repeat(1, 1, 4, 4)
    torch.testing.assert_close(ours(crops), plain(crops))
