"""Writes what the networks with pinned weights yield for fixed inputs, by which exports from the cache are checked.

    python benchmarks/fingerprints.py

The outputs are TensorFlow's, in float32. Run it when such a network or its weights change. It also prints how far
LiteRT's outputs, in float32 and in 8-bit numbers, are from them, as shares of their length.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from phototag.engines.detectors import mtcnn_networks
from phototag.engines.embedders import dlib_resnet
from phototag.engines.installation import Fingerprint
from phototag.engines.runtimes.export import to_litert
from phototag.engines.runtimes.fingerprint import EXPECTED, fingerprint, sample_chips
from phototag.engines.runtimes.litert import LiteRTNetwork
from phototag.engines.runtimes.quiet import quiet


def networks() -> dict[str, tuple[Any, npt.NDArray[Any]]]:
    """By name: the Keras model, and its inputs."""
    parts = {f"mtcnn-{part.name}": (part.model(), part.inputs()) for part in mtcnn_networks.PARTS}
    return {"dlib-resnet": (dlib_resnet.model(), sample_chips(dlib_resnet.CHIP_SIZE)), **parts}


def main() -> int:
    fingerprints: dict[str, Fingerprint] = {}
    for name, (model, inputs) in networks().items():
        with quiet():
            fingerprints[name] = fingerprint(model(inputs, training=False).numpy())
            exports = {"float32": to_litert(model), "8-bit": to_litert(model, eight_bit=True)}
        whole = np.array(fingerprints[name])
        for kind, data in exports.items():
            off = np.linalg.norm(np.array(fingerprint(LiteRTNetwork(data, 1)(inputs))) - whole, axis=1)
            shares = off / np.linalg.norm(whole, axis=1)
            print(f"{name}, {kind}: {', '.join(f'{share:.1e}' for share in shares)}")
    lines = [f'  "{name}": {json.dumps(rows)}' for name, rows in sorted(fingerprints.items())]
    EXPECTED.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
