"""Rectangles by the thousand: arrays (n, 4) of left, top, right, bottom in pixels."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from phototag.types import Box

Corners: TypeAlias = npt.NDArray[np.floating[Any]]  #: (n, 4)
Scores: TypeAlias = npt.NDArray[np.floating[Any]]  #: (n,)

BLOCK = 64  #: boxes at a time in `non_maximum_suppression`


def overlap(boxes: Corners, others: Corners, over: Literal["union", "smaller"]) -> npt.NDArray[np.floating[Any]]:
    """(n, m): each pair's common area over its union, or over the smaller of the two."""
    left, top, right, bottom = boxes.T[:, :, np.newaxis]
    across = np.minimum(right, others[:, 2]) - np.maximum(left, others[:, 0])
    down = np.minimum(bottom, others[:, 3]) - np.maximum(top, others[:, 1])
    common = np.maximum(across, 0) * np.maximum(down, 0)
    area, other_area = _area(boxes)[:, np.newaxis], _area(others)
    whole = area + other_area - common if over == "union" else np.minimum(area, other_area)
    share: npt.NDArray[np.floating[Any]] = common / np.maximum(whole, np.finfo(np.float32).tiny)
    return share


def non_maximum_suppression(
    boxes: Corners, scores: Scores, threshold: float, over: Literal["union", "smaller"] = "union"
) -> npt.NDArray[np.intp]:
    """Non-maximum suppression: indices of the boxes that stay, best score first.

    The best box stays, those that overlap it by more than `threshold` go, and so on with the rest.
    Works on a block of the best at a time: first among them, then on all that follow.
    """
    order = np.argsort(-scores, kind="stable")
    kept: list[npt.NDArray[np.intp]] = []
    while order.size:
        block, order = order[:BLOCK], order[BLOCK:]
        clash = overlap(boxes[block], boxes[block], over) > threshold
        stays = np.ones(len(block), np.bool_)
        for number in range(len(block)):
            if stays[number]:
                stays[number + 1 :] &= ~clash[number, number + 1 :]
        block = block[stays]
        kept.append(block)
        order = order[~(overlap(boxes[block], boxes[order], over) > threshold).any(axis=0)]
    return np.concatenate(kept) if kept else np.empty(0, np.intp)


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


def _area(boxes: Corners) -> npt.NDArray[np.floating[Any]]:
    area: npt.NDArray[np.floating[Any]] = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return area
