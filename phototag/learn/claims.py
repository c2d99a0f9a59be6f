"""What speaks for a person to be the one on a picture: their faces beside it, everybody else's, and strangers'.

A face *fits* a person by its squared distance to the mean of their faces, less what is credited to faces and people
with few strangers near (adaptive s-norm: Matějka et al. 2017), less half of what that mean is astray by itself
because it is of few faces.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt

from phototag.learn.classify import LinearModel, spread_evenly
from phototag.learn.isolation import cohort, strangers
from phototag.types import Thresholds, Vectors

P = ParamSpec("P")
R = TypeVar("R")
Rows = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

#: Labelled faces that are named as evidence for a claim.
EVIDENCE = 3
#: Faces that stand for everybody, and how many of the nearest of them count.
_COHORT, _NEAREST = 512, 5
#: A person's reach is their own from so many faces on; from so many on, two faces have to be within it.
_OWN_REACH, _TWO = 5, 8
#: Share of a person's faces that the next of theirs must reach for them to be told from others by distance.
_REACHED = 0.95
#: No reach is less than this share of the embedder's threshold; so many faces of a person tell how far it is.
_LEAST_REACH, _ENOUGH = 0.8, 100
#: Faces that stand for a person when others are told from them, and of all people together.
_OTHERS, _MOST_OTHERS = 8, 4000
#: Faces of a person that are held out to see what would be said of them, and of all people together.
_HELD_OUT, _MOST_HELD_OUT = 20, 5_000
_BLOCK = 2048
_NOBODY = -1e3


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """The labelled faces, by person.

    `people` (k,) ascending; `vectors` (m, dim), grouped by person, of which `rows` are the rows that they came from and
    `starts` (k + 1,) where each person's begin; `means` (k, dim) unit, of length `lengths` (k,) before; `near` (m,):
    how much farther than usual each face's nearest strangers are; `spread`: the mean squared distance of two faces of
    one person; `reach` (k,): distance within which faces are taken for theirs; `crowd` (c, dim): the faces that stand
    for everybody, and `usual` how near the nearest are on average.
    """

    people: Rows
    vectors: Vectors
    rows: Rows
    starts: Rows
    means: Vectors
    lengths: Values
    near: Values
    spread: float
    reach: Values
    crowd: Vectors
    usual: float
    thresholds: Thresholds

    @property
    def counts(self) -> Rows:
        return np.diff(self.starts)

    @property
    def owners(self) -> Rows:
        """(m,) place in `people` of each face."""
        return np.repeat(np.arange(len(self.people)), self.counts)


@dataclass(frozen=True, slots=True, eq=False)
class Claims:
    """The best person for each of n faces, by place in the gallery's `people` (−1: all are ruled out).

    `fit`: that person's; `second`: the best fit of anybody else. `distance`: to their nearest face; `evidence`
    (n, EVIDENCE): rows of their nearest labelled faces, −1 where they have fewer, and how far away those are (`away`).
    `within`: how many of their faces are within their reach; `loose`: root mean square distance to all of them, and
    `rival` to the second's.
    """

    person: Rows
    fit: Values
    second: Values
    distance: Values
    within: Rows
    loose: Values
    rival: Values
    evidence: Rows
    away: Values

    def __getitem__(self, rows: Rows | npt.NDArray[np.bool_]) -> Claims:
        return Claims(*(getattr(self, field.name)[rows] for field in fields(self)))


def _by_one_thread(job: Callable[P, R]) -> Callable[P, R]:
    """Keep matrix products, of which there are many small ones, to a thread each."""

    @wraps(job)
    def limited(*arguments: P.args, **named: P.kwargs) -> R:
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1, "blas"):
            return job(*arguments, **named)

    return limited


@_by_one_thread
def gallery(vectors: Vectors, labels: Sequence[int], thresholds: Thresholds, everybody: Vectors) -> Gallery:
    """The labelled (m, dim) faces by person; `everybody`: faces of the library, named or not, in a lasting order."""
    owner = np.asarray(labels, np.int64)
    order = np.argsort(owner, kind="stable")
    people, counts = np.unique(owner, return_counts=True)
    starts = np.concatenate([[0], np.cumsum(counts)])
    own = vectors[order]
    sums = np.add.reduceat(own, starts[:-1], axis=0, dtype=np.float64) if len(own) else own.astype(np.float64)
    lengths = np.maximum(np.linalg.norm(sums, axis=1), 1e-9)
    pairs = counts * (counts - 1.0)
    apart = 2 * (counts**2 - lengths**2)
    spread = float(apart.sum() / pairs.sum()) if pairs.sum() >= 20 else thresholds.join**2
    crowd = everybody[cohort(len(everybody), _COHORT)]
    near = strangers(own, crowd, thresholds, _NEAREST)
    usual = float(np.nanmean(near)) if np.isfinite(near).any() else 0.0
    near = np.nan_to_num(near - usual)
    return Gallery(
        people,
        own,
        order,
        starts,
        (sums / lengths[:, None]).astype(np.float32),
        lengths / counts,
        near,
        spread,
        np.full(len(people), thresholds.same),
        crowd,
        usual,
        thresholds,
    )


@_by_one_thread
def with_reach(known: Gallery, beside: Vectors, not_them: Rows) -> Gallery:
    """The gallery with a reach of their own for people who have faces enough.

    It lies midway between how far their faces are from each other (all but the farthest few from their nearest) and
    how near anybody else's come. Others are the other labelled people, and `beside` (b, dim), faces of photos that
    somebody is in who they therefore are not: `not_them` (b,), the place in the gallery of whom.
    """
    reach = known.reach.copy()
    rest = spread_evenly(known.owners, max(1, min(_OTHERS, _MOST_OTHERS // max(len(known.people), 1))))
    others, owners = known.vectors[rest], known.owners[rest]
    same, most = known.thresholds.same, known.thresholds.midpoint

    def far(place: int) -> float:
        own = known.vectors[known.starts[place] : known.starts[place + 1]]
        own = own[:: max(1, len(own) // _ENOUGH)]
        similar = own @ own.T
        np.fill_diagonal(similar, -1)
        inner = _away(np.quantile(similar.max(axis=1), 1 - _REACHED))
        foreign = [(own @ others.T).max(axis=0)[owners != place], (own @ beside[not_them == place].T).max(axis=0)]
        outer = _away(np.concatenate(foreign).max(initial=-1))
        return float(np.clip((inner + outer) / 2, _LEAST_REACH * same, most))

    places = np.flatnonzero(known.counts >= _OWN_REACH)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        reach[places] = list(pool.map(far, places.tolist()))
    return replace(known, reach=reach)


def _away(similar: float) -> float:
    return float(np.sqrt(max(2 - 2 * float(similar), 0)))


def needed(counts: Rows) -> Rows:
    """How many of a person's faces have to be within reach, by how many there are."""
    return np.where(counts >= _TWO, 2, 1)


@_by_one_thread
def claims(
    vectors: Vectors, known: Gallery, model: LinearModel | None, ruled_out: Mapping[int, Set[int]] | None = None
) -> Claims:
    """The SVM's person for each of (n, dim) faces, or without an SVM whom it fits best.

    `ruled_out`: by row, people (ids) whom a face is not.
    """
    barred = _barred(known, ruled_out or {}, len(vectors))
    scorer = None if model is None else _scorer(model, known)

    def part(start: int) -> tuple[Rows, Values, Values, Values, Values]:
        block = vectors[start : start + _BLOCK]
        similar = (block @ known.means.T).astype(np.float64)
        fits = _fits(known, similar, _nearness(known, block))
        taboo = (barred[0] >= start) & (barred[0] < start + _BLOCK)
        out = barred[0][taboo] - start, barred[1][taboo]
        fits[out] = _NOBODY
        if scorer is None:
            return _best(known, fits, similar, fits)
        scores = block @ scorer[0].T + scorer[1]
        scores[out] = -np.inf
        return _best(known, fits, similar, scores)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = list(pool.map(part, range(0, max(len(vectors), 1), _BLOCK)))
    person, fit, second, loose, rival = (np.concatenate(part) for part in zip(*parts, strict=True))
    return _with_evidence(known, vectors, person, fit, second, loose, rival)


@_by_one_thread
def held_out(known: Gallery, rows: Rows | None = None) -> tuple[Claims, Rows, Claims]:
    """What would be claimed of labelled faces if they weren't labelled; whose they are (places in `people`); and what
    would be claimed of them if nobody knew their person: as of a stranger.

    `rows`: of the gallery; by default some of each person, evenly spread. Of a face that is a person's only one the
    first claim can only be wrong.
    """
    if rows is None:
        rows = spread_evenly(known.owners, max(1, min(_HELD_OUT, _MOST_HELD_OUT // max(len(known.people), 1))))
    owner, counts, vectors = known.owners[rows], known.counts, known.vectors[rows]
    every = np.arange(len(rows))
    similar = (vectors @ known.means.T).astype(np.float64)
    fits = _fits(known, similar, known.near[rows])
    left = counts[owner] - 1
    sums = known.means[owner] * (known.lengths * counts)[owner][:, None] - vectors
    length = np.maximum(np.linalg.norm(sums, axis=1), 1e-9)
    own = np.einsum("ij,ij->i", sums, vectors) / length
    near = np.bincount(known.owners, known.near, len(counts))[owner] - known.near[rows]
    left = np.maximum(left, 1)
    without = 2 * own - 2 + (known.near[rows] + near / left) / 2 + _astray(known.spread, left)
    stranger = fits.copy()
    stranger[every, owner] = _NOBODY
    fits[every, owner] = np.where(counts[owner] > 1, without, _NOBODY)
    as_stranger = _with_evidence(known, vectors, *_best(known, stranger, similar, stranger))
    similar[every, owner] = own * length / left / known.lengths[owner]
    as_known = _with_evidence(known, vectors, *_best(known, fits, similar, fits), own=rows)
    return as_known, owner, as_stranger


def _fits(known: Gallery, similar: Values, near: Values) -> Values:
    """(n, k) fits from the similarity of n faces to the people's means, and how near strangers are to the faces."""
    counts = known.counts
    people = np.bincount(known.owners, known.near, len(counts)) / counts
    return np.asarray(2 * similar - 2 + near[:, None] / 2 + people / 2 + _astray(known.spread, counts))


def _astray(spread: float, counts: Rows) -> Values:
    """Half of the squared distance from the mean of so many faces that a person's next face has by chance."""
    alike = 1 - spread / 2
    return np.asarray(1 - alike / np.sqrt(alike + (1 - alike) / counts))


def _nearness(known: Gallery, vectors: Vectors) -> Values:
    """How much farther than usual the nearest strangers are."""
    return np.nan_to_num(strangers(vectors, known.crowd, known.thresholds, _NEAREST) - known.usual)


def _barred(known: Gallery, ruled_out: Mapping[int, Set[int]], count: int) -> tuple[Rows, Rows]:
    place = {person: column for column, person in enumerate(known.people.tolist())}
    pairs = [(row, place[person]) for row, people in ruled_out.items() for person in people if person in place]
    rows, columns = zip(*pairs, strict=True) if pairs else ((), ())
    return np.array(rows, np.int64), np.array(columns, np.int64)


def _scorer(model: LinearModel, known: Gallery) -> tuple[Vectors, npt.NDArray[np.float32]] | None:
    """The SVM's lines for the gallery's people; None if it doesn't know them all."""
    row = {person: index for index, person in enumerate(model.people)}
    if len(known.people) < 2 or not row.keys() >= set(known.people.tolist()):
        return None
    rows = [row[person] for person in known.people.tolist()]
    return model.coef[rows], model.intercept[rows].astype(np.float32)


def _best(
    known: Gallery, fits: Values, similar: Values, chosen: npt.NDArray[Any]
) -> tuple[Rows, Values, Values, Values, Values]:
    """Person, fit, the second's fit, and the root mean square distances to both's faces."""
    every = np.arange(len(fits))
    if not fits.shape[1]:
        nothing = np.full(len(fits), _NOBODY)
        return np.full(len(fits), -1), nothing, nothing, np.full(len(fits), 2.0), np.full(len(fits), 2.0)
    person = np.argmax(chosen, axis=1)
    fit = fits[every, person]
    others = fits.copy()
    others[every, person] = _NOBODY
    rival = np.argmax(others, axis=1)
    second = others[every, rival]
    loose = np.sqrt(np.maximum(2 - 2 * similar[every, person] * known.lengths[person], 0))
    away = np.sqrt(np.maximum(2 - 2 * similar[every, rival] * known.lengths[rival], 0))
    return np.where(fit > _NOBODY, person, -1), fit, second, loose, np.where(second > _NOBODY, away, 2.0)


def _with_evidence(
    known: Gallery,
    vectors: Vectors,
    person: Rows,
    fit: Values,
    second: Values,
    loose: Values,
    rival: Values,
    own: Rows | None = None,
) -> Claims:
    """Claims with the nearest faces of their people; `own`: the gallery's row of each face, which is no evidence."""
    evidence = np.full((len(vectors), EVIDENCE), -1, np.int64)
    away = np.full((len(vectors), EVIDENCE), 2.0)
    within = np.zeros(len(vectors), np.int64)
    order = np.argsort(person, kind="stable")
    ends = np.searchsorted(person[order], np.arange(len(known.people) + 1))
    for place in np.flatnonzero(np.diff(ends)).tolist():
        start, count = int(known.starts[place]), int(known.counts[place])
        faces = known.vectors[start : start + count]
        for at in range(int(ends[place]), int(ends[place + 1]), _BLOCK):
            rows = order[at : min(at + _BLOCK, int(ends[place + 1]))]
            apart = np.sqrt(np.maximum(2 - 2 * (vectors[rows] @ faces.T), 0))
            if own is not None:
                mine = (own[rows] >= start) & (own[rows] < start + count)
                apart[np.flatnonzero(mine), own[rows][mine] - start] = np.inf
            few = min(EVIDENCE, count)
            best = np.argsort(apart, axis=1, kind="stable")[:, :few] if count < 32 else _first(apart, few)
            found = np.take_along_axis(apart, best, axis=1)
            there = np.isfinite(found)
            evidence[rows, :few] = np.where(there, known.rows[start + best], -1)
            away[rows, :few] = np.where(there, found, 2.0)
            within[rows] = (apart <= known.reach[place]).sum(axis=1)
    return Claims(person, fit, second, away[:, 0], within, loose, rival, evidence, away)


def _first(apart: Vectors, few: int) -> Rows:
    best = np.argpartition(apart, few - 1, axis=1)[:, :few]
    order = np.argsort(np.take_along_axis(apart, best, axis=1), axis=1, kind="stable")
    return np.take_along_axis(best, order, axis=1).astype(np.int64)
