"""A linear SVM for each person, against all others."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phototag.errors import TooLittleDataError
from phototag.learn.arrays import Flags, Floats, Rows
from phototag.remedies import NameGroups, NameSecondPerson
from phototag.types import Vectors

#: What the mean loss over a person's faces, and over everybody else's, costs beside half of the squared weights.
_COST = 200.0
#: Faces that each person contributes to everybody else, and how many there are in all: fewer each for many people.
_OTHERS, _MOST_OTHERS = 8, 8000
_STEPS = 20


@dataclass(frozen=True, slots=True, eq=False)
class LinearModel:
    """One-against-rest scores: `vectors @ coef.T + intercept`, a column for each of `people`."""

    people: tuple[int, ...]
    coef: Vectors
    intercept: npt.NDArray[np.float64]


def train_svm(vectors: Vectors, people: Sequence[int], start: LinearModel | None = None) -> LinearModel:
    """Fit a linear SVM to (n, dim) labelled faces. Raises TooLittleDataError for fewer than two people.

    A person's own faces weigh as much as all others together, however few they are. `start`: an earlier model to begin
    with; it saves steps and changes nothing in the result.
    """
    owners = np.asarray(people, np.int64)
    names = np.unique(owners)
    if len(names) < 2:
        if not len(names):
            raise TooLittleDataError("nobody is named yet", NameGroups())
        raise TooLittleDataError("training needs faces of at least two named people", NameSecondPerson())
    from threadpoolctl import threadpool_limits

    earlier = {} if start is None else {person: row for row, person in enumerate(start.people)}
    some = spread_evenly(owners, max(1, min(_OTHERS, _MOST_OTHERS // len(names))))
    # Faces lie in a narrow cone: centred on its middle and scaled to its size, they need fewer steps.
    middle = vectors[some].mean(axis=0, dtype=np.float64).astype(np.float32)
    size = max(float(np.sqrt(((vectors[some] - middle) ** 2).sum(axis=1).mean())), 1e-6)
    points = np.column_stack([(vectors - middle) / size, np.ones(len(vectors), np.float32)])
    others, owners_of_others = points[some], owners[some]

    def fit(person: int) -> Floats:
        first = None
        if start is not None and person in earlier:
            coef, intercept = start.coef[earlier[person]].astype(np.float64), start.intercept[earlier[person]]
            first = np.append(coef * size, intercept + coef @ middle)
        weights = _fit_squared_hinge(points[owners == person], others, owners_of_others != person, first)
        coef = weights[:-1] / size
        return np.append(coef, weights[-1] - coef @ middle)

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        lines = np.stack(list(pool.map(fit, names.tolist())))
    return LinearModel(tuple(names.tolist()), lines[:, :-1].astype(np.float32), lines[:, -1])


def spread_evenly(owners: Rows, most: int) -> Rows:
    """Rows of up to `most` faces of each person, evenly spread over theirs, in ascending order."""
    order = np.argsort(owners, kind="stable")
    counts = np.unique(owners, return_counts=True)[1]
    starts = np.cumsum(counts) - counts
    chosen = [
        order[start + (np.arange(most) * count // most if count > most else np.arange(count))]
        for start, count in zip(starts.tolist(), counts.tolist(), strict=True)
    ]
    return np.sort(np.concatenate(chosen)) if chosen else order


def _fit_squared_hinge(own: Vectors, rest: Vectors, others: Flags, first: Floats | None = None) -> Floats:
    """Minimise ½|w|² + cost · (mean over own + mean over others) of max(0, 1 − y·w·x)².

    `others`: which of the `rest` are somebody else's. By Newton's method: once the faces within the margin stay the
    same, a step is exact (Keerthi & DeCoste 2005). The last step is computed from these faces alone, so that the
    weights to begin with (`first`) leave no trace in the result; should they lead nowhere, it begins again without
    them.
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
    return weights if first is None else _fit_squared_hinge(own, rest, others)
