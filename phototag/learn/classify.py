"""A linear SVM for each person, against all others, with an embedder's threshold as a gate to *unknown*; and the
nearest labelled face, as a yardstick for it. Libraries are tagged by what `claims` and `calibration` make of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phototag.errors import TooLittleDataError
from phototag.learn.graph import nearest as nearest_rows
from phototag.remedies import NameGroups, NameSecondPerson
from phototag.types import Thresholds, Vectors

Rows = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

#: What the mean loss over a person's faces, and over everybody else's, costs beside half of the squared weights.
_COST = 200.0
#: Faces that stand for a person when others are told from them: these many, or fewer where there are many people.
_OTHERS, _MOST_OTHERS = 8, 8000
_STEPS = 20
#: Labelled faces that are named as evidence for an answer.
_EVIDENCE = 3
_BLOCK = 1024


@dataclass(frozen=True, slots=True, eq=False)
class LinearModel:
    """One-against-rest scores: `vectors @ coef.T + intercept`, a column for each of `people`."""

    people: tuple[int, ...]
    coef: Vectors
    intercept: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Answer:
    """The best person for one vector; `accepted` once it passed the gate.

    `evidence`: (row among the labelled faces, distance) of that person's nearest faces.
    """

    person: int
    accepted: bool
    probability: float
    distance: float
    evidence: tuple[tuple[int, float], ...]


def train(vectors: Vectors, people: Sequence[int], start: LinearModel | None = None) -> LinearModel:
    """Fit a linear SVM to (n, dim) named faces. Raises TooLittleDataError for fewer than two people.

    `start`: an earlier model to begin from. It saves steps and changes nothing in the result.
    A person's own faces weigh as much as all others together, however few they are.
    """
    owners = np.asarray(people, np.int64)
    names = np.unique(owners)
    if len(names) < 2:
        if not len(names):
            raise TooLittleDataError("nobody is named yet", NameGroups())
        raise TooLittleDataError("training needs faces of at least two named people", NameSecondPerson())
    from threadpoolctl import threadpool_limits

    before = {} if start is None else {person: row for row, person in enumerate(start.people)}
    rest = spread_evenly(owners, max(1, min(_OTHERS, _MOST_OTHERS // len(names))))
    # Faces lie in a narrow cone: seen from its middle, and at its size, they are told apart with fewer steps.
    middle = vectors[rest].mean(axis=0, dtype=np.float64).astype(np.float32)
    size = max(float(np.sqrt(((vectors[rest] - middle) ** 2).sum(axis=1).mean())), 1e-6)
    points = np.column_stack([(vectors - middle) / size, np.ones(len(vectors), np.float32)])
    others, whose = points[rest], owners[rest]

    def learn(person: int) -> npt.NDArray[np.float64]:
        first = None
        if start is not None and person in before:
            coef, intercept = start.coef[before[person]].astype(np.float64), start.intercept[before[person]]
            first = np.append(coef * size, intercept + coef @ middle)
        weights = _squared_hinge(points[owners == person], others, whose != person, first)
        coef = weights[:-1] / size
        return np.append(coef, weights[-1] - coef @ middle)

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        lines = np.stack(list(pool.map(learn, names.tolist())))
    return LinearModel(tuple(names.tolist()), lines[:, :-1].astype(np.float32), lines[:, -1])


def spread_evenly(owners: Rows, most: int) -> Rows:
    """Rows of at most so many faces of each person, evenly spread over theirs, in ascending order."""
    order = np.argsort(owners, kind="stable")
    counts = np.unique(owners, return_counts=True)[1]
    starts = np.cumsum(counts) - counts
    chosen = [
        order[start + (np.arange(most) * count // most if count > most else np.arange(count))]
        for start, count in zip(starts.tolist(), counts.tolist(), strict=True)
    ]
    return np.sort(np.concatenate(chosen)) if chosen else order


def _squared_hinge(
    own: Vectors, rest: Vectors, others: Flags, first: npt.NDArray[np.float64] | None = None
) -> npt.NDArray[np.float64]:
    """The weights of least ½|w|² + cost · (mean over own + mean over others) of max(0, 1 − y·w·x)².

    `others`: which of the `rest` aren't own ones. By Newton's method: once the faces within the margin stay the same, a
    step is exact (Keerthi & DeCoste 2005). The last step is computed from these faces alone, so that weights to begin
    with (`first`) leave no trace in the result; should they lead nowhere, it begins again without them.
    """
    costs = [np.float32(2 * _COST / len(own)), np.float32(2 * _COST / others.sum())]
    weights = np.zeros(own.shape[1]) if first is None else first
    inside = [np.zeros(len(own), np.bool_), np.zeros(len(rest), np.bool_)]
    for step in range(_STEPS):
        line = weights.astype(np.float32)
        now = [own @ line < 1, (rest @ line > -1) & others]
        if step and all(map(np.array_equal, now, inside)):
            return weights
        inside = now
        near = [own[now[0]], rest[now[1]]]
        hessian = np.eye(len(weights), dtype=np.float32)
        for side, cost in zip(near, costs, strict=True):
            hessian += cost * (side.T @ side)
        towards = costs[0] * near[0].sum(axis=0) - costs[1] * near[1].sum(axis=0)
        weights = np.linalg.solve(hessian.astype(np.float64), towards)
    return weights if first is None else _squared_hinge(own, rest, others)


def tag(
    vectors: Vectors, model: LinearModel, labelled: Vectors, labels: Sequence[int], thresholds: Thresholds
) -> list[Answer]:
    """The SVM's person for each vector, accepted only within `thresholds.same` of one of their labelled faces.

    `labelled` (m, dim) with `labels`, their people. The probability weighs the person's nearest face, by the
    embedder's own curve, against everybody else's and against a stranger.
    """
    owners = np.searchsorted(model.people, labels)
    order = np.argsort(owners, kind="stable")
    starts = np.searchsorted(owners[order], np.arange(len(model.people)))
    answers: list[Answer] = []
    for at in range(0, len(vectors), _BLOCK):
        block = vectors[at : at + _BLOCK]
        every = np.arange(len(block))
        distances = np.sqrt(np.maximum(2 - 2 * (block @ labelled[order].T), 0))
        nearest = np.minimum.reduceat(distances, starts, axis=1)
        best = np.argmax(block @ model.coef.T + model.intercept, axis=1)
        odds = np.exp(-thresholds.slope * (nearest.astype(np.float64) - thresholds.midpoint))
        probability = odds[every, best] / (1 + odds.sum(axis=1))
        own = np.where(owners[order] == best[:, None], distances, np.inf)
        rows = np.argsort(own, axis=1, kind="stable")[:, :_EVIDENCE]
        evidence = zip(order[rows].tolist(), np.take_along_axis(own, rows, axis=1).tolist(), strict=True)
        answers += [
            Answer(
                model.people[person],
                away <= thresholds.same,
                sure,
                away,
                tuple((row, distance) for row, distance in zip(near, far, strict=True) if distance < np.inf),
            )
            for person, away, sure, (near, far) in zip(
                best.tolist(), nearest[every, best].tolist(), probability.tolist(), evidence, strict=True
            )
        ]
    return answers


def nearest(vectors: Vectors, labelled: Vectors, labels: Sequence[int]) -> list[int]:
    """The person of the nearest labelled face (1-NN), as a yardstick for the SVM."""
    rows, _ = nearest_rows(vectors, labelled, 1)
    return [int(labels[row]) for row in rows[:, 0].tolist()]
