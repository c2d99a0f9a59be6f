"""Reads the arrays out of Keras' HDF5 files, and nothing else: no model's configuration, no code.

The layout is that of `save_weights` and `save` of Keras 1 and 2 (`.h5`): a group (the root, or
`model_weights` in a file that holds a whole model) with the attribute `layer_names`, and in it a group
for each layer with the attribute `weight_names`, each of which is the path of a dataset.

A damaged file can hang HDF5's library or make it fall over (of files with a few bytes changed about one
in a thousand does), so that it works in a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from phototag import extras
from phototag.engines.formats.arrays import Arrays, Shapes, check, check_shapes
from phototag.engines.formats.unsafe import unsafe_kind
from phototag.engines.runtimes.isolated import isolated_process, receive
from phototag.errors import WeightsError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
PACKAGE = "h5py"
LIBRARY = "HDF5's library"  #: as messages call it


def read_hdf5(path: Path, expect: Callable[[Shapes], Shapes], rename: Callable[[str], str] = str) -> Arrays:
    """The arrays that a network needs, as float32.

    `expect` tells from the shapes that are there the ones that must be; `rename` mends a layer's name.
    Raises WeightsError for anything else than an HDF5 file with these very arrays, UsageError without h5py.
    """
    where = str(path)
    _check_kind(path)
    extras.require(f"reading {where}", PACKAGE)
    with isolated_process(_serve, where) as connection:
        theirs: Shapes = receive(connection, where, LIBRARY)
        names = {_renamed(name, rename): name for name in theirs}
        if len(names) < len(theirs):
            raise WeightsError(f"{where} has two layers of one name; nothing of it was used")
        found = {name: theirs[own] for name, own in names.items()}
        expected = expect(found)
        # Shapes first: a small file may claim an array that no memory holds.
        check_shapes(found, expected, where)
        arrays: Arrays = {}
        for name, own in names.items():
            connection.send(own)
            arrays[name] = receive(connection, where, LIBRARY)
    check(arrays, expected, where)
    return arrays


def write_hdf5(path: Path, arrays: Arrays) -> None:
    """Arrays by "layer/weight", in the layout of Keras 2's `save_weights`. Raises OSError."""
    import h5py

    layers: dict[str, list[str]] = {}
    for name in arrays:
        layer, _, weight = name.rpartition("/")
        layers.setdefault(layer, []).append(weight)
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.encode() for layer in layers]
        for layer, weights in layers.items():
            group = file.create_group(layer)
            group.attrs["weight_names"] = [f"{layer}/{weight}:0".encode() for weight in weights]
            for weight in weights:
                group[f"{layer}/{weight}:0"] = arrays[f"{layer}/{weight}"]


def _check_kind(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(len(SIGNATURE))
    except OSError as error:
        raise WeightsError(f"{path} can't be read ({error.strerror}): give a file that can be") from error
    if start != SIGNATURE:
        kind = unsafe_kind(start) or "not HDF5"
        raise WeightsError(f"{path} is {kind}; nothing of it was used: take the weights as HDF5 (.h5)")


def _renamed(name: str, rename: Callable[[str], str]) -> str:
    layer, _, weight = name.rpartition("/")
    return f"{rename(layer)}/{weight}"


def _serve(where: str, connection: Connection) -> None:
    """Sends the shape of every dataset, then each dataset that is asked for by name, or a refusal."""
    import h5py

    try:
        with h5py.File(where, "r") as file:
            datasets = _datasets(file, where)
            connection.send({name: tuple(dataset.shape) for name, dataset in datasets.items()})
            while True:
                array = datasets[connection.recv()][()]
                with np.errstate(over="ignore"):
                    connection.send(array.astype(np.float32))
    except EOFError:
        pass  # nothing more is asked
    except WeightsError as error:
        connection.send(error)
    except Exception as error:  # h5py lets through whatever HDF5 and NumPy find wrong
        connection.send(WeightsError(f"{where} can't be read as HDF5 ({error}): take a sound copy"))
    finally:
        connection.close()


def _datasets(file: Any, where: str) -> dict[str, Any]:
    """The datasets by "layer/weight"."""
    root = _inside(file, "model_weights", where) if "model_weights" in file else file
    datasets = {}
    for layer in _names(root, "layer_names", where):
        group = _inside(root, layer, where)
        for weight in _names(group, "weight_names", where):
            # As in "conv1/kernel:0": the weight's own name comes last.
            name = f"{layer}/{weight.rsplit('/')[-1].removesuffix(':0')}"
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
