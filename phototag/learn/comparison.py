"""Whether one embedder tells people apart better than another does, on the same faces, and whether that is chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from phototag.learn.verification import Sweep, all_pairs, distances
from phototag.types import Vectors

FALSE_ACCEPTS = 1e-3
#: A gain that is smaller than so many times its standard error may be chance.
_SURE = 2.0


@dataclass(frozen=True, slots=True)
class Figures:
    """Over all pairs: true accepts at 0.1 % and 1 % false ones, the threshold of the former, and the best accuracy
    where pairs of one person and of two weigh alike."""

    tar: float
    tar_at_one_percent: float
    threshold: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The figures of both, how many true accepts more the `trained` ones have at 0.1 % false, and its standard error.

    `people`, `faces`, `pairs`: on how many; `pairs` of one person.
    """

    plain: Figures
    trained: Figures
    gain: float
    error: float
    people: int
    faces: int
    pairs: int

    @property
    def better(self) -> bool:
        """Whether the trained vectors are better by more than chance would have it."""
        return self.gain > 0 and self.gain >= _SURE * self.error


def figures(vectors: Vectors, people: Sequence[Any]) -> Figures:
    """The figures of (n, dim) unit vectors."""
    return _figures(all_pairs(vectors, people).all())


def _figures(sweep: Sweep) -> Figures:
    strict = sweep.at_far(FALSE_ACCEPTS)
    balanced = (sweep.tar + 1 - sweep.far) / 2
    return Figures(strict.tar, sweep.at_far(1e-2).tar, strict.threshold, float(balanced.max()))


def compare(plain: Vectors, trained: Vectors, people: Sequence[Any]) -> Comparison:
    """Both on the same faces; each at its own threshold. The error is that of drawing these people and no others."""
    before, after = figures(plain, people), figures(trained, people)
    owner = np.unique(np.asarray(people), return_inverse=True)[1]
    gained, pairs = [], []
    for person in range(int(owner.max(initial=-1)) + 1):
        rows = np.flatnonzero(owner == person)
        upper = np.triu_indices(len(rows), 1)
        accepted = [
            int((distances(vectors[rows], vectors[rows])[upper] < threshold).sum())
            for vectors, threshold in ((plain, before.threshold), (trained, after.threshold))
        ]
        gained.append(accepted[1] - accepted[0])
        pairs.append(len(upper[0]))
    gains, counts = np.array(gained), np.array(pairs)
    total = max(int(counts.sum()), 1)
    gain = float(gains.sum() / total)
    error = float(np.sqrt(np.square(gains - gain * counts).sum()) / total)
    return Comparison(before, after, gain, error, len(counts), len(owner), int(counts.sum()))
