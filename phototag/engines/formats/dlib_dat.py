"""Reads dlib's serialised ResNet (`dlib_face_recognition_resnet_model_v1.dat`) as arrays.

The format, after dlib/dnn: the loss layer; one version number for each nested layer, from the outermost inwards; the
input layer; then every layer from the input outwards, as name, parameters and state. Anything that this network doesn't
have is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from phototag.engines.formats.dlib_reader import DlibReader, Floats


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
    reader = DlibReader(data)
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


def _input(reader: DlibReader) -> Input:
    reader.expect("the input layer's name", reader.string(), "input_rgb_image_sized")
    mean = (reader.float(), reader.float(), reader.float())
    rows, columns = reader.integer(), reader.integer()
    reader.check("the input's size", 1 <= rows == columns <= 1024)
    return Input(rows, mean)


def _layer(reader: DlibReader) -> Layer:
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


def _conv(reader: DlibReader) -> Conv:
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


def _affine(reader: DlibReader) -> Affine:
    params = reader.tensor()
    gamma_shape, beta_shape = reader.alias(), reader.alias()
    reader.expect("an affine layer's mode", reader.integer(), 0)  # per channel
    channels = gamma_shape[1]
    reader.check(
        "an affine layer's shape",
        gamma_shape == beta_shape == (1, channels, 1, 1) and params.size == 2 * channels,
    )
    return Affine(params[:channels], params[channels:])


def _pool(reader: DlibReader, kind: Literal["max", "avg"]) -> Pool:
    rows, columns, stride_y, stride_x, padding_y, padding_x = (reader.integer() for _ in range(6))
    reader.check("a pooling layer", rows == columns >= 0 and stride_y == stride_x >= 1)
    reader.check("a pooling layer's padding", padding_y == padding_x == 0)
    return Pool(kind, rows, stride_y)


def _dense(reader: DlibReader) -> Dense:
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


_LAYERS: dict[str, Callable[[DlibReader], Layer]] = {
    "con_4": _conv,
    "affine_": _affine,
    "relu_": lambda reader: Relu(),
    "max_pool_2": lambda reader: _pool(reader, "max"),
    "avg_pool_2": lambda reader: _pool(reader, "avg"),
    "add_prev_": lambda reader: Add(),
    "fc_2": _dense,
}
