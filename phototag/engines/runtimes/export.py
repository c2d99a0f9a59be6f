"""Turns a Keras model into a LiteRT model; with the networks' builders the only place for TensorFlow."""

from __future__ import annotations

import tempfile
from typing import Any

import numpy as np
import numpy.typing as npt

FEWEST = 1024  #: numbers in a filter bank that is worth eight bits


def to_litert(model: Any, *, eight_bit: bool = False) -> bytes:
    """The LiteRT model of a Keras model with one input (its None sides stay free) and one output.

    In float32, or as `in_eight_bits` makes it.
    """
    import tensorflow as tf

    # By way of a SavedModel, which freezes the variables; `from_keras_model` does the same, but prints.
    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, verbose=False)
        converted: bytes = tf.lite.TFLiteConverter.from_saved_model(folder).convert()
    return in_eight_bits(converted) if eight_bit else converted


def in_eight_bits(model: bytes) -> bytes:
    """A LiteRT model with the weights of its convolutions and dense layers in 8 bits, a scale for each filter.

    LiteRT then multiplies in whole numbers: each sample's activations are scaled by what that sample needs, so that no
    calibration is wanted. The numbers are those of TensorFlow's converter, which turns depthwise filters as well; for
    these LiteRT has nothing quick, so that MobileFaceNet would be slower than in float32 (and is twice as fast so).
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    network = schema.ModelT.InitFromPackedBuf(model)
    multiplying = {schema.BuiltinOperator.CONV_2D, schema.BuiltinOperator.FULLY_CONNECTED}
    for graph in network.subgraphs:
        for operator in graph.operators:
            if network.operatorCodes[operator.opcodeIndex].builtinCode not in multiplying:
                continue
            weights = graph.tensors[operator.inputs[1]]
            buffer = network.buffers[weights.buffer]
            if weights.type != schema.TensorType.FLOAT32 or buffer.data is None or len(buffer.data) < 4 * FEWEST:
                continue
            numbers, scales = _eight_bits(buffer.data.view(np.float32).reshape(weights.shape))
            buffer.data = numbers.view(np.uint8).ravel()
            weights.type = schema.TensorType.INT8
            weights.quantization = schema.QuantizationParametersT()
            weights.quantization.scale = scales
            weights.quantization.zeroPoint = np.zeros(len(scales), np.int64)
    builder = flatbuffers.Builder(len(model))
    builder.Finish(network.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _eight_bits(weights: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Whole numbers from -127 to 127, and what one is worth in each filter; the first axis counts filters."""
    filters = weights.reshape(len(weights), -1).astype(np.float64)
    largest = np.abs(filters).max(axis=1, keepdims=True)
    scales = np.where(largest > 0, largest / 127, 1)
    numbers = np.copysign(np.floor(np.abs(filters / scales) + 0.5), filters)
    return numbers.astype(np.int8).reshape(weights.shape), scales[:, 0].astype(np.float32)
