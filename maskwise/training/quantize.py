"""A float32 ONNX network to int8: smaller and faster, with ranges measured on real crops.

Static quantisation by ONNX Runtime: activations in uint8 with one range a tensor, weights in int8 with one a channel.

On an x86 processor without VNNI the int8 kernels add the products of two neighbouring inputs in 16 bits, and full
weights overflow there (decision 0013 has the figures). Weights of seven bits cannot. But not every weight has to give
up a bit: depthwise convolutions have a kernel of their own that adds in 32 bits, and in a 1 x 1 convolution only
neighbours that are both large, and of one sign, can overflow.

Sources:
    Jacob et al. (2018), Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference.
    https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html: data types, reduce_range.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from maskwise.errors import ExportError
from maskwise.model.preprocess import Preprocess

BATCH = 32


def quantize(source: Path, target: Path, crops: NDArray[np.uint8], preprocess: Preprocess) -> None:
    """Write an int8 form of an ONNX network; what goes in and what comes out stays float32.

    Args:
        source: the float32 network; its first input takes crops.
        target: the file to write.
        crops: (n, size, size, 3) uint8 RGB, n >= 1; the ranges of the activations are the least and the greatest value
            seen on them.
        preprocess: the network's own.

    Raises:
        ExportError: ONNX Runtime cannot quantise this network.
    """
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        try:
            quant_pre_process(str(source), str(prepared))
            graph = onnx.load(prepared).graph
            quantize_static(
                str(prepared),
                str(target),
                _Batches(graph.input[0].name, crops, preprocess),
                quant_format=QuantFormat.QDQ,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                per_channel=True,
                reduce_range=True,
                calibrate_method=CalibrationMethod.MinMax,
                extra_options={"TensorQuantOverrides": _overrides(graph)},
            )
        except Exception as error:  # onnxruntime raises many types of its own
            logging.getLogger(__name__).debug("quantising failed", exc_info=True)
            raise ExportError(f"{source} cannot be quantised to int8: {str(error).splitlines()[0]}") from error


def _overrides(graph: onnx.GraphProto) -> dict[str, list[dict[str, Any]]]:
    """The weights that need not be cut to seven bits, by name, as ONNX Runtime wants to be told."""
    weights = {tensor.name: tensor for tensor in graph.initializer}
    overrides: dict[str, list[dict[str, Any]]] = {}
    for node in graph.node:
        if node.op_type != "Conv" or node.input[1] not in weights:
            continue
        values = numpy_helper.to_array(weights[node.input[1]])
        if any(attribute.name == "group" and attribute.i > 1 for attribute in node.attribute):
            overrides[node.input[1]] = [{"axis": 0, "reduce_range": False}]
        elif values[0, 0].size == 1:
            scales = finest_scales(values.reshape(len(values), -1))
            overrides[node.input[1]] = [{"scale": scale, "zero_point": np.int8(0)} for scale in scales]
            overrides[node.input[1]][0]["axis"] = 0
    return overrides


def finest_scales(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """The finest int8 scale of each output channel at which no 16-bit sum overflows.

    Inputs are uint8, so two products fit where the two weights, being neighbours, add up to at most 128 either way:
    255 * 128 is below 2**15.

    Args:
        weights: (outputs, inputs).

    Returns:
        (outputs,) above 0.
    """
    outputs, inputs = weights.shape
    pairs = np.pad(weights, ((0, 0), (0, inputs % 2))).reshape(outputs, -1, 2)
    largest = np.abs(pairs).max(axis=(1, 2)) / 127
    upwards, downwards = (np.clip(sign * pairs, 0, None).sum(axis=2).max(axis=1) for sign in (1, -1))
    scales = np.maximum(largest, np.maximum(upwards, downwards) / 127)  # 127, not 128: both may be rounded up
    return np.where(scales > 0, scales, 1).astype(np.float32)


class _Batches(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """Crops as ONNX Runtime asks for them: a batch a call, None at the end."""

    def __init__(self, name: str, crops: NDArray[np.uint8], preprocess: Preprocess) -> None:
        starts = range(0, len(crops), BATCH)
        self._batches: Iterator[dict[str, Any]] = (
            {name: preprocess(np.asarray(crops[start : start + BATCH]))} for start in starts
        )

    def get_next(self) -> dict[str, Any] | None:
        """The next input of the network."""
        return next(self._batches, None)
