from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn

from maskwise.errors import ExportError
from maskwise.model.preprocess import Preprocess
from maskwise.training.export import export_onnx
from maskwise.training.quantize import finest_scales, quantize

SIZE = 16
CROPS = np.random.default_rng(0).integers(0, 256, (40, SIZE, SIZE, 3)).astype(np.uint8)
SEVEN_BITS = 64


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A network with an ordinary and a depthwise convolution, and its int8 form.

    Half of its weights are large and positive, so that sums of two products pass 16 bits where weights have all eight.
    """
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.ReLU6(), nn.Conv2d(32, 32, 1), nn.ReLU6(),
        nn.Conv2d(32, 32, 3, groups=32), nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 3),
    )  # fmt: skip
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_().mul_(torch.randint(0, 2, parameter.shape) + 0.1)
    folder = tmp_path_factory.mktemp("quantized")
    export_onnx(network, SIZE, folder / "fp32.onnx")
    quantize(folder / "fp32.onnx", folder / "int8.onnx", CROPS[:32], Preprocess())
    return folder / "fp32.onnx", folder / "int8.onnx"


def logits(path: Path, crops: NDArray[np.uint8], level: int = 99) -> NDArray[np.float32]:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel(level)
    session = ort.InferenceSession(str(path), options)
    return np.asarray(session.run(None, {"crops": Preprocess()(crops)})[0])


def test_int8_says_nearly_what_float_says(pair: tuple[Path, Path]) -> None:
    expected, got = (logits(path, CROPS) for path in pair)
    spread = expected.max() - expected.min()
    assert 0 < np.abs(got - expected).max() < 0.05 * spread, "equal would mean that nothing was quantised"


def test_no_sum_overflows(pair: tuple[Path, Path]) -> None:
    """Unoptimised, the same graph reckons in float: what the int8 kernels say more than rounding off was lost."""
    nothing_fused = int(ort.GraphOptimizationLevel.ORT_DISABLE_ALL.value)
    exact, kernels = logits(pair[1], CROPS, nothing_fused), logits(pair[1], CROPS)
    assert np.abs(kernels - exact).max() < 0.02 * (exact.max() - exact.min())


def test_each_kind_of_weight_has_the_bits_that_it_can_have(pair: tuple[Path, Path]) -> None:
    graph = onnx.load(pair[1]).graph
    weights = {
        tensor.dims[1]: np.abs(numpy_helper.to_array(tensor).astype(int))
        for tensor in graph.initializer
        if tensor.data_type == onnx.TensorProto.INT8 and len(tensor.dims) == 4
    }
    depthwise, first, pointwise = (weights[inputs] for inputs in (1, 3, 32))
    assert depthwise.max() > 120
    assert first.max() <= SEVEN_BITS
    neighbours = pointwise.reshape(32, 16, 2).sum(axis=2)  # all are positive
    assert 120 < neighbours.max() <= 128


@pytest.mark.parametrize(
    ("row", "scale"),
    [
        ([1.0, 0.0, 0.0, 0.5], 1 / 127),  # no neighbours are both large: all eight bits
        ([1.0, 1.0, 0.0, 0.0], 2 / 127),
        ([1.0, -1.0, 0.5, -0.2], 1 / 127),  # of two signs they cannot add up
        ([0.0, -0.8, -0.9], 0.9 / 127),  # the last has no neighbour
        ([-0.6, -0.8], 1.4 / 127),
        ([0.0, 0.0], 1.0),
    ],
)
def test_scales_are_as_fine_as_the_sums_allow(row: list[float], scale: float) -> None:
    assert finest_scales(np.array([row], np.float32)) == pytest.approx(np.array([scale]))


def test_no_pair_of_neighbours_can_overflow() -> None:
    weights = np.random.default_rng(0).normal(0, 1, (200, 97)).astype(np.float32)
    rounded = np.rint(weights / finest_scales(weights)[:, None]).astype(int)
    assert np.abs(rounded).max() <= 127
    worst = 255 * np.abs(rounded[:, :96].reshape(200, 48, 2).sum(axis=2)).max()
    assert 255 * 127 <= worst < 2**15


def test_what_goes_in_and_comes_out_stays_float_for_any_batch(pair: tuple[Path, Path]) -> None:
    together = logits(pair[1], CROPS)
    singly = np.concatenate([logits(pair[1], CROPS[i : i + 1]) for i in range(3)])
    assert together.dtype == np.float32
    np.testing.assert_allclose(singly, together[:3], atol=1e-5)


def test_what_is_no_network_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "fp32.onnx").write_bytes(b"nothing that runs")
    with pytest.raises(ExportError, match="cannot be quantised to int8"):
        quantize(tmp_path / "fp32.onnx", tmp_path / "int8.onnx", CROPS[:2], Preprocess())
