"""Precision and recall of a grouping, given whose faces they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from phototag.learn.arrays import Counts, Floats, Labels


@dataclass(frozen=True, slots=True)
class PrecisionRecall:
    """Precision, recall and F1, their harmonic mean."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def pairwise(truth: Sequence[Any], labels: Sequence[int]) -> PrecisionRecall:
    """Precision and recall of pairs of faces that are in one group. Faces labelled −1 stand alone.

    Precision is 1 where no two faces are in one group.
    """
    people, groups, both = _numbers(truth, labels)
    hits, found, real = (_pair_count(np.unique(x, return_counts=True)[1]) for x in (both, groups, people))
    return PrecisionRecall(hits / found if found else 1.0, hits / real if real else 1.0)


def b_cubed(truth: Sequence[Any], labels: Sequence[int]) -> PrecisionRecall:
    """B³ (Bagga & Baldwin 1998): each face's precision and recall, averaged over faces. Label −1 stands alone."""
    if not len(labels):
        return PrecisionRecall(1.0, 1.0)
    person, group, both = (_class_sizes(numbers) for numbers in _numbers(truth, labels))
    return PrecisionRecall(float((both / group).mean()), float((both / person).mean()))


def _numbers(truth: Sequence[Any], labels: Sequence[int]) -> tuple[Labels, Labels, Labels]:
    """For each face the number of its person, of its group, and of its (person, group) pair."""
    people = np.unique(np.asarray(truth), return_inverse=True)[1].astype(np.int64)
    given = np.asarray(labels, np.int64)
    alone = given < 0
    given = np.where(alone, given.max(initial=-1) + 1 + np.cumsum(alone), given)
    groups = np.unique(given, return_inverse=True)[1].astype(np.int64)
    return people, groups, people * (groups.max(initial=-1) + 1) + groups


def _class_sizes(numbers: Labels) -> Floats:
    """For each face how many faces have its number."""
    _, inverse, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    return counts[inverse].astype(np.float64)


def _pair_count(sizes: Counts) -> float:
    return float((sizes.astype(np.float64) * (sizes - 1) / 2).sum())
