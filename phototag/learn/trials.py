"""Trials of identification on faces whose people are known: closed set, and open set with strangers among them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from phototag.learn.arrays import Flags, Labels, Rows, Scores
from phototag.learn.calibration import calibrate, probabilities, supported
from phototag.learn.candidates import best_candidates
from phototag.learn.gallery import build_gallery, with_radii
from phototag.learn.identification import identify_by_vote, nearest_labels
from phototag.learn.linear_svm import LinearModel, train_svm
from phototag.types import Thresholds, Vectors

#: Faces that a person needs to be known in the open set: half of them are learnt, half are probes.
_LEAST = 4
#: Draws of strangers that a figure is the mean of.
_DRAWS = 3


@dataclass(frozen=True, slots=True)
class ClosedSetAccuracy:
    """Share of `faces` that each classifier gave their right person, where everybody is known."""

    svm: float
    knn: float
    faces: int
    people: int


@dataclass(frozen=True, slots=True)
class OpenSetRates:
    """Detection and identification rate of each method, where a share `fpir` of the strangers is identified, too.

    `gated`: as libraries are tagged; `knn`: the nearest face's person, by its distance; `svm`: a plain SVM, by its
    score. Means over several draws of strangers. `known`: people; `probes`, `strangers`: faces.
    """

    gated: float
    knn: float
    svm: float
    fpir: float
    known: int
    probes: int
    strangers: int


def odd_even(vectors: Vectors, people: Sequence[Any]) -> ClosedSetAccuracy | None:
    """Train on photos 1, 3, 5 … of each person, test on 0, 2, 4 …; None for fewer than two people with two photos."""
    rows, owner, ordinal = _with_several_faces(people)
    if len(np.unique(owner)) < 2:
        return None
    return _closed_set(vectors[rows], owner, [ordinal % 2 == 0])


def k_fold(vectors: Vectors, people: Sequence[Any], *, folds: int = 5, seed: int = 0) -> ClosedSetAccuracy | None:
    """Cross-validation, stratified by person; None for fewer than two people with two photos."""
    rows, owner, _ = _with_several_faces(people)
    if len(np.unique(owner)) < 2:
        return None
    order = np.random.default_rng(seed).permutation(len(rows))
    fold = np.empty(len(rows), np.int64)
    fold[order] = _ordinals(owner[order]) % folds
    return _closed_set(vectors[rows], owner, [fold == number for number in range(folds)])


def open_set(
    vectors: Vectors,
    people: Sequence[Any],
    thresholds: Thresholds,
    *,
    held_out: float = 0.5,
    fpir: float = 0.01,
    seed: int = 0,
) -> OpenSetRates | None:
    """Train on half of each known person's faces; probe with the other half and with all faces of strangers.

    `held_out`: share of the people with four faces who are strangers, as is everybody with fewer. None if fewer than
    two people would be known, or if there is no stranger.
    """
    names, owner, sizes = np.unique(np.asarray(people), return_inverse=True, return_counts=True)
    able = np.flatnonzero(sizes >= _LEAST)
    count = round(len(able) * (1 - held_out))
    if count < 2 or count == len(names):
        return None
    rng = np.random.default_rng(seed)
    rates, probes, strangers = [], 0, 0
    ordinal = _ordinals(owner)
    for _ in range(_DRAWS):
        known = np.isin(owner, rng.permutation(able)[:count])
        train, probe = known & (ordinal % 2 == 1), ~known | (ordinal % 2 == 0)
        methods = _open_set_scores(vectors[train], owner[train].tolist(), vectors[probe], thresholds)
        rates.append([identification_rate(*method, owner[probe], ~known[probe], fpir) for method in methods])
        probes, strangers = int(known[probe].sum()), int((~known).sum())
    gated, knn, svm = np.mean(rates, axis=0).tolist()
    return OpenSetRates(gated, knn, svm, fpir, count, probes, strangers)


def identification_rate(scores: Scores, predicted: Labels, owner: Labels, stranger: Flags, fpir: float) -> float:
    """Share of known people's faces with the right person and a score that only a share `fpir` of strangers exceeds.

    All arrays (n,): each probe's score and predicted person, whose it is, and whether that is a stranger.
    """
    worst = np.sort(scores[stranger])[::-1]
    allowed = int(fpir * len(worst))  # so many strangers may score higher
    threshold = worst[allowed] if allowed < len(worst) else -np.inf
    hit = (predicted == owner) & (scores > threshold)
    return float(hit[~stranger].mean())


def _open_set_scores(
    train: Vectors, owner: Sequence[int], probes: Vectors, thresholds: Thresholds
) -> list[tuple[Scores, Labels]]:
    """For each method the score and the predicted person of each probe: as libraries are tagged, 1-NN, plain SVM."""
    model = train_svm(train, owner)
    nearest = identify_by_vote(probes, train, owner, replace(thresholds, same=2.0))
    return [
        _gated_scores(model, train, owner, probes, thresholds),
        (np.array([-match.distance for match in nearest]), np.array([match.person for match in nearest])),
        _svm_scores(model, probes),
    ]


def _gated_scores(
    model: LinearModel, train: Vectors, owner: Sequence[int], probes: Vectors, thresholds: Thresholds
) -> tuple[Scores, Labels]:
    """As libraries are tagged: the probability, and one more for candidates with enough faces within their radius."""
    everybody = np.concatenate([train, probes])
    gallery = build_gallery(train, owner, thresholds, everybody)
    gallery = with_radii(gallery, train[:0], np.zeros(0, np.int64))
    found = best_candidates(probes, gallery, model)
    probability = probabilities(found, calibrate(gallery), thresholds)
    return probability + supported(found, gallery), np.where(found.person >= 0, gallery.people[found.person], -1)


def _closed_set(vectors: Vectors, owner: Labels, tests: Sequence[Flags]) -> ClosedSetAccuracy:
    """Accuracy over several splits; `tests`: for each the rows to test, while the others are trained on."""
    right = np.zeros(2, np.int64)
    faces = 0
    for test in tests:
        if test.any():
            train, names = vectors[~test], owner[~test].tolist()
            right[0] += int((_svm_scores(train_svm(train, names), vectors[test])[1] == owner[test]).sum())
            right[1] += int((np.array(nearest_labels(vectors[test], train, names)) == owner[test]).sum())
            faces += int(test.sum())
    svm, knn = (right / faces).tolist()
    return ClosedSetAccuracy(svm, knn, faces, len(np.unique(owner)))


def _svm_scores(model: LinearModel, vectors: Vectors) -> tuple[Scores, Labels]:
    """The best score of each face, and whose it is."""
    scores = vectors @ model.coef.T + model.intercept
    return scores.max(axis=1), np.asarray(model.people)[np.argmax(scores, axis=1)]


def _with_several_faces(people: Sequence[Any]) -> tuple[Rows, Labels, Rows]:
    """The rows of people with two faces or more, each one's person, and its number among that person's rows."""
    _, owner, sizes = np.unique(np.asarray(people), return_inverse=True, return_counts=True)
    rows = np.flatnonzero(sizes[owner] > 1)
    return rows, owner[rows], _ordinals(owner[rows])


def _ordinals(owner: Labels) -> Rows:
    """For each row how many earlier ones are the same person's."""
    seen: dict[int, Iterator[int]] = {}
    return np.array([next(seen.setdefault(person, iter(range(len(owner))))) for person in owner.tolist()], np.int64)
