"""Turns a Keras model into a LiteRT model; with the networks' builders the only place for TensorFlow."""

from __future__ import annotations

import tempfile
from typing import Any


def to_litert(model: Any, *, eight_bit: bool = False) -> bytes:
    """The LiteRT model of a Keras model with one input (its None sides stay free) and one output.

    In float32, or with `eight_bit` weights, a scale for each filter, by which LiteRT multiplies in whole numbers:
    each sample's activations are scaled by what that sample needs, so that no calibration is wanted.
    """
    import tensorflow as tf

    # By way of a SavedModel, which freezes the variables; `from_keras_model` does the same, but prints.
    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if eight_bit:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converted: bytes = converter.convert()
    return converted
