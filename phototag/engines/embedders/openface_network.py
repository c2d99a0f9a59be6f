"""OpenFace's nn4.small2 (Amos et al. 2016) in Keras; its layers are called as in the published weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

CHIP_SIZE = 96
DIM = 128
EPSILON = 1e-5  #: of the batch normalisation


@dataclass(frozen=True, slots=True)
class Block:
    """An inception block: side by side two convolutions of 1×1 and 3×3, the like with 5×5, a pooling, and a 1×1.

    `three`, `five`: filters of the two convolutions. `pooled`: filters of the 1×1 after the pooling, whose
    output is brought to size by zeros before and after (`margin`). `stride`: of the 3×3 and the 5×5.
    """

    name: str
    three: tuple[int, int]
    five: tuple[int, int] | None
    pool: Literal["max", "l2"]
    pooled: int | None
    margin: tuple[int, int]
    one: int | None
    stride: int = 1


BLOCKS = (
    Block("3a", (96, 128), (16, 32), "max", 32, (3, 4), 64),
    Block("3b", (96, 128), (32, 64), "l2", 64, (4, 4), 64),
    Block("3c", (128, 256), (32, 64), "max", None, (0, 1), None, stride=2),
    Block("4a", (96, 192), (32, 64), "l2", 128, (2, 2), 256),
    Block("4e", (160, 256), (64, 128), "max", None, (0, 1), None, stride=2),
    Block("5a", (96, 384), None, "l2", 96, (1, 1), 256),
    Block("5b", (96, 384), None, "max", 96, (1, 1), 256),
)


def network() -> Any:
    """The Keras model: RGB chips (n, 96, 96, 3), 0 to 1, to unit vectors (n, 128). 3,743,280 parameters."""
    import keras
    from keras import layers

    image = keras.Input((CHIP_SIZE, CHIP_SIZE, 3))
    x = _unit(image, "conv1", "bn1", 64, 7, 2)
    x = _normalised(_max(_padded(x, (1, 1))))
    x = _unit(x, "conv2", "bn2", 64, 1)
    x = _unit(x, "conv3", "bn3", 192, 3)
    x = _max(_padded(_normalised(x), (1, 1)))
    for block in BLOCKS:
        x = _inception(x, block)
    x = layers.Flatten()(layers.AveragePooling2D(3, 1)(x))
    x = layers.Dense(DIM, name="dense_layer")(x)
    return keras.Model(image, layers.UnitNormalization()(x))


def _inception(x: Any, block: Block) -> Any:
    from keras import layers

    name = f"inception_{block.name}"
    branches = [_pair(x, f"{name}_3x3", block.three, 3, block.stride)]
    if block.five:
        branches.append(_pair(x, f"{name}_5x5", block.five, 5, block.stride))
    y = _max(x) if block.pool == "max" else _l2(x)
    if block.pooled:
        y = _unit(y, f"{name}_pool_conv", f"{name}_pool_bn", block.pooled, 1)
    branches.append(_padded(y, block.margin))
    if block.one:
        branches.append(_unit(x, f"{name}_1x1_conv", f"{name}_1x1_bn", block.one, 1))
    return layers.Concatenate()(branches)


def _pair(x: Any, name: str, filters: tuple[int, int], side: int, stride: int) -> Any:
    x = _unit(x, f"{name}_conv1", f"{name}_bn1", filters[0], 1)
    return _unit(x, f"{name}_conv2", f"{name}_bn2", filters[1], side, stride)


def _unit(x: Any, name: str, norm: str, filters: int, side: int, stride: int = 1) -> Any:
    """Convolution, batch normalisation, ReLU; zeros around the plane, as many as half the filter's side."""
    from keras import layers

    x = layers.Conv2D(filters, side, stride, name=name)(_padded(x, (side // 2, side // 2)))
    return layers.ReLU()(layers.BatchNormalization(epsilon=EPSILON, name=norm)(x))


def _padded(x: Any, margin: tuple[int, int]) -> Any:
    from keras import layers

    return layers.ZeroPadding2D((margin, margin))(x) if any(margin) else x


def _max(x: Any) -> Any:
    from keras import layers

    return layers.MaxPooling2D(3, 2)(x)


def _l2(x: Any) -> Any:
    """The length of each window's 3×3 numbers."""
    from keras import layers, ops

    squares = layers.AveragePooling2D(3, 3)(ops.square(x)) * 9
    # The root's slope at 0 has no end, and the network may be trained.
    return ops.sqrt(ops.maximum(squares, 1e-12))


def _normalised(x: Any) -> Any:
    """Local response normalisation across channels."""
    import tensorflow as tf
    from keras import layers

    return layers.Lambda(lambda x: tf.nn.local_response_normalization(x, depth_radius=5, alpha=1e-4, beta=0.75))(x)
