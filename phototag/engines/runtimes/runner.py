"""Runs a Keras model: exported once and run by LiteRT, or by TensorFlow on a GPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from phototag.engines.runtimes.export import to_litert
from phototag.engines.runtimes.exported import exported
from phototag.engines.runtimes.fingerprint import Check
from phototag.engines.runtimes.litert import LiteRTNetwork
from phototag.engines.runtimes.quiet import quiet
from phototag.engines.spec import EngineOptions
from phototag.errors import UsageError

Run: TypeAlias = Callable[[npt.NDArray[Any]], npt.NDArray[np.float32]]


def runner(
    name: str,
    build: Callable[[], Any],
    options: EngineOptions,
    check: Check | None,
    *,
    batch: int | None = None,
    eight_bit: bool = False,
) -> Run:
    """Runs the Keras model that `build` makes: in TensorFlow if `options` ask for a GPU, else in LiteRT.

    `name`: the export's name in the cache, which must say all that the model depends on. `check`: what an export from
    the cache is checked by. `batch`: samples that LiteRT gets at once. `eight_bit`: in 8-bit numbers (in TensorFlow
    always in float32).

    `auto` means LiteRT: importing TensorFlow takes longer than most runs. Raises UsageError where TensorFlow finds no
    GPU.
    """
    if options.device == "gpu":
        return OnTensorFlow(build, _gpu())

    def export() -> bytes:
        with quiet():
            return to_litert(build(), eight_bit=eight_bit)

    return LiteRTNetwork(exported(f"{name}.tflite", export, check), options.threads, batch)


class OnTensorFlow:
    """A Keras model with one input and one output, both with the batch first, on a device such as `GPU:0`.

    Its numbers are LiteRT's, to 1e-4.
    """

    def __init__(self, build: Callable[[], Any], device: str) -> None:
        with quiet():
            import tensorflow as tf

            # The TensorFloat-32 of newer GPUs keeps three digits: other vectors than a CPU's.
            tf.config.experimental.enable_tensor_float_32_execution(False)
            with tf.device(device):
                model = build()

        def run(samples: Any) -> Any:
            with tf.device(device):
                return model(samples, training=False)

        self._run = tf.function(run, [tf.TensorSpec((None, *model.input.shape[1:]), model.input.dtype)])

    def __call__(self, samples: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """One output for each sample."""
        output: npt.NDArray[np.float32] = self._run(samples).numpy()
        return output


def _gpu() -> str:
    with quiet():
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        raise UsageError(
            "TensorFlow finds no GPU here: leave --device gpu out, or install its CUDA with "
            "`pip install 'tensorflow[and-cuda]'`"
        )
    for gpu in gpus:  # else it takes all of the GPU's memory at once, also from onnxruntime
        tf.config.experimental.set_memory_growth(gpu, True)
    return "GPU:0"
