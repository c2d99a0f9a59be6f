"""ONNX operators in Keras: those that embedders are commonly made of.

ONNX has channels first, Keras has them last: what is (n, channels, height, width) there is (n, height, width, channels)
here, and constants are transposed to match. An operator is a function of its inputs and attributes, with the names
and defaults of ONNX's specification (https://onnx.ai/onnx/operators/). It raises UnsupportedError for inputs or
attributes that it doesn't support.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Constant: TypeAlias = npt.NDArray[Any]  #: in ONNX's order
Tensor: TypeAlias = Any  #: of Keras, in Keras' order
Sides: TypeAlias = Sequence[int]  #: down, across; of pads: top, left, bottom, right


class UnsupportedError(Exception):
    """An operator has inputs or attributes that are not supported here."""


def require(condition: bool) -> None:
    """Raises UnsupportedError unless the condition holds."""
    if not condition:
        raise UnsupportedError


def is_constant(value: object) -> bool:
    """Whether an input is known when the model is rebuilt: a weight, or an optional input that is left out."""
    return value is None or isinstance(value, np.ndarray)


def _broadcastable(x: Tensor, constant: Constant) -> Constant:
    """A constant with its axes in the order of `x`, for an elementwise operation with `x`."""
    rank = len(x.shape)
    require(constant.ndim <= rank)
    constant = constant.reshape([1] * (rank - constant.ndim) + list(constant.shape))
    require(constant.shape[0] == 1)  # the same for every sample
    return constant.transpose(0, 2, 3, 1) if rank == 4 else constant


def _conv(
    x: Tensor,
    weights: Constant,
    bias: Constant | None = None,
    *,
    kernel_shape: Sides = (),
    strides: Sides = (1, 1),
    pads: Sides = (0, 0, 0, 0),
    dilations: Sides = (1, 1),
    group: int = 1,
    auto_pad: bytes = b"NOTSET",
) -> Tensor:
    import keras

    require(len(x.shape) == 4 == weights.ndim and auto_pad == b"NOTSET" and strides[0] == strides[1])
    outputs, inputs, *kernel = weights.shape
    channels = x.shape[3]
    padded = [(side - 1) * step for side, step in zip(kernel, dilations, strict=True)]
    if strides[0] == 1 and [*pads] == [side // 2 for side in padded] * 2 and not any(side % 2 for side in padded):
        padding = "same"
    else:
        padding, x = "valid", _padded(x, pads, 0.0)
    options: dict[str, Any] = {"strides": tuple(strides), "dilation_rate": tuple(dilations), "padding": padding}
    options["use_bias"] = bias is not None
    if group == 1 and inputs == channels:
        layer = keras.layers.Conv2D(outputs, kernel, **options)
        turned = weights.transpose(2, 3, 1, 0)
    else:  # depthwise: one filter or more for each channel
        require(group == channels and inputs == 1 and outputs % channels == 0)
        layer = keras.layers.DepthwiseConv2D(kernel, depth_multiplier=outputs // channels, **options)
        turned = weights.reshape(channels, -1, *kernel).transpose(2, 3, 0, 1)
    y = layer(x)
    layer.set_weights([turned] if bias is None else [turned, bias])
    return y


def _padded(x: Tensor, pads: Sides, value: float) -> Tensor:
    from keras import ops

    top, left, bottom, right = pads
    if not any(pads):
        return x
    return ops.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=value)


def _batch_normalization(
    x: Tensor, scale: Constant, bias: Constant, mean: Constant, variance: Constant,
    *, epsilon: float = 1e-5, momentum: float = 0.9, training_mode: int = 0, spatial: int = 1,
) -> Tensor:  # fmt: skip
    require(len(x.shape) in (2, 4) and not training_mode and spatial == 1)
    factor = scale / np.sqrt(variance.astype(np.float64) + epsilon)
    return x * factor.astype(np.float32) + (bias - mean * factor).astype(np.float32)


def _relu(x: Tensor) -> Tensor:
    from keras import ops

    return ops.relu(x)


def _sigmoid(x: Tensor) -> Tensor:
    from keras import ops

    return ops.sigmoid(x)


def _clip(
    x: Tensor, least: Constant | None = None, most: Constant | None = None,
    *, min: float = -math.inf, max: float = math.inf,
) -> Tensor:  # fmt: skip
    from keras import ops

    low, high = float(min if least is None else least), float(max if most is None else most)
    if (low, high) == (0, 6):
        return ops.relu6(x)
    x = x if low == -math.inf else ops.maximum(x, low)
    return x if high == math.inf else ops.minimum(x, high)


def _prelu(x: Tensor, slope: Constant) -> Tensor:
    import keras

    [alpha] = _broadcastable(x, slope)
    layer = keras.layers.PReLU(shared_axes=[axis + 1 for axis, side in enumerate(alpha.shape) if side == 1])
    y = layer(x)
    layer.set_weights([alpha])
    return y


def _max_pool(
    x: Tensor, *, kernel_shape: Sides, strides: Sides = (1, 1), pads: Sides = (0, 0, 0, 0),
    dilations: Sides = (1, 1), ceil_mode: int = 0, storage_order: int = 0, auto_pad: bytes = b"NOTSET",
) -> Tensor:  # fmt: skip
    import keras

    require(len(x.shape) == 4 and [*dilations] == [1, 1] and not ceil_mode and auto_pad == b"NOTSET")
    least = float(np.finfo(np.float32).min)
    return keras.layers.MaxPooling2D(tuple(kernel_shape), tuple(strides))(_padded(x, pads, least))


def _average_pool(
    x: Tensor, *, kernel_shape: Sides, strides: Sides = (1, 1), pads: Sides = (0, 0, 0, 0),
    dilations: Sides = (1, 1), ceil_mode: int = 0, count_include_pad: int = 0, auto_pad: bytes = b"NOTSET",
) -> Tensor:  # fmt: skip
    import keras

    require(len(x.shape) == 4 and [*dilations] == [1, 1] and not ceil_mode and auto_pad == b"NOTSET" and not any(pads))
    return keras.layers.AveragePooling2D(tuple(kernel_shape), tuple(strides))(x)


def _global_average_pool(x: Tensor) -> Tensor:
    from keras import ops

    require(len(x.shape) == 4)
    return ops.mean(x, axis=(1, 2), keepdims=True)


def _flatten(x: Tensor, *, axis: int = 1) -> Tensor:
    import keras
    from keras import ops

    require(axis == 1)
    if len(x.shape) == 4 and x.shape[1:3] != (1, 1):
        x = ops.transpose(x, (0, 3, 1, 2))
    return keras.layers.Flatten()(x)


def _reshape(x: Tensor, shape: Constant, *, allowzero: int = 0) -> Tensor:
    """Only to one row for each sample. (The first number of `shape` is ignored: models for one sample have 1 there.)"""
    require(shape.shape == (2,) and shape[1] in (-1, math.prod(x.shape[1:])))
    return _flatten(x)


def _gemm(
    x: Tensor, weights: Constant, bias: Constant | None = None,
    *, alpha: float = 1.0, beta: float = 1.0, transA: int = 0, transB: int = 0,
) -> Tensor:  # fmt: skip
    import keras

    require(len(x.shape) == 2 == weights.ndim and alpha == beta == 1 and not transA)
    weights = weights.T if transB else weights
    layer = keras.layers.Dense(weights.shape[1], use_bias=bias is not None)
    y = layer(x)
    layer.set_weights([weights] if bias is None else [weights, np.broadcast_to(bias, weights.shape[1:])])
    return y


def _matmul(x: Tensor, weights: Constant) -> Tensor:
    return _gemm(x, weights)


def _identity(x: Tensor) -> Tensor:
    return x


def _dropout(
    x: Tensor, share: Constant | None = None, training: Constant | None = None, *, ratio: float = 0.5, seed: int = 0
) -> Tensor:
    require(training is None or not training.any())
    return x


def _elementwise(name: str) -> Callable[..., Tensor]:
    def operator(a: Tensor | Constant, b: Tensor | Constant) -> Tensor:
        from keras import ops

        require(a is not None and b is not None and not (is_constant(a) and is_constant(b)))
        if is_constant(a):
            a = _broadcastable(b, a)
        elif is_constant(b):
            b = _broadcastable(a, b)
        require(len(a.shape) == len(b.shape))
        return getattr(ops, name)(a, b)

    return operator


def _concat(*parts: Tensor, axis: int) -> Tensor:
    from keras import ops

    require(axis == 1 and not any(map(is_constant, parts)))
    return ops.concatenate(parts, axis=-1)


#: Operators whose inputs may all be tensors; of all others only the first one is, and the rest are weights.
MULTI_INPUT: dict[str, Callable[..., Tensor]] = {
    "Add": _elementwise("add"),
    "Sub": _elementwise("subtract"),
    "Mul": _elementwise("multiply"),
    "Div": _elementwise("divide"),
    "Concat": _concat,
}
OPERATORS: dict[str, Callable[..., Tensor]] = {
    **MULTI_INPUT,
    "Conv": _conv,
    "BatchNormalization": _batch_normalization,
    "Relu": _relu,
    "PRelu": _prelu,
    "Clip": _clip,
    "Sigmoid": _sigmoid,
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "GlobalAveragePool": _global_average_pool,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Identity": _identity,
    "Dropout": _dropout,
}
