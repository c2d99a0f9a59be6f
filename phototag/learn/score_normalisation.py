"""Verification with normalised scores (adaptive s-norm: Matějka et al. 2017), beside the same pairs without."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from phototag.learn.arrays import Scores
from phototag.learn.verification import BINS, PairHistogram, bin_of, upper_blocks
from phototag.types import Vectors

#: The nearest strangers by which a distance is normalised.
_STRANGERS = 200
_BLOCK = 1024


def normalised_pairs(
    vectors: Vectors, people: Sequence[Any], *, seed: int = 0
) -> tuple[PairHistogram, PairHistogram] | None:
    """The pairs within each half of the people, normalised by the other half as the cohort; and the same, plain.

    With μ and σ the mean and standard deviation of each face's similarity to its nearest strangers, a pair's score is
    (s − μ₁)/σ₁ + (s − μ₂)/σ₂. For comparison it is turned into a distance again by mean μ and σ. None where a half has
    too few strangers.
    """
    names = np.unique(np.asarray(people), return_inverse=True)[1]
    half = np.random.default_rng(seed).permutation(int(names.max(initial=-1)) + 1)[names] % 2 == 0
    if min(int(half.sum()), int((~half).sum())) <= 2 * _STRANGERS:
        return None
    counts = np.zeros((2, 2, BINS), np.int64)
    for rows, cohort in ((half, ~half), (~half, half)):
        mean, spread = _stranger_similarity(vectors[rows], vectors[cohort])
        own = names[rows]
        for start, block in upper_blocks(vectors[rows]):
            ours, others = slice(start, start + len(block)), slice(start, None)
            similar = 1 - block.astype(np.float64) ** 2 / 2
            score = (similar - mean[ours, None]) / spread[ours, None] + (similar - mean[others]) / spread[others]
            again = np.sqrt(np.clip(2 - 2 * (mean.mean() + spread.mean() * score / 2), 0, 4)).astype(np.float32)
            upper = np.triu(np.ones(block.shape, np.bool_), 1)
            same = own[ours, None] == own[others]
            for kind, apart in enumerate((again, block)):
                for truth, wanted in enumerate((upper & same, upper & ~same)):
                    counts[kind, truth] += np.bincount(bin_of(apart[wanted]), minlength=BINS)
    return PairHistogram(counts[0, :1], counts[0, 1:]), PairHistogram(counts[1, :1], counts[1, 1:])


def _stranger_similarity(vectors: Vectors, cohort: Vectors) -> tuple[Scores, Scores]:
    """(n,) mean and standard deviation of each face's similarity to its nearest strangers."""
    nearest = [
        np.partition(vectors[start : start + _BLOCK] @ cohort.T, -_STRANGERS, axis=1)[:, -_STRANGERS:]
        for start in range(0, len(vectors), _BLOCK)
    ]
    similar = np.concatenate(nearest).astype(np.float64)
    return similar.mean(axis=1), np.maximum(similar.std(axis=1), 1e-6)
