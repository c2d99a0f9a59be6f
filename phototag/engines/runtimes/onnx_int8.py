"""An ONNX embedder in 8-bit numbers: rebuilt in Keras, exported once, and run by LiteRT."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from phototag.engines.installation import Fingerprint
from phototag.engines.runtimes.export import quantize_weights, to_litert
from phototag.engines.runtimes.exported import exported
from phototag.engines.runtimes.fingerprint import Check
from phototag.engines.runtimes.litert import LiteRTNetwork
from phototag.engines.runtimes.onnx_keras import UnsupportedModelError, keras_model
from phototag.engines.runtimes.quiet import quiet
from phototag.errors import UsageError, WeightsError

Floats: TypeAlias = npt.NDArray[np.float32]
Run: TypeAlias = Callable[[Floats], Floats]  #: samples (n, side, side, 3) to vectors (n, dim)

EXPORTER = 1  #: to be raised whenever the exported bytes change
#: Allowed distance from the model's own vectors, as a share of their length: rebuilt in float32, and in 8-bit numbers.
CLOSE, NEAR = 1e-4, 0.2


def int8_network(
    data: bytes, samples: Floats, reference: Callable[[], Run], expected: Fingerprint, threads: int, where: str
) -> Run:
    """Runs an ONNX model, which must be known to be harmless, in 8-bit numbers.

    It is exported the first time, and the export compared on `samples` with the `reference`, another way to run the
    model. Later the export from the cache is checked by the `expected` outputs for them, where these are known.
    Raises WeightsError for a model that can't be rebuilt or yields other vectors then, UsageError without a package.
    """
    side = samples.shape[1]

    def export() -> bytes:
        try:
            with quiet():
                plain = to_litert(keras_model(data, side))
        except UsageError:
            raise
        except Exception as error:
            reason = error if isinstance(error, UnsupportedModelError) else f"can't be exported ({error})"
            raise _refused(where, f"it {reason}") from error
        short = quantize_weights(plain)
        wanted = reference()(samples)
        for model, far in ((plain, CLOSE), (short, NEAR)):
            off = np.linalg.norm(LiteRTNetwork(model, threads, batch=1)(samples) - wanted, axis=1)
            if not (off <= far * np.linalg.norm(wanted, axis=1)).all():
                raise _refused(where, "its vectors would be others")
        return short

    name = f"onnx-{hashlib.sha256(data).hexdigest()[:16]}-{side}-int8-{EXPORTER}.tflite"
    check = Check(samples, expected, NEAR) if expected else None
    return LiteRTNetwork(exported(name, export, check), threads, batch=1)


def _refused(where: str, reason: str) -> WeightsError:
    return WeightsError(f"{where} can't be run in 8-bit numbers, {reason}: leave `numbers` out of its card")
