"""Who is it: a linear SVM over unit vectors, with the verification threshold as an unknown gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phototag.errors import TooLittleDataError
from phototag.types import Thresholds, Vectors

#: Labelled faces that are named as evidence for a guess.
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


def train(vectors: Vectors, people: Sequence[int]) -> LinearModel:
    """Fit a linear SVM to (n, dim) named faces. Raises TooLittleDataError for fewer than two people."""
    names = sorted(set(people))
    if len(names) < 2:
        raise TooLittleDataError(
            "training needs faces of at least two named people: name another group with `phototag name`"
            if names
            else "nobody is named yet: name some groups with `phototag name`, then train"
        )
    from sklearn.svm import LinearSVC

    machine = LinearSVC(C=1.0, random_state=0).fit(vectors, np.asarray(people))
    coef = np.asarray(machine.coef_, np.float32)
    intercept = np.asarray(machine.intercept_, np.float64)
    if len(names) == 2:  # scikit-learn keeps one line for two classes
        coef, intercept = np.concatenate([-coef, coef]), np.concatenate([-intercept, intercept])
    return LinearModel(tuple(int(name) for name in names), coef, intercept)


def tag(
    vectors: Vectors,
    model: LinearModel,
    labelled: Vectors,
    labels: Sequence[int],
    thresholds: Thresholds,
    rejected: Sequence[frozenset[int]] = (),
) -> list[Answer]:
    """The SVM's person for each vector, accepted only within `thresholds.same` of one of their labelled faces.

    `labelled` (m, dim) with `labels`, their people; `rejected[i]`: people whom row i is known not to be.
    The probability weighs the person's nearest face, by the embedder's own curve, against everybody
    else's and against a stranger.
    """
    owners = np.asarray(labels)
    columns = {person: np.flatnonzero(owners == person) for person in model.people}
    answers = []
    for start in range(0, len(vectors), _BLOCK):
        block = vectors[start : start + _BLOCK]
        scores = block @ model.coef.T + model.intercept
        distances = np.sqrt(np.maximum(2 - 2 * (block @ labelled.T), 0))
        nearest = np.stack([distances[:, columns[person]].min(axis=1) for person in model.people], axis=1)
        odds = np.exp(-thresholds.slope * (nearest - thresholds.midpoint))
        for row in range(len(block)):
            barred = rejected[start + row] if rejected else frozenset()
            if barred:
                out = [i for i, person in enumerate(model.people) if person in barred]
                scores[row, out] = -np.inf
                odds[row, out] = 0
            best = int(np.argmax(scores[row]))
            person, mine = model.people[best], columns[model.people[best]]
            order = mine[np.argsort(distances[row, mine], kind="stable")[:_EVIDENCE]]
            distance = float(nearest[row, best])
            answers.append(
                Answer(
                    person,
                    bool(distance <= thresholds.same and np.isfinite(scores[row, best])),
                    float(odds[row, best] / (1 + odds[row].sum())),
                    distance,
                    tuple((int(i), float(distances[row, i])) for i in order),
                )
            )
    return answers


def nearest(vectors: Vectors, labelled: Vectors, labels: Sequence[int]) -> list[int]:
    """The person of the nearest labelled face (1-NN), as a yardstick for the SVM."""
    return [int(labels[int(row)]) for row in np.argmax(vectors @ labelled.T, axis=1)]
