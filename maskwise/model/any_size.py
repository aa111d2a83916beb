"""An ONNX file that was written for pictures of one size, made to take any.

The YuNet file says that its input is 640 x 640, and the sizes of everything in between follow from that. The network
has only convolutions and does not care; OpenCV ignores what the file says, ONNX Runtime refuses other sizes. So sizes
become names, and what lies in between is left out, on the way from the file to the runtime: the file stays as its
makers published it. Written against the Protocol Buffers encoding (protobuf.dev, Encoding) and onnx.proto.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

VARINT, FIXED64, LEN, FIXED32 = 0, 1, 2, 5
GRAPH = 7
"""Field of ModelProto."""

INPUT, OUTPUT, VALUE_INFO = 11, 12, 13
"""Fields of GraphProto."""

TO_DIMENSIONS = (2, 1, 2)
"""Fields on the way from a ValueInfoProto to its dimensions: type, tensor_type, shape."""

DIMENSION, DIM_VALUE, DIM_PARAM = 1, 1, 2
"""Fields of TensorShapeProto and of its dimensions."""

CHANNELS = 16
"""A dimension of more than this is a size; the network's inputs and outputs have at most ten channels."""


def any_size(model: bytes) -> bytes:
    """The same network without fixed sizes.

    Args:
        model: content of an ONNX file.

    Raises:
        ValueError: no Protocol Buffers message.
    """
    return _changed(model, lambda number, value: _any_graph(value) if number == GRAPH else value)


def _any_graph(graph: bytes) -> bytes:
    names = iter(range(1_000))

    def change(number: int, value: bytes) -> bytes | None:
        if number == VALUE_INFO:
            return None
        return _any_value(value, names) if number in (INPUT, OUTPUT) else value

    return _changed(graph, change)


def _any_value(value: bytes, names: Iterator[int], way: tuple[int, ...] = TO_DIMENSIONS) -> bytes:
    """Follow the way to the dimensions, and name those that are sizes."""

    def change(number: int, inner: bytes) -> bytes:
        if way:
            return _any_value(inner, names, way[1:]) if number == way[0] else inner
        return _any_dimension(inner, names) if number == DIMENSION else inner

    return _changed(value, change)


def _any_dimension(dimension: bytes, names: Iterator[int]) -> bytes:
    for number, wire, value in _fields(dimension):
        if (number, wire) == (DIM_VALUE, VARINT) and _number(value) > CHANNELS:
            name = f"size_{next(names)}".encode()
            return _key(DIM_PARAM, LEN) + _varint(len(name)) + name
    return dimension


def _changed(message: bytes, change: Callable[[int, bytes], bytes | None]) -> bytes:
    """A message with each of its parts changed, or left out where the change is None."""
    parts: list[bytes] = []
    for number, wire, value in _fields(message):
        new = change(number, value) if wire == LEN else value
        if new is not None:
            parts.append(_key(number, wire) + (_varint(len(new)) if wire == LEN else b"") + new)
    return b"".join(parts)


def _fields(message: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(number, wire type, bytes of the value) of each field, in order."""
    at = 0
    while at < len(message):
        key, at = _read(message, at)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            _, end = _read(message, at)
        elif wire == LEN:
            length, at = _read(message, at)
            end = at + length
        elif wire in (FIXED64, FIXED32):
            end = at + (8 if wire == FIXED64 else 4)
        else:
            raise ValueError(f"wire type {wire} is not one that ONNX files use")
        if end > len(message):
            raise ValueError("the file ends in the middle of a field")
        yield number, wire, message[at:end]
        at = end


def _read(message: bytes, at: int) -> tuple[int, int]:
    """A varint, and where it ends."""
    number = shift = 0
    while True:
        if at >= len(message) or shift > 63:
            raise ValueError("the file ends in the middle of a number")
        byte = message[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at


def _number(varint: bytes) -> int:
    return _read(varint, 0)[0]


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _key(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)
