"""Verification: do two faces show one person? Error rates at every distance threshold, from all pairs.

Every pair is counted once. Distances are counted in histograms of 20,000 bins, block by block: three million pairs take
a second, and memory does not grow with the library.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from phototag.learn.arrays import Counts, Flags, Labels, Rows, Scores
from phototag.types import Thresholds, Vectors

FOLDS = 10
#: Bins of a histogram, and the width of one in distance: unit vectors are 0 to 2 apart.
BINS = 20_000
STEP = 2 / BINS
_BLOCK = 1024


@dataclass(frozen=True, slots=True, eq=False)
class PairHistogram:
    """How many pairs of one person (`same`), and of two (`different`), have a distance in each bin: (folds, BINS)."""

    same: Counts
    different: Counts

    def sweep(self) -> ThresholdSweep:
        """Error rates of all pairs, of whichever fold, at every threshold."""
        return ThresholdSweep(self.same.sum(axis=0), self.different.sum(axis=0))


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """Error rates at one threshold: two faces closer than it are taken for one person.

    `tar`: true accept rate (recall), `far`: false accept rate.
    """

    threshold: float
    accuracy: float
    f1: float
    tar: float
    far: float


class ThresholdSweep:
    """Accuracy, F1, true and false accept rates at every threshold from 0 to 2: arrays (BINS + 1,)."""

    def __init__(self, same: Counts, different: Counts) -> None:
        """`same`, `different` (BINS,): pairs of one person and of two in each bin."""
        self.same, self.different = same, different
        self.thresholds: Scores = np.arange(len(same) + 1) * STEP
        true, false = (np.append(0.0, np.cumsum(counts)) for counts in (same, different))
        self.tar: Scores = true / max(true[-1], 1)
        self.far: Scores = false / max(false[-1], 1)
        self.accuracy: Scores = (true + false[-1] - false) / max(true[-1] + false[-1], 1)
        self.f1: Scores = 2 * true / np.maximum(true + false + true[-1], 1)

    def best(self, figure: str = "f1") -> OperatingPoint:
        """Where F1 (or `accuracy`) is best; of equals, the middle of the widest interval of thresholds."""
        values = self.f1 if figure == "f1" else self.accuracy
        rows = np.flatnonzero(values >= values.max())
        intervals = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
        widest = max(intervals, key=len)
        return self.at(int(widest[len(widest) // 2]))

    def at_far(self, far: float) -> OperatingPoint:
        """The largest threshold with at most this false accept rate."""
        return self.at(int(np.flatnonzero(self.far <= far)[-1]))

    def near(self, threshold: float) -> OperatingPoint:
        """The error rates at a threshold, rounded to the histogram's bins."""
        return self.at(min(max(round(threshold / STEP), 0), len(self.same)))

    def at(self, row: int) -> OperatingPoint:
        """The error rates at `thresholds[row]`."""
        return OperatingPoint(
            float(self.thresholds[row]),
            float(self.accuracy[row]),
            float(self.f1[row]),
            float(self.tar[row]),
            float(self.far[row]),
        )


@dataclass(frozen=True, slots=True)
class FoldedAccuracy:
    """Accuracy by cross-validation: mean, standard error over the folds (NaN for one), and mean of the thresholds."""

    mean: float
    error: float
    threshold: float

    def __str__(self) -> str:
        return f"{self.mean:.4f}" + (f" ± {self.error:.4f}" if math.isfinite(self.error) else "")


def same_person_probability(distance: float, thresholds: Thresholds) -> float:
    """P(one person | distance) by the embedder's own curve, where one and two people are equally likely a priori."""
    return float(1 / (1 + np.exp(np.clip(thresholds.slope * (distance - thresholds.midpoint), -700, 700))))


def distances(vectors: Vectors, others: Vectors) -> npt.NDArray[np.float32]:
    """(n, m) Euclidean distances of unit vectors."""
    squares: npt.NDArray[np.float32] = 2 - 2 * (vectors @ others.T)
    return np.sqrt(np.maximum(squares, 0, out=squares), out=squares)


def all_pairs(vectors: Vectors, people: Sequence[Any], *, folds: int = FOLDS, seed: int = 0) -> PairHistogram:
    """The distances of all pairs i < j of (n, dim) unit vectors; `people` (n,): whose they are.

    A pair's fold depends on its two people alone, so that no two people are compared in more than one fold; where there
    are fewer people than folds, it depends on the rows.
    """
    names = np.unique(np.asarray(people), return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    first, second = rng.integers(folds, size=(2, int(names.max(initial=-1)) + 1))
    by_rows = len(first) < folds
    first[rng.permutation(len(first))] = np.arange(len(first)) % folds  # so that no fold is left without a person
    counts = np.zeros((2, folds * BINS), np.int64)
    for start, block in upper_blocks(vectors):
        rows, columns = names[start : start + len(block), None], names[None, start:]
        low, high = np.minimum(rows, columns), np.maximum(rows, columns)
        same = rows == columns
        fold = np.where(same, first[low], (first[low] + second[high]) % folds)
        if by_rows:
            fold = np.add.outer(np.arange(len(block)), np.arange(block.shape[1])) % folds
        bins = fold * BINS + bin_of(block)
        upper = np.triu(np.ones(block.shape, np.bool_), 1)
        for kind, wanted in enumerate((upper & same, upper & ~same)):
            counts[kind] += np.bincount(bins[wanted], minlength=folds * BINS)
    return PairHistogram(*counts.reshape(2, folds, BINS))


def listed_pairs(apart: Scores, same: Flags, fold: Labels) -> PairHistogram:
    """Pairs (n,) whose distances are known, each in its fold (from 0)."""
    folds = int(fold.max(initial=0)) + 1
    bins = np.asarray(fold, np.int64) * BINS + bin_of(np.asarray(apart, np.float32))
    own, different = (
        np.bincount(bins[wanted], minlength=folds * BINS).reshape(folds, BINS) for wanted in (same, ~same)
    )
    return PairHistogram(own, different)


def cross_validated_accuracy(pairs: PairHistogram, figure: str = "accuracy") -> FoldedAccuracy:
    """Accuracy as in LFW's protocol (Huang et al. 2007): each fold is judged at the best threshold of the others.

    `figure`: what the threshold is best by. The mean is over pairs; for folds of one size that is the mean over folds.
    Folds without a pair don't count.
    """
    everything = pairs.sweep()
    right, total, chosen = [], [], []
    for same, different in zip(pairs.same, pairs.different, strict=True):
        count = int(same.sum() + different.sum())
        if count:
            point = ThresholdSweep(everything.same - same, everything.different - different).best(figure)
            row = round(point.threshold / STEP)
            right.append(int(same[:row].sum() + different[row:].sum()))
            total.append(count)
            chosen.append(point.threshold)
    shares = np.array(right) / np.maximum(np.array(total), 1)
    error = float(shares.std(ddof=1) / np.sqrt(len(shares))) if len(shares) > 1 else float("nan")
    return FoldedAccuracy(sum(right) / max(sum(total), 1), error, float(np.mean(chosen)) if chosen else float("nan"))


def hardest_pairs(vectors: Vectors, people: Sequence[Any], count: int) -> tuple[list[tuple[int, int, float]], ...]:
    """The `count` nearest pairs of two people, and the farthest of one person: (row, row, distance), hardest first."""
    names = np.unique(np.asarray(people), return_inverse=True)[1]
    nearest: list[tuple[int, int, float]] = []
    farthest: list[tuple[int, int, float]] = []
    for start, block in upper_blocks(vectors):
        upper = np.triu(np.ones(block.shape, np.bool_), 1)
        same = names[start : start + len(block), None] == names[None, start:]
        for found, wanted, sign in ((nearest, upper & ~same, 1), (farthest, upper & same, -1)):
            values = np.where(wanted, sign * block, np.inf).ravel()
            for place in np.argpartition(values, min(count, len(values) - 1))[:count].tolist():
                if np.isfinite(values[place]):
                    row, column = divmod(place, block.shape[1])
                    found.append((start + row, start + column, float(block[row, column])))
            found.sort(key=lambda pair: sign * pair[2])
            del found[count:]
    return nearest, farthest


def upper_blocks(vectors: Vectors) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    """Blocks of rows from `start` on, with their distances to all rows from `start` on."""
    for start in range(0, len(vectors), _BLOCK):
        yield start, distances(vectors[start : start + _BLOCK], vectors[start:])


def bin_of(apart: npt.NDArray[np.float32]) -> Rows:
    """The histogram's bin of each distance."""
    bins: Rows = np.minimum(apart * (1 / STEP), BINS - 1).astype(np.int64)
    return bins
