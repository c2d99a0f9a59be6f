"""How near strangers come to a face: some faces (blurred, in profile, of a child) look like everybody's.

Speaker verification normalises scores like this (adaptive s-norm: Matějka et al. 2017): the distance of two faces is
weighed against the distance of each to its nearest strangers.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from phototag.types import Thresholds, Vectors

Values = npt.NDArray[np.float64]

#: Faces that stand for everybody: as many in a large library as in a small one, or the nearest would come ever nearer.
_COHORT = 2048
#: The nearest strangers that count, and the share of their distance that is credited to a pair.
_STRANGERS, _CREDIT = 10, 0.75
#: A face is credited no more than this share of the squared bound for large groups.
_MOST = 0.1
_BLOCK = 4096


def cohort(count: int, most: int = _COHORT) -> npt.NDArray[np.int64]:
    """Rows, evenly spread, of the faces that stand for everybody."""
    return np.unique(np.linspace(0, max(count - 1, 0), min(most, count)).astype(np.int64))


def strangers(vectors: Vectors, others: Vectors, thresholds: Thresholds, nearest: int = _STRANGERS) -> Values:
    """(n,) mean squared distance of each face to its `nearest` strangers among others; NaN where there are too few.

    A stranger is farther away than one person's faces are: between `same` and even odds.
    """
    bound = ((thresholds.same + thresholds.midpoint) / 2) ** 2
    means = np.full(len(vectors), np.nan)
    if len(others) < nearest:
        return means
    for start in range(0, len(vectors), _BLOCK):
        away = 2 - 2 * (vectors[start : start + _BLOCK] @ others.T)
        away[away <= bound] = np.inf
        near = np.partition(away, nearest - 1, axis=1)[:, :nearest].mean(axis=1)
        means[start : start + _BLOCK] = np.where(np.isfinite(near), near, np.nan)
    return means


def isolation(vectors: Vectors, thresholds: Thresholds, rows: npt.NDArray[np.int64] | None = None) -> Values:
    """(n,) squared distance by which each of (n, dim) faces may be farther from its like; negative in a crowd.

    `rows`: of the cohort; the first face of every stride by default. Nothing is said of faces that have too few
    strangers.
    """
    means = strangers(vectors, vectors[cohort(len(vectors)) if rows is None else rows], thresholds)
    if np.isnan(means).all():
        return np.zeros(len(vectors))
    credit = np.nan_to_num(_CREDIT / 2 * (means - np.nanmean(means)))
    most = _MOST * thresholds.split**2
    return np.asarray(np.clip(credit, -most, most))
