"""Rebuilds an ONNX model in Keras, if it is made of what embedders are commonly made of.

ONNX has channels first, Keras has them last: what is (n, channels, height, width) there is (n, height, width,
channels) here, and constants are turned to match. An operator is a function of its inputs and attributes, which have
the names and defaults of ONNX's specification (https://onnx.ai/onnx/operators/); what it does not expect is refused.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from phototag import extras

READER = "onnx"  #: the package

Constant: TypeAlias = npt.NDArray[Any]  #: in ONNX's order
Tensor: TypeAlias = Any  #: one of Keras', in Keras' order
Sides: TypeAlias = Sequence[int]  #: down, across; of pads: top, left, bottom, right


class Unknown(ValueError):
    """What stands in a model's way, as the rest of a sentence that begins with `it`."""


def keras_model(data: bytes, side: int) -> Any:
    """The Keras model, for any number of samples, of an ONNX model that takes (n, 3, `side`, `side`).

    Raises Unknown for one that can't be rebuilt, UsageError without the package that reads it.
    """
    import keras

    graph = _graph(data)
    values: dict[str, Constant | Tensor | None] = {"": None, **{one.name: _array(one) for one in graph.initializer}}
    image = keras.Input((side, side, 3))
    values.update({one.name: image for one in graph.input if one.name not in values})
    for node in graph.node:
        if missing := [name for name in node.input if name not in values]:
            raise Unknown(f"has an operator {node.op_type} that takes {missing[0]}, which is not there")
        values[node.output[0]] = _applied(node, [values[name] for name in node.input])
    output = values.get(graph.output[0].name)
    if output is None or _is_constant(output):
        raise Unknown("yields nothing that depends on its input")
    return keras.Model(image, output)


def _graph(data: bytes) -> Any:
    extras.require("this engine", READER)
    import onnx
    from google.protobuf.message import DecodeError

    try:
        return onnx.load_model_from_string(data).graph
    except DecodeError as error:
        raise Unknown("is not whole") from error


def _array(tensor: Any) -> Constant:
    from onnx import numpy_helper

    try:
        array: Constant = numpy_helper.to_array(tensor)
    except (ValueError, TypeError) as error:
        raise Unknown(f"has a constant that can't be read ({error})") from error
    return array


def _applied(node: Any, inputs: list[Any]) -> Constant | Tensor:
    """What an operator of the model yields."""
    from onnx import helper

    attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    if node.op_type == "Constant" and attributes.keys() == {"value"}:
        return _array(attributes["value"])
    operator = OPERATORS.get(node.op_type) if node.domain in ("", "ai.onnx") else None
    if operator is None:
        raise Unknown(f"has an operator {node.op_type}, which is not known here")
    try:
        inspect.signature(operator).bind(*inputs, **attributes)
        # Of what is calculated from one tensor the rest is weights; what joins several says itself what it takes.
        _expect(node.op_type in JOINING or [*map(_is_constant, inputs)] == [False, *[True] * (len(inputs) - 1)])
        return operator(*inputs, **attributes)
    except (TypeError, _Unexpected) as error:
        raise Unknown(f"has an operator {node.op_type} of a kind that is not known here") from error


class _Unexpected(Exception):
    """An operator has inputs or attributes that are not known here."""


def _expect(condition: bool) -> None:
    if not condition:
        raise _Unexpected


def _is_constant(value: object) -> bool:
    return value is None or isinstance(value, np.ndarray)


def _beside(x: Tensor, constant: Constant) -> Constant:
    """A constant in the order of a tensor's sides, with which it is combined number by number."""
    rank = len(x.shape)
    _expect(constant.ndim <= rank)
    constant = constant.reshape([1] * (rank - constant.ndim) + list(constant.shape))
    _expect(constant.shape[0] == 1)  # the same for every sample
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

    _expect(len(x.shape) == 4 == weights.ndim and auto_pad == b"NOTSET" and strides[0] == strides[1])
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
    else:  # a filter or several for each channel
        _expect(group == channels and inputs == 1 and outputs % channels == 0)
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
    _expect(len(x.shape) in (2, 4) and not training_mode and spatial == 1)
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

    [alpha] = _beside(x, slope)
    layer = keras.layers.PReLU(shared_axes=[axis + 1 for axis, side in enumerate(alpha.shape) if side == 1])
    y = layer(x)
    layer.set_weights([alpha])
    return y


def _max_pool(
    x: Tensor, *, kernel_shape: Sides, strides: Sides = (1, 1), pads: Sides = (0, 0, 0, 0),
    dilations: Sides = (1, 1), ceil_mode: int = 0, storage_order: int = 0, auto_pad: bytes = b"NOTSET",
) -> Tensor:  # fmt: skip
    import keras

    _expect(len(x.shape) == 4 and [*dilations] == [1, 1] and not ceil_mode and auto_pad == b"NOTSET")
    least = float(np.finfo(np.float32).min)
    return keras.layers.MaxPooling2D(tuple(kernel_shape), tuple(strides))(_padded(x, pads, least))


def _average_pool(
    x: Tensor, *, kernel_shape: Sides, strides: Sides = (1, 1), pads: Sides = (0, 0, 0, 0),
    dilations: Sides = (1, 1), ceil_mode: int = 0, count_include_pad: int = 0, auto_pad: bytes = b"NOTSET",
) -> Tensor:  # fmt: skip
    import keras

    _expect(len(x.shape) == 4 and [*dilations] == [1, 1] and not ceil_mode and auto_pad == b"NOTSET" and not any(pads))
    return keras.layers.AveragePooling2D(tuple(kernel_shape), tuple(strides))(x)


def _global_average_pool(x: Tensor) -> Tensor:
    from keras import ops

    _expect(len(x.shape) == 4)
    return ops.mean(x, axis=(1, 2), keepdims=True)


def _flatten(x: Tensor, *, axis: int = 1) -> Tensor:
    import keras
    from keras import ops

    _expect(axis == 1)
    if len(x.shape) == 4 and x.shape[1:3] != (1, 1):
        x = ops.transpose(x, (0, 3, 1, 2))
    return keras.layers.Flatten()(x)


def _reshape(x: Tensor, shape: Constant, *, allowzero: int = 0) -> Tensor:
    """To a row for each sample, and to nothing else. (That of a model for one sample need not say so.)"""
    _expect(shape.shape == (2,) and shape[1] in (-1, math.prod(x.shape[1:])))
    return _flatten(x)


def _gemm(
    x: Tensor, weights: Constant, bias: Constant | None = None,
    *, alpha: float = 1.0, beta: float = 1.0, transA: int = 0, transB: int = 0,
) -> Tensor:  # fmt: skip
    import keras

    _expect(len(x.shape) == 2 == weights.ndim and alpha == beta == 1 and not transA)
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
    _expect(training is None or not training.any())
    return x


def _number_by_number(name: str) -> Callable[..., Tensor]:
    def operator(a: Tensor | Constant, b: Tensor | Constant) -> Tensor:
        from keras import ops

        _expect(a is not None and b is not None and not (_is_constant(a) and _is_constant(b)))
        if _is_constant(a):
            a = _beside(b, a)
        elif _is_constant(b):
            b = _beside(a, b)
        _expect(len(a.shape) == len(b.shape))
        return getattr(ops, name)(a, b)

    return operator


def _concat(*parts: Tensor, axis: int) -> Tensor:
    from keras import ops

    _expect(axis == 1 and not any(map(_is_constant, parts)))
    return ops.concatenate(parts, axis=-1)


JOINING: dict[str, Callable[..., Tensor]] = {
    "Add": _number_by_number("add"),
    "Sub": _number_by_number("subtract"),
    "Mul": _number_by_number("multiply"),
    "Div": _number_by_number("divide"),
    "Concat": _concat,
}
OPERATORS: dict[str, Callable[..., Tensor]] = {
    **JOINING,
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
