"""Measure an embedder's thresholds on faces whose people are known."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from phototag.learn.arrays import Floats
from phototag.learn.cluster import cluster
from phototag.learn.metrics import b_cubed
from phototag.learn.verification import ThresholdSweep, all_pairs
from phototag.types import Thresholds, Vectors

FALSE_ACCEPTS = 1e-3  #: of different people's pairs, at `same`
#: `split` as a share of `same`, and `join` as a share of `split`, that are tried. Our own embedders lie at .98 and .93
#: (`dlib-resnet`), .93 and .98 (`mobilefacenet`), .97 and .91 (`openface`).
_SPLITS = (0.85, 0.89, 0.93, 0.98, 1.02)
_JOINS = (0.88, 0.93, 0.98)


def measure_thresholds(vectors: Vectors, people: Sequence[Any]) -> Thresholds:
    """The thresholds of an embedder, from (n, dim) unit vectors of known people, as those of our engines were measured.

    `same`: at FAR 0.1 %. `split`, `join`: those with the best groups (B³ F1). `midpoint`, `slope`: a logistic curve
    through all pairs, those of one person and of two weighing alike.
    """
    sweep = all_pairs(vectors, people).sweep()
    same = max(sweep.at_far(FALSE_ACCEPTS).threshold, float(sweep.thresholds[1]))
    midpoint, slope = _fit_curve(sweep)
    start = Thresholds(same, same, same, midpoint, slope)

    def grouping_f1(shares: tuple[float, float]) -> float:
        return b_cubed(people, cluster(vectors, _with_bounds(start, *shares)).tolist()).f1

    return _with_bounds(start, *max(product(_SPLITS, _JOINS), key=grouping_f1))


def _with_bounds(start: Thresholds, split: float, join: float) -> Thresholds:
    return replace(start, split=split * start.same, join=join * split * start.same)


def _fit_curve(sweep: ThresholdSweep) -> tuple[float, float]:
    """Midpoint and slope of P(one person | distance).

    Each pair counts a little as the other kind (Platt 1999), so that the curve doesn't become a step.
    """
    from sklearn.linear_model import LogisticRegression

    middles = (sweep.thresholds[:-1] + sweep.thresholds[1:]) / 2
    soft = []
    for counts in (sweep.different, sweep.same):
        total = counts.sum()
        doubt = 1 / (total + 2)
        soft.append((counts / max(total, 1) * (1 - doubt), counts / max(total, 1) * doubt))
    (different, maybe_same), (same, maybe_different) = soft
    used = np.flatnonzero(sweep.same + sweep.different)
    x = np.concatenate([middles[used], middles[used]])[:, None]
    weights: Floats = np.concatenate([(same + maybe_same)[used], (different + maybe_different)[used]])
    model = LogisticRegression(C=1e12, tol=1e-8, max_iter=1000)
    centre, scale = x.mean(), x.std() or 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about convergence, which the last digits don't need
        model.fit((x - centre) / scale, np.repeat([1, 0], len(used)), weights)
    steepness = float(-model.coef_[0, 0] / scale)
    if steepness <= 0:  # the network tells nobody apart: no distance says anything
        return float(sweep.best().threshold), 1.0
    return float(centre + scale * float(model.intercept_[0]) / -float(model.coef_[0, 0])), steepness
