"""The three networks of MTCNN (Zhang et al. 2016) with the weights of the mtcnn package.

The package's weights are joblib pickles, which may run code when loaded; they never are. Each file
is pinned by its SHA-256, so where its arrays begin is known: float32, little-endian, in C order, at
the offsets below in the decompressed stream. Each network ends in one output, its heads side by side:
the face's logit (of the two class logits only their difference counts), then the numbers it regresses.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from phototag.engines.runtimes.export import to_litert
from phototag.engines.runtimes.quiet import quiet
from phototag.errors import WeightsError
from phototag.weights import PackagedWeights, cached

TILE = (138, 778)  #: rows and columns of what P-Net sees at once: more would not stay in the processor's cache
EXPORTER = 4  #: to be raised whenever the exported bytes change

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Stored:
    """One network's pinned file: its length when decompressed, and (offset, shape) of each array in it."""

    weights: PackagedWeights
    length: int
    arrays: tuple[tuple[int, tuple[int, ...]], ...]

    def read(self) -> list[Floats]:
        """The arrays, in the file's order. Raises WeightsError before anything is read of other bytes."""
        packed = self.weights.load()
        import lz4.frame

        data = lz4.frame.decompress(packed)
        arrays = [
            np.frombuffer(data, "<f4", int(np.prod(shape)), offset).reshape(shape).astype(np.float32)
            for offset, shape in self.arrays
        ]
        if len(data) != self.length or not all(np.isfinite(array).all() for array in arrays):
            raise WeightsError(f"{self.weights.file} does not hold the arrays that phototag expects")
        return arrays


def _stored(name: str, sha256: str, length: int, *arrays: tuple[int, tuple[int, ...]]) -> Stored:
    return Stored(PackagedWeights("mtcnn", f"assets/weights/{name}.lz4", sha256), length, arrays)


# fmt: off
PNET = _stored(
    "pnet", "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5", 27450,
    (240, (3, 3, 3, 10)), (1376, (10,)), (1472, (10,)),
    (1568, (3, 3, 10, 16)), (7376, (16,)), (7504, (16,)),
    (7632, (3, 3, 16, 32)), (26112, (32,)), (26304, (32,)),
    (26496, (1, 1, 32, 4)), (27056, (4,)),
    (27136, (1, 1, 32, 2)), (27440, (2,)),
)
RNET = _stored(
    "rnet", "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee", 401770,
    (240, (3, 3, 3, 28)), (3312, (28,)), (3488, (28,)),
    (3664, (3, 3, 28, 48)), (52096, (48,)), (52352, (48,)),
    (52608, (2, 2, 48, 64)), (101808, (64,)), (102128, (64,)),
    (102448, (576, 128)), (397408, (128,)), (397968, (128,)),
    (398528, (128, 4)), (400624, (4,)),
    (400688, (128, 2)), (401760, (2,)),
)
ONET = _stored(
    "onet", "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3", 1557530,
    (240, (3, 3, 3, 32)), (3744, (32,)), (3936, (32,)),
    (4128, (3, 3, 32, 64)), (77904, (64,)), (78224, (64,)),
    (78544, (3, 3, 64, 64)), (226048, (64,)), (226368, (64,)),
    (226688, (2, 2, 64, 128)), (357808, (128,)), (358384, (128,)),
    (358960, (1152, 256)), (1538656, (256,)), (1539728, (256,)),
    (1540816, (256, 4)), (1544960, (4,)),
    (1545040, (256, 10)), (1555328, (10,)),
    (1555424, (256, 2)), (1557520, (2,)),
)
# fmt: on

#: Stands for the three files together.
SHA256 = hashlib.sha256("".join(stored.weights.sha256 for stored in (PNET, RNET, ONET)).encode()).hexdigest()


def pnet_texture() -> bytes:
    """LiteRT model, P-Net's first half: RGB (1, *TILE, 3) uint8 to (1, rows, columns, 16)."""
    return _cached(PNET, "pnet-texture", _build_pnet_texture)


def pnet_glance() -> bytes:
    """LiteRT model: `pnet_verdict` in 8-bit numbers, half as costly; good enough to tell where a look is worth it."""
    return _cached(PNET, "pnet-glance", _build_pnet_verdict, eight_bit=True)


def pnet_verdict() -> bytes:
    """LiteRT model, its second half: (n, rows, columns, 16) to every other cell of P-Net's output, (n, …, …, 5).

    That is: logit, left, top, right, bottom. The first cell is of the first 3×3 of the input, so that a patch
    of just those yields one cell, and the cell (row, column) has seen the 12×12 pixels from (4·row, 4·column).
    """
    return _cached(PNET, "pnet-verdict", _build_pnet_verdict)


def rnet() -> bytes:
    """LiteRT model: RGB (n, 24, 24, 3) float32, 0 to 255, to (n, 5): logit, left, top, right, bottom."""
    return _cached(RNET, "rnet", _build_rnet, eight_bit=True)


def onet() -> bytes:
    """LiteRT model: RGB (n, 48, 48, 3) float32, 0 to 255, to (n, 15): logit, box as before, five x, five y."""
    return _cached(ONET, "onet", _build_onet)


def _cached(stored: Stored, name: str, build: Any, *, eight_bit: bool = False) -> bytes:
    def export() -> bytes:
        arrays = stored.read()
        with quiet():
            return to_litert(build(_Weights(arrays)), eight_bit=eight_bit)

    return cached(f"mtcnn-{name}-{stored.weights.sha256[:16]}-{EXPORTER}.tflite", export)


class _Weights:
    """Hands out a network's arrays in the file's order, with the layers that they belong to."""

    def __init__(self, arrays: Sequence[Floats]) -> None:
        self._arrays = iter(arrays)

    def skip(self, layers: int) -> None:
        """Passes over so many convolutions."""
        for _ in range(3 * layers):
            next(self._arrays)

    def conv(self, x: Any, stride: int = 1) -> Any:
        """An unpadded convolution and its PReLU."""
        import keras

        kernel, bias, slope = (next(self._arrays) for _ in range(3))
        rows, columns, _, outputs = kernel.shape
        layer = keras.layers.Conv2D(outputs, (rows, columns), stride)
        y = layer(x)
        layer.set_weights([kernel, bias])
        return self._prelu(y, slope)

    def dense(self, x: Any) -> Any:
        """A fully connected layer and its PReLU."""
        import keras

        kernel, bias, slope = (next(self._arrays) for _ in range(3))
        layer = keras.layers.Dense(kernel.shape[1])
        y = layer(x)
        layer.set_weights([kernel, bias])
        return self._prelu(y, slope)

    def heads(self, x: Any) -> Any:
        """What is left: regressions and, last, the two classes. Applied to the last axis, as one matrix."""
        import keras

        arrays = list(self._arrays)
        kernels = [kernel.reshape(kernel.shape[-2:]) for kernel in arrays[0::2]]
        *regressed, classes = zip(kernels, arrays[1::2], strict=True)
        logit = [side[..., 1:] - side[..., :1] for side in classes]
        layer = keras.layers.Dense(1 + sum(len(bias) for _, bias in regressed))
        y = layer(x)
        layer.set_weights([np.concatenate(parts, axis=-1) for parts in zip(logit, *regressed, strict=True)])
        return y

    @staticmethod
    def _prelu(x: Any, slope: Floats) -> Any:
        import keras

        # LiteRT is quicker with a slope for every place than with one that all share; but sides may be free,
        # and P-Net's is, for patches.
        shared = [axis for axis in range(1, len(x.shape)) if x.shape[axis] is None]
        layer = keras.layers.PReLU(shared_axes=[1, 2] if shared else None)
        y = layer(x)
        layer.set_weights([np.broadcast_to(slope, layer.alpha.shape)])
        return y


def _normalised(x: Any) -> Any:
    from keras import ops

    return (ops.cast(x, "float32") - 127.5) / 128


def _build_pnet_texture(weights: _Weights) -> Any:
    import keras

    image = keras.Input((*TILE, 3), batch_size=1, dtype="uint8")
    x = weights.conv(_normalised(image))
    x = keras.layers.MaxPooling2D(2, 2, padding="same")(x)
    return keras.Model(image, weights.conv(x))


def _build_pnet_verdict(weights: _Weights) -> Any:
    import keras

    weights.skip(2)
    texture = keras.Input((None, None, 16))
    return keras.Model(texture, weights.heads(weights.conv(texture, stride=2)))


def _build_rnet(weights: _Weights) -> Any:
    import keras

    crops = keras.Input((24, 24, 3))
    x = weights.conv(_normalised(crops))
    x = keras.layers.MaxPooling2D(3, 2, padding="same")(x)
    x = weights.conv(x)
    x = keras.layers.MaxPooling2D(3, 2)(x)
    x = weights.conv(x)
    return keras.Model(crops, weights.heads(weights.dense(_columns_first(x))))


def _build_onet(weights: _Weights) -> Any:
    import keras

    crops = keras.Input((48, 48, 3))
    x = weights.conv(_normalised(crops))
    x = keras.layers.MaxPooling2D(3, 2, padding="same")(x)
    x = weights.conv(x)
    x = keras.layers.MaxPooling2D(3, 2)(x)
    x = weights.conv(x)
    x = keras.layers.MaxPooling2D(2, 2, padding="same")(x)
    x = weights.conv(x)
    return keras.Model(crops, weights.heads(weights.dense(_columns_first(x))))


def _columns_first(x: Any) -> Any:
    """A plane as one row, column by column: the order in which the weights were trained."""
    import keras

    return keras.layers.Flatten()(keras.layers.Permute((2, 1, 3))(x))
