"""Turns a Keras model into a LiteRT model; with the networks' builders the only place for TensorFlow."""

from __future__ import annotations

import tempfile
from typing import Any


def to_litert(model: Any) -> bytes:
    """The float32 LiteRT model of a Keras model with one input (its None sides stay free) and one output."""
    import tensorflow as tf

    # By way of a SavedModel, which freezes the variables; `from_keras_model` does the same, but prints.
    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, verbose=False)
        converted: bytes = tf.lite.TFLiteConverter.from_saved_model(folder).convert()
    return converted
