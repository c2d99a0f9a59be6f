"""Reads OpenFace's weights as they were published: a folder with a CSV file for each array.

A file is called after its layer and what it holds: `conv1_w.csv` and `conv1_b.csv` (filters, bias),
`bn1_w`, `_b`, `_m`, `_v` (factor, term, mean, variance), `dense_w`, `dense_b`. It lists the numbers in
Torch's order: filters by (out, in, rows, columns), the dense matrix by (out, in).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from phototag.engines.formats.arrays import Arrays, Shapes, check
from phototag.errors import WeightsError

LETTERS = {
    "kernel": "w",
    "bias": "b",
    "gamma": "w",
    "beta": "b",
    "moving_mean": "m",
    "moving_variance": "v",
}
LONGEST = 40  #: bytes of a number and its comma


def read_csv(folder: Path, expected: Shapes) -> Arrays:
    """The arrays of these shapes in Keras' order. Raises WeightsError for a file that's missing or not as it must be.

    Files that the network does not need are left alone.
    """
    arrays = {name: _array(folder / _file(name), shape) for name, shape in expected.items()}
    check(arrays, expected, str(folder))
    return arrays


def _file(name: str) -> str:
    layer, _, weight = name.partition("/")
    return f"{layer.removesuffix('_layer')}_{LETTERS[weight]}.csv"


def _array(path: Path, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    size = int(np.prod(shape))
    try:
        if path.stat().st_size > LONGEST * (size + 1):
            raise WeightsError(f"{path} holds more than the {size} numbers that belong there; nothing of it was used")
        with np.errstate(over="ignore"):
            numbers = np.array(path.read_text("ascii").replace(",", " ").split(), np.float32)
    except FileNotFoundError as error:
        raise WeightsError(f"{path} is missing: take a complete copy of the folder") from error
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} can't be read as numbers ({error}): take a complete copy of the folder") from error
    if numbers.size != size:
        raise WeightsError(
            f"{path} holds {numbers.size} numbers and must hold {size}: take a complete copy of the folder"
        )
    match shape:
        case (rows, columns, inputs, outputs):
            return np.ascontiguousarray(numbers.reshape(outputs, inputs, rows, columns).transpose(2, 3, 1, 0))
        case (inputs, outputs):
            return np.ascontiguousarray(numbers.reshape(outputs, inputs).T)
    return numbers
