"""A model rebuilt in Keras yields what onnxruntime says of the original, or is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import helper, numpy_helper

from phototag.engines.runtimes.onnx import OnnxModel
from phototag.engines.runtimes.onnx_keras import UnsupportedModelError, keras_model
from phototag.engines.spec import EngineOptions
from tests.support.onnx_graphs import SIDE, Constants, convolutions, model, weights


def node(name: str, *inputs: str, to: str = "y", **attributes: Any) -> Any:
    return helper.make_node(name, inputs, [to], **attributes)


def numbers(*values: float | int) -> Any:
    return np.array(values, np.int64 if isinstance(values[0], int) else np.float32)


def scalar(value: float) -> Any:
    return np.array(value, np.float32)


DEEP = weights(6, 3, 3, 3)
BATCH_NORM = {"s": weights(3), "b": weights(3, seed=1), "m": weights(3, seed=2), "v": weights(3, seed=3) ** 2}

#: Nodes from `x` to `z`, and their constants; `z` is flattened, if it isn't flat, to `y`.
CASES: dict[str, tuple[Sequence[Any], Constants]] = {
    "convolution": ([node("Conv", "x", "w", to="z")], {"w": DEEP}),
    "convolution, bias, all around": (
        [node("Conv", "x", "w", "b", to="z", pads=[1, 1, 1, 1])],
        {"w": DEEP, "b": weights(6)},
    ),
    "convolution, every other": ([node("Conv", "x", "w", to="z", pads=[1] * 4, strides=[2, 2])], {"w": DEEP}),
    "convolution, one side": ([node("Conv", "x", "w", to="z", pads=[0, 2, 1, 0])], {"w": weights(6, 3, 3, 2)}),
    "convolution, with holes": ([node("Conv", "x", "w", to="z", dilations=[2, 2], pads=[2] * 4)], {"w": DEEP}),
    "convolution, 1 × 1": ([node("Conv", "x", "w", to="z", kernel_shape=[1, 1])], {"w": weights(5, 3, 1, 1)}),
    "depthwise": ([node("Conv", "x", "w", to="z", group=3, pads=[1] * 4)], {"w": weights(3, 1, 3, 3)}),
    "depthwise, twice": (
        [node("Conv", "x", "w", "b", to="z", group=3, strides=[2, 2], pads=[1] * 4)],
        {"w": weights(6, 1, 3, 3), "b": weights(6)},
    ),
    "batch normalisation": ([node("BatchNormalization", "x", "s", "b", "m", "v", to="z", epsilon=0.01)], BATCH_NORM),
    "batch normalisation, flat": (
        [
            node("GlobalAveragePool", "x", to="p"),
            node("Flatten", "p", to="f"),
            node("BatchNormalization", "f", "s", "b", "m", "v", to="z"),
        ],
        BATCH_NORM,
    ),
    "relu": ([node("Relu", "x", to="z")], {}),
    "relu up to 6": ([node("Clip", "x", "a", "b", to="z")], {"a": scalar(0), "b": scalar(6)}),
    "clip": ([node("Clip", "x", "a", "b", to="z")], {"a": scalar(-0.5), "b": scalar(0.25)}),
    "clip from below": ([node("Clip", "x", "a", to="z")], {"a": scalar(0.25)}),
    "clip from above": ([node("Clip", "x", "", "b", to="z")], {"b": scalar(0.25)}),
    "slopes": ([node("PRelu", "x", "s", to="z")], {"s": weights(3, 1, 1)}),
    "a slope": ([node("PRelu", "x", "s", to="z")], {"s": weights(1, 1, 1)}),
    "a slope for each place": ([node("PRelu", "x", "s", to="z")], {"s": weights(3, SIDE, SIDE)}),
    "sigmoid": ([node("Sigmoid", "x", to="z")], {}),
    "largest": ([node("MaxPool", "x", to="z", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)], {}),
    "mean": ([node("AveragePool", "x", to="z", kernel_shape=[2, 2], strides=[2, 2])], {}),
    "mean of all": ([node("GlobalAveragePool", "x", to="z")], {}),
    "sum": ([node("Relu", "x", to="a"), node("Add", "x", "a", to="z")], {}),
    "difference to a constant": ([node("Sub", "c", "x", to="z")], {"c": weights(3, 1, 1)}),
    "product, by place": ([node("Mul", "x", "c", to="z")], {"c": weights(1, 3, SIDE, SIDE)}),
    "product with the mean": ([node("GlobalAveragePool", "x", to="p"), node("Mul", "x", "p", to="z")], {}),
    "quotient": ([node("Div", "x", "c", to="z")], {"c": scalar(0.3)}),
    "side by side": ([node("Relu", "x", to="a"), node("Concat", "x", "a", to="z", axis=1)], {}),
    "nothing": ([node("Identity", "x", to="a"), node("Dropout", "a", to="z")], {}),
    "a constant": (
        [node("Constant", to="c", value=numpy_helper.from_array(weights(3, 1, 1))), node("Add", "x", "c", to="z")],
        {},
    ),
    "dense": ([node("Flatten", "x", to="f"), node("MatMul", "f", "w", to="z")], {"w": weights(3 * SIDE**2, 5)}),
    "dense, turned, bias": (
        [node("Flatten", "x", to="f"), node("Gemm", "f", "w", "b", to="z", transB=1)],
        {"w": weights(5, 3 * SIDE**2), "b": weights(1)},
    ),
    "flattened": (
        [node("Reshape", "x", "s", to="f"), node("MatMul", "f", "w", to="z")],
        {"s": numbers(-1, 3 * SIDE**2), "w": weights(3 * SIDE**2, 5)},
    ),
}
FLAT = {"batch normalisation, flat", "dense", "dense, turned, bias", "flattened"}


def theirs(data: bytes, samples: np.ndarray) -> np.ndarray:
    """What onnxruntime says, of one sample at a time."""
    network = OnnxModel(data, EngineOptions(threads=1, device="cpu"), "the model")
    turned = np.ascontiguousarray(samples.transpose(0, 3, 1, 2))
    return np.concatenate([network(turned[at : at + 1])[0] for at in range(len(samples))])


@pytest.mark.parametrize("case", CASES)
def test_an_operator_means_the_same(case: str) -> None:
    nodes, constants = CASES[case]
    data = model([*nodes, node("Identity" if case in FLAT else "Flatten", "z")], constants)
    samples = weights(3, SIDE, SIDE, 3, seed=9)
    expected = theirs(data, samples)
    found = np.asarray(keras_model(data, SIDE)(samples))
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-5 * max(1, np.abs(expected).max())


def test_attributes_of_older_models_and_a_batch_of_one() -> None:
    nodes = [node("Clip", "x", to="a", min=-0.5, max=0.5), node("Reshape", "a", "s")]
    data = model(nodes, {"s": numbers(1, -1)}, batch=1, opset=9)
    samples = weights(3, SIDE, SIDE, 3)
    assert np.allclose(np.asarray(keras_model(data, SIDE)(samples)), theirs(data, samples), atol=1e-6)


@pytest.mark.parametrize(
    ("nodes", "constants", "reason"),
    [
        ([node("Elu", "x")], {}, "has an operator Elu, which is not known here"),
        ([helper.make_node("Relu", ["x"], ["y"], domain="elsewhere")], {}, "operator Relu, which is not known"),
        ([node("Conv", "x", "w", auto_pad="SAME_UPPER")], {"w": DEEP}, "operator Conv of a kind"),
        ([node("Conv", "x", "w", strides=[1, 2])], {"w": DEEP}, "operator Conv of a kind"),
        ([node("Conv", "x", "w", group=2)], {"w": weights(6, 1, 3, 3)}, "operator Conv of a kind"),
        ([node("Conv", "x", "w", group=3)], {"w": weights(6, 3, 3, 3)}, "operator Conv of a kind"),
        ([node("Conv", "x", "w")], {"w": weights(6, 4, 3, 3)}, "operator Conv of a kind"),
        ([node("Conv", "x", "x")], {}, "operator Conv of a kind"),
        ([node("Conv", "w", "w")], {"w": DEEP}, "operator Conv of a kind"),
        ([node("Conv", "x", "w", unheard_of=1)], {"w": DEEP}, "operator Conv of a kind"),
        ([node("Conv", "x")], {}, "operator Conv of a kind"),
        ([node("Relu", "absent")], {}, "takes absent, which is not there"),
        ([node("Relu", "a"), node("Relu", "x", to="a")], {}, "takes a, which is not there"),
        ([node("MaxPool", "x", kernel_shape=[2, 2], ceil_mode=1)], {}, "operator MaxPool of a kind"),
        ([node("AveragePool", "x", kernel_shape=[3, 3], pads=[1] * 4)], {}, "operator AveragePool of a kind"),
        ([node("Reshape", "x", "s")], {"s": numbers(0, 3, -1)}, "operator Reshape of a kind"),
        ([node("Reshape", "x", "s")], {"s": numbers(-1, 3)}, "operator Reshape of a kind"),
        ([node("Flatten", "x", axis=2)], {}, "operator Flatten of a kind"),
        ([node("Concat", "x", "x", axis=2)], {}, "operator Concat of a kind"),
        ([node("Concat", "x", "c", axis=1)], {"c": weights(1, 3, SIDE, SIDE)}, "operator Concat of a kind"),
        ([node("Add", "x", "c")], {"c": weights(2, 3, SIDE, SIDE)}, "operator Add of a kind"),
        ([node("Add", "c", "c")], {"c": weights(1)}, "operator Add of a kind"),
        ([node("Gemm", "x", "w")], {"w": weights(SIDE, 5)}, "operator Gemm of a kind"),
        ([node("Flatten", "x", to="f"), node("Gemm", "f", "w", alpha=2.0)], {"w": weights(192, 5)}, "operator Gemm"),
        ([node("Dropout", "x", "r", "t")], {"r": scalar(0.5), "t": np.array(True)}, "operator Dropout of a kind"),
        ([node("Constant", value_float=1.0)], {}, "operator Constant, which is not known"),
        ([node("Constant", value=numpy_helper.from_array(weights(3)))], {}, "yields nothing that depends on its input"),
        ([node("Relu", "x", to="z")], {}, "yields nothing that depends on its input"),
    ],
)
def test_what_is_not_known_is_refused(nodes: list[Any], constants: Constants, reason: str) -> None:
    with pytest.raises(UnsupportedModelError, match=reason):
        keras_model(model(nodes, constants), SIDE)


def test_what_is_no_model_is_refused() -> None:
    for data in (b"not a model", convolutions()[:-1]):
        with pytest.raises(UnsupportedModelError, match="is not whole"):
            keras_model(data, SIDE)
