"""A Keras network's weights as named arrays: checked, kept in one file, put into the network."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from phototag.errors import WeightsError

Arrays: TypeAlias = dict[str, npt.NDArray[np.float32]]  #: by "layer/weight", as in "conv1/kernel"
Shapes: TypeAlias = dict[str, tuple[int, ...]]


def shapes(model: Any) -> Shapes:
    """The shape of every weight that a Keras model has."""
    return {_name(layer, weight): tuple(weight.shape) for layer in model.layers for weight in layer.weights}


def fill(model: Any, arrays: Arrays, where: str) -> None:
    """Put arrays into a Keras model. Raises WeightsError, naming the weights' origin, for any that don't fit it."""
    check(arrays, shapes(model), where)
    for layer in model.layers:
        if layer.weights:
            layer.set_weights([arrays[_name(layer, weight)] for weight in layer.weights])


def contents(model: Any) -> Arrays:
    """Copies of all arrays of a Keras model."""
    return {_name(layer, weight): np.array(weight.numpy()) for layer in model.layers for weight in layer.weights}


def check(arrays: Arrays, expected: Shapes, where: str) -> None:
    """Raises WeightsError unless the arrays are those expected, and numbers that a network can count with."""
    check_shapes({name: array.shape for name, array in arrays.items()}, expected, where)
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise WeightsError(f"{where}: {name} holds numbers that are not finite; nothing of it was used")
        if name.endswith("/moving_variance") and (array < 0).any():
            raise WeightsError(f"{where}: {name} holds variances below 0; nothing of it was used")


def check_shapes(found: Mapping[str, tuple[int, ...]], expected: Shapes, where: str) -> None:
    """Raises WeightsError unless these very arrays are expected."""
    if missing := expected.keys() - found.keys():
        more = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise WeightsError(f"{where}: {min(missing)} is missing{more}: take a complete copy")
    if strange := found.keys() - expected.keys():
        raise WeightsError(f"{where}: {min(strange)} belongs to another network; nothing of it was used")
    for name, shape in expected.items():
        if found[name] != shape:
            raise WeightsError(f"{where}: {name} is {_times(found[name])} and must be {_times(shape)}")


def to_npz(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """The arrays as an .npz file, always the same bytes for the same arrays (`np.savez` writes the time too)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name in sorted(arrays):
            with file.open(zipfile.ZipInfo(f"{name}.npy"), "w") as member:
                np.lib.format.write_array(member, np.asarray(arrays[name], order="C"), allow_pickle=False)
    return buffer.getvalue()


def from_npz(data: bytes, where: str) -> Arrays:
    """What `to_npz` packed. Raises WeightsError for anything else."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            return {name: file[name].astype(np.float32) for name in file.files}
    except (OSError, EOFError, ValueError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{where} holds no arrays ({error}); nothing of it was used: add it again") from error


def _name(layer: Any, weight: Any) -> str:
    return f"{layer.name}/{weight.name}"


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "a single number"
