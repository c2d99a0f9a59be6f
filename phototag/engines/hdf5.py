"""Reads the arrays out of Keras' HDF5 files, and nothing else: no model's configuration, no code.

The layout is that of `save_weights` and `save` of Keras 1 and 2 (`.h5`): a group (the root, or
`model_weights` in a file that holds a whole model) with the attribute `layer_names`, and in it a group
for each layer with the attribute `weight_names`, each of which is the path of a dataset.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from phototag.engines.arrays import Arrays, Shapes, check, check_shapes
from phototag.errors import WeightsError

SIGNATURE = b"\x89HDF\r\n\x1a\n"

Rename = Callable[[str], str]


def read_hdf5(path: Path, expect: Callable[[Shapes], Shapes], rename: Rename = str) -> Arrays:
    """The arrays that a network needs, as float32.

    `expect` tells from the shapes that are there the ones that must be; `rename` mends a layer's name.
    Raises WeightsError for anything else than an HDF5 file with these very arrays.
    """
    where = str(path)
    with _opened(path) as file:
        datasets = _datasets(file, rename, where)
        found = {name: tuple(dataset.shape) for name, dataset in datasets.items()}
        expected = expect(found)
        # Shapes first: a small file may claim an array that no memory holds.
        check_shapes(found, expected, where)
        with np.errstate(over="ignore"):
            arrays = {name: dataset[()].astype(np.float32) for name, dataset in datasets.items()}
    check(arrays, expected, where)
    return arrays


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import h5py

    try:
        with path.open("rb") as plain:
            start = plain.read(len(SIGNATURE))
        if start != SIGNATURE:
            raise WeightsError(f"{path} is {_kind(start)}; nothing of it was used: take the weights as HDF5 (.h5)")
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError, MemoryError) as error:
        raise WeightsError(f"{path} can't be read as HDF5 ({error}): take a complete copy") from error


def _kind(start: bytes) -> str:
    if start.startswith(b"\x80"):
        return "a pickle, which may run code when it is read"
    return "a zip archive, not HDF5" if start.startswith(b"PK") else "not HDF5"


def _datasets(file: Any, rename: Rename, where: str) -> dict[str, Any]:
    root = _inside(file, "model_weights", where) if "model_weights" in file else file
    datasets = {}
    for layer in _names(root, "layer_names", where):
        group = _inside(root, layer, where)
        for weight in _names(group, "weight_names", where):
            # As in "conv1/kernel:0": the weight's own name comes last.
            name = f"{rename(layer)}/{weight.rsplit('/')[-1].removesuffix(':0')}"
            dataset = _inside(group, weight, where)
            if not _is_plain(dataset) or name in datasets:
                raise WeightsError(f"{where}: {name} is no plain array of floats; nothing of it was used")
            datasets[name] = dataset
    return datasets


def _names(group: Any, attribute: str, where: str) -> list[str]:
    """The texts of an attribute; Keras cuts one that is too long for HDF5 into numbered parts."""
    parts = [attribute] if attribute in group.attrs else []
    while (part := f"{attribute}{len(parts)}") in group.attrs:
        parts.append(part)
    if not parts:
        raise WeightsError(f"{where} holds no Keras weights (no {attribute}); nothing of it was used")
    names = [name for part in parts for name in np.ravel(group.attrs[part])]
    return [name.decode("utf-8") if isinstance(name, bytes) else str(name) for name in names]


def _inside(group: Any, name: str, where: str) -> Any:
    """What lies under a name in this very file: a link may lead to any other file."""
    import h5py

    at = group
    for step in name.split("/"):
        if not isinstance(at, h5py.Group) or not isinstance(at.get(step, getlink=True), h5py.HardLink):
            raise WeightsError(f"{where}: {name} is missing or lies elsewhere; nothing of it was used")
        at = at[step]
    return at


def _is_plain(dataset: Any) -> bool:
    import h5py

    return (
        isinstance(dataset, h5py.Dataset)
        and dataset.dtype.kind == "f"
        and dataset.shape is not None
        and not dataset.is_virtual
        and dataset.external is None
    )
