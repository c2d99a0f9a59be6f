"""The weights of MTCNN's three networks, as arrays, from the files of the mtcnn package.

These files are joblib pickles, which may run code when they are loaded; they never are. Each is pinned by its SHA-256,
so it is known where its arrays begin: float32, little-endian, in C order, at the offsets below in the decompressed
stream.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phototag.errors import WeightsError
from phototag.weights import PackagedWeights

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """One network's weights file: its length when decompressed, and (offset, shape) of each array in it."""

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


def _file(name: str, sha256: str, length: int, *arrays: tuple[int, tuple[int, ...]]) -> WeightsFile:
    return WeightsFile(PackagedWeights("mtcnn", f"assets/weights/{name}.lz4", sha256), length, arrays)


# fmt: off
PNET = _file(
    "pnet", "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5", 27450,
    (240, (3, 3, 3, 10)), (1376, (10,)), (1472, (10,)),
    (1568, (3, 3, 10, 16)), (7376, (16,)), (7504, (16,)),
    (7632, (3, 3, 16, 32)), (26112, (32,)), (26304, (32,)),
    (26496, (1, 1, 32, 4)), (27056, (4,)),
    (27136, (1, 1, 32, 2)), (27440, (2,)),
)
RNET = _file(
    "rnet", "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee", 401770,
    (240, (3, 3, 3, 28)), (3312, (28,)), (3488, (28,)),
    (3664, (3, 3, 28, 48)), (52096, (48,)), (52352, (48,)),
    (52608, (2, 2, 48, 64)), (101808, (64,)), (102128, (64,)),
    (102448, (576, 128)), (397408, (128,)), (397968, (128,)),
    (398528, (128, 4)), (400624, (4,)),
    (400688, (128, 2)), (401760, (2,)),
)
ONET = _file(
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

#: Identifies the three files together.
SHA256 = hashlib.sha256("".join(file.weights.sha256 for file in (PNET, RNET, ONET)).encode()).hexdigest()
