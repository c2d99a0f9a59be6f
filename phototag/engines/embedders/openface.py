"""OpenFace's nn4.small2 with the user's weights: the seed of the field, weak beside later networks.

Its authors measured 92.9 % on LFW.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from phototag.engines.embedders import openface_network
from phototag.engines.embedders.keras_family import Family, KerasEmbedder, prepare_arrays, require_matching_card
from phototag.engines.formats.arrays import Arrays, shapes
from phototag.engines.formats.card import Card
from phototag.engines.formats.hdf5 import read_hdf5
from phototag.engines.formats.openface_csv import read_csv
from phototag.engines.installation import PreparedWeights
from phototag.engines.runtimes.quiet import quiet
from phototag.engines.spec import EngineSpec
from phototag.remedies import AddEngine
from phototag.types import Thresholds

#: `same`: the customary 0.7 on this network's vectors; others found the best F1 at a squared distance of 0.56,
#: that is 0.75. The curve: what two equal bell curves would give that are told apart as well as its authors
#: say, even at 0.75. Not measured here, where no published weights could be had.
THRESHOLDS = Thresholds(same=0.7, split=0.68, join=0.62, midpoint=0.75, slope=14.0)


def _dim(arrays: Arrays) -> int:
    return openface_network.DIM


def _network(dim: int) -> Any:
    return openface_network.network()


def _preprocess(chips: Any) -> Any:
    from keras import ops

    return ops.cast(chips, "float32") / 255


FAMILY = Family(
    name="openface",
    chip_size=openface_network.CHIP_SIZE,
    alignment="openface-outer-eyes-nose",
    thresholds=lambda dim: THRESHOLDS,
    dim=_dim,
    network=_network,
    preprocess=_preprocess,
)


def prepare(path: Path, card: Card | None) -> PreparedWeights:
    """The weights in a folder of CSV files or in Keras' HDF5, as arrays. Raises WeightsError, UsageError."""
    require_matching_card(FAMILY, card, openface_network.DIM)
    with quiet():
        expected = shapes(openface_network.network())
    arrays = read_csv(path, expected) if path.is_dir() else read_hdf5(path, lambda found: expected)
    return prepare_arrays(FAMILY, arrays, str(path))


ENGINE = EngineSpec(
    "embedder",
    "openface",
    "OpenFace nn4.small2, 128 numbers a face: weights as CSV files or HDF5",
    partial(KerasEmbedder, FAMILY),
    prepare,
    dim=openface_network.DIM,
    thresholds=THRESHOLDS,
    how=AddEngine("openface", "FOLDER"),
    gpu=True,
)
