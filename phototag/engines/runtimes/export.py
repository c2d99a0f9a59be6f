"""Exports a Keras model to LiteRT, in float32 or with 8-bit weights."""

from __future__ import annotations

import tempfile
from typing import Any

import numpy as np
import numpy.typing as npt

MIN_WEIGHTS = 1024  #: smaller filter banks stay in float32


def to_litert(model: Any, *, eight_bit: bool = False) -> bytes:
    """The LiteRT model of a Keras model with one input and one output; sides that are None stay variable.

    `eight_bit`: with 8-bit weights, see `quantize_weights`.
    """
    import tensorflow as tf

    # By way of a SavedModel, which freezes the variables; `from_keras_model` does the same, but prints.
    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, verbose=False)
        converted: bytes = tf.lite.TFLiteConverter.from_saved_model(folder).convert()
    return quantize_weights(converted) if eight_bit else converted


def quantize_weights(model: bytes) -> bytes:
    """A LiteRT model with 8-bit weights in its convolutions and dense layers, and one scale per filter.

    LiteRT then multiplies 8-bit integers and scales the activations of each sample by that sample's range (dynamic
    quantisation), so that no calibration is needed. The weights are those of TensorFlow's converter, except that
    depthwise convolutions stay in float32: LiteRT has no fast 8-bit kernel for them. MobileFaceNet is twice as fast so,
    and slower than in float32 with them.
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
            if weights.type != schema.TensorType.FLOAT32 or buffer.data is None or len(buffer.data) < 4 * MIN_WEIGHTS:
                continue
            numbers, scales = _quantized(buffer.data.view(np.float32).reshape(weights.shape))
            buffer.data = numbers.view(np.uint8).ravel()
            weights.type = schema.TensorType.INT8
            weights.quantization = schema.QuantizationParametersT()
            weights.quantization.scale = scales
            weights.quantization.zeroPoint = np.zeros(len(scales), np.int64)
    builder = flatbuffers.Builder(len(model))
    builder.Finish(network.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _quantized(weights: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Weights as integers from -127 to 127, and the scale of each filter; the first axis counts filters."""
    filters = weights.reshape(len(weights), -1).astype(np.float64)
    largest = np.abs(filters).max(axis=1, keepdims=True)
    scales = np.where(largest > 0, largest / 127, 1)
    numbers = np.copysign(np.floor(np.abs(filters / scales) + 0.5), filters)
    return numbers.astype(np.int8).reshape(weights.shape), scales[:, 0].astype(np.float32)
