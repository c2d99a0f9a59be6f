"""Small ONNX models, one operator or a few, made with the onnx package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper, numpy_helper

SIDE = 8

Constants = Mapping[str, npt.NDArray[Any]]


def model(nodes: Sequence[Any], constants: Constants, *, batch: int | str = "n", opset: int = 17) -> bytes:
    """A model from `x`, (batch, 3, 8, 8), to `y`; constants by name."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, None])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    return bytes(made.SerializeToString())


def weights(*shape: int, seed: int = 0) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def convolutions(last: str = "Relu") -> bytes:
    """An embedder (n, 3, 8, 8) to (n, 16): a convolution, a depthwise one, one of 1 × 1, `last`, a dense layer."""
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["a"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "w2"], ["c"], pads=[1, 1, 1, 1], group=128),
        helper.make_node("Conv", ["c", "w3", "b3"], ["d"]),
        helper.make_node(last, ["d"], ["e"]),
        helper.make_node("Flatten", ["e"], ["f"]),
        helper.make_node("Gemm", ["f", "w4"], ["y"], transB=1),
    ]
    constants = {
        "w1": weights(128, 3, 3, 3, seed=1),
        "b1": weights(128, seed=2),
        "w2": weights(128, 1, 3, 3, seed=3),
        "w3": weights(32, 128, 1, 1, seed=4),
        "b3": weights(32, seed=5),
        "w4": weights(16, 32 * 4 * 4, seed=6),
    }
    return model(nodes, constants)
