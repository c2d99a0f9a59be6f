"""The labelled faces of a library, by person, with all that a new face is compared with."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np

from phototag.learn.arrays import Counts, Floats, Rows
from phototag.learn.isolation import cohort_rows, stranger_distances
from phototag.learn.linear_svm import spread_evenly
from phototag.types import Thresholds, Vectors

P = ParamSpec("P")
R = TypeVar("R")

#: Size of the cohort, and how many of the nearest strangers in it count.
_COHORT, _NEAREST = 512, 5
#: A person with at least this many faces has a radius of their own.
_OWN_RADIUS = 5
#: A person with at least this many faces must have two faces within their radius.
_TWO = 8
#: Share of a person's faces that have another of theirs within the inner end of the radius.
_COVERED = 0.95
#: No radius is less than this share of the embedder's threshold.
_LEAST_RADIUS = 0.8
#: Faces of a person that are compared to find their radius.
_ENOUGH = 100
#: Faces of other people that they are compared with: of each person, and of all together.
_OTHERS, _MOST_OTHERS = 8, 4000


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """The labelled faces of k people, m faces in all.

    `people` (k,): ids, ascending. `vectors` (m, dim): faces, grouped by person; `rows` (m,): the row each came from;
    `starts` (k + 1,): where each person's faces begin. `means` (k, dim): mean of a person's faces, scaled to unit
    length from `mean_lengths` (k,). `isolation` (m,): mean squared distance of each face to its nearest strangers in
    the cohort, less `cohort_mean`. `spread`: mean squared distance of two faces of one person. `radius` (k,): distance
    within which a face may be a person's. `cohort` (c, dim): faces that stand for everybody. `cohort_mean`: mean of the
    squared distances to the nearest strangers, over all labelled faces.
    """

    people: Rows
    vectors: Vectors
    rows: Rows
    starts: Rows
    means: Vectors
    mean_lengths: Floats
    isolation: Floats
    spread: float
    radius: Floats
    cohort: Vectors
    cohort_mean: float
    thresholds: Thresholds

    @property
    def counts(self) -> Counts:
        """(k,) how many faces each person has."""
        return np.diff(self.starts)

    @property
    def owners(self) -> Rows:
        """(m,) place in `people` of each face's person."""
        return np.repeat(np.arange(len(self.people)), self.counts)

    def isolation_of(self, vectors: Vectors) -> Floats:
        """(n,) isolation of other faces, by the same cohort; 0 for those with too few strangers."""
        return np.nan_to_num(stranger_distances(vectors, self.cohort, self.thresholds, _NEAREST) - self.cohort_mean)


def single_threaded_blas(job: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function so that each of its many small matrix products runs on one thread."""

    @wraps(job)
    def limited(*arguments: P.args, **named: P.kwargs) -> R:
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1, "blas"):
            return job(*arguments, **named)

    return limited


@single_threaded_blas
def build_gallery(vectors: Vectors, labels: Sequence[int], thresholds: Thresholds, everybody: Vectors) -> Gallery:
    """Group (m, dim) labelled faces by person; every radius is the embedder's threshold.

    `everybody`: faces of the library, named or not, in an order that lasts; the cohort is taken from them.
    """
    owner = np.asarray(labels, np.int64)
    order = np.argsort(owner, kind="stable")
    people, counts = np.unique(owner, return_counts=True)
    starts = np.concatenate([[0], np.cumsum(counts)])
    own = vectors[order]
    sums = np.add.reduceat(own, starts[:-1], axis=0, dtype=np.float64) if len(own) else own.astype(np.float64)
    lengths = np.maximum(np.linalg.norm(sums, axis=1), 1e-9)
    cohort = everybody[cohort_rows(len(everybody), _COHORT)]
    isolation = stranger_distances(own, cohort, thresholds, _NEAREST)
    cohort_mean = float(np.nanmean(isolation)) if np.isfinite(isolation).any() else 0.0
    return Gallery(
        people=people,
        vectors=own,
        rows=order,
        starts=starts,
        means=(sums / lengths[:, None]).astype(np.float32),
        mean_lengths=lengths / counts,
        isolation=np.nan_to_num(isolation - cohort_mean),
        spread=_spread(counts, lengths, thresholds),
        radius=np.full(len(people), thresholds.same),
        cohort=cohort,
        cohort_mean=cohort_mean,
        thresholds=thresholds,
    )


def _spread(counts: Counts, lengths: Floats, thresholds: Thresholds) -> float:
    """Mean squared distance over all pairs of faces of one person; `join`² where there are fewer than ten pairs.

    The squared distances of a person's n(n−1) ordered pairs sum up to 2·(n² − |Σ x|²).
    """
    pairs = counts * (counts - 1.0)
    squared = 2 * (counts**2 - lengths**2)
    return float(squared.sum() / pairs.sum()) if pairs.sum() >= 20 else thresholds.join**2


@single_threaded_blas
def with_radii(gallery: Gallery, others: Vectors, not_person: Rows) -> Gallery:
    """The gallery with a radius of their own for people who have enough faces.

    The radius lies midway between the distance within which 95 % of a person's faces have another of theirs, and the
    distance of the nearest face of anybody else, within 0.8·same and midpoint. Anybody else is every other labelled
    person, and those of `others` (b, dim) who are known not to be them: `not_person` (b,) is the place in the gallery
    of the person that a face is not, because it shares a photo with them.
    """
    radius = gallery.radius.copy()
    some = spread_evenly(gallery.owners, max(1, min(_OTHERS, _MOST_OTHERS // max(len(gallery.people), 1))))
    vectors, owners = gallery.vectors[some], gallery.owners[some]
    same, most = gallery.thresholds.same, gallery.thresholds.midpoint

    def own_radius(place: int) -> float:
        own = gallery.vectors[gallery.starts[place] : gallery.starts[place + 1]]
        own = own[:: max(1, len(own) // _ENOUGH)]
        similar = own @ own.T
        np.fill_diagonal(similar, -1)
        inner = _distance(np.quantile(similar.max(axis=1), 1 - _COVERED))
        foreign = [(own @ vectors.T).max(axis=0)[owners != place], (own @ others[not_person == place].T).max(axis=0)]
        outer = _distance(np.concatenate(foreign).max(initial=-1))
        return float(np.clip((inner + outer) / 2, _LEAST_RADIUS * same, most))

    places = np.flatnonzero(gallery.counts >= _OWN_RADIUS)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        radius[places] = list(pool.map(own_radius, places.tolist()))
    return replace(gallery, radius=radius)


def faces_required(counts: Counts) -> Counts:
    """How many of a person's faces must lie within their radius of a face, by how many faces they have."""
    return np.where(counts >= _TWO, 2, 1)


def _distance(similarity: float) -> float:
    return float(np.sqrt(max(2 - 2 * float(similarity), 0)))
