"""Triplets to train an embedder on: batches of P people by K faces, and in each the triplets that teach something.

A triplet is an anchor, another face of its person (the positive) and a face of somebody else (the negative).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from phototag.learn.arrays import Flags, Rows
from phototag.types import Vectors

Triplets: TypeAlias = npt.NDArray[np.int64]  #: (n, 3): rows of anchor, positive and negative
Squares: TypeAlias = npt.NDArray[np.float32]  #: (n, n) squared distances
Mining: TypeAlias = Callable[[Squares, Rows, float, np.random.Generator], Triplets]

FEWEST = 6  #: people with two faces or more, so that each of the three parts has two
_VALIDATION = 0.2  #: of the people that aren't held out


@dataclass(frozen=True, slots=True, eq=False)
class PeopleSplit:
    """Rows of the faces of people for training, for validation (when to stop), and held out for the final test."""

    train: Rows
    validation: Rows
    held_out: Rows


def count_people_with_pairs(people: Sequence[Any] | Rows) -> int:
    """How many people have two faces or more."""
    return int((np.unique(np.asarray(people), return_counts=True)[1] > 1).sum())


def split_people(people: Sequence[Any] | Rows, held_out: float, seed: int) -> PeopleSplit:
    """Split faces by person; at least two people with several faces go into each part.

    `held_out`: share of the people that are held out. Raises ValueError for fewer than `FEWEST` people with two faces.
    """
    if count_people_with_pairs(people) < FEWEST:
        raise ValueError(f"fewer than {FEWEST} people have two faces")
    _, owner, sizes = np.unique(np.asarray(people), return_inverse=True, return_counts=True)
    random = np.random.default_rng(seed)
    part = np.zeros(len(sizes), np.int64)
    for several in (True, False):
        members = random.permutation(np.flatnonzero((sizes > 1) == several))
        last = _share_of(len(members), held_out, several)
        validation = _share_of(len(members) - last, _VALIDATION, several)
        part[members[:last]] = 2
        part[members[last : last + validation]] = 1
    return PeopleSplit(*(np.flatnonzero(part[owner] == number) for number in range(3)))


def _share_of(count: int, share: float, several: bool) -> int:
    """A share of the people; if they have several faces, at least two people, and at least two are left."""
    return min(max(round(count * share), 2), count - 2) if several else round(count * share)


def batches(people: Rows, p: int, k: int, random: np.random.Generator) -> Iterator[Rows]:
    """Every person once, `p` at a time with `k` faces each; faces of somebody who has fewer are repeated."""
    owners = random.permutation(np.unique(people))
    for some in np.array_split(owners, max(1, round(len(owners) / p))):
        yield np.concatenate([_draw(np.flatnonzero(people == person), k, random) for person in some])


def _draw(rows: Rows, k: int, random: np.random.Generator) -> Rows:
    rounds = -(-k // len(rows))
    return np.concatenate([random.permutation(rows) for _ in range(rounds)])[:k]


def squared_distances(vectors: Vectors) -> Squares:
    """(n, n) squared distances of unit vectors."""
    squares: Squares = np.maximum(2 - 2 * (vectors @ vectors.T), 0)
    return squares


def semi_hard_triplets(squares: Squares, people: Rows, margin: float, random: np.random.Generator) -> Triplets:
    """For each anchor and positive the nearest negative that is farther than the positive, by less than the margin.

    Pairs without such a negative teach nothing, and are left out (Schroff, Kalenichenko, Philbin 2015, §3.2).
    """
    anchors, positives = _same_person_pairs(people)
    near = squares[anchors, positives][:, None]
    others = squares[anchors]
    fits = (people[anchors][:, None] != people) & (others > near) & (others < near + margin)
    negatives = np.where(fits, others, np.inf).argmin(axis=1)
    return _stack(anchors, positives, negatives, fits.any(axis=1))


def random_triplets(squares: Squares, people: Rows, margin: float, random: np.random.Generator) -> Triplets:
    """For each anchor and positive a random negative, whether it teaches something or not."""
    anchors, positives = _same_person_pairs(people)
    strange = people[anchors][:, None] != people
    negatives = np.where(strange, random.random(strange.shape), -1).argmax(axis=1)
    return _stack(anchors, positives, negatives, strange.any(axis=1))


MINING: Mapping[str, Mining] = {"semi-hard": semi_hard_triplets, "random": random_triplets}


def _stack(anchors: Rows, positives: Rows, negatives: Rows, used: Flags) -> Triplets:
    triplets: Triplets = np.stack([anchors, positives, negatives], axis=1)[used]
    return triplets


def _same_person_pairs(people: Rows) -> tuple[Rows, Rows]:
    same = people[:, None] == people
    np.fill_diagonal(same, False)
    anchors, positives = np.nonzero(same)
    return anchors, positives
