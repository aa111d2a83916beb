from __future__ import annotations

import cv2
import pytest
import torch
from torch import nn

from maskwise.errors import ConfigError
from maskwise.model import networks

STUDY = [
    "Conv2d(3, 32, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))",
    "ReLU()",
    "Conv2d(32, 64, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))",
    "ReLU()",
    "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)",
    "Conv2d(64, 128, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))",
    "ReLU()",
    "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)",
    "Flatten(start_dim=1, end_dim=-1)",
    "Linear(in_features=80000, out_features=1024, bias=True)",
    "ReLU()",
    "Linear(in_features=1024, out_features=2, bias=True)",
]


def test_the_study_network_is_the_study_network() -> None:
    network = networks.build("sequential", classes=2, size_px=100)
    assert [repr(layer) for layer in network.children()] == STUDY
    # Counted by hand: kernel x kernel x in x out + out for a convolution, in x out + out for a linear layer.
    by_hand = (9 * 3 * 32 + 32) + (9 * 32 * 64 + 64) + (9 * 64 * 128 + 128) + (80_000 * 1024 + 1024) + (1024 * 2 + 2)
    assert networks.parameters(network) == by_hand == 82_016_322


def test_the_wide_sibling_flattens_to_160000() -> None:
    network = networks.build("sequential-wide", classes=2, size_px=100)
    linear = [layer for layer in network.children() if isinstance(layer, nn.Linear)]
    assert [(layer.in_features, layer.out_features) for layer in linear] == [(160_000, 512), (512, 256), (256, 2)]
    convolutions = [layer for layer in network.children() if isinstance(layer, nn.Conv2d)]
    assert [layer.out_channels for layer in convolutions] == [100, 128, 256, 256]


@pytest.mark.parametrize("name", ["sequential", "sequential-wide", "efficientnet-lite0", "timm/resnet10t"])
@pytest.mark.parametrize(("classes", "size_px"), [(2, 32), (3, 45)])
def test_classes_and_size_are_free(name: str, classes: int, size_px: int) -> None:
    network = networks.build(name, classes, size_px).eval()
    assert network(torch.zeros(2, 3, size_px, size_px)).shape == (2, classes)


@pytest.mark.parametrize(
    ("name", "size_px", "said"),
    [
        ("sequental", 100, "sequential, sequential-wide, efficientnet-lite0, or timm/<name>"),
        ("timm/efficientnet_lite", 100, "efficientnet_lite0"),
        ("timm/vit_tiny_patch16_224", 100, "does not take 100 px"),
        ("sequential", 3, "too small"),
    ],
)
def test_a_network_that_cannot_be_says_so(name: str, size_px: int, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        networks.build(name, 2, size_px)


def test_published_weights_know_what_is_in_a_picture() -> None:
    """The layers of both packages pair up: a coffee cup is an espresso (967), as in ImageNet's list of classes."""
    data = pytest.importorskip("skimage.data")
    network = networks.build("efficientnet-lite0", 1000, 128, pretrained=True)
    assert network.get_classifier().weight.shape == (1000, 1280)  # type: ignore[operator]
    published = networks.published_lite0().eval()
    picture = cv2.resize(data.coffee()[:, 100:500], (128, 128), interpolation=cv2.INTER_AREA)
    inputs = torch.from_numpy(((picture / 255 - 0.498) / 0.502).transpose(2, 0, 1)[None]).float()
    with torch.no_grad():
        assert int(published(inputs).argmax()) == 967
        features = network.eval().forward_features(inputs)  # type: ignore[operator]
        torch.testing.assert_close(features, published.forward_features(inputs))  # type: ignore[operator]
