"""Whether one embedder tells people apart better than another on the same faces, and whether that is significant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from phototag.learn.verification import all_pairs, distances
from phototag.types import Vectors

FALSE_ACCEPTS = 1e-3
#: A gain that is smaller than this multiple of its standard error may be chance.
_SURE = 2.0


@dataclass(frozen=True, slots=True)
class VerificationFigures:
    """Over all pairs: TAR at FAR 0.1 % and 1 %, the threshold of the former, and the best balanced accuracy."""

    tar: float
    tar_at_one_percent: float
    threshold: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class EmbedderComparison:
    """The figures of both; `gain`: TAR at FAR 0.1 % of the trained less that of the plain, `error`: its standard error.

    `people`, `faces`: how many; `pairs`: of one person.
    """

    plain: VerificationFigures
    trained: VerificationFigures
    gain: float
    error: float
    people: int
    faces: int
    pairs: int

    @property
    def better(self) -> bool:
        """Whether the trained vectors are significantly better."""
        return self.gain > 0 and self.gain >= _SURE * self.error


def verification_figures(vectors: Vectors, people: Sequence[Any]) -> VerificationFigures:
    """The figures of (n, dim) unit vectors; `people` (n,): whose they are."""
    sweep = all_pairs(vectors, people).sweep()
    strict = sweep.at_far(FALSE_ACCEPTS)
    balanced = (sweep.tar + 1 - sweep.far) / 2
    return VerificationFigures(strict.tar, sweep.at_far(1e-2).tar, strict.threshold, float(balanced.max()))


def compare_embedders(plain: Vectors, trained: Vectors, people: Sequence[Any]) -> EmbedderComparison:
    """Compare two embedders' vectors of the same faces, each at its own threshold.

    The standard error is that of drawing these people and no others.
    """
    before, after = verification_figures(plain, people), verification_figures(trained, people)
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
    return EmbedderComparison(before, after, gain, error, len(counts), len(owner), int(counts.sum()))
