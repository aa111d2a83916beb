"""Checkpoints: one safetensors file each, tensors plus JSON, replaced whole or not at all.

An interrupted or failed save leaves the last good file as it was: the new one is written beside it and moved over it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from maskwise.errors import ArtifactError, StorageError
from maskwise.model.storage import written_whole

NETWORK, OPTIMIZER, AVERAGE = "network.", "optimizer.", "average."


def save(
    path: Path,
    network: nn.Module,
    optimizer: Optimizer | None,
    state: dict[str, Any],
    average: nn.Module | None = None,
) -> None:
    """Write weights, optimiser memory, averaged weights and a JSON state.

    Args:
        path: the file to replace.
        network: its parameters and buffers are saved.
        optimizer: its memory (momentum, moments) is saved; None saves weights alone.
        state: anything JSON holds.
        average: the network whose weights follow, if there is one.

    Raises:
        StorageError: it cannot be written; a file already at `path` is untouched.
    """
    tensors = _tensors(NETWORK, network) | (_tensors(AVERAGE, average) if average is not None else {})
    if optimizer is not None:
        tensors |= _optimizer_tensors(optimizer)
    write_tensors(path, tensors, {"state": json.dumps(state)})


def _tensors(prefix: str, module: nn.Module) -> dict[str, Tensor]:
    return {prefix + name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Write a safetensors file whole or not at all.

    Raises:
        StorageError: see `save`.
    """
    try:
        with written_whole(path) as partial:
            _save(tensors, partial, metadata)
    except StorageError as error:
        raise StorageError(f"{error}: make room and run again with --resume") from error


def _save(tensors: dict[str, Tensor], path: Path, metadata: dict[str, str]) -> None:
    try:
        save_file(tensors, path, metadata)
    except SafetensorError as error:
        raise OSError(str(error)) from error
    path.chmod(0o644)  # safetensors makes its files for the owner alone; a model is there to be shared
    with path.open("rb") as file:
        os.fsync(file.fileno())  # before it is moved: a power cut must not leave a name without content


def load(
    path: Path, network: nn.Module, optimizer: Optimizer | None = None, average: nn.Module | None = None
) -> dict[str, Any]:
    """Read a checkpoint into a network, an optimiser and an averaged network; returns the JSON state.

    Raises:
        ArtifactError: no checkpoint there, or it belongs to another network.
    """
    try:
        tensors = load_file(path)
        with safe_open(path, "pt") as file:
            state: dict[str, Any] = json.loads(file.metadata()["state"])
        network.load_state_dict(_below(NETWORK, tensors))
        if average is not None:
            average.load_state_dict(_below(AVERAGE, tensors))
    except (OSError, SafetensorError) as error:
        raise ArtifactError(f"cannot read the checkpoint {path}: {error}") from error
    except (RuntimeError, KeyError, TypeError) as error:
        raise ArtifactError(f"the checkpoint {path} belongs to another network: {error}") from error
    if optimizer is not None:
        _restore_optimizer(optimizer, _below(OPTIMIZER, tensors))
    return state


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _optimizer_tensors(optimizer: Optimizer) -> dict[str, Tensor]:
    """`optimizer.<parameter's position>.<name>`; learning rates are a function of the step and need no saving."""
    return {
        f"{OPTIMIZER}{position}.{name}": torch.as_tensor(value).detach().cpu().contiguous()
        for position, memory in optimizer.state_dict()["state"].items()
        for name, value in memory.items()
        if value is not None
    }


def _restore_optimizer(optimizer: Optimizer, tensors: dict[str, Tensor]) -> None:
    memory: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        position, _, name = key.partition(".")
        memory.setdefault(int(position), {})[name] = tensor
    optimizer.load_state_dict(optimizer.state_dict() | {"state": memory})
