"""Tiny ONNX embedders, written byte by byte: no package that makes models is needed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from phototag.engines.formats.card import Card
from phototag.types import Thresholds

Shape = tuple[int | str, ...]


def card(**changed: object) -> Card:
    """The card of `embedder()`."""
    values: dict[str, object] = {
        "input_size": 8,
        "alignment": "arcface-5-point",
        "dim": 4,
        "thresholds": Thresholds(1.0, 0.9, 0.8, 1.1, 20.0),
        **changed,
    }
    return Card(**values)  # type: ignore[arg-type]


def matrix(seed: int = 0) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(8 * 8 * 3, 4)).astype(np.float32)


def embedder(
    shape: Shape = (1, 3, 8, 8),
    weights: npt.NDArray[np.float32] | None = None,
    *,
    inputs: int = 1,
    kind: int = 1,
    elsewhere: str = "",
) -> bytes:
    """A model that flattens its input, whatever its order, and multiplies it with a matrix.

    `elsewhere`: the file that is said to hold the matrix.
    """
    weights = matrix() if weights is None else weights
    names = [f"in{number}" for number in range(inputs)]
    nodes = [
        field(1, names[0]) + field(2, "flat") + field(4, "Flatten"),
        field(1, "flat") + field(1, "w") + field(2, "out") + field(4, "MatMul"),
    ]
    tensor = (
        b"".join(field(1, side) for side in weights.shape)
        + field(2, 1)
        + field(8, "w")
        + (_external(elsewhere) if elsewhere else field(9, weights.tobytes()))
    )
    graph = (
        b"".join(field(1, node) for node in nodes)
        + field(2, "g")
        + field(5, tensor)
        + b"".join(field(11, _value(name, shape, kind)) for name in names)
        + field(12, _value("out", (shape[0], weights.shape[1]), 1))
    )
    return field(1, 8) + field(8, field(2, 13)) + field(7, graph)


def _external(file: str) -> bytes:
    """The rest of a tensor whose numbers are another file's."""
    return field(13, field(1, "location") + field(2, file)) + field(14, 1)


def _value(name: str, shape: Shape, kind: int) -> bytes:
    sides = b"".join(field(1, field(2 if isinstance(side, str) else 1, side)) for side in shape)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, sides)))


def field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    data = bytearray()
    while value > 127:
        data.append(value & 127 | 128)
        value >>= 7
    return bytes([*data, value])
