"""Identify faces by the classic rules: an SVM, a vote of the nearest labelled faces or the nearest one, each with one
distance threshold for all people. Libraries are tagged by `candidates` and `calibration` instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from phototag.learn.arrays import Floats, Rows
from phototag.learn.linear_svm import LinearModel, train_svm
from phototag.learn.neighbours import k_nearest
from phototag.learn.verification import distances
from phototag.types import Thresholds, Vectors

Rule = Literal["svm", "knn", "nearest"]

NEIGHBOURS = 5  #: that vote by the rule `knn`
#: Labelled faces that are named as evidence.
_EVIDENCE = 3
_BLOCK = 1024


@dataclass(frozen=True, slots=True)
class Identification:
    """The best person for one face; `accepted` if one of their labelled faces is within the threshold.

    `distance`: to that person's nearest face. `evidence`: (row among the labelled faces, distance) of their nearest
    faces.
    """

    person: int
    accepted: bool
    probability: float
    distance: float
    evidence: tuple[tuple[int, float], ...]


def identify(
    vectors: Vectors,
    labelled: Vectors,
    labels: Sequence[int],
    thresholds: Thresholds,
    rule: Rule,
    training: tuple[Vectors, Sequence[int]] | None = None,
) -> list[Identification]:
    """The person that a rule gives each of (n, dim) faces.

    `svm`: a linear SVM's person, accepted if one of their labelled faces is within `thresholds.same`; `knn`: a vote of
    the nearest faces within it; `nearest`: the nearest face's person. `training`: faces and people that the SVM is
    trained on, if not on all labelled faces. Raises TooLittleDataError for an SVM of fewer than two people.
    """
    if rule == "svm":
        return identify_by_svm(vectors, train_svm(*(training or (labelled, labels))), labelled, labels, thresholds)
    return identify_by_vote(vectors, labelled, labels, thresholds, neighbours=NEIGHBOURS if rule == "knn" else 1)


def identify_by_svm(
    vectors: Vectors, model: LinearModel, labelled: Vectors, labels: Sequence[int], thresholds: Thresholds
) -> list[Identification]:
    """The SVM's person for each face, accepted only within `thresholds.same` of one of their labelled faces.

    `labelled` (m, dim) with `labels`, their people. The probability weighs the person's nearest face, by the
    embedder's own curve, against everybody else's and against a stranger.
    """
    owners = np.searchsorted(model.people, labels)
    order = np.argsort(owners, kind="stable")
    starts = np.searchsorted(owners[order], np.arange(len(model.people)))
    matches: list[Identification] = []
    for at in range(0, len(vectors), _BLOCK):
        block = vectors[at : at + _BLOCK]
        every = np.arange(len(block))
        apart = np.sqrt(np.maximum(2 - 2 * (block @ labelled[order].T), 0))
        closest = np.minimum.reduceat(apart, starts, axis=1)
        best = np.argmax(block @ model.coef.T + model.intercept, axis=1)
        odds = np.exp(-thresholds.slope * (closest.astype(np.float64) - thresholds.midpoint))
        probability = odds[every, best] / (1 + odds.sum(axis=1))
        own = np.where(owners[order] == best[:, None], apart, np.inf)
        rows = np.argsort(own, axis=1, kind="stable")[:, :_EVIDENCE]
        evidence = zip(order[rows].tolist(), np.take_along_axis(own, rows, axis=1).tolist(), strict=True)
        matches += [
            Identification(
                model.people[person],
                distance <= thresholds.same,
                sure,
                distance,
                tuple((row, away) for row, away in zip(near, far, strict=True) if away < np.inf),
            )
            for person, distance, sure, (near, far) in zip(
                best.tolist(), closest[every, best].tolist(), probability.tolist(), evidence, strict=True
            )
        ]
    return matches


def identify_by_vote(
    vectors: Vectors, labelled: Vectors, labels: Sequence[int], thresholds: Thresholds, *, neighbours: int = 1
) -> list[Identification]:
    """The person whom most of the nearest labelled faces vote for, accepted if one of their faces is closer than
    `thresholds.same`.

    `labelled` (m, dim) with `labels`, their people. Of the `neighbours` nearest faces those within the threshold vote;
    of equal votes the person with the nearest face wins, and where nobody votes, too.
    """
    owners = np.asarray(labels)
    names, columns = np.unique(owners, return_inverse=True)
    matches = []
    for start in range(0, len(vectors), _BLOCK):
        for apart in distances(vectors[start : start + _BLOCK], labelled):
            closest = _closest(apart, columns, len(names))
            order = np.argsort(apart, kind="stable")[:neighbours]
            votes = np.bincount(columns[order[apart[order] < thresholds.same]], minlength=len(names))
            best = int(np.lexsort((closest, -votes))[0])
            own = np.flatnonzero(columns == best)
            own = own[np.argsort(apart[own], kind="stable")[:_EVIDENCE]]
            distance = float(closest[best])
            matches.append(
                Identification(
                    person=int(names[best]),
                    accepted=distance < thresholds.same,
                    probability=_probability(closest, best, thresholds),
                    distance=distance,
                    evidence=tuple((int(row), float(apart[row])) for row in own),
                )
            )
    return matches


def nearest_labels(vectors: Vectors, labelled: Vectors, labels: Sequence[int]) -> list[int]:
    """The person of each face's nearest labelled face (1-NN), without a threshold."""
    rows, _ = k_nearest(vectors, labelled, 1)
    return [int(labels[row]) for row in rows[:, 0].tolist()]


def _closest(apart: npt.NDArray[np.float32], columns: Rows, people: int) -> Floats:
    """(people,) distance to each person's nearest face."""
    closest = np.full(people, np.inf)
    np.minimum.at(closest, columns, apart)
    return closest


def _probability(closest: Floats, best: int, thresholds: Thresholds) -> float:
    """That the best person is right: their nearest face, by the embedder's curve, against everybody else's."""
    odds = np.exp(-thresholds.slope * (closest - thresholds.midpoint))
    return float(odds[best] / (1 + odds.sum()))
