"""How right a grouping is, given the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


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
    table, sizes, groups = _contingency(truth, labels)
    together, found, real = (float((x * (x - 1) / 2).sum()) for x in (table, groups, sizes))
    return Score(together / found if found else 1.0, together / real if real else 1.0)


def b_cubed(truth: Sequence[Any], labels: Sequence[int]) -> Score:
    """B³ (Bagga & Baldwin 1998): each face's precision and recall, averaged; −1 stands alone."""
    table, sizes, groups = _contingency(truth, labels)
    n = float(table.sum())
    return Score(
        float((table**2 / groups[None, :]).sum()) / n if n else 1.0,
        float((table**2 / sizes[:, None]).sum()) / n if n else 1.0,
    )


def _contingency(
    truth: Sequence[Any], labels: Sequence[int]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Faces by (person, group), people's sizes and groups' sizes."""
    _, people = np.unique(np.asarray(truth), return_inverse=True)
    given = np.asarray(labels, np.int64)
    alone = given < 0
    given = np.where(alone, given.max(initial=-1) + 1 + np.cumsum(alone), given)
    _, groups = np.unique(given, return_inverse=True)
    table = np.zeros((people.max(initial=-1) + 1, groups.max(initial=-1) + 1), np.float64)
    np.add.at(table, (people, groups), 1)
    return table, table.sum(axis=1), table.sum(axis=0)
