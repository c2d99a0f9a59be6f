"""Groups of faces that look like one person.

HDBSCAN finds the dense cores. Its single-linkage nature bridges two people now and then, and it calls a library of one
person noise; so its clusters are cut into pure parts, and these and the noise are joined by average linkage at
distances that belong to the embedder.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from phototag.learn.density import NEIGHBOURS, dense
from phototag.learn.graph import nearest, neighbours
from phototag.learn.groups import Faces, Groups
from phototag.learn.isolation import isolation
from phototag.learn.linkage import Bound, split
from phototag.types import Thresholds, Vectors

Labels = npt.NDArray[np.int64]  #: (n,), −1 for a face that stands alone
Flags = npt.NDArray[np.bool_]

#: Share of `join` at which HDBSCAN's clusters are cut into parts.
_PURE = 0.92


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What is known of n faces besides their vectors, by row.

    `parts`: rows with the same number, 0 or more, stay together; −1 for the others. `settled`: faces that were grouped,
    or left alone, before; among them little changes. `marks`: faces that share one are not the same person. `faint`:
    faces too poor to found a group or to hold one together; they may join one. `since`: of settled faces, the number
    (from 0) of the grouping in which they first took part; without it, all of them in the same.
    """

    parts: Labels
    settled: Flags
    faint: Flags
    marks: Mapping[int, Set[int]] = field(default_factory=dict)
    since: Labels | None = None

    @staticmethod
    def nothing(count: int) -> Known:
        return Known(np.full(count, -1, np.int64), np.zeros(count, np.bool_), np.zeros(count, np.bool_))


def cluster(vectors: Vectors, thresholds: Thresholds, known: Known | None = None) -> Labels:
    """Group (n, dim) unit vectors; groups are numbered from 0, largest first, and have two faces or more.

    The grouping doesn't depend on the order of the rows. Exactly equal faces are told apart by their lowest marks.
    """
    if not len(vectors):
        return np.zeros(0, np.int64)
    known = known or Known.nothing(len(vectors))
    since = np.where(known.settled, 0 if known.since is None else known.since, -1)
    lowest = [min(known.marks.get(row, ()), default=0) for row in range(len(vectors))]
    order = np.lexsort((lowest, known.faint, since, known.parts, *vectors.T))
    place = np.argsort(order)
    faces = Faces(vectors, isolation(vectors[order], thresholds)[place], since, known.marks)
    return numbered(_grouped(faces[order], known.parts[order], known.faint[order], thresholds)[place])


def _grouped(faces: Faces, given: Labels, faint: Flags, thresholds: Thresholds) -> Labels:
    """The group of every row, by any number; −1 for faint faces that belong to none."""
    clear = np.setdiff1d(given[~faint], -1)  # given parts with a face that can found a group
    founds = ~faint | ((given >= 0) & ~np.isin(given, clear))
    founding, bound, loose = (np.flatnonzero(x) for x in (founds, ~founds & (given >= 0), ~founds & (given < 0)))
    leader = dict(zip(given[founding].tolist(), founding.tolist(), strict=True))
    led = [leader[part] for part in given[bound].tolist()]
    marks = dict(faces.marks)
    for row, chief in zip(bound.tolist(), led, strict=True):  # what bars a faint face bars its part
        marks[chief] = {*marks.get(chief, ()), *marks.get(row, ())}
    faces = replace(faces, marks=marks)
    groups, labels = _united(faces[founding], given[founding], thresholds)
    result = np.full(len(given), -1, np.int64)
    result[founding] = labels
    result[bound] = result[led]
    result[loose] = groups.follow(faces[loose])
    return result


def _united(faces: Faces, given: Labels, thresholds: Thresholds) -> tuple[Groups, Labels]:
    """The groups that faces found, and the group of each."""
    first = _copied(faces, np.flatnonzero((faces.since < 0) & (given < 0)))
    copies = np.flatnonzero(first != np.arange(len(first)))
    moving = np.setdiff1d(np.flatnonzero(faces.since < 0), copies)
    vectors = faces.vectors[moving]
    rows, _ = neighbours(vectors, NEIGHBOURS)
    pure = np.arange(len(given))
    pure[moving] = len(given) + split(vectors, dense(vectors, rows), thresholds.join * _PURE)
    parts = np.where(given >= 0, given, given.max(initial=-1) + 1 + _unmixed(pure[first], faces.marks))
    parts = np.unique(parts, return_inverse=True)[1].astype(np.int64)
    rows = moving[rows]
    if (faces.since >= 0).any():
        seen = np.setdiff1d(np.arange(len(given)), copies)
        rows = seen[nearest(vectors, faces.vectors[seen], NEIGHBOURS + 1)[0]]
    one = np.concatenate([np.repeat(moving, rows.shape[1]), copies])
    two = np.concatenate([rows.ravel(), first[copies]])
    groups = Groups(faces, parts, Bound(thresholds.join, thresholds.split), one, two)
    groups.unite()
    return groups, groups.owners(parts)


def _copied(faces: Faces, rows: Labels) -> Labels:
    """For each face the first that equals it: copies of one photo are not weighed one by one.

    Only `rows` may be copies, of one of them; equal ones follow each other. No two copies share a mark.
    """
    first = np.arange(len(faces.vectors))
    equal = np.flatnonzero((faces.vectors[rows[1:]] == faces.vectors[rows[:-1]]).all(axis=1))
    marks: dict[int, set[int]] = {}
    for before, row in zip(rows[equal].tolist(), rows[equal + 1].tolist(), strict=True):
        one = int(first[before])
        taken = marks.setdefault(one, set(faces.marks.get(one, ())))
        own = faces.marks.get(row, frozenset())
        if taken.isdisjoint(own):
            first[row] = one
            taken |= own
    return first


def _unmixed(parts: Labels, marks: Mapping[int, Set[int]]) -> Labels:
    """Faces that share a mark with another one of their part stand alone, so that the better one may come back."""
    rows: dict[tuple[int, int], list[int]] = {}
    for row, own in marks.items():
        for mark in own:
            rows.setdefault((int(parts[row]), mark), []).append(row)
    out = sorted({row for mixed in rows.values() if len(mixed) > 1 for row in mixed})
    parts = parts.copy()
    parts[out] = parts.max(initial=-1) + 1 + np.arange(len(out))
    return parts


def numbered(parts: Labels) -> Labels:
    """Parts (0 or more) of two faces or more as 0, 1, … by falling size, ties by their first face; the others −1."""
    _, first, inverse, sizes = np.unique(parts, return_index=True, return_inverse=True, return_counts=True)
    sizes[inverse[parts < 0]] = 0
    number = np.full(len(sizes), -1, np.int64)
    order = np.lexsort((first, -sizes))
    groups = order[sizes[order] > 1]
    number[groups] = np.arange(len(groups))
    return number[inverse]


def members(labels: Labels) -> list[Labels]:
    """The rows of each group, by its number; those that stand alone are in none."""
    order = np.argsort(labels, kind="stable")[int((labels < 0).sum()) :]
    return np.split(order, np.flatnonzero(np.diff(labels[order])) + 1) if len(order) else []


def central_first(vectors: Vectors) -> npt.NDArray[np.int64]:
    """Rows ordered from the one nearest to the mean outwards."""
    return np.argsort(-(vectors @ vectors.mean(axis=0)), kind="stable").astype(np.int64)
