"""Rebuilds an ONNX model in Keras, if it consists of operators that embedders are commonly made of."""

from __future__ import annotations

import inspect
from typing import Any

from phototag import extras
from phototag.engines.runtimes.onnx_operators import (
    MULTI_INPUT,
    OPERATORS,
    Constant,
    Tensor,
    UnsupportedError,
    is_constant,
    require,
)

READER = "onnx"  #: the package that parses models


class UnsupportedModelError(ValueError):
    """Why a model can't be rebuilt, as the rest of a sentence that begins with `it`."""


def keras_model(data: bytes, side: int) -> Any:
    """The Keras model, for any number of samples, of an ONNX model that takes (n, 3, `side`, `side`).

    Raises UnsupportedModelError for a model that can't be rebuilt, UsageError without the package that parses it.
    """
    import keras

    graph = _graph(data)
    values: dict[str, Constant | Tensor | None] = {"": None, **{one.name: _array(one) for one in graph.initializer}}
    image = keras.Input((side, side, 3))
    values.update({one.name: image for one in graph.input if one.name not in values})
    for node in graph.node:
        if missing := [name for name in node.input if name not in values]:
            raise UnsupportedModelError(f"has an operator {node.op_type} that takes {missing[0]}, which is not there")
        values[node.output[0]] = _output(node, [values[name] for name in node.input])
    output = values.get(graph.output[0].name)
    if output is None or is_constant(output):
        raise UnsupportedModelError("yields nothing that depends on its input")
    return keras.Model(image, output)


def _graph(data: bytes) -> Any:
    extras.require("this engine", READER)
    import onnx
    from google.protobuf.message import DecodeError

    try:
        return onnx.load_model_from_string(data).graph
    except DecodeError as error:
        raise UnsupportedModelError("is not whole") from error


def _array(tensor: Any) -> Constant:
    from onnx import numpy_helper

    try:
        array: Constant = numpy_helper.to_array(tensor)
    except (ValueError, TypeError) as error:
        raise UnsupportedModelError(f"has a constant that can't be read ({error})") from error
    return array


def _output(node: Any, inputs: list[Any]) -> Constant | Tensor:
    """The output of a node of the graph for these inputs."""
    from onnx import helper

    attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    if node.op_type == "Constant" and attributes.keys() == {"value"}:
        return _array(attributes["value"])
    operator = OPERATORS.get(node.op_type) if node.domain in ("", "ai.onnx") else None
    if operator is None:
        raise UnsupportedModelError(f"has an operator {node.op_type}, which is not known here")
    try:
        inspect.signature(operator).bind(*inputs, **attributes)
        constants = [is_constant(value) for value in inputs]
        require(node.op_type in MULTI_INPUT or constants == [False, *[True] * (len(inputs) - 1)])
        return operator(*inputs, **attributes)
    except (TypeError, UnsupportedError) as error:
        raise UnsupportedModelError(f"has an operator {node.op_type} of a kind that is not known here") from error
