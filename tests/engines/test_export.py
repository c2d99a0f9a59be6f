"""Exports in 8-bit numbers: those of TensorFlow's converter, but for depthwise convolutions."""

from __future__ import annotations

import tempfile
from typing import Any

import numpy as np
import pytest

from phototag.engines.runtimes.export import quantize_weights, to_litert
from phototag.engines.runtimes.litert import LiteRTNetwork


@pytest.fixture(scope="module")
def keras_model() -> Any:
    """Two convolutions, one of a filter that is nothing but zeros, a depthwise one, a dense layer."""
    import keras

    keras.utils.set_random_seed(1)
    image = x = keras.Input((16, 16, 3))
    for layer in (
        keras.layers.Conv2D(128, 3, activation="relu"),
        keras.layers.DepthwiseConv2D(3),
        keras.layers.Conv2D(32, 1),
        keras.layers.Flatten(),
        keras.layers.Dense(10),
    ):
        x = layer(x)
    model = keras.Model(image, x)
    kernel, bias = model.layers[1].get_weights()
    kernel[..., 5] = 0
    model.layers[1].set_weights([kernel, bias])
    return model


def eight_bit_weights(data: bytes) -> dict[tuple[int, ...], Any]:
    """The weights kept in 8 bits, by shape."""
    from ai_edge_litert import schema_py_generated as schema

    network = schema.ModelT.InitFromPackedBuf(data)
    return {
        tuple(tensor.shape): network.buffers[tensor.buffer].data.view(np.int8).reshape(tensor.shape)
        for tensor in network.subgraphs[0].tensors
        if tensor.type == schema.TensorType.INT8
    }


def by_the_converter(model: Any) -> bytes:
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converted: bytes = converter.convert()
    return converted


def test_the_numbers_are_those_of_the_converter(keras_model: Any) -> None:
    ours, theirs = (
        eight_bit_weights(to_litert(keras_model, eight_bit=True)),
        eight_bit_weights(by_the_converter(keras_model)),
    )
    depthwise = (1, 3, 3, 128)
    assert theirs.keys() - ours.keys() == {depthwise}
    assert ours.keys() == {(128, 3, 3, 3), (32, 1, 1, 128), (10, 32 * 12 * 12)}
    assert all(np.array_equal(numbers, theirs[shape]) for shape, numbers in ours.items())


def test_samples_are_near_and_alone_in_their_batch(keras_model: Any) -> None:
    plain = to_litert(keras_model)
    samples = np.random.default_rng(0).normal(size=(4, 16, 16, 3)).astype(np.float32)
    samples[1] *= 100  # what one sample needs is nothing to the others
    exact, near = LiteRTNetwork(plain, 1)(samples), LiteRTNetwork(quantize_weights(plain), 1)(samples)
    off = np.linalg.norm(near - exact, axis=1) / np.linalg.norm(exact, axis=1)
    assert 0 < off.min() <= off.max() < 0.03
    alone = LiteRTNetwork(quantize_weights(plain), 1, batch=1)(samples)
    assert np.allclose(alone, near, rtol=0, atol=1e-5 * np.abs(near).max())
