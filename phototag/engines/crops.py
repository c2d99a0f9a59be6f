"""Many squares of one image, resampled to one size."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from phototag.engines.boxes import Corners
from phototag.types import RGB

OUTSIDE = 127.5  #: what lies beyond the image's edge: the networks' zero


class Sampler:
    """Samples one image bilinearly, as TensorFlow's `crop_and_resize` does."""

    def __init__(self, image: RGB) -> None:
        height, width = image.shape[:2]
        self._height, self._width = height, width
        # Four bytes a pixel, so that one look-up fetches all channels.
        packed = Image.fromarray(image).tobytes("raw", "RGBX")
        self._pixels = np.frombuffer(packed, np.uint32)

    def crops(self, boxes: Corners, size: int) -> npt.NDArray[np.float32]:
        """(n, size, size, 3), 0 to 255: a grid from each box's first corner to its last."""
        x, right, across, seen_x = _grid(boxes[:, 0], boxes[:, 2], self._width, size)
        y, below, down, seen_y = _grid(boxes[:, 1], boxes[:, 3], self._height, size)
        across, down = across[:, np.newaxis, :, np.newaxis], down[:, :, np.newaxis, np.newaxis]
        upper = self._blend(y, x, right, across)
        lower = self._blend(below, x, right, across)
        crops = upper + (lower - upper) * down
        crops[~(seen_y[:, :, np.newaxis] & seen_x[:, np.newaxis, :])] = OUTSIDE
        return crops

    def _blend(
        self,
        rows: npt.NDArray[np.intp],
        left: npt.NDArray[np.intp],
        right: npt.NDArray[np.intp],
        share: npt.NDArray[np.float32],
    ) -> npt.NDArray[np.float32]:
        starts = (rows * self._width)[:, :, np.newaxis]
        one, two = (self._look_up(starts + columns[:, np.newaxis, :]) for columns in (left, right))
        return one + (two - one) * share

    def _look_up(self, indices: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
        channels = self._pixels[indices].view(np.uint8).reshape(*indices.shape, 4)
        return channels[..., :3].astype(np.float32)


def _grid(
    first: npt.NDArray[np.float32], last: npt.NDArray[np.float32], length: int, size: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Along one axis, (n, size) each: the pixels before and after each sample, the second's share, inside?"""
    steps = np.linspace(0, 1, size, dtype=np.float32)
    at = (first[:, np.newaxis] + (last - first)[:, np.newaxis] * steps) * ((length - 1) / length)
    inside = (at >= 0) & (at <= length - 1)
    at = np.clip(at, 0, length - 1)
    before = at.astype(np.intp)
    return before, np.minimum(before + 1, length - 1), (at - before).astype(np.float32), inside
