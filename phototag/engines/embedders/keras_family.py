"""Embedders whose network we build in Keras and whose weights the user brings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from phototag.engines.formats.arrays import Arrays, fill, from_npz, to_npz
from phototag.engines.formats.card import Card
from phototag.engines.installation import PreparedWeights, load
from phototag.engines.runtimes.fingerprint import Check, fingerprint, sample_chips
from phototag.engines.runtimes.quiet import quiet
from phototag.engines.runtimes.runner import runner
from phototag.engines.spec import EngineOptions
from phototag.errors import UsageError, WeightsError
from phototag.remedies import AddEngine
from phototag.types import Chips, EngineInfo, Thresholds, Vectors

EXPORTER = 1  #: to be raised whenever the exported bytes change
BATCH = 16  #: chips at a time


@dataclass(frozen=True, slots=True)
class Family:
    """What all embedders of a family have in common.

    `dim`: the length of the vectors, from the arrays; raises WeightsError for one that the family doesn't have.
    `network`: the Keras model for vectors of that length, from preprocessed chips. `preprocess`: from a tensor of uint8
    chips to the network's input. A card may choose another alignment, other thresholds and `flip`.
    """

    name: str
    chip_size: int
    alignment: str
    thresholds: Callable[[int], Thresholds]
    dim: Callable[[Arrays], int]
    network: Callable[[int], Any]
    preprocess: Callable[[Any], Any]


class KerasEmbedder:
    """Embeds chips with a family's network and installed weights. Raises WeightsError for unfit weights."""

    def __init__(self, family: Family, options: EngineOptions) -> None:
        installed = options.installed
        if installed is None:
            raise WeightsError(f"{family.name} has no weights yet", AddEngine(family.name))
        where = str(installed.folder / installed.file)
        arrays = from_npz(load(installed), where)
        dim = family.dim(arrays)
        card = installed.card
        alignment = card.alignment if card else family.alignment
        self._flip = card.flip if card else False
        check = Check(sample_chips(family.chip_size), installed.fingerprint) if installed.fingerprint else None
        self._network = runner(
            f"{family.name}-{installed.sha256[:16]}-{EXPORTER}",
            lambda: model(family, dim, arrays, where),
            options,
            check,
        )
        self.info = EngineInfo(
            kind="embedder",
            name=installed.name,
            weights_sha256=installed.sha256,
            parameters=(
                *((("alignment", alignment),) if alignment != family.alignment else ()),
                ("family", family.name),
                ("mirror", "sum" if self._flip else "none"),
            ),
            dim=dim,
            chip_size=family.chip_size,
            alignment=alignment,
            thresholds=card.thresholds if card else family.thresholds(dim),
        )

    def embed(self, chips: Chips) -> Vectors:
        """One unit vector a chip: the network's output, or its sum with that of the mirror image, normalised.

        Raises WeightsError where the network yields anything but finite numbers.
        """
        vectors = self._run(chips)
        if self._flip:
            vectors = vectors + self._run(chips[:, :, ::-1])
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (np.isfinite(lengths) & (lengths > 0)).all():
            raise WeightsError(f"the network of {self.info.name} yields no vector: its weights can't be used")
        unit: Vectors = vectors / lengths
        return unit

    def _run(self, chips: Chips) -> Vectors:
        batches = [self._network(chips[at : at + BATCH]) for at in range(0, len(chips), BATCH)]
        return np.concatenate([np.empty((0, self.info.dim), np.float32), *batches])


def require_matching_card(family: Family, card: Card | None, dim: int) -> None:
    """Raises UsageError for a card that contradicts the family's network."""
    if card is None:
        return
    fixed = Card(
        input_size=family.chip_size,
        alignment=card.alignment,
        dim=dim,
        thresholds=card.thresholds,
        flip=card.flip,
    )
    if card != fixed:
        raise UsageError(
            f"a card for {family.name} says input_size = {family.chip_size}, dim = {dim}, an alignment, thresholds "
            "and, if wanted, flip: leave out the rest, which the network knows"
        )


def prepare_arrays(family: Family, arrays: Arrays, where: str) -> PreparedWeights:
    """The arrays as an installed engine keeps them, with the network's fingerprint. Raises WeightsError."""
    dim = family.dim(arrays)
    with quiet():
        outputs = model(family, dim, arrays, where)(sample_chips(family.chip_size), training=False).numpy()
    return PreparedWeights(to_npz(arrays), ".npz", dim, fingerprint(outputs))


def model(family: Family, dim: int, arrays: Arrays, where: str) -> Any:
    """The Keras model with its preprocessing, which is exported: uint8 chips (n, size, size, 3) to vectors (n, dim)."""
    import keras

    network = family.network(dim)
    fill(network, arrays, where)
    chips = keras.Input((family.chip_size, family.chip_size, 3), dtype="uint8")
    return keras.Model(chips, network(family.preprocess(chips)))
