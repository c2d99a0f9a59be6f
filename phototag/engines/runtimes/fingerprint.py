"""What a network yields for fixed inputs: tells whether an exported network is the one that its weights make.

The cache of exported networks may be written by anybody who can write to the folder, so its own hashes prove nothing.
The expected outputs come from elsewhere: for networks whose weights are pinned from `fingerprints.json` in this
package, for the user's weights from the installed engine's folder, written when they were added.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from phototag.engines.installation import Fingerprint
from phototag.types import Chips

Floats: TypeAlias = npt.NDArray[np.float32]

NUMBERS = 64  #: of each output, at most
#: Allowed distance from the expected outputs, as a share of their length. Measured for each network: within 5e-6 in
#: float32 and within .03 in 8-bit numbers.
CLOSE, CLOSE_8_BIT = 1e-3, 0.1
EXPECTED = Path(__file__).with_name("fingerprints.json")


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """Inputs of a network, and what it must yield for them, within `tolerance`."""

    inputs: npt.NDArray[Any]
    expected: Fingerprint
    tolerance: float = CLOSE

    def passes(self, run: Callable[[npt.NDArray[Any]], Floats]) -> bool:
        """Whether a network yields what it must. False also for one that can't be run on the inputs."""
        try:
            found = np.array(fingerprint(run(self.inputs)))
        except (ValueError, RuntimeError):
            return False
        expected = np.array(self.expected)
        if found.shape != expected.shape or not np.isfinite(found).all():
            return False
        distances = np.linalg.norm(found - expected, axis=1)
        return bool((distances <= self.tolerance * np.linalg.norm(expected, axis=1)).all())


def fingerprint(outputs: Floats) -> Fingerprint:
    """Numbers from all over each output, to six digits."""
    rows = outputs.reshape(len(outputs), -1)
    columns = np.linspace(0, rows.shape[1] - 1, min(NUMBERS, rows.shape[1])).round().astype(int)
    return tuple(tuple(float(f"{number:.6g}") for number in row) for row in rows[:, columns])


@cache
def expected(name: str) -> Fingerprint:
    """The fingerprint of a network whose weights are pinned, as `benchmarks/fingerprints.py` wrote it.

    It is of TensorFlow's output in float32.
    """
    return tuple(tuple(row) for row in json.loads(EXPECTED.read_text("utf-8"))[name])


def sample_chips(side: int, count: int = 2) -> Chips:
    """Up to three chips of random colours that run into each other, from fine to coarse: (count, side, side, 3)."""
    random = np.random.default_rng(0)
    grids = [random.integers(0, 256, (cells, cells, 3), np.uint8) for cells in (3, 9, 27)]
    return np.stack([cv2.resize(grid, (side, side), interpolation=cv2.INTER_LINEAR) for grid in grids[::-1][:count]])
