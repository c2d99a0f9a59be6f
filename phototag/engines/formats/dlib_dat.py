"""Reads dlib's serialised ResNet (`dlib_face_recognition_resnet_model_v1.dat`) as arrays.

The format, after dlib/serialize.h and dlib/dnn: an integer is a control byte (low 4 bits: how many
bytes follow; high bit: negative) and those bytes, little-endian; a float is mantissa and exponent as
two integers; a string is its length and bytes; a flag is the character 0 or 1; a tensor is version 2,
four integers (n, k, rows, columns) and their product of little-endian float32. A network is the loss
layer, one version number for each nested layer from the outermost inwards, the input layer, then
every layer from the input outwards: name, parameters, state. Whatever differs from what this network
needs is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from phototag.errors import WeightsError

Floats: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Input:
    """Side in pixels of the square RGB input, and what is subtracted from each channel."""

    size: int
    mean: tuple[float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Conv:
    """A convolution: filters (rows, columns, in, out), a bias for each output, its stride and zero padding."""

    filters: Floats
    bias: Floats
    stride: int
    padding: int


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """A factor and a term for each channel: what is left of batch normalisation after training."""

    gamma: Floats
    beta: Floats


@dataclass(frozen=True, slots=True)
class Relu:
    """max(x, 0)."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Unpadded pooling over `size`² windows; size 0: over the whole plane."""

    kind: Literal["max", "avg"]
    size: int
    stride: int


@dataclass(frozen=True, slots=True)
class Add:
    """Adds the block's shortcut; of two unlike shapes the smaller is zero-padded at its ends."""


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """A matrix (in, out) without bias."""

    matrix: Floats


Layer: TypeAlias = Input | Conv | Affine | Relu | Pool | Add | Dense


def read_network(data: bytes) -> list[Layer]:
    """The layers from the input outwards. Raises WeightsError for anything but such a network."""
    reader = _Reader(data)
    reader.expect("the loss layer's version", reader.integer(), 1)
    reader.expect("the loss layer's name", reader.string(), "loss_metric_2")
    reader.float(), reader.float()  # margin and distance threshold of the training
    # Layers are of version 2, tags of version 1; the innermost, which holds the input, is of version 3.
    while (version := reader.integer()) != 3:
        reader.check("a layer's version", version in (1, 2))
    layers: list[Layer] = [_input(reader)]
    while not reader.at_end:
        layers.append(_layer(reader))
    return layers


def _input(reader: _Reader) -> Input:
    reader.expect("the input layer's name", reader.string(), "input_rgb_image_sized")
    mean = (reader.float(), reader.float(), reader.float())
    rows, columns = reader.integer(), reader.integer()
    reader.check("the input's size", 1 <= rows == columns <= 1024)
    return Input(rows, mean)


def _layer(reader: _Reader) -> Layer:
    name = reader.string()
    if name not in _LAYERS:
        reader.refuse(f"a layer called {name!r}")
    layer = _LAYERS[name](reader)
    reader.flag(), reader.flag(), reader.flag()  # set up, gradient is stale, gradient is off
    for _ in range(3):  # gradient of the input, output, gradient of the parameters: cleared before saving
        reader.check("a training buffer", reader.tensor().size == 0)
    if isinstance(layer, Conv) and not reader.saw_conv:
        reader.saw_conv = True
        reader.expect("samples for each image", reader.integer(), 1)  # belongs to the innermost layer only
    return layer


def _conv(reader: _Reader) -> Conv:
    params = reader.tensor()
    outputs, rows, columns, stride_y, stride_x, padding_y, padding_x = (reader.integer() for _ in range(7))
    shape, bias_shape = reader.alias(), reader.alias()
    reader.rates()
    inputs = shape[1]
    reader.check(
        "a convolution's shape",
        shape == (outputs, inputs, rows, columns)
        and bias_shape == (1, outputs, 1, 1)
        and stride_y == stride_x >= 1
        and padding_y == padding_x >= 0
        and params.size == outputs * (inputs * rows * columns + 1),
    )
    filters = params[:-outputs].reshape(shape).transpose(2, 3, 1, 0)
    return Conv(filters, params[-outputs:], stride_y, padding_y)


def _affine(reader: _Reader) -> Affine:
    params = reader.tensor()
    gamma_shape, beta_shape = reader.alias(), reader.alias()
    reader.expect("an affine layer's mode", reader.integer(), 0)  # per channel
    channels = gamma_shape[1]
    reader.check(
        "an affine layer's shape",
        gamma_shape == beta_shape == (1, channels, 1, 1) and params.size == 2 * channels,
    )
    return Affine(params[:channels], params[channels:])


def _pool(reader: _Reader, kind: Literal["max", "avg"]) -> Pool:
    rows, columns, stride_y, stride_x, padding_y, padding_x = (reader.integer() for _ in range(6))
    reader.check("a pooling layer", rows == columns >= 0 and stride_y == stride_x >= 1)
    reader.check("a pooling layer's padding", padding_y == padding_x == 0)
    return Pool(kind, rows, stride_y)


def _dense(reader: _Reader) -> Dense:
    outputs, inputs = reader.integer(), reader.integer()
    params = reader.tensor()
    shape, bias_shape = reader.alias(), reader.alias()
    reader.expect("the matrix's bias mode", reader.integer(), 1)  # without
    reader.rates()
    reader.check(
        "the matrix's shape",
        shape == (inputs, outputs, 1, 1) and bias_shape == (0, 0, 0, 0) and params.size == inputs * outputs,
    )
    return Dense(params.reshape(inputs, outputs))


_LAYERS: dict[str, Callable[[_Reader], Layer]] = {
    "con_4": _conv,
    "affine_": _affine,
    "relu_": lambda reader: Relu(),
    "max_pool_2": lambda reader: _pool(reader, "max"),
    "avg_pool_2": lambda reader: _pool(reader, "avg"),
    "add_prev_": lambda reader: Add(),
    "fc_2": _dense,
}


class _Reader:
    """A cursor over serialised bytes; every method raises WeightsError where the bytes don't fit it."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._at = 0
        self.saw_conv = False

    @property
    def at_end(self) -> bool:
        return self._at == len(self._data)

    def refuse(self, what: str) -> None:
        raise WeightsError(f"dlib's network file is not as expected: {what}, before byte {self._at}")

    def check(self, what: str, holds: bool) -> None:
        if not holds:
            self.refuse(what)

    def expect(self, what: str, found: object, wanted: object) -> None:
        self.check(f"{what} is {found!r}, not {wanted!r}", found == wanted)

    def take(self, count: int) -> memoryview:
        self.check("it ends early", count <= len(self._data) - self._at)
        self._at += count
        return self._data[self._at - count : self._at]

    def integer(self) -> int:
        control = self.take(1)[0]
        count = control & 0x0F
        self.check("an integer's control byte", not control & 0x70 and 1 <= count <= 8)
        value = int.from_bytes(self.take(count), "little")
        return -value if control & 0x80 else value

    def float(self) -> float:
        mantissa, exponent = self.integer(), self.integer()
        self.check("a float's exponent", abs(exponent) < 128)
        return float(mantissa) * 2.0**exponent

    def string(self) -> str:
        length = self.integer()
        self.check("a name's length", 1 <= length <= 64)
        return self.take(length).tobytes().decode("ascii", "replace")

    def flag(self) -> bool:
        flag = self.take(1)[0]
        self.check("a flag", flag in b"01")
        return flag == ord("1")

    def sides(self) -> tuple[int, int, int, int]:
        sides = (self.integer(), self.integer(), self.integer(), self.integer())
        self.check("a tensor's sides", all(0 <= side <= 1 << 24 for side in sides))
        return sides

    def tensor(self) -> Floats:
        """A tensor's numbers in one row."""
        self.expect("a tensor's version", self.integer(), 2)
        n, k, rows, columns = self.sides()
        values = np.frombuffer(self.take(4 * n * k * rows * columns), "<f4").astype(np.float32)
        self.check("a weight is not finite", bool(np.isfinite(values).all()))
        return values

    def alias(self) -> tuple[int, int, int, int]:
        """The shape of a part of a parameter tensor."""
        self.expect("an alias's version", self.integer(), 1)
        return self.sides()

    def rates(self) -> None:
        """Skips four learning rates and decays."""
        for _ in range(4):
            self.float()
