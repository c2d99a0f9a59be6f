"""How isolated a face is: how far away its nearest strangers are.

Some faces (blurred, in profile, of a child) look like everybody's. Speaker verification corrects scores for this by
adaptive s-norm (Matějka et al. 2017): a distance is judged by how far both sides are from their nearest strangers in a
cohort of other people's faces.
"""

from __future__ import annotations

import numpy as np

from phototag.learn.arrays import Floats, Rows
from phototag.types import Thresholds, Vectors

#: Size of the cohort. It is limited, because in an ever larger one the nearest strangers would come ever nearer.
_COHORT = 2048
#: How many of the nearest strangers count, and the share of their distance that is credited to a pair of faces.
_STRANGERS, _CREDIT = 10, 0.75
#: A face's credit is at most this share of `split`².
_MOST = 0.1
_BLOCK = 4096


def cohort_rows(count: int, size: int = _COHORT) -> Rows:
    """Up to `size` rows, evenly spread over `count`, that stand for everybody."""
    return np.unique(np.linspace(0, max(count - 1, 0), min(size, count)).astype(np.int64))


def stranger_distances(vectors: Vectors, cohort: Vectors, thresholds: Thresholds, nearest: int = _STRANGERS) -> Floats:
    """(n,) mean squared distance of each face to its `nearest` strangers in the cohort; NaN where there are too few.

    Faces of the cohort count as strangers beyond (same + midpoint) / 2, which is farther than one person's faces are.
    """
    bound = ((thresholds.same + thresholds.midpoint) / 2) ** 2
    means = np.full(len(vectors), np.nan)
    if len(cohort) < nearest:
        return means
    for start in range(0, len(vectors), _BLOCK):
        squared = 2 - 2 * (vectors[start : start + _BLOCK] @ cohort.T)
        squared[squared <= bound] = np.inf
        near = np.partition(squared, nearest - 1, axis=1)[:, :nearest].mean(axis=1)
        means[start : start + _BLOCK] = np.where(np.isfinite(near), near, np.nan)
    return means


def isolation_credit(vectors: Vectors, thresholds: Thresholds, rows: Rows | None = None) -> Floats:
    """(n,) squared distance by which each of (n, dim) faces may be farther from its own person's faces.

    With d the mean squared distance to the nearest strangers and d̄ its mean over all faces, the credit is
    ⅜·(d − d̄), between ±0.1·split². It is negative where strangers are near, and 0 for faces with too few strangers.

    `rows`: of the cohort; by default evenly spread.
    """
    means = stranger_distances(vectors, vectors[cohort_rows(len(vectors)) if rows is None else rows], thresholds)
    if np.isnan(means).all():
        return np.zeros(len(vectors))
    credit = np.nan_to_num(_CREDIT / 2 * (means - np.nanmean(means)))
    most = _MOST * thresholds.split**2
    return np.asarray(np.clip(credit, -most, most))
