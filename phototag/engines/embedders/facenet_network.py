"""FaceNet's Inception-ResNet-v1 (Szegedy et al. 2016) in Keras; its layers are called as in `facenet_keras.h5`."""

from __future__ import annotations

from typing import Any

CHIP_SIZE = 160
EPSILON = 1e-3  #: of the batch normalisation

#: Convolutions one after the other: (name, filters). A name ends in the filter's rows and columns.
Branch = tuple[tuple[str, int], ...]

# fmt: off
RESIDUAL: dict[str, tuple[Branch, ...]] = {
    "Block35": (
        (("Conv2d_1x1", 32),),
        (("Conv2d_0a_1x1", 32), ("Conv2d_0b_3x3", 32)),
        (("Conv2d_0a_1x1", 32), ("Conv2d_0b_3x3", 32), ("Conv2d_0c_3x3", 32)),
    ),
    "Block17": (
        (("Conv2d_1x1", 128),),
        (("Conv2d_0a_1x1", 128), ("Conv2d_0b_1x7", 128), ("Conv2d_0c_7x1", 128)),
    ),
    "Block8": (
        (("Conv2d_1x1", 192),),
        (("Conv2d_0a_1x1", 192), ("Conv2d_0b_1x3", 192), ("Conv2d_0c_3x1", 192)),
    ),
}
#: The last convolution of each branch halves the plane's sides, and so does a pooling beside them.
REDUCTION: dict[str, tuple[Branch, ...]] = {
    "Mixed_6a": (
        (("Conv2d_1a_3x3", 384),),
        (("Conv2d_0a_1x1", 192), ("Conv2d_0b_3x3", 192), ("Conv2d_1a_3x3", 256)),
    ),
    "Mixed_7a": (
        (("Conv2d_0a_1x1", 256), ("Conv2d_1a_3x3", 384)),
        (("Conv2d_0a_1x1", 256), ("Conv2d_1a_3x3", 256)),
        (("Conv2d_0a_1x1", 256), ("Conv2d_0b_3x3", 256), ("Conv2d_1a_3x3", 256)),
    ),
}
# fmt: on


def network(dim: int) -> Any:
    """The Keras model: standardised RGB chips (n, 160, 160, 3) to vectors (n, dim) of any length.

    22,808,144 parameters with 128 numbers a vector.
    """
    import keras
    from keras import layers

    image = keras.Input((CHIP_SIZE, CHIP_SIZE, 3))
    x = _unit(image, "Conv2d_1a_3x3", 32, 2, "valid")
    x = _unit(x, "Conv2d_2a_3x3", 32, 1, "valid")
    x = _unit(x, "Conv2d_2b_3x3", 64)
    x = layers.MaxPooling2D(3, 2)(x)
    x = _unit(x, "Conv2d_3b_1x1", 80)
    x = _unit(x, "Conv2d_4a_3x3", 192, 1, "valid")
    x = _unit(x, "Conv2d_4b_3x3", 256, 2, "valid")
    for number in range(1, 6):
        x = layers.ReLU()(_residual(x, "Block35", number, 0.17))
    x = _reduction(x, "Mixed_6a")
    for number in range(1, 11):
        x = layers.ReLU()(_residual(x, "Block17", number, 0.1))
    x = _reduction(x, "Mixed_7a")
    for number in range(1, 6):
        x = layers.ReLU()(_residual(x, "Block8", number, 0.2))
    x = _residual(x, "Block8", 6, 1.0)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(dim, use_bias=False, name="Bottleneck")(x)
    x = layers.BatchNormalization(epsilon=EPSILON, scale=False, name="Bottleneck_BatchNorm")(x)
    return keras.Model(image, x)


def _residual(x: Any, kind: str, number: int, share: float) -> Any:
    """What the branches see, brought to x's channels by a 1×1 convolution, counts for a share beside x itself."""
    from keras import layers

    name = f"{kind}_{number}"
    branches = [_branch(x, f"{name}_Branch_{index}", branch) for index, branch in enumerate(RESIDUAL[kind])]
    seen = layers.Conv2D(x.shape[-1], 1, name=f"{name}_Conv2d_1x1")(layers.Concatenate()(branches))
    return x + share * seen


def _reduction(x: Any, name: str) -> Any:
    from keras import layers

    halved = []
    for index, (*before, (last, filters)) in enumerate(REDUCTION[name]):
        branch = f"{name}_Branch_{index}"
        halved.append(_unit(_branch(x, branch, tuple(before)), f"{branch}_{last}", filters, 2, "valid"))
    return layers.Concatenate()([*halved, layers.MaxPooling2D(3, 2)(x)])


def _branch(x: Any, name: str, branch: Branch) -> Any:
    for unit, filters in branch:
        x = _unit(x, f"{name}_{unit}", filters)
    return x


def _unit(x: Any, name: str, filters: int, stride: int = 1, padding: str = "same") -> Any:
    """Convolution without bias, batch normalisation, ReLU."""
    from keras import layers

    rows, columns = map(int, name[-3:].split("x"))
    x = layers.Conv2D(filters, (rows, columns), stride, padding, use_bias=False, name=name)(x)
    return layers.ReLU()(layers.BatchNormalization(epsilon=EPSILON, scale=False, name=f"{name}_BatchNorm")(x))
