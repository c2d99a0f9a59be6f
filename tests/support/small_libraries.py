"""Small libraries: people in directions of their own, with a little noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from phototag.interview.library import OPEN, LibraryFaces, Rows
from phototag.types import Thresholds, Vectors

THRESHOLDS = Thresholds(same=0.4, split=0.36, join=0.33, midpoint=0.42, slope=60.0)
_DIM = 16


def looks(who: Sequence[int], stray: float = 0.15, seed: int = 0) -> Vectors:
    """A unit vector for each face, about √2 · `stray` from others of the same person."""
    random = np.random.default_rng(seed)
    noise = random.normal(size=(len(who), _DIM)) * stray / np.sqrt(_DIM)
    vectors = np.eye(_DIM)[list(who)] + noise
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def library(
    group: Sequence[int],
    who: Sequence[int],
    *,
    person: Sequence[int] | None = None,
    photo: Sequence[int] | None = None,
    vectors: Vectors | None = None,
    appearances: Mapping[int, int] | None = None,
    **said: Any,
) -> LibraryFaces:
    """Faces with the ids 10, 20, …, in these groups, of these people; each in a photo of its own unless told."""
    count = len(group)
    return LibraryFaces(
        ids(range(count)),
        looks(who) if vectors is None else vectors,
        np.array(range(count) if photo is None else photo, np.int64),
        np.array(group, np.int64),
        np.array([OPEN] * count if person is None else person, np.int64),
        appearances or {},
        **said,
    )


def ids(rows: Sequence[int] | range) -> Rows:
    return 10 * (np.array(rows, np.int64) + 1)
