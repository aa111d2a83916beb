"""The networks, by name. This is the only module of `model` that needs PyTorch; inference never imports it."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from maskwise.errors import ConfigError, DependencyError

STUDY_SIZE_PX = 100


class Sequential(nn.Sequential):
    """The study's network: three convolutions and two linear layers, top to bottom.

    At 100 x 100 pixels and two classes it has 82,016,322 parameters, of which 81,920,000 are the weights between the
    80,000 numbers that the convolutions leave and the 1,024 of the hidden layer.

    Input: (n, 3, size, size) float32. Output: (n, classes) float32 logits; the softmax belongs to the loss.
    """

    def __init__(self, classes: int = 2, size_px: int = STUDY_SIZE_PX) -> None:
        """size_px: at least 4; the two poolings halve it twice, rounding down."""
        pooled_px = _pooled_twice(size_px, "sequential")
        super().__init__(
            nn.Conv2d(3, 32, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 64, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 128, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(128 * pooled_px * pooled_px, 1024),
            nn.ReLU(),
            nn.Linear(1024, classes),
        )


class SequentialWide(nn.Sequential):
    """The study's larger sibling: four convolutions and three linear layers.

    Input: (n, 3, size, size) float32. Output: (n, classes) float32 logits.
    """

    def __init__(self, classes: int = 2, size_px: int = STUDY_SIZE_PX) -> None:
        """size_px: at least 4; the two poolings halve it twice, rounding down."""
        pooled_px = _pooled_twice(size_px, "sequential-wide")
        super().__init__(
            nn.Conv2d(3, 100, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(100, 128, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(128, 256, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(256, 256, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(256 * pooled_px * pooled_px, 512),
            nn.ReLU(),
            nn.Linear(512, 256),
            nn.ReLU(),
            nn.Linear(256, classes),
        )


OURS = OrderedDict([("sequential", Sequential), ("sequential-wide", SequentialWide)])


def build(name: str, classes: int, size_px: int, pretrained: bool = False) -> nn.Module:
    """A network with fresh weights, or with timm's published ones.

    Args:
        name: `sequential`, `sequential-wide`, or `timm/<name>` for any classifier of timm.
        classes: number of outputs.
        size_px: side of the square input.
        pretrained: timm fetches its weights over the network; for timm networks only.

    Raises:
        ConfigError: an unknown name, or a size that the network cannot take.
        DependencyError: a timm network without timm.
    """
    if name in OURS:
        return OURS[name](classes, size_px)
    if name.startswith("timm/"):
        return _timm(name.removeprefix("timm/"), classes, size_px, pretrained)
    raise ConfigError(f"network {name!r} is not known; use one of {', '.join(OURS)}, or timm/<name>")


def parameters(network: nn.Module) -> int:
    """How many numbers training adjusts."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def _pooled_twice(size_px: int, name: str) -> int:
    if size_px < 4:
        raise ConfigError(f"network {name}: an input of {size_px} px is too small; 4 px or more")
    return size_px // 2 // 2


def _timm(name: str, classes: int, size_px: int, pretrained: bool) -> nn.Module:
    try:
        import timm
    except ImportError as error:
        raise DependencyError('timm/<name> needs timm; run: pip install "maskwise[train]"') from error
    if not timm.is_model(name):
        near = timm.list_models(f"*{name}*")[:5]
        hint = f"; near it: {', '.join(near)}" if near else "; `timm.list_models()` names them all"
        raise ConfigError(f"network timm/{name} is not known to timm {timm.__version__}{hint}")
    try:
        network: nn.Module = timm.create_model(name, pretrained=pretrained, num_classes=classes)
    except (OSError, RuntimeError) as error:
        raise ConfigError(
            f"network timm/{name}: its published weights cannot be fetched ({str(error).splitlines()[0]}); "
            "go online, or set pretrained: false"
        ) from error
    _check_size(network, name, size_px)
    return network


def _check_size(network: nn.Module, name: str, size_px: int) -> None:
    """Transformers take one size only: better one line now than a stack trace in the first step."""
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(1, 3, size_px, size_px))
    except (RuntimeError, AssertionError) as error:
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(f"network timm/{name} does not take {size_px} px input: {first_line}") from error
    network.train()
