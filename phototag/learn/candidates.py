"""Candidates: the person whom a face shows most probably, and the evidence for and against them.

The score of a face x for a person p with n faces is

    s(x, p) = −|x − m|² + (i(x) + i(p))/2 + b(n)

m is the unit mean of p's faces; i(x) is the isolation of a face (mean squared distance to its nearest strangers, less
the cohort mean) and i(p) its mean over p's faces (adaptive s-norm: Matějka et al. 2017); b(n) is the small-sample bias:
half of the squared distance that the person's next face is expected to have from the mean of n faces.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from phototag.learn.arrays import Counts, Flags, Floats, Rows, Scores
from phototag.learn.gallery import Gallery, single_threaded_blas
from phototag.learn.linear_svm import LinearModel, spread_evenly
from phototag.types import Vectors

#: Labelled faces that are named as evidence for a candidate.
EVIDENCE = 3
#: Faces of a person that are held out, and of all people together.
_HELD_OUT, _MOST_HELD_OUT = 20, 5_000
_BLOCK = 2048
_RULED_OUT = -1e3  #: the score of somebody whom a face is known not to show


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """The best candidate for each of n faces, and the runner-up.

    `person`: place in the gallery's `people`, −1 if all are ruled out. `score`, `runner_up_score`: s(x, p) of both.
    `distance`: to the candidate's nearest face. `within_radius`: how many of their faces lie within their radius.
    `rms_distance`, `runner_up_rms_distance`: root mean square distance to all faces of the one and the other.
    `evidence` (n, EVIDENCE): rows of the candidate's nearest labelled faces, −1 where they have fewer;
    `evidence_distances`: how far away those are.
    """

    person: Rows
    score: Floats
    runner_up_score: Floats
    distance: Floats
    within_radius: Counts
    rms_distance: Floats
    runner_up_rms_distance: Floats
    evidence: Rows
    evidence_distances: Floats

    def __getitem__(self, rows: Rows | Flags) -> Candidates:
        return Candidates(*(getattr(self, field.name)[rows] for field in fields(self)))


class HeldOut(NamedTuple):
    """Labelled faces, judged as if they weren't labelled.

    `as_known`: each face held out of its person's faces; of somebody's only face the candidate can only be wrong.
    `owner`: whose face it is, by place in `people`. `as_stranger`: its candidates with its person ruled out.
    """

    as_known: Candidates
    owner: Rows
    as_stranger: Candidates


class _Ranking(NamedTuple):
    """The candidate and the runner-up of each face, before the evidence is looked up (fields as in `Candidates`)."""

    person: Rows
    score: Floats
    runner_up_score: Floats
    rms_distance: Floats
    runner_up_rms_distance: Floats


@single_threaded_blas
def best_candidates(
    vectors: Vectors, gallery: Gallery, model: LinearModel | None, ruled_out: Mapping[int, Set[int]] | None = None
) -> Candidates:
    """The SVM's choice for each of (n, dim) faces, or without an SVM the person with the best score.

    `ruled_out`: by row, people (ids) whom a face does not show.
    """
    excluded = _excluded(gallery, ruled_out or {})
    svm = None if model is None else _svm_of(gallery, model)

    def rank_block(start: int) -> _Ranking:
        block = vectors[start : start + _BLOCK]
        similar = (block @ gallery.means.T).astype(np.float64)
        scores = _scores(gallery, similar, gallery.isolation_of(block))
        here = (excluded[0] >= start) & (excluded[0] < start + _BLOCK)
        out = excluded[0][here] - start, excluded[1][here]
        scores[out] = _RULED_OUT
        if svm is None:
            return _rank(gallery, scores, similar, scores)
        margins = block @ svm.coef.T + svm.intercept.astype(np.float32)
        margins[out] = -np.inf
        return _rank(gallery, scores, similar, margins)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        blocks = list(pool.map(rank_block, range(0, max(len(vectors), 1), _BLOCK)))
    return _with_evidence(gallery, vectors, _Ranking(*(np.concatenate(column) for column in zip(*blocks, strict=True))))


@single_threaded_blas
def hold_out(gallery: Gallery, rows: Rows | None = None) -> HeldOut:
    """Judge labelled faces, each without itself. `rows`: of the gallery; by default some of each person, evenly spread.

    Nothing is learnt again: without the face x the sum of a person's faces is Σ − x, and their number n − 1.
    """
    if rows is None:
        most = max(1, min(_HELD_OUT, _MOST_HELD_OUT // max(len(gallery.people), 1)))
        rows = spread_evenly(gallery.owners, most)
    owner, counts, vectors = gallery.owners[rows], gallery.counts, gallery.vectors[rows]
    every = np.arange(len(rows))
    similar = (vectors @ gallery.means.T).astype(np.float64)
    scores = _scores(gallery, similar, gallery.isolation[rows])
    as_stranger = scores.copy()
    as_stranger[every, owner] = _RULED_OUT

    left = np.maximum(counts[owner] - 1, 1)
    sums = gallery.means[owner] * (gallery.mean_lengths * counts)[owner][:, None] - vectors
    length = np.maximum(np.linalg.norm(sums, axis=1), 1e-9)
    own = np.einsum("ij,ij->i", sums, vectors) / length  # similarity to the mean of their other faces
    isolation = np.bincount(gallery.owners, gallery.isolation, len(counts))[owner] - gallery.isolation[rows]
    without = 2 * own - 2 + (gallery.isolation[rows] + isolation / left) / 2 + _small_sample_bias(gallery.spread, left)
    scores[every, owner] = np.where(counts[owner] > 1, without, _RULED_OUT)

    stranger = _with_evidence(gallery, vectors, _rank(gallery, as_stranger, similar, as_stranger))
    similar[every, owner] = own * length / left / gallery.mean_lengths[owner]
    known = _with_evidence(gallery, vectors, _rank(gallery, scores, similar, scores), own=rows)
    return HeldOut(known, owner, stranger)


def _scores(gallery: Gallery, similar: Floats, isolation: Floats) -> Floats:
    """(n, k) scores s(x, p). `similar` (n, k): similarity to the people's means; `isolation` (n,): of the faces."""
    counts = gallery.counts
    people = np.bincount(gallery.owners, gallery.isolation, len(counts)) / counts
    bias = _small_sample_bias(gallery.spread, counts)
    return np.asarray(2 * similar - 2 + isolation[:, None] / 2 + people / 2 + bias)


def _small_sample_bias(spread: float, counts: Counts) -> Floats:
    """b(n) = 1 − ρ/√(ρ + (1 − ρ)/n), where ρ = 1 − spread/2 is the mean cosine similarity of a person's faces.

    This is half of the expected squared distance between the unit mean of n faces and the person's next face.
    """
    alike = 1 - spread / 2
    return np.asarray(1 - alike / np.sqrt(alike + (1 - alike) / counts))


def _excluded(gallery: Gallery, ruled_out: Mapping[int, Set[int]]) -> tuple[Rows, Rows]:
    """Pairs of a row and the place in the gallery of somebody whom it does not show."""
    place = {person: column for column, person in enumerate(gallery.people.tolist())}
    pairs = [(row, place[person]) for row, people in ruled_out.items() for person in people if person in place]
    rows, columns = zip(*pairs, strict=True) if pairs else ((), ())
    return np.array(rows, np.int64), np.array(columns, np.int64)


def _svm_of(gallery: Gallery, model: LinearModel) -> LinearModel | None:
    """The SVM with the gallery's people in the gallery's order; None if it doesn't know them all."""
    row = {person: index for index, person in enumerate(model.people)}
    people = gallery.people.tolist()
    if len(people) < 2 or not row.keys() >= set(people):
        return None
    rows = [row[person] for person in people]
    return LinearModel(tuple(people), model.coef[rows], model.intercept[rows])


def _rank(gallery: Gallery, scores: Floats, similar: Floats, choice: Scores) -> _Ranking:
    """The candidate of each face, by the highest `choice` (n, k), and the runner-up, by the highest score of the rest.

    A face's mean squared distance to a person's faces is 2 − 2 · similarity to their mean · length of that mean.
    """
    every = np.arange(len(scores))
    if not scores.shape[1]:
        nobody, far = np.full(len(scores), _RULED_OUT), np.full(len(scores), 2.0)
        return _Ranking(np.full(len(scores), -1), nobody, nobody, far, far)
    person = np.argmax(choice, axis=1)
    score = scores[every, person]
    others = scores.copy()
    others[every, person] = _RULED_OUT
    second = np.argmax(others, axis=1)
    second_score = others[every, second]
    rms, second_rms = (
        np.sqrt(np.maximum(2 - 2 * similar[every, whom] * gallery.mean_lengths[whom], 0)) for whom in (person, second)
    )
    return _Ranking(
        np.where(score > _RULED_OUT, person, -1),
        score,
        second_score,
        rms,
        np.where(second_score > _RULED_OUT, second_rms, 2.0),
    )


def _with_evidence(gallery: Gallery, vectors: Vectors, ranking: _Ranking, own: Rows | None = None) -> Candidates:
    """The candidates with their nearest labelled faces. `own` (n,): the gallery's row of each face, if it is there
    itself and therefore no evidence."""
    evidence = np.full((len(vectors), EVIDENCE), -1, np.int64)
    distances = np.full((len(vectors), EVIDENCE), 2.0)
    within = np.zeros(len(vectors), np.int64)
    order = np.argsort(ranking.person, kind="stable")
    ends = np.searchsorted(ranking.person[order], np.arange(len(gallery.people) + 1))
    for place in np.flatnonzero(np.diff(ends)).tolist():
        start, count = int(gallery.starts[place]), int(gallery.counts[place])
        faces = gallery.vectors[start : start + count]
        few = min(EVIDENCE, count)
        for at in range(int(ends[place]), int(ends[place + 1]), _BLOCK):
            rows = order[at : min(at + _BLOCK, int(ends[place + 1]))]
            apart = np.sqrt(np.maximum(2 - 2 * (vectors[rows] @ faces.T), 0))
            if own is not None:
                mine = (own[rows] >= start) & (own[rows] < start + count)
                apart[np.flatnonzero(mine), own[rows][mine] - start] = np.inf
            best = _smallest(apart, few)
            found = np.take_along_axis(apart, best, axis=1)
            there = np.isfinite(found)
            evidence[rows, :few] = np.where(there, gallery.rows[start + best], -1)
            distances[rows, :few] = np.where(there, found, 2.0)
            within[rows] = (apart <= gallery.radius[place]).sum(axis=1)
    return Candidates(
        person=ranking.person,
        score=ranking.score,
        runner_up_score=ranking.runner_up_score,
        distance=distances[:, 0],
        within_radius=within,
        rms_distance=ranking.rms_distance,
        runner_up_rms_distance=ranking.runner_up_rms_distance,
        evidence=evidence,
        evidence_distances=distances,
    )


def _smallest(values: Vectors, few: int) -> Rows:
    """(n, few) columns of the smallest values of each row, ascending."""
    if values.shape[1] < 32:
        return np.argsort(values, axis=1, kind="stable")[:, :few]
    best = np.argpartition(values, few - 1, axis=1)[:, :few]
    order = np.argsort(np.take_along_axis(values, best, axis=1), axis=1, kind="stable")
    return np.take_along_axis(best, order, axis=1).astype(np.int64)
