"""Rectangles by the thousand: arrays (n, 4) of left, top, right, bottom in pixels."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from phototag.types import Box

Corners: TypeAlias = npt.NDArray[np.float32]  #: (n, 4)
Scores: TypeAlias = npt.NDArray[np.float32]  #: (n,)


def overlap(boxes: Corners, others: Corners, over: Literal["union", "smaller"]) -> npt.NDArray[np.float32]:
    """(n, m): each pair's common area over its union, or over the smaller of the two."""
    corner = np.maximum(boxes[:, np.newaxis, :2], others[:, :2])
    sides = np.minimum(boxes[:, np.newaxis, 2:], others[:, 2:]) - corner
    common = np.prod(np.maximum(sides, 0), axis=2)
    area, other_area = _area(boxes)[:, np.newaxis], _area(others)
    whole = area + other_area - common if over == "union" else np.minimum(area, other_area)
    share: npt.NDArray[np.float32] = np.divide(common, whole, out=np.zeros_like(common), where=whole > 0)
    return share


def suppress(
    boxes: Corners, scores: Scores, threshold: float, over: Literal["union", "smaller"] = "union"
) -> npt.NDArray[np.intp]:
    """Non-maximum suppression: indices of the boxes that stay, best score first.

    The best box stays, those that overlap it by more than `threshold` go, and so on with the rest.
    """
    order = np.argsort(-scores, kind="stable")
    kept = []
    while order.size:
        best, order = order[0], order[1:]
        kept.append(best)
        order = order[overlap(boxes[best : best + 1], boxes[order], over)[0] <= threshold]
    return np.array(kept, np.intp)


def squared(boxes: Corners) -> Corners:
    """Squares about the same centres, with the longer side."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = np.max(boxes[:, 2:] - boxes[:, :2], axis=1, keepdims=True) / 2
    return np.concatenate([centres - half, centres + half], axis=1)


def clipped(box: Box, width: int, height: int) -> Box:
    """The part of a box that lies inside an image; its sides are 0 where there is none."""
    left, right = (min(max(x, 0.0), float(width)) for x in (box.x, box.x + box.w))
    top, bottom = (min(max(y, 0.0), float(height)) for y in (box.y, box.y + box.h))
    return Box(left, top, right - left, bottom - top)


def _area(boxes: Corners) -> npt.NDArray[np.float32]:
    area: npt.NDArray[np.float32] = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return area
