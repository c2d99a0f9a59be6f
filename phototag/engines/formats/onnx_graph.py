"""Looks into an ONNX file before onnxruntime does.

Such a file is in the wire format of Protocol Buffers; the numbers below are those of onnx.proto3.
"""

from __future__ import annotations

from collections.abc import Iterator

#: The messages that lie in a message, by the number of their field, as far as tensors are on the way.
INSIDE = {
    "model": {7: "graph", 25: "function"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
LOCATION = 14  #: a tensor's field that says where its numbers lie: 0 here, 1 in another file


def leads_elsewhere(data: bytes) -> bool:
    """Whether a model takes some of its weights from another file, or from wherever in memory it likes.

    What onnxruntime allows there depends on its version. Raises ValueError for what is no such file.
    """
    messages = [("model", memoryview(data))]
    while messages:
        kind, message = messages.pop()
        for number, value in _fields(message):
            if isinstance(value, memoryview):
                if number in INSIDE[kind]:
                    messages.append((INSIDE[kind][number], value))
            elif kind == "tensor" and number == LOCATION and value:
                return True
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """A message's fields that hold whole numbers, or bytes: the field's number, and its value."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        value: memoryview | int | None = None
        match tag & 7:
            case 0:
                value, at = _varint(message, at)
            case 1:
                at += 8
            case 2:
                length, at = _varint(message, at)
                value, at = message[at : at + length], at + length
            case 5:
                at += 4
            case kind:
                raise ValueError(f"it has a field of kind {kind}")
        if at > len(message):
            raise ValueError("it ends too early")
        if value is not None:
            yield (tag & 0xFFFFFFFF) >> 3, value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first, and where the next field begins."""
    number = 0
    for place in range(10):
        if at + place >= len(message):
            raise ValueError("it ends too early")
        byte = message[at + place]
        number |= (byte & 127) << 7 * place
        if byte < 128:
            return number, at + place + 1
    raise ValueError("a number has no end")
