"""Networks that `phototag train-embedder` can train, and the files that they are installed from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phototag import extras
from phototag.engines import installation
from phototag.engines.embedders import openface, openface_network, projection
from phototag.engines.formats import hdf5
from phototag.engines.formats.arrays import Arrays, fill, from_npz
from phototag.engines.formats.card import Card
from phototag.engines.formats.hdf5 import write_hdf5
from phototag.engines.runtimes.quiet import quiet
from phototag.errors import UsageError
from phototag.remedies import Show
from phototag.types import EngineInfo, Thresholds, Vectors

PROJECTION, NN4 = "projection", "nn4.small2"
NETWORKS = (PROJECTION, NN4)


@dataclass(frozen=True, slots=True)
class Trainable:
    """A network to be trained.

    `chip_size`, `alignment`: of the chips that it, or the embedder below it, sees. `on_vectors`: it learns from that
    embedder's vectors, else from chips. `network`: makes the Keras model, given the plain vectors of the faces that it
    will learn from. `file`: the weights file's name, which `write` writes; with `card` it is what the `family` takes.
    `rate`: Adam's learning rate, if nobody says otherwise.
    """

    family: str
    chip_size: int
    alignment: str
    on_vectors: bool
    network: Callable[[Vectors], Any]
    file: str
    write: Callable[[Path, Arrays], None]
    card: Callable[[Thresholds], Card]
    rate: float


def trainable(network: str, base: EngineInfo, start: str | None = None) -> Trainable:
    """The network called `network`. `base`: the embedder of the vectors that a projection maps.

    `start`: an engine of the family openface whose weights nn4.small2 begins with, instead of random ones. Raises
    UsageError, WeightsError.
    """
    if network == PROJECTION:
        if start is not None:
            raise UsageError("--start is for --network nn4.small2: a projection begins with the vectors as they are")
        return Trainable(
            family=projection.NAME,
            chip_size=base.chip_size,
            alignment=base.alignment,
            on_vectors=True,
            network=projection.network,
            file="weights.npz",
            write=lambda path, weights: _write(path, projection.packed(base, weights)),
            card=lambda thresholds: projection.card(base, thresholds),
            rate=projection.RATE,
        )
    extras.require(f"--network {NN4}", hdf5.PACKAGE)
    family = openface.FAMILY
    return Trainable(
        family=family.name,
        chip_size=family.chip_size,
        alignment=family.alignment,
        on_vectors=False,
        network=lambda vectors: _nn4(start),
        file="weights.h5",
        write=write_hdf5,
        card=lambda thresholds: Card(family.chip_size, family.alignment, openface_network.DIM, thresholds),
        # Weights that are good already are changed as slowly as those who trained them on did it.
        rate=1e-3 if start is None else 5e-6,
    )


def _nn4(start: str | None) -> Any:
    with quiet():
        network = openface_network.network()
    if start is not None:
        found = installation.find(start)
        if found is None or found.family != openface.FAMILY.name:
            raise UsageError(f"{start} is no engine of the family openface", Show("engines"))
        where = str(found.folder / found.file)
        fill(network, from_npz(installation.load(found), where), where)
    return network


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
