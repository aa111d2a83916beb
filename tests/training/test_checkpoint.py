from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from maskwise.errors import ArtifactError
from maskwise.training import checkpoint


def stepped(kind: type[SGD] | type[AdamW], steps: int) -> tuple[nn.Module, Optimizer]:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))
    momentum = {"momentum": 0.9} if kind is SGD else {}
    optimizer: Optimizer = kind(network.parameters(), lr=0.1, **momentum)  # type: ignore[arg-type]
    step_on(network, optimizer, steps)
    return network, optimizer


def step_on(network: nn.Module, optimizer: Optimizer, steps: int) -> None:
    data = torch.linspace(-1, 1, 24).reshape(6, 4)
    for _ in range(steps):
        optimizer.zero_grad()
        network(data).square().sum().backward()
        optimizer.step()


@pytest.mark.parametrize("kind", [SGD, AdamW])
def test_going_on_from_a_checkpoint_is_going_on(kind: type[SGD] | type[AdamW], tmp_path: Path) -> None:
    unbroken, _ = stepped(kind, 5)
    network, optimizer = stepped(kind, 3)
    checkpoint.save(tmp_path / "c.safetensors", network, optimizer, {"epoch": 3})
    fresh, fresh_optimizer = stepped(kind, 0)
    assert checkpoint.load(tmp_path / "c.safetensors", fresh, fresh_optimizer) == {"epoch": 3}
    step_on(fresh, fresh_optimizer, 2)
    for name, value in unbroken.state_dict().items():
        assert torch.equal(value, fresh.state_dict()[name]), name


FILL = """
import resource, sys
from pathlib import Path
from torch import nn
from maskwise.errors import StorageError
from maskwise.training import checkpoint
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    checkpoint.save(Path(sys.argv[1]), nn.Linear(100, 100), None, {})
except StorageError as error:
    print(error)
    sys.exit(7)
"""


def test_a_full_disk_leaves_the_last_good_checkpoint(tmp_path: Path) -> None:
    """The limit on a file's size stands for the full disk: the system refuses the bytes in the same place."""
    assert resource.RLIMIT_FSIZE is not None
    path = tmp_path / "c.safetensors"
    network = nn.Linear(100, 100)
    checkpoint.save(path, network, None, {"good": True})
    before = path.read_bytes()
    ran = subprocess.run([sys.executable, "-c", FILL, str(path)], capture_output=True, text=True, check=False)
    assert ran.returncode == 7, ran.stderr
    assert "what was saved there before is untouched" in ran.stdout
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    assert checkpoint.load(path, nn.Linear(100, 100)) == {"good": True}


@pytest.mark.parametrize("content", [b"", b"not tensors", b"\x10\0\0\0\0\0\0\0{}"])
def test_a_damaged_checkpoint_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "c.safetensors"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match="cannot read the checkpoint"):
        checkpoint.load(path, nn.Linear(2, 2))


def test_another_networks_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    checkpoint.save(path, nn.Linear(2, 2), None, {})
    with pytest.raises(ArtifactError, match="another network"):
        checkpoint.load(path, nn.Linear(3, 2))
