"""Chips cut by a transform that lays a face's points on a template."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import PIL.Image

from phototag.types import RGB

Points: TypeAlias = npt.NDArray[np.float64]  #: (n, 2): x and y in pixels, of pixels' centres
Matrix: TypeAlias = npt.NDArray[np.float64]  #: (2, 3): a linear map and a shift


def similarity(points: Points, others: Points) -> Matrix:
    """The turn, scale and shift, without mirroring, that bring points nearest to others (Umeyama 1991).

    Points that tell neither turn nor scale are brought to the others' mean as they are.
    """
    mean, other_mean = points.mean(axis=0), others.mean(axis=0)
    here, there = points - mean, others - other_mean
    # In the plane, Umeyama's singular values come down to one complex quotient.
    z, w = here @ (1, 1j), there @ (1, 1j)
    spread = float(np.vdot(z, z).real)
    quotient = np.vdot(z, w) / spread if spread > 0 else 0
    if abs(quotient) < 1e-6:
        quotient = 1
    turn = np.array([[quotient.real, -quotient.imag], [quotient.imag, quotient.real]])
    return np.column_stack([turn, other_mean - turn @ mean])


def affine(points: Points, others: Points) -> Matrix:
    """The linear map and shift that bring three points to three others.

    Three points on one line tell no such map: they are brought as near as a turn, a scale and a shift can.
    """
    sides, other_sides = points[1:] - points[0], others[1:] - others[0]
    if abs(np.linalg.det(sides)) < 1:  # twice the triangle's area, in pixels
        return similarity(points, others)
    turn = np.linalg.solve(sides, other_sides).T
    return np.column_stack([turn, others[0] - turn @ points[0]])


def warp(image: RGB, matrix: Matrix, size: int) -> RGB:
    """The square of `size` pixels that `matrix` maps the image to, bilinear; black outside the image.

    Where the image is more than twice as fine as the chip it is averaged first, so that nothing flickers.
    """
    turn, shift = matrix[:, :2], matrix[:, 2]
    back = np.linalg.inv(turn)
    # Edges, not centres, from here on: a pixel's centre lies half a pixel from its edge.
    corners = (np.array([(0, 0), (size, 0), (0, size), (size, size)]) - 0.5 - shift) @ back.T + 0.5
    height, width = image.shape[:2]
    fine = max(1, math.floor(math.sqrt(abs(np.linalg.det(back)))))
    left, top = (max(0, math.floor(low) - fine) for low in corners.min(axis=0))
    right, bottom = (
        min(side, math.ceil(high) + fine) for side, high in zip((width, height), corners.max(axis=0), strict=True)
    )
    if right <= left or bottom <= top:
        return np.zeros((size, size, 3), np.uint8)
    part = PIL.Image.fromarray(np.ascontiguousarray(image[top:bottom, left:right])).reduce(fine)
    origin = (corners[0] - (left, top)) / fine
    (a, b), (c, d) = back / fine
    chip = part.transform(
        (size, size),
        PIL.Image.Transform.AFFINE,
        (a, b, origin[0], c, d, origin[1]),
        PIL.Image.Resampling.BILINEAR,
    )
    return np.asarray(chip)
