"""Which triplets to learn from: batches of P people by K faces, and in each the triplets that teach.

A triplet is an anchor, another face of its person (the positive) and a face of somebody else (the negative).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from phototag.types import Vectors

Rows: TypeAlias = npt.NDArray[np.int64]  #: (n,)
Triplets: TypeAlias = npt.NDArray[np.int64]  #: (n, 3): rows of anchor, positive and negative
Squares: TypeAlias = npt.NDArray[np.float32]  #: (n, n) squared distances
Mining: TypeAlias = Callable[[Squares, Rows, float, np.random.Generator], Triplets]

FEWEST = 6  #: people with two faces or more, so that each of the three parts has two
_WATCHED = 0.2  #: of the people that aren't held out


@dataclass(frozen=True, slots=True, eq=False)
class Division:
    """Rows of the faces whose people are learnt from, watched for when to stop, and held out to the end."""

    train: Rows
    watch: Rows
    held_out: Rows


def with_pairs(people: Sequence[Any] | Rows) -> int:
    """How many people have two faces or more."""
    return int((np.unique(np.asarray(people), return_counts=True)[1] > 1).sum())


def divide(people: Sequence[Any] | Rows, held_out: float, seed: int) -> Division:
    """Each person goes into one part, whole; of those with several faces two or more into each.

    `held_out`: the share of people that nothing is learnt from. Raises ValueError for fewer than `FEWEST` people
    with two faces.
    """
    if with_pairs(people) < FEWEST:
        raise ValueError(f"fewer than {FEWEST} people have two faces")
    _, owner, sizes = np.unique(np.asarray(people), return_inverse=True, return_counts=True)
    random = np.random.default_rng(seed)
    part = np.zeros(len(sizes), np.int64)
    for several in (True, False):
        members = random.permutation(np.flatnonzero((sizes > 1) == several))
        last = _between(len(members), held_out, several)
        watched = _between(len(members) - last, _WATCHED, several)
        part[members[:last]] = 2
        part[members[last : last + watched]] = 1
    return Division(*(np.flatnonzero(part[owner] == number) for number in range(3)))


def _between(count: int, share: float, several: bool) -> int:
    """A share of people of whom, if they have several faces, two are taken and two are left."""
    return min(max(round(count * share), 2), count - 2) if several else round(count * share)


def batches(people: Rows, p: int, k: int, random: np.random.Generator) -> Iterator[Rows]:
    """Every person once, `p` at a time with `k` faces each; of one who has fewer, some come again."""
    owners = random.permutation(np.unique(people))
    for some in np.array_split(owners, max(1, round(len(owners) / p))):
        yield np.concatenate([_drawn(np.flatnonzero(people == person), k, random) for person in some])


def _drawn(rows: Rows, k: int, random: np.random.Generator) -> Rows:
    rounds = -(-k // len(rows))
    return np.concatenate([random.permutation(rows) for _ in range(rounds)])[:k]


def squares(vectors: Vectors) -> Squares:
    """(n, n) squared distances of unit vectors."""
    apart: Squares = np.maximum(2 - 2 * (vectors @ vectors.T), 0)
    return apart


def semi_hard(apart: Squares, people: Rows, margin: float, random: np.random.Generator) -> Triplets:
    """For each anchor and positive the nearest negative that is farther than the positive, by less than the margin.

    Pairs without such a negative teach nothing, and are left out (Schroff, Kalenichenko, Philbin 2015, §3.2).
    """
    anchors, positives = _pairs(people)
    near = apart[anchors, positives][:, None]
    others = apart[anchors]
    fits = (people[anchors][:, None] != people) & (others > near) & (others < near + margin)
    negatives = np.where(fits, others, np.inf).argmin(axis=1)
    return _stacked(anchors, positives, negatives, fits.any(axis=1))


def by_chance(apart: Squares, people: Rows, margin: float, random: np.random.Generator) -> Triplets:
    """For each anchor and positive any negative, whether it teaches something or not."""
    anchors, positives = _pairs(people)
    strange = people[anchors][:, None] != people
    negatives = np.where(strange, random.random(strange.shape), -1).argmax(axis=1)
    return _stacked(anchors, positives, negatives, strange.any(axis=1))


MINING: Mapping[str, Mining] = {"semi-hard": semi_hard, "random": by_chance}


def _stacked(anchors: Rows, positives: Rows, negatives: Rows, used: npt.NDArray[np.bool_]) -> Triplets:
    triplets: Triplets = np.stack([anchors, positives, negatives], axis=1)[used]
    return triplets


def _pairs(people: Rows) -> tuple[Rows, Rows]:
    same = people[:, None] == people
    np.fill_diagonal(same, False)
    anchors, positives = np.nonzero(same)
    return anchors, positives
