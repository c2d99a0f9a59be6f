"""Group faces that look like one person, by HDBSCAN and constrained average linkage.

HDBSCAN finds dense clusters. Because it works like single linkage, it bridges two people now and then, and it calls a
library of one person noise. So its clusters are cut into pure parts, and parts and noise are joined by average linkage
at distances that belong to the embedder.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace

import numpy as np

from phototag.learn.arrays import Flags, Labels, Rows
from phototag.learn.constrained_linkage import ConstrainedLinkage, FaceTable
from phototag.learn.density import NEIGHBOURS, hdbscan_clusters
from phototag.learn.isolation import isolation_credit
from phototag.learn.linkage import MergeBound, cut_clusters
from phototag.learn.neighbours import k_nearest, neighbour_graph
from phototag.types import Thresholds, Vectors

#: Share of `join` at which HDBSCAN's clusters are cut into parts.
_PURE = 0.92


@dataclass(frozen=True, slots=True, eq=False)
class PriorKnowledge:
    """What is known of n faces before they are grouped, by row.

    `must_link` (n,): faces with the same number, 0 or more, stay together; −1 for the others. `settled` (n,): faces
    that took part in an earlier grouping; little changes among them. `low_quality` (n,): faces too poor to found a
    group or to bridge two; they may join one. `cannot_link`: keys by row; faces that share a key are not the same
    person. `first_grouping` (n,): for settled faces the number, from 0, of the grouping in which they first took part;
    None: all in the same.
    """

    must_link: Labels
    settled: Flags
    low_quality: Flags
    cannot_link: Mapping[int, Set[int]] = field(default_factory=dict)
    first_grouping: Rows | None = None

    @staticmethod
    def none(count: int) -> PriorKnowledge:
        """Nothing is known of `count` faces."""
        return PriorKnowledge(np.full(count, -1, np.int64), np.zeros(count, np.bool_), np.zeros(count, np.bool_))


def cluster(vectors: Vectors, thresholds: Thresholds, prior: PriorKnowledge | None = None) -> Labels:
    """(n,) group of each of (n, dim) unit vectors, −1 for a face that stands alone.

    Groups have two faces or more and are numbered from 0, the largest first. The grouping doesn't depend on the order
    of the rows; exactly equal faces are ordered by their lowest cannot-link keys.
    """
    if not len(vectors):
        return np.zeros(0, np.int64)
    prior = prior or PriorKnowledge.none(len(vectors))
    first = np.where(prior.settled, 0 if prior.first_grouping is None else prior.first_grouping, -1)
    lowest = [min(prior.cannot_link.get(row, ()), default=0) for row in range(len(vectors))]
    order = np.lexsort((lowest, prior.low_quality, first, prior.must_link, *vectors.T))
    place = np.argsort(order)
    faces = FaceTable(vectors, isolation_credit(vectors[order], thresholds)[place], first, prior.cannot_link)
    parts = _group(faces[order], prior.must_link[order], prior.low_quality[order], thresholds)
    return number_groups(parts[place])


def _group(faces: FaceTable, must_link: Labels, low_quality: Flags, thresholds: Thresholds) -> Labels:
    """The group of every row, by any number; −1 for low-quality faces that join none."""
    well_founded = np.setdiff1d(must_link[~low_quality], -1)  # must-link sets with a face that can found a group
    founds = ~low_quality | ((must_link >= 0) & ~np.isin(must_link, well_founded))
    founders, tied, free = (np.flatnonzero(x) for x in (founds, ~founds & (must_link >= 0), ~founds & (must_link < 0)))
    leader = dict(zip(must_link[founders].tolist(), founders.tolist(), strict=True))
    led_by = [leader[number] for number in must_link[tied].tolist()]
    keys = dict(faces.cannot_link)
    for row, chief in zip(tied.tolist(), led_by, strict=True):  # a low-quality face's constraints bind its whole set
        keys[chief] = {*keys.get(chief, ()), *keys.get(row, ())}
    faces = replace(faces, cannot_link=keys)
    linkage, labels = _link_founders(faces[founders], must_link[founders], thresholds)
    result = np.full(len(must_link), -1, np.int64)
    result[founders] = labels
    result[tied] = result[led_by]
    result[free] = linkage.assign(faces[free])
    return result


def _link_founders(faces: FaceTable, must_link: Labels, thresholds: Thresholds) -> tuple[ConstrainedLinkage, Labels]:
    """The groups of the faces that can found groups, and the group of each."""
    first = _first_copies(faces, np.flatnonzero((faces.first_grouping < 0) & (must_link < 0)))
    copies = np.flatnonzero(first != np.arange(len(first)))
    new = np.setdiff1d(np.flatnonzero(faces.first_grouping < 0), copies)
    vectors = faces.vectors[new]
    rows, _ = neighbour_graph(vectors, NEIGHBOURS)
    pure = np.arange(len(must_link))
    pure[new] = len(must_link) + cut_clusters(vectors, hdbscan_clusters(vectors, rows), thresholds.join * _PURE)
    free = must_link.max(initial=-1) + 1 + _without_conflicts(pure[first], faces.cannot_link)
    parts = np.unique(np.where(must_link >= 0, must_link, free), return_inverse=True)[1].astype(np.int64)
    rows = new[rows]
    if (faces.first_grouping >= 0).any():
        originals = np.setdiff1d(np.arange(len(must_link)), copies)
        rows = originals[k_nearest(vectors, faces.vectors[originals], NEIGHBOURS + 1)[0]]
    one = np.concatenate([np.repeat(new, rows.shape[1]), copies])
    two = np.concatenate([rows.ravel(), first[copies]])
    linkage = ConstrainedLinkage(faces, parts, MergeBound(thresholds.join, thresholds.split), one, two)
    linkage.merge_all()
    return linkage, linkage.current(parts)


def _first_copies(faces: FaceTable, rows: Rows) -> Rows:
    """(n,) first face that equals each face: copies of one photo are treated as one face.

    Only `rows` may be copies, and only of each other; equal ones follow each other. No two copies of one face share a
    cannot-link key.
    """
    first = np.arange(len(faces.vectors))
    equal = np.flatnonzero((faces.vectors[rows[1:]] == faces.vectors[rows[:-1]]).all(axis=1))
    keys: dict[int, set[int]] = {}
    for before, row in zip(rows[equal].tolist(), rows[equal + 1].tolist(), strict=True):
        one = int(first[before])
        taken = keys.setdefault(one, set(faces.cannot_link.get(one, ())))
        own = faces.cannot_link.get(row, frozenset())
        if taken.isdisjoint(own):
            first[row] = one
            taken |= own
    return first


def _without_conflicts(parts: Labels, cannot_link: Mapping[int, Set[int]]) -> Labels:
    """Parts from which all faces are taken out that share a cannot-link key with another of the part.

    They become parts of one face each, so that the better one may come back.
    """
    rows: dict[tuple[int, int], list[int]] = {}
    for row, own in cannot_link.items():
        for key in own:
            rows.setdefault((int(parts[row]), key), []).append(row)
    out = sorted({row for sharing in rows.values() if len(sharing) > 1 for row in sharing})
    parts = parts.copy()
    parts[out] = parts.max(initial=-1) + 1 + np.arange(len(out))
    return parts


def number_groups(parts: Labels) -> Labels:
    """Number parts of two faces or more from 0, the largest first, equal ones by their first face; the others are −1.

    A row whose part is negative is in none.
    """
    _, first, inverse, sizes = np.unique(parts, return_index=True, return_inverse=True, return_counts=True)
    sizes[inverse[parts < 0]] = 0
    number = np.full(len(sizes), -1, np.int64)
    order = np.lexsort((first, -sizes))
    groups = order[sizes[order] > 1]
    number[groups] = np.arange(len(groups))
    return number[inverse]


def members(labels: Labels) -> list[Rows]:
    """The rows of each group, by its number; rows with label −1 are in none."""
    order = np.argsort(labels, kind="stable")[int((labels < 0).sum()) :]
    return np.split(order, np.flatnonzero(np.diff(labels[order])) + 1) if len(order) else []


def central_first(vectors: Vectors) -> Rows:
    """Rows ordered by similarity to the mean of all, the most central first."""
    return np.argsort(-(vectors @ vectors.mean(axis=0)), kind="stable").astype(np.int64)
