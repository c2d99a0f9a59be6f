"""Looks: groups of all faces by nothing but their vectors and photos, whatever humans said of them.

They change when photos come, and never with an answer: what humans said shapes other groups out of them
(`workflows.cluster`), and whatever is undone leaves them as they were.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import count

import numpy as np
import numpy.typing as npt

from phototag.imaging.quality import WORTH_GROUPING
from phototag.learn.cluster import Known, cluster
from phototag.store.groups import BaseGroups, Sighting
from phototag.types import Thresholds, Vectors

Flags = npt.NDArray[np.bool_]


def by_looks(
    ids: Sequence[int], vectors: Vectors, thresholds: Thresholds, seen: Mapping[int, Sighting], last: BaseGroups | None
) -> BaseGroups:
    """Group all faces that a detector found; those of `last` stay together."""
    if last is not None and last.groups.keys() >= set(ids):
        return last
    old, since = (last.groups, last.since) if last else ({}, {})
    settled = np.array([face in old for face in ids], np.bool_)
    now = 1 + max(since.values(), default=-1)
    first = np.array([since.get(face, now) for face in ids], np.int64)
    known = Known(
        np.array([old.get(face) or -1 for face in ids], np.int64),
        settled,
        faint(ids, seen),
        marked(ids, seen),
        first,
    )
    numbers = [label + 1 or None for label in cluster(vectors, thresholds, known).tolist()]
    groups: dict[int, int | None] = dict(zip(ids, numbers, strict=True))
    return BaseGroups(groups | _away(old, groups), {**since, **dict(zip(ids, first.tolist(), strict=True))})


def faint(ids: Sequence[int], seen: Mapping[int, Sighting]) -> Flags:
    """Which faces are too poor to found a group."""
    return np.array([seen[face].quality < WORTH_GROUPING for face in ids], np.bool_)


def marked(ids: Sequence[int], seen: Mapping[int, Sighting]) -> dict[int, set[int]]:
    """By row the marks of faces that stand in one photo: they are not one person."""
    photos = Counter(seen[face].photo for face in ids)
    return {row: {-seen[face].photo} for row, face in enumerate(ids) if photos[seen[face].photo] > 1}


def _away(old: Mapping[int, int | None], groups: Mapping[int, int | None]) -> dict[int, int | None]:
    """Faces whose photos aren't there now keep their groups, as these are numbered now, for when they come back."""
    numbers: dict[int, int] = {}
    for face, number in old.items():
        if number is not None and (now := groups.get(face)) is not None:
            numbers.setdefault(number, now)
    free = count(1 + max((number for number in groups.values() if number is not None), default=0))
    for number in old.values():
        if number is not None and number not in numbers:
            numbers[number] = next(free)
    return {face: None if number is None else numbers[number] for face, number in old.items() if face not in groups}
