"""Random weights that make a network tell faces apart, and files as Keras wrote them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from phototag.engines.formats.arrays import Arrays


def enliven(model: Any, samples: np.ndarray) -> Arrays:
    """Fill a Keras model with random numbers, and its batch statistics from samples; all its arrays."""
    random = np.random.default_rng(1)
    arrays: Arrays = {}
    for layer in model.layers:
        values = []
        for weight in layer.weights:
            inputs = np.prod(weight.shape[:-1]) if len(weight.shape) > 1 else 100
            centre = 1.0 if weight.name in ("gamma", "moving_variance") else 0.0
            values.append(random.normal(centre, (1 / inputs) ** 0.5, weight.shape).astype(np.float32))
        layer.set_weights(values)
        if hasattr(layer, "momentum"):
            layer.momentum = 0.0
    model(samples, training=True)
    for layer in model.layers:
        arrays |= {f"{layer.name}/{weight.name}": weight.numpy() for weight in layer.weights}
    return arrays


def write_hdf5(path: Path, arrays: Arrays, *, whole_model: bool = False, plain: Sequence[str] = ()) -> Path:
    """Arrays by "layer/weight" as `save_weights` wrote them, or `save`; `plain`: layers without weights."""
    layers: dict[str, list[str]] = {name: [] for name in plain}
    for name in arrays:
        layer, _, weight = name.partition("/")
        layers.setdefault(layer, []).append(weight)
    with h5py.File(path, "w") as file:
        if whole_model:
            file.attrs["model_config"] = b'{"class_name": "Model", "config": {"lambda": "never read"}}'
        root = file.create_group("model_weights") if whole_model else file
        root.attrs["layer_names"] = [layer.encode() for layer in layers]
        root.attrs["backend"] = b"tensorflow"
        for layer, weights in layers.items():
            group = root.create_group(layer)
            group.attrs["weight_names"] = np.array([f"{layer}_1/{weight}:0".encode() for weight in weights], "S99")
            for weight in weights:
                group[f"{layer}_1/{weight}:0"] = arrays[f"{layer}/{weight}"]
    return path
