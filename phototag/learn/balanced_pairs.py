"""Pairs as LFW's protocol draws them (Huang et al. 2007): as many of one person as of two, in folds of people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from phototag.learn.arrays import Flags, Labels, Rows
from phototag.learn.verification import FOLDS


def draw_balanced_pairs(
    people: Sequence[Any], *, folds: int = FOLDS, each: int = 300, seed: int = 0
) -> tuple[Rows, Flags, Labels]:
    """Row pairs (n, 2), whether each is of one person (n,), and its fold (n,).

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
        own = _distinct(_same_pair(rng, [rows[person] for person in members if sizes[person] > 1]), each)
        others = _distinct(_different_pair(rng, [rows[person] for person in members]), each)
        count = min(len(own), len(others))
        drawn += own[:count] + others[:count]
        same += [True] * count + [False] * count
        fold += [number] * 2 * count
    return np.array(drawn, np.int64).reshape(-1, 2), np.array(same, np.bool_), np.array(fold, np.int64)


def _distinct(draw: Callable[[], tuple[int, int] | None], count: int) -> list[tuple[int, int]]:
    """Up to `count` distinct pairs, in the order in which they were drawn."""
    found: dict[tuple[int, int], None] = {}
    for _ in range(20 * count):
        pair = draw()
        if pair is None or len(found) == count:
            break
        found[(min(pair), max(pair))] = None
    return list(found)


def _same_pair(rng: np.random.Generator, rows: list[Rows]) -> Callable[[], tuple[int, int] | None]:
    def draw() -> tuple[int, int] | None:
        if not rows:
            return None
        one, two = rng.choice(rows[int(rng.integers(len(rows)))], 2, replace=False)
        return int(one), int(two)

    return draw


def _different_pair(rng: np.random.Generator, rows: list[Rows]) -> Callable[[], tuple[int, int] | None]:
    def draw() -> tuple[int, int] | None:
        if len(rows) < 2:
            return None
        one, two = rng.choice(len(rows), 2, replace=False)
        return int(rng.choice(rows[one])), int(rng.choice(rows[two]))

    return draw
