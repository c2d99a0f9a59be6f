"""FaceNet's Inception-ResNet-v1 with the user's weights."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

from phototag.engines.embedders import facenet_network
from phototag.engines.embedders.keras_family import Family, KerasEmbedder, prepare_arrays, require_matching_card
from phototag.engines.formats.arrays import Arrays, Shapes, shapes
from phototag.engines.formats.card import Card
from phototag.engines.formats.hdf5 import read_hdf5
from phototag.engines.installation import PreparedWeights
from phototag.engines.runtimes.quiet import quiet
from phototag.engines.spec import EngineSpec
from phototag.errors import WeightsError
from phototag.remedies import AddEngine
from phototag.types import Thresholds

LAST = "Bottleneck/kernel"

#: By the vectors' length, for the two sets of weights that went round: `same` as in deepface, which tuned it;
#: the rest scaled after it. Not measured here, where no published weights could be had.
THRESHOLDS = {
    128: Thresholds(same=0.80, split=0.80, join=0.72, midpoint=0.88, slope=20.0),
    512: Thresholds(same=1.04, split=1.00, join=0.90, midpoint=1.08, slope=20.0),
}


def _dim(arrays: Arrays) -> int:
    return _dim_of({name: array.shape for name, array in arrays.items()})


def _dim_of(found: Shapes) -> int:
    dim = found.get(LAST, (0,))[-1]
    if dim not in THRESHOLDS:
        raise WeightsError(f"FaceNet's last layer (Bottleneck) yields 128 or 512 numbers, and not {dim} as here")
    return dim


def _network(dim: int) -> Any:
    return facenet_network.network(dim)


def _preprocess(chips: Any) -> Any:
    """Each chip with zero mean and unit variance over all its pixels and channels; a flat one becomes zero."""
    from keras import ops

    pixels = ops.cast(chips, "float32")
    pixels = pixels - ops.mean(pixels, axis=(1, 2, 3), keepdims=True)
    deviation = ops.sqrt(ops.mean(ops.square(pixels), axis=(1, 2, 3), keepdims=True))
    # As TensorFlow's per_image_standardization: no image is amplified without end.
    return pixels / ops.maximum(deviation, 1 / (facenet_network.CHIP_SIZE * 3**0.5))


FAMILY = Family(
    name="facenet",
    chip_size=facenet_network.CHIP_SIZE,
    alignment="box-160",
    thresholds=THRESHOLDS.__getitem__,
    dim=_dim,
    network=_network,
    preprocess=_preprocess,
)


def prepare(path: Path, card: Card | None) -> PreparedWeights:
    """The weights in a Keras HDF5 file, with or without the whole model, as arrays. Raises WeightsError, UsageError."""
    arrays = read_hdf5(path, _expected, _renamed)
    dim = _dim(arrays)
    require_matching_card(FAMILY, card, dim)
    return prepare_arrays(FAMILY, arrays, str(path))


def _expected(found: Shapes) -> Shapes:
    with quiet():
        return shapes(facenet_network.network(_dim_of(found)))


def _renamed(layer: str) -> str:
    """deepface calls the second branch after its block's number: Block17_4_Branch_4_… is Block17_4_Branch_1_…."""
    return re.sub(r"^(Block(?:17|8)_\d+_Branch)_[1-9]\d*_", r"\1_1_", layer)


ENGINE = EngineSpec(
    "embedder",
    "facenet",
    "FaceNet Inception-ResNet-v1, 128 or 512 numbers a face: weights as HDF5",
    partial(KerasEmbedder, FAMILY),
    prepare,
    thresholds=THRESHOLDS,
    how=AddEngine("facenet", "FILE.h5"),
    gpu=True,
)
