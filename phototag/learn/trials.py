"""Trials of identification on faces whose people are known: everybody learnt, and strangers among the asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from phototag.learn.calibration import calibrate, probabilities, supported
from phototag.learn.claims import claims, gallery, with_reach
from phototag.learn.classify import LinearModel, nearest, train
from phototag.learn.identification import nearest as nearest_within
from phototag.types import Thresholds, Vectors

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Scores = npt.NDArray[np.floating[Any]]

#: A person to be known needs as many faces: half of them to be learnt, half to be asked about.
_LEAST = 4
#: Draws of strangers that a figure is the mean of.
_DRAWS = 3


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The share of `faces` that each classifier gave their right person, with none of them a stranger's."""

    svm: float
    knn: float
    faces: int
    people: int


@dataclass(frozen=True, slots=True)
class OpenSet:
    """Detection and identification rate at one false identification in so many strangers (`fpir`), by method.

    `gated`: as libraries are tagged, by an SVM with a gate; `knn`: the nearest face's person, by its distance;
    `svm`: the plain SVM, by its score. Means over draws of strangers.
    """

    gated: float
    knn: float
    svm: float
    fpir: float
    known: int
    probes: int
    strangers: int


def odd_even(vectors: Vectors, people: Sequence[Any]) -> Accuracy | None:
    """Photos 1, 3, 5 … of each person train, 0, 2, 4 … test; None for fewer than two people with two photos."""
    rows, owner, ordinal = _several(people)
    if len(np.unique(owner)) < 2:
        return None
    return _accuracy(vectors[rows], owner, [ordinal % 2 == 0])


def k_fold(vectors: Vectors, people: Sequence[Any], *, folds: int = 5, seed: int = 0) -> Accuracy | None:
    """Every photo is asked about once, by what the other folds taught; each person's are dealt out to all folds."""
    rows, owner, _ = _several(people)
    if len(np.unique(owner)) < 2:
        return None
    order = np.random.default_rng(seed).permutation(len(rows))
    dealt = np.empty(len(rows), np.int64)
    dealt[order] = _ordinals(owner[order]) % folds
    return _accuracy(vectors[rows], owner, [dealt == fold for fold in range(folds)])


def open_set(
    vectors: Vectors,
    people: Sequence[Any],
    thresholds: Thresholds,
    *,
    held_out: float = 0.5,
    fpir: float = 0.01,
    seed: int = 0,
) -> OpenSet | None:
    """Half of each known person's faces are learnt, the others and all strangers' are asked about.

    `held_out`: share of the people with four faces who are strangers, as is everybody with fewer. None if there are
    fewer than two to be known, or no stranger.
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
        learnt, asked = known & (ordinal % 2 == 1), ~known | (ordinal % 2 == 0)
        claims = _claims(vectors[learnt], owner[learnt].tolist(), vectors[asked], thresholds)
        rates.append([identified(*claim, owner[asked], ~known[asked], fpir) for claim in claims])
        probes, strangers = int(known[asked].sum()), int((~known).sum())
    gated, knn, svm = np.mean(rates, axis=0).tolist()
    return OpenSet(gated, knn, svm, fpir, count, probes, strangers)


def identified(scores: Scores, claims: Numbers, owner: Numbers, stranger: Flags, fpir: float) -> float:
    """The share of known people's faces claimed for their person with a score that only `fpir` of strangers reach."""
    worst = np.sort(scores[stranger])[::-1]
    allowed = int(fpir * len(worst))  # so many strangers may score higher
    bar = worst[allowed] if allowed < len(worst) else -np.inf
    hit = (claims == owner) & (scores > bar)
    return float(hit[~stranger].mean())


def _claims(
    learnt: Vectors, owner: Sequence[int], asked: Vectors, thresholds: Thresholds
) -> list[tuple[Scores, Numbers]]:
    """Of each method how sure it is, and of whom."""
    model = train(learnt, owner)
    near = nearest_within(asked, learnt, owner, replace(thresholds, same=2.0))
    scores, best = _svm(model, asked)
    return [
        _gated(model, learnt, owner, asked, thresholds),
        (np.array([-answer.distance for answer in near]), np.array([answer.person for answer in near])),
        (scores, best),
    ]


def _gated(
    model: LinearModel, learnt: Vectors, owner: Sequence[int], asked: Vectors, thresholds: Thresholds
) -> tuple[Scores, Numbers]:
    """As a library is tagged: whatever the gate lets pass before all that it doesn't, the likelier the earlier."""
    everybody = np.concatenate([learnt, asked])
    known = with_reach(gallery(learnt, owner, thresholds, everybody), learnt[:0], np.zeros(0, np.int64))
    found = claims(asked, known, model)
    sure = probabilities(found, calibrate(known), thresholds)
    return sure + supported(found, known), np.where(found.person >= 0, known.people[found.person], -1)


def _accuracy(vectors: Vectors, owner: Numbers, tests: Sequence[Flags]) -> Accuracy:
    right = np.zeros(2, np.int64)
    faces = 0
    for test in tests:
        if test.any():
            learnt, names = vectors[~test], owner[~test].tolist()
            model = train(learnt, names)
            right[0] += int((_svm(model, vectors[test])[1] == owner[test]).sum())
            right[1] += int((np.array(nearest(vectors[test], learnt, names)) == owner[test]).sum())
            faces += int(test.sum())
    svm, knn = (right / faces).tolist()
    return Accuracy(svm, knn, faces, len(np.unique(owner)))


def _svm(model: LinearModel, vectors: Vectors) -> tuple[Scores, Numbers]:
    """The best score of each vector, and whose it is."""
    scores = vectors @ model.coef.T + model.intercept
    return scores.max(axis=1), np.asarray(model.people)[np.argmax(scores, axis=1)]


def _several(people: Sequence[Any]) -> tuple[Numbers, Numbers, Numbers]:
    """The rows of people with two faces or more, each one's person, and its number among that person's rows."""
    _, owner, sizes = np.unique(np.asarray(people), return_inverse=True, return_counts=True)
    rows = np.flatnonzero(sizes[owner] > 1)
    return rows, owner[rows], _ordinals(owner[rows])


def _ordinals(owner: Numbers) -> Numbers:
    """For each row how many earlier ones are the same person's."""
    seen: dict[int, Iterator[int]] = {}
    return np.array([next(seen.setdefault(person, iter(range(len(owner))))) for person in owner.tolist()], np.int64)
