"""MTCNN's three networks (Zhang et al. 2016) in Keras, in the parts that are exported.

Each network ends in one output, its heads side by side: the face's logit (of the two class logits only the difference
counts), then the numbers it regresses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from phototag.engines.detectors import mtcnn_weights
from phototag.engines.detectors.mtcnn_weights import Floats, WeightsFile
from phototag.engines.runtimes.export import to_litert
from phototag.engines.runtimes.exported import exported
from phototag.engines.runtimes.fingerprint import CLOSE, CLOSE_8_BIT, Check, expected, sample_chips
from phototag.engines.runtimes.quiet import quiet

TILE = (138, 778)  #: rows and columns of what P-Net sees at once: more would not stay in the processor's cache
EXPORTER = 4  #: to be raised whenever the exported bytes change


@dataclass(frozen=True, slots=True)
class Part:
    """A network, or a part of one, that is exported: its file's arrays, what builds it, and its 8-bit form."""

    name: str
    file: WeightsFile
    build: Callable[[_Weights], Any]
    inputs: Callable[[], npt.NDArray[Any]]
    eight_bit: bool = False

    def model(self) -> Any:
        """The Keras model. Raises WeightsError."""
        arrays = self.file.read()
        with quiet():
            return self.build(_Weights(arrays))

    def load(self) -> bytes:
        """The LiteRT model. Raises WeightsError."""

        def export() -> bytes:
            model = self.model()
            with quiet():
                return to_litert(model, eight_bit=self.eight_bit)

        tolerance = CLOSE_8_BIT if self.eight_bit else CLOSE
        check = Check(self.inputs(), expected(f"mtcnn-{self.name}"), tolerance)
        return exported(f"mtcnn-{self.name}-{self.file.weights.sha256[:16]}-{EXPORTER}.tflite", export, check)


class _Weights:
    """Builds layers from a network's arrays, in the order of the file."""

    def __init__(self, arrays: Sequence[Floats]) -> None:
        self._arrays = iter(arrays)

    def skip(self, layers: int) -> None:
        """Skip the arrays of so many convolutions."""
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
        """The remaining arrays as one dense layer on the last axis: the logit, then what is regressed."""
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

        # LiteRT is faster with a slope for each position than with a shared one; but where the input's sides are
        # not fixed, as in P-Net's second half, it must be shared.
        shared = [axis for axis in range(1, len(x.shape)) if x.shape[axis] is None]
        layer = keras.layers.PReLU(shared_axes=[1, 2] if shared else None)
        y = layer(x)
        layer.set_weights([np.broadcast_to(slope, layer.alpha.shape)])
        return y


def _normalised(x: Any) -> Any:
    from keras import ops

    return (ops.cast(x, "float32") - 127.5) / 128


def _build_pnet_features(weights: _Weights) -> Any:
    import keras

    image = keras.Input((*TILE, 3), batch_size=1, dtype="uint8")
    x = weights.conv(_normalised(image))
    x = keras.layers.MaxPooling2D(2, 2, padding="same")(x)
    return keras.Model(image, weights.conv(x))


def _build_pnet_cells(weights: _Weights) -> Any:
    import keras

    weights.skip(2)
    features = keras.Input((None, None, 16))
    return keras.Model(features, weights.heads(weights.conv(features, stride=2)))


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
    """A feature map flattened column by column, as the weights expect it."""
    import keras

    return keras.layers.Flatten()(keras.layers.Permute((2, 1, 3))(x))


def _sample_tile() -> npt.NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (1, *TILE, 3), np.uint8)


def _sample_features() -> Floats:
    return np.random.default_rng(0).normal(size=(2, 3, 3, 16)).astype(np.float32)


# (Each name is part of a file's name in the cache.)
#: P-Net's first half: RGB (1, *TILE, 3) uint8 to (1, rows, columns, 16).
PNET_FEATURES = Part("pnet-texture", mtcnn_weights.PNET, _build_pnet_features, _sample_tile)
#: P-Net's second half: (n, rows, columns, 16) to every other cell of P-Net's output, (n, …, …, 5): logit, left, top,
#: right, bottom. The first cell is of the first 3×3 of the input, so that a patch of just those yields one cell, and
#: the cell (row, column) has seen the 12×12 pixels from (4·row, 4·column).
PNET_FINE = Part("pnet-verdict", mtcnn_weights.PNET, _build_pnet_cells, _sample_features)
#: The same in 8-bit numbers, in half of the time: enough to tell which cells deserve the other.
PNET_COARSE = Part("pnet-glance", mtcnn_weights.PNET, _build_pnet_cells, _sample_features, eight_bit=True)
#: RGB (n, 24, 24, 3) float32, 0 to 255, to (n, 5): logit, left, top, right, bottom.
RNET = Part("rnet", mtcnn_weights.RNET, _build_rnet, lambda: sample_chips(24).astype(np.float32), eight_bit=True)
#: RGB (n, 48, 48, 3) float32, 0 to 255, to (n, 15): logit, box as before, five x, five y.
ONET = Part("onet", mtcnn_weights.ONET, _build_onet, lambda: sample_chips(48).astype(np.float32))
PARTS = (PNET_FEATURES, PNET_FINE, PNET_COARSE, RNET, ONET)
