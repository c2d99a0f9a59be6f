"""Who is it, by the classic rules: the nearest labelled face, or a vote of the nearest ones, under a threshold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from phototag.learn.classify import Answer, tag, train
from phototag.learn.verification import distances
from phototag.types import Thresholds, Vectors

Rule = Literal["svm", "knn", "nearest"]

NEIGHBOURS = 5  #: that vote by the rule `knn`
#: Labelled faces that are named as evidence.
_EVIDENCE = 3
_BLOCK = 1024


def identify(
    vectors: Vectors,
    labelled: Vectors,
    labels: Sequence[int],
    thresholds: Thresholds,
    rule: Rule,
    learnt: tuple[Vectors, Sequence[int]] | None = None,
) -> list[Answer]:
    """Whom a rule takes each of (n, dim) faces for.

    `svm`: a linear SVM's person, if one of their labelled faces is within `thresholds.same`; `knn`: a vote of the
    nearest faces within it; `nearest`: the nearest face's person. `learnt`: what the SVM learns from, if not from all
    labelled faces. Raises TooLittleDataError for an SVM of fewer than two people.
    """
    if rule == "svm":
        return tag(vectors, train(*(learnt or (labelled, labels))), labelled, labels, thresholds)
    return nearest(vectors, labelled, labels, thresholds, neighbours=NEIGHBOURS if rule == "knn" else 1)


def nearest(
    vectors: Vectors, labelled: Vectors, labels: Sequence[int], thresholds: Thresholds, *, neighbours: int = 1
) -> list[Answer]:
    """The person of each vector's nearest labelled face, accepted if that is closer than `thresholds.same`.

    `labelled` (m, dim), `labels`: their people. With more `neighbours` the person whom most of those choose that are
    under the threshold, of equals the one with the nearest face: with few labelled faces a person, fewer can vote.
    """
    owners = np.asarray(labels)
    names, columns = np.unique(owners, return_inverse=True)
    answers = []
    for start in range(0, len(vectors), _BLOCK):
        for apart in distances(vectors[start : start + _BLOCK], labelled):
            closest = _closest(apart, columns, len(names))
            order = np.argsort(apart, kind="stable")[:neighbours]
            votes = np.bincount(columns[order[apart[order] < thresholds.same]], minlength=len(names))
            best = int(np.lexsort((closest, -votes))[0])
            mine = np.flatnonzero(columns == best)
            mine = mine[np.argsort(apart[mine], kind="stable")[:_EVIDENCE]]
            distance = float(closest[best])
            answers.append(
                Answer(
                    person=int(names[best]),
                    accepted=distance < thresholds.same,
                    probability=_probability(closest, best, thresholds),
                    distance=distance,
                    evidence=tuple((int(row), float(apart[row])) for row in mine),
                )
            )
    return answers


def _closest(apart: npt.NDArray[np.float32], columns: npt.NDArray[np.int64], people: int) -> npt.NDArray[np.float64]:
    """(people,) distance to each person's nearest face."""
    closest = np.full(people, np.inf)
    np.minimum.at(closest, columns, apart)
    return closest


def _probability(closest: npt.NDArray[np.float64], best: int, thresholds: Thresholds) -> float:
    """That the best person is right: their nearest face, by the embedder's curve, against everybody else's."""
    odds = np.exp(-thresholds.slope * (closest - thresholds.midpoint))
    return float(odds[best] / (1 + odds.sum()))
