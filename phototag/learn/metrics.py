"""How right a grouping is, given the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and their harmonic mean."""

    precision: float
    recall: float

    @property
    def f(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def pairwise(truth: Sequence[Any], labels: Sequence[int]) -> Score:
    """Pairs put together that belong together; faces labelled −1 stand alone. Nothing found: precision 1."""
    people, groups, both = _numbers(truth, labels)
    together, found, real = (_pairs(np.unique(x, return_counts=True)[1]) for x in (both, groups, people))
    return Score(together / found if found else 1.0, together / real if real else 1.0)


def b_cubed(truth: Sequence[Any], labels: Sequence[int]) -> Score:
    """B³ (Bagga & Baldwin 1998): each face's precision and recall, averaged; −1 stands alone."""
    if not len(labels):
        return Score(1.0, 1.0)
    person, group, both = (_sizes(numbers) for numbers in _numbers(truth, labels))
    return Score(float((both / group).mean()), float((both / person).mean()))


def _numbers(truth: Sequence[Any], labels: Sequence[int]) -> tuple[Numbers, Numbers, Numbers]:
    """For each face the numbers of its person, of its group, and of the two together."""
    people = np.unique(np.asarray(truth), return_inverse=True)[1].astype(np.int64)
    given = np.asarray(labels, np.int64)
    alone = given < 0
    given = np.where(alone, given.max(initial=-1) + 1 + np.cumsum(alone), given)
    groups = np.unique(given, return_inverse=True)[1].astype(np.int64)
    return people, groups, people * (groups.max(initial=-1) + 1) + groups


def _sizes(numbers: Numbers) -> npt.NDArray[np.float64]:
    """For each face how many faces have its number."""
    _, inverse, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    return counts[inverse].astype(np.float64)


def _pairs(sizes: npt.NDArray[np.int64]) -> float:
    return float((sizes.astype(np.float64) * (sizes - 1) / 2).sum())
