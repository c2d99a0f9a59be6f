"""One person or two: distances of pairs, and the threshold that tells them apart, found and not guessed.

Every pair is counted once. Distances go into histograms of so fine a step that nothing is lost by it, block by block,
so that three million pairs take a second and a library of any size the same memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from phototag.types import Thresholds, Vectors

Values = npt.NDArray[np.floating[Any]]
Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]

FOLDS = 10
#: Steps of a histogram, and the distance that a step is: unit vectors are 0 to 2 apart.
_STEPS = 20_000
STEP = 2 / _STEPS
_BLOCK = 1024
#: The nearest strangers by which a distance is normalised.
_STRANGERS = 200


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """How many pairs of one person, and of two, lie in each step of distance: (folds, steps) each.

    `folds`: parts of which each is judged by a threshold that the others chose.
    """

    same: Numbers
    different: Numbers

    def all(self) -> Sweep:
        """The figures of all pairs at each threshold."""
        return Sweep(self.same.sum(axis=0), self.different.sum(axis=0))


@dataclass(frozen=True, slots=True)
class Point:
    """How right a threshold is: two faces closer than it are taken for one person.

    `tar`, `far`: the share of true pairs that are accepted (recall), and of false ones.
    """

    threshold: float
    accuracy: float
    f1: float
    tar: float
    far: float


class Sweep:
    """Accuracy, F1, true and false accepts at every threshold from 0 to 2; arrays (steps + 1,) over `thresholds`."""

    def __init__(self, same: Numbers, different: Numbers) -> None:
        self.same, self.different = same, different
        self.thresholds: Values = np.arange(len(same) + 1) * STEP
        true, false = (np.append(0.0, np.cumsum(counts)) for counts in (same, different))
        self.tar: Values = true / max(true[-1], 1)
        self.far: Values = false / max(false[-1], 1)
        self.accuracy: Values = (true + false[-1] - false) / max(true[-1] + false[-1], 1)
        self.f1: Values = 2 * true / np.maximum(true + false + true[-1], 1)

    def best(self, figure: str = "f1") -> Point:
        """Where F1 (or `accuracy`) is best; where many thresholds are, the middle of the widest stretch of them."""
        values = self.f1 if figure == "f1" else self.accuracy
        rows = np.flatnonzero(values >= values.max())
        stretches = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
        widest = max(stretches, key=len)
        return self.at(int(widest[len(widest) // 2]))

    def at_far(self, wanted: float) -> Point:
        """The widest threshold with no more false accepts than that share."""
        return self.at(int(np.flatnonzero(self.far <= wanted)[-1]))

    def near(self, threshold: float) -> Point:
        """The figures at a threshold, to the histogram's step."""
        return self.at(min(max(round(threshold / STEP), 0), len(self.same)))

    def at(self, row: int) -> Point:
        """The figures of one row."""
        return Point(
            float(self.thresholds[row]),
            float(self.accuracy[row]),
            float(self.f1[row]),
            float(self.tar[row]),
            float(self.far[row]),
        )


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Share of pairs judged rightly by thresholds that other pairs chose: mean, and standard error over the folds."""

    mean: float
    error: float
    threshold: float


def probability(distance: float, thresholds: Thresholds) -> float:
    """P(one person | distance) by the embedder's own curve, where one and two are equally likely beforehand."""
    return float(1 / (1 + np.exp(np.clip(thresholds.slope * (distance - thresholds.midpoint), -700, 700))))


def distances(vectors: Vectors, others: Vectors) -> npt.NDArray[np.float32]:
    """(n, m) Euclidean distances of unit vectors."""
    squares: npt.NDArray[np.float32] = 2 - 2 * (vectors @ others.T)
    return np.sqrt(np.maximum(squares, 0, out=squares), out=squares)


def all_pairs(vectors: Vectors, people: Sequence[Any], *, folds: int = FOLDS, seed: int = 0) -> Pairs:
    """The distances of all pairs i < j of (n, dim) unit vectors, whose people are told.

    A pair's fold depends on its two people alone, so that no two people are compared in more than one; where there are
    fewer people than folds, on its rows.
    """
    names = np.unique(np.asarray(people), return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    first, second = rng.integers(folds, size=(2, int(names.max(initial=-1)) + 1))
    by_rows = len(first) < folds
    first[rng.permutation(len(first))] = np.arange(len(first)) % folds  # so that no fold is left without a person
    counts = np.zeros((2, folds * _STEPS), np.int64)
    for start, block in _upper(vectors):
        rows, columns = names[start : start + len(block), None], names[None, start:]
        low, high = np.minimum(rows, columns), np.maximum(rows, columns)
        same = rows == columns
        fold = np.where(same, first[low], (first[low] + second[high]) % folds)
        if by_rows:
            fold = np.add.outer(np.arange(len(block)), np.arange(block.shape[1])) % folds
        bins = fold * _STEPS + _step(block)
        upper = np.triu(np.ones(block.shape, np.bool_), 1)
        for row, wanted in enumerate((upper & ~same, upper & same)):
            counts[row] += np.bincount(bins[wanted], minlength=folds * _STEPS)
    different, own = counts.reshape(2, folds, _STEPS)
    return Pairs(own, different)


def of_pairs(apart: npt.NDArray[Any], same: Flags, fold: Numbers) -> Pairs:
    """Pairs whose distances (n,) are known, each in its fold (from 0)."""
    folds = int(fold.max(initial=0)) + 1
    bins = np.asarray(fold, np.int64) * _STEPS + _step(np.asarray(apart, np.float32))
    own, different = (
        np.bincount(bins[wanted], minlength=folds * _STEPS).reshape(folds, _STEPS) for wanted in (same, ~same)
    )
    return Pairs(own, different)


def folded(pairs: Pairs, figure: str = "accuracy") -> Accuracy:
    """Accuracy by folds, as in LFW's protocol (Huang et al. 2007): each is judged at the others' best threshold.

    The mean is over pairs, which for folds of one size is that of the folds. Folds without a pair don't count.
    """
    everything = pairs.all()
    right, total, chosen = [], [], []
    for same, different in zip(pairs.same, pairs.different, strict=True):
        count = int(same.sum() + different.sum())
        if count:
            point = Sweep(everything.same - same, everything.different - different).best(figure)
            row = round(point.threshold / STEP)
            right.append(int(same[:row].sum() + different[row:].sum()))
            total.append(count)
            chosen.append(point.threshold)
    shares = np.array(right) / np.maximum(np.array(total), 1)
    error = float(shares.std(ddof=1) / np.sqrt(len(shares))) if len(shares) > 1 else float("nan")
    return Accuracy(sum(right) / max(sum(total), 1), error, float(np.mean(chosen)) if chosen else float("nan"))


def balanced(
    people: Sequence[Any], *, folds: int = FOLDS, each: int = 300, seed: int = 0
) -> tuple[Numbers, Flags, Numbers]:
    """Row pairs (n, 2), whether each is of one person, and its fold: as many same as different ones, drawn as LFW's.

    Each fold has people of its own and up to `each` pairs of either kind: a person, or two, is drawn, and then a pair
    that wasn't drawn yet. With too few people for so many folds there are fewer.
    """
    names, owner, sizes = np.unique(np.asarray(people), return_inverse=True, return_counts=True)
    rng = np.random.default_rng(seed)
    several = int((sizes > 1).sum())
    folds = max(min(folds, several // 2), 1)
    order = rng.permutation(len(names))
    order = order[np.argsort(sizes[order] < 2, kind="stable")]  # those with pairs of their own are dealt out first
    rows = [np.flatnonzero(owner == person) for person in range(len(names))]
    drawn: list[tuple[int, int]] = []
    same: list[bool] = []
    fold: list[int] = []
    for number in range(folds):
        members = order[number::folds]
        own = _drawn(_same_pair(rng, [rows[person] for person in members if sizes[person] > 1]), each)
        others = _drawn(_different_pair(rng, [rows[person] for person in members]), each)
        count = min(len(own), len(others))
        drawn += own[:count] + others[:count]
        same += [True] * count + [False] * count
        fold += [number] * 2 * count
    return np.array(drawn, np.int64).reshape(-1, 2), np.array(same, np.bool_), np.array(fold, np.int64)


def extremes(vectors: Vectors, people: Sequence[Any], count: int) -> tuple[list[tuple[int, int, float]], ...]:
    """The `count` nearest pairs of two people, and the farthest of one: (row, row, distance), worst first."""
    names = np.unique(np.asarray(people), return_inverse=True)[1]
    nearest: list[tuple[int, int, float]] = []
    farthest: list[tuple[int, int, float]] = []
    for start, block in _upper(vectors):
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


def normalised_pairs(vectors: Vectors, people: Sequence[Any], *, seed: int = 0) -> tuple[Pairs, Pairs] | None:
    """The pairs within each half of the people, their distances normalised by the other half's faces; and as they are.

    Adaptive s-norm (Matějka et al. 2017): a pair's similarity is told in standard deviations above those of each face
    to its nearest strangers, whom nobody in the pair is, and then as a distance again. None with too few strangers.
    """
    names = np.unique(np.asarray(people), return_inverse=True)[1]
    half = np.random.default_rng(seed).permutation(int(names.max(initial=-1)) + 1)[names] % 2 == 0
    if min(int(half.sum()), int((~half).sum())) <= 2 * _STRANGERS:
        return None
    counts = np.zeros((2, 2, _STEPS), np.int64)
    for rows, cohort in ((half, ~half), (~half, half)):
        mean, spread = _strangers(vectors[rows], vectors[cohort])
        own = names[rows]
        for start, block in _upper(vectors[rows]):
            ours, others = slice(start, start + len(block)), slice(start, None)
            similar = 1 - block.astype(np.float64) ** 2 / 2
            score = (similar - mean[ours, None]) / spread[ours, None] + (similar - mean[others]) / spread[others]
            again = np.sqrt(np.clip(2 - 2 * (mean.mean() + spread.mean() * score / 2), 0, 4)).astype(np.float32)
            upper = np.triu(np.ones(block.shape, np.bool_), 1)
            same = own[ours, None] == own[others]
            for kind, apart in enumerate((again, block)):
                for truth, wanted in enumerate((upper & same, upper & ~same)):
                    counts[kind, truth] += np.bincount(_step(apart[wanted]), minlength=_STEPS)
    return Pairs(counts[0, :1], counts[0, 1:]), Pairs(counts[1, :1], counts[1, 1:])


def _strangers(vectors: Vectors, cohort: Vectors) -> tuple[Values, Values]:
    """(n,) mean and standard deviation of each face's similarity to its nearest strangers."""
    nearest = [
        np.partition(vectors[start : start + _BLOCK] @ cohort.T, -_STRANGERS, axis=1)[:, -_STRANGERS:]
        for start in range(0, len(vectors), _BLOCK)
    ]
    similar = np.concatenate(nearest).astype(np.float64)
    return similar.mean(axis=1), np.maximum(similar.std(axis=1), 1e-6)


def _upper(vectors: Vectors) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    """Blocks of rows from `start` on, with the distances to all rows from there on."""
    for start in range(0, len(vectors), _BLOCK):
        yield start, distances(vectors[start : start + _BLOCK], vectors[start:])


def _step(apart: npt.NDArray[np.float32]) -> Numbers:
    steps: Numbers = np.minimum(apart * (1 / STEP), _STEPS - 1).astype(np.int64)
    return steps


def _drawn(draw: Callable[[], tuple[int, int] | None], count: int) -> list[tuple[int, int]]:
    """Up to `count` different pairs, in the order in which they were drawn."""
    found: dict[tuple[int, int], None] = {}
    for _ in range(20 * count):
        pair = draw()
        if pair is None or len(found) == count:
            break
        found[(min(pair), max(pair))] = None
    return list(found)


def _same_pair(rng: np.random.Generator, rows: list[Numbers]) -> Callable[[], tuple[int, int] | None]:
    def draw() -> tuple[int, int] | None:
        if not rows:
            return None
        one, two = rng.choice(rows[int(rng.integers(len(rows)))], 2, replace=False)
        return int(one), int(two)

    return draw


def _different_pair(rng: np.random.Generator, rows: list[Numbers]) -> Callable[[], tuple[int, int] | None]:
    def draw() -> tuple[int, int] | None:
        if len(rows) < 2:
            return None
        one, two = rng.choice(len(rows), 2, replace=False)
        return int(rng.choice(rows[one])), int(rng.choice(rows[two]))

    return draw
