"""Overlap, suppression and clipping against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from phototag.engines.detectors.boxes import clipped, non_maximum_suppression, overlap, squared
from phototag.types import Box


def some_boxes(count: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    corner = random.uniform(0, 200, (count, 2))
    return np.hstack([corner, corner + random.uniform(5, 60, (count, 2))]), random.uniform(0, 1, count)


def test_overlap_over_the_union_and_over_the_smaller() -> None:
    boxes = np.array([[0.0, 0, 10, 10]])
    others = np.array([[5.0, 5, 15, 15], [2, 2, 4, 4], [10, 0, 20, 10], [0, 0, 10, 10], [3, 3, 3, 3]])
    assert overlap(boxes, others, "union")[0] == pytest.approx([25 / 175, 4 / 100, 0, 1, 0])
    assert overlap(boxes, others, "smaller")[0] == pytest.approx([25 / 100, 1, 0, 1, 0])


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 400])
@pytest.mark.parametrize("over", ["union", "smaller"])
def test_suppression_in_blocks_is_suppression_one_by_one(count: int, over: str) -> None:
    boxes, scores = some_boxes(count)
    left = list(np.argsort(-scores))
    expected = []
    while left:
        best, *left = left
        expected.append(best)
        left = [one for one in left if overlap(boxes[[best]], boxes[[one]], over)[0, 0] <= 0.3]  # type: ignore[arg-type]
    assert non_maximum_suppression(boxes, scores, 0.3, over).tolist() == expected  # type: ignore[arg-type]


def test_equal_scores_keep_their_order() -> None:
    boxes = np.array([[0.0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]])
    assert non_maximum_suppression(boxes, np.ones(3), 0.5).tolist() == [0, 2]


def test_squares_keep_the_centre_and_the_longer_side() -> None:
    assert squared(np.array([[10.0, 10, 20, 30]])).tolist() == [[5, 10, 25, 30]]


def test_clipping() -> None:
    assert clipped(Box(-5, 3, 10, 100), 20, 30) == Box(0, 3, 5, 27)
    assert clipped(Box(-50, -50, 10, 10), 20, 30) == Box(0, 0, 0, 0)
    assert clipped(Box(1, 2, 3, 4), 20, 30) == Box(1, 2, 3, 4)
