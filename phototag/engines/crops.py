"""Many squares of one image, resampled to one size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from phototag.engines.boxes import Corners
from phototag.types import RGB

OUTSIDE = 127.5  #: what lies beyond the image's edge: the networks' zero
BLOCK = 32  #: crops at a time, so that the numbers between stay in the processor's cache

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
Indices: TypeAlias = npt.NDArray[np.intp]


class Sampler:
    """Samples one image bilinearly, as TensorFlow's `crop_and_resize` does."""

    def __init__(self, image: RGB) -> None:
        height, width = image.shape[:2]
        self._height, self._width = height, width
        # Four bytes a pixel, so that one look-up fetches all channels.
        packed = Image.fromarray(image).tobytes("raw", "RGBX")
        self._pixels = np.frombuffer(packed, np.uint32)

    def crops(self, boxes: Corners, size: int) -> Floats:
        """(n, size, size, 3), 0 to 255: a grid from each box's first corner to its last."""
        crops = np.empty((len(boxes), size, size, 3), np.float32)
        for at in range(0, len(boxes), BLOCK):
            crops[at : at + BLOCK] = self._sample(boxes[at : at + BLOCK], size)
        return crops

    def _sample(self, boxes: Corners, size: int) -> Floats:
        across = _places(boxes[:, 0], boxes[:, 2], self._width, size)
        down = _places(boxes[:, 1], boxes[:, 3], self._height, size)
        crops = self._row(down.before, across)
        below = self._row(down.after, across)
        below -= crops
        below *= down.share[:, :, np.newaxis, np.newaxis]
        crops += below
        crops[~(down.inside[:, :, np.newaxis] & across.inside[:, np.newaxis, :])] = OUTSIDE
        return crops[..., :3]

    def _row(self, rows: Indices, across: _Places) -> Floats:
        """Samples that lie exactly in the rows, and between the columns."""
        starts = (rows * self._width)[:, :, np.newaxis]
        row = self._look_up(starts + across.before[:, np.newaxis, :])
        right = self._look_up(starts + across.after[:, np.newaxis, :])
        right -= row
        right *= across.share[:, np.newaxis, :, np.newaxis]
        row += right
        return row

    def _look_up(self, indices: Indices) -> Floats:
        # All four bytes become numbers: picking three of them first takes longer.
        return self._pixels.take(indices).view(np.uint8).reshape(*indices.shape, 4).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Places:
    """Where the samples lie along one axis, (n, size) each.

    Between the pixels `before` and `after`, of which the latter counts for `share`; or not `inside`.
    """

    before: Indices
    after: Indices
    share: Floats
    inside: npt.NDArray[np.bool_]


def _places(first: Floats, last: Floats, length: int, size: int) -> _Places:
    steps = np.linspace(0, 1, size, dtype=np.float32)
    at = (first[:, np.newaxis] + (last - first)[:, np.newaxis] * steps) * ((length - 1) / length)
    inside = (at >= 0) & (at <= length - 1)
    at = np.clip(at, 0, length - 1)
    before = at.astype(np.intp)
    return _Places(before, np.minimum(before + 1, length - 1), (at - before).astype(np.float32), inside)
