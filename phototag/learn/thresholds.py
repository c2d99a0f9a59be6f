"""What distances mean in an embedder's space, measured on faces whose people are known."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from phototag.learn.cluster import cluster
from phototag.learn.metrics import b_cubed
from phototag.learn.verification import Sweep, all_pairs
from phototag.types import Thresholds, Vectors

FALSE_ACCEPTS = 1e-3  #: of different people's pairs, at `same`
#: Of `same`: where groups are cut, and of that: where they are united. Our own embedders lie at .98 and .93
#: (`dlib-resnet`), .93 and .98 (`mobilefacenet`), .97 and .91 (`openface`).
_SPLITS = (0.85, 0.89, 0.93, 0.98, 1.02)
_JOINS = (0.88, 0.93, 0.98)


def measured(vectors: Vectors, people: Sequence[Any]) -> Thresholds:
    """The thresholds for (n, dim) unit vectors of known people, by the rules by which those of our engines were found.

    `same`: no more than 0.1 % false accepts. `split`, `join`: the best groups (B³ F). `midpoint`, `slope`: a logistic
    curve through all pairs, same and different ones weighing alike.
    """
    sweep = all_pairs(vectors, people).all()
    same = max(sweep.at_far(FALSE_ACCEPTS).threshold, float(sweep.thresholds[1]))
    midpoint, slope = _curve(sweep)
    start = Thresholds(same, same, same, midpoint, slope)

    def groups(shares: tuple[float, float]) -> float:
        return b_cubed(people, cluster(vectors, _bounds(start, *shares)).tolist()).f

    return _bounds(start, *max(product(_SPLITS, _JOINS), key=groups))


def _bounds(start: Thresholds, split: float, join: float) -> Thresholds:
    return replace(start, split=split * start.same, join=split * join * start.same)


def _curve(sweep: Sweep) -> tuple[float, float]:
    """Midpoint and slope. Each pair counts a little as the other kind (Platt 1999), lest the curve become a step."""
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
    weights: npt.NDArray[np.float64] = np.concatenate([(same + maybe_same)[used], (different + maybe_different)[used]])
    model = LogisticRegression(C=1e12, tol=1e-8, max_iter=1000)
    centre, scale = x.mean(), x.std() or 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about convergence, which the last digits don't need
        model.fit((x - centre) / scale, np.repeat([1, 0], len(used)), weights)
    steepness = float(-model.coef_[0, 0] / scale)
    if steepness <= 0:  # the network tells nobody apart: no distance says anything
        return float(sweep.best().threshold), 1.0
    return float(centre + scale * float(model.intercept_[0]) / -float(model.coef_[0, 0])), steepness
