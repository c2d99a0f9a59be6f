"""Resamples many squares of one image to one size, as the input of a network."""

from __future__ import annotations

from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from phototag.engines.detectors.boxes import Corners
from phototag.types import RGB

OUTSIDE = (127, 127, 127)  #: the colour beyond the image's edge: zero, once normalised

Floats: TypeAlias = npt.NDArray[np.floating[Any]]


def resample_squares(image: RGB, boxes: Corners, size: int) -> Floats:
    """(n, size, size, 3), 0 to 255: each box sampled bilinearly on a grid from its first corner to its last.

    The grid is that of TensorFlow's `crop_and_resize`, which the networks' authors used.
    """
    height, width = image.shape[:2]
    shrink = np.array([(width - 1) / width, (height - 1) / height])
    starts = boxes[:, :2] * shrink
    steps = (boxes[:, 2:] - boxes[:, :2]) * shrink / (size - 1)
    cut = np.empty((len(boxes), size, size, 3), np.uint8)
    matrix = np.zeros((2, 3))
    for target, start, step in zip(cut, starts, steps, strict=True):
        matrix[0, 0], matrix[1, 1] = step
        matrix[:, 2] = start
        cv2.warpAffine(
            image, matrix, (size, size), target,
            cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, cv2.BORDER_CONSTANT, OUTSIDE,
        )  # fmt: skip
    return cut.astype(np.float32)
