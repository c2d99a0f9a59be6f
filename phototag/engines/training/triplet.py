"""Training with the triplet loss, in TensorFlow: steps, embedding samples, and checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from phototag import atomic
from phototag.engines.formats.arrays import Arrays, contents, fill, from_npz, to_npz
from phototag.engines.runtimes.quiet import quiet
from phototag.errors import WeightsError
from phototag.types import Vectors

MARGIN = 0.2  #: α of FaceNet, and of all its descendants
BATCH = 64  #: samples at a time per pass of `embed`

Samples = npt.NDArray[Any]  #: (n, …): vectors, or uint8 chips
Mine = Callable[[Vectors], npt.NDArray[np.int64]]  #: from unit vectors to (m, 3) rows: anchor, positive, negative


@dataclass(frozen=True, slots=True)
class Step:
    """The mean loss of a step's triplets, and how many they were."""

    loss: float
    triplets: int


def triplet_loss(anchors: Any, positives: Any, negatives: Any, margin: float = MARGIN) -> Any:
    """Σ max(0, |a − p|² − |a − n|² + α) over (n, dim) tensors (Schroff, Kalenichenko, Philbin 2015, eq. 3)."""
    import tensorflow as tf

    near = tf.reduce_sum(tf.square(anchors - positives), axis=-1)
    far = tf.reduce_sum(tf.square(anchors - negatives), axis=-1)
    return tf.reduce_sum(tf.maximum(near - far + margin, 0.0))


class Trainer:
    """Trains a Keras network that yields unit vectors, with Adam.

    uint8 samples are scaled to 0 to 1. A step's loss is the mean over its triplets, so that the learning rate
    doesn't depend on how many there are, and what the network's own regularisers add.
    """

    def __init__(self, network: Any, *, margin: float, rate: float) -> None:
        with quiet():
            import keras
            import tensorflow as tf

            tf.config.list_logical_devices()  # which greets, too
            self.network, self.margin = network, margin
            self._adam = keras.optimizers.Adam(rate)
            self._adam.build(network.trainable_variables)

    def step(self, samples: Samples, mine: Mine) -> Step:
        """Learn from the triplets that `mine` finds among the samples as they are seen now."""
        import tensorflow as tf

        with tf.GradientTape() as tape:
            vectors = self.network(_as_floats(samples), training=True)
            rows = mine(vectors.numpy())
            if not len(rows):
                return Step(0.0, 0)
            anchors, positives, negatives = (tf.gather(vectors, column) for column in rows.T)
            loss = triplet_loss(anchors, positives, negatives, self.margin) / len(rows)
            whole = tf.add_n([loss, *self.network.losses])
        variables = self.network.trainable_variables
        self._adam.apply(tape.gradient(whole, variables), variables)
        return Step(float(loss), len(rows))

    def embed(self, samples: Samples) -> Vectors:
        """The unit vector of each sample, as it will be at run time."""
        parts = [
            self.network(_as_floats(samples[at : at + BATCH]), training=False).numpy()
            for at in range(0, len(samples), BATCH)
        ]
        return np.concatenate(parts)

    def weights(self) -> Arrays:
        """Copies of the network's arrays."""
        return contents(self.network)

    def set_weights(self, weights: Arrays, where: str = "the checkpoint") -> None:
        """Put these arrays into the network. Raises WeightsError for those of another network."""
        fill(self.network, weights, where)

    def state(self) -> Arrays:
        """Everything that the next step depends on, as arrays: the network's and Adam's."""
        return add_prefix("now", self.weights()) | {
            f"adam/{number}": np.array(variable.numpy()) for number, variable in enumerate(self._adam.variables)
        }

    def resume(self, state: Arrays, where: str) -> None:
        """Go on from a `state`. Raises WeightsError for that of another network."""
        self.set_weights(strip_prefix("now", state), where)
        for number, variable in enumerate(self._adam.variables):
            array = state.get(f"adam/{number}")
            if array is None or array.shape != tuple(variable.shape):
                raise WeightsError(f"{where} is the checkpoint of another training: remove it, and begin anew")
            variable.assign(array)


def save(path: Path, arrays: Arrays) -> None:
    """Write a checkpoint, whole or not at all: arrays only. Raises OSError."""
    atomic.write_bytes(path, to_npz(arrays))


def load(path: Path) -> Arrays:
    """What `save` saved. Raises WeightsError for anything else."""
    try:
        return from_npz(path.read_bytes(), str(path))
    except OSError as error:
        raise WeightsError(f"{path} can't be read ({error.strerror}): remove it, and begin anew") from error


def strip_prefix(prefix: str, arrays: Arrays) -> Arrays:
    """The arrays of a checkpoint whose names begin with `prefix/`, without it."""
    return {name.removeprefix(f"{prefix}/"): array for name, array in arrays.items() if name.startswith(f"{prefix}/")}


def add_prefix(prefix: str, arrays: Arrays) -> Arrays:
    """The same arrays under names that begin with `prefix/`."""
    return {f"{prefix}/{name}": array for name, array in arrays.items()}


def _as_floats(samples: Samples) -> Samples:
    return samples.astype(np.float32) / 255 if samples.dtype == np.uint8 else samples
