"""Base groups: all faces grouped by their vectors and photos alone, whatever humans said of them.

They change when photos come, and never with an answer. The groups that people see are made from them and from the
answers (`constrained_groups`), so an answer that is undone leaves nothing behind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import count

import numpy as np

from phototag.imaging.quality import WORTH_GROUPING
from phototag.learn.arrays import Flags
from phototag.learn.cluster import PriorKnowledge, cluster
from phototag.store.groups import BaseGroups, Sighting
from phototag.types import Thresholds, Vectors


def update_base_groups(
    ids: Sequence[int],
    vectors: Vectors,
    thresholds: Thresholds,
    sightings: Mapping[int, Sighting],
    last: BaseGroups | None,
) -> BaseGroups:
    """Group all faces that a detector found. `last`: the base groups of before; their faces stay together."""
    if last is not None and last.groups.keys() >= set(ids):
        return last
    old, since = (last.groups, last.since) if last else ({}, {})
    now = 1 + max(since.values(), default=-1)
    first = np.array([since.get(face, now) for face in ids], np.int64)
    prior = PriorKnowledge(
        must_link=np.array([old.get(face) or -1 for face in ids], np.int64),
        settled=np.array([face in old for face in ids], np.bool_),
        low_quality=low_quality(ids, sightings),
        cannot_link=same_photo_keys(ids, sightings),
        first_grouping=first,
    )
    numbers = [label + 1 or None for label in cluster(vectors, thresholds, prior).tolist()]
    groups: dict[int, int | None] = dict(zip(ids, numbers, strict=True))
    return BaseGroups(groups | _faces_away(old, groups), {**since, **dict(zip(ids, first.tolist(), strict=True))})


def low_quality(ids: Sequence[int], sightings: Mapping[int, Sighting]) -> Flags:
    """(n,) which faces are too poor to found a group."""
    return np.array([sightings[face].quality < WORTH_GROUPING for face in ids], np.bool_)


def same_photo_keys(ids: Sequence[int], sightings: Mapping[int, Sighting]) -> dict[int, set[int]]:
    """Cannot-link keys by row: faces that share a photo are not one person. The key is −photo."""
    photos = Counter(sightings[face].photo for face in ids)
    return {row: {-sightings[face].photo} for row, face in enumerate(ids) if photos[sightings[face].photo] > 1}


def _faces_away(old: Mapping[int, int | None], groups: Mapping[int, int | None]) -> dict[int, int | None]:
    """The groups of faces whose photos are away, by the numbers that their groups have now, for when they come back."""
    numbers: dict[int, int] = {}
    for face, number in old.items():
        if number is not None and (now := groups.get(face)) is not None:
            numbers.setdefault(number, now)
    free = count(1 + max((number for number in groups.values() if number is not None), default=0))
    for number in old.values():
        if number is not None and number not in numbers:
            numbers[number] = next(free)
    return {face: None if number is None else numbers[number] for face, number in old.items() if face not in groups}
