"""How often somebody was really met: a burst of photos, or copies of one photo, are one meeting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from phototag.learn.linkage import split
from phototag.types import Vectors

#: Photos of one person that were taken within so many seconds of each other are one burst.
_BURST = 60.0
#: Faces nearer than this share of the verification threshold come from copies of one photo, or from one moment.
#: Measured on lfw-dev with dlib's ResNet: of 60 faces saved anew at half of the size 97 % are within (12 % within a
#: quarter), saved anew, cropped, brighter or at three quarters 98 % or more; of 9,034 pairs of one person's photos 15,
#: of which all but one or two are from one occasion.
_COPY = 0.4
#: So many faces are compared pair by pair at once.
_FEW = 256


def appearances(vectors: Vectors, taken: Sequence[float | None], same: float) -> npt.NDArray[np.int64]:
    """For each of one person's (n, dim) faces the number, from 0, of the appearance that it belongs to.

    `taken`: when its photo was taken, in seconds from any moment, if that is known: then that alone counts. `same`: the
    embedder's verification threshold. Copies are found by average linkage: by single links the many faces of one
    person would hang together.
    """
    copies = np.zeros(len(vectors), np.int64) if None not in taken else _copies(vectors, _COPY * same)
    dated = np.array([row for row, at in enumerate(taken) if at is not None], np.int64)
    times = np.array([at for at in taken if at is not None], np.float64)
    order = np.argsort(times, kind="stable")
    dated = dated[order]
    bursts = copies.max(initial=-1) + 1 + np.cumsum(np.diff(times[order], prepend=times[order][:1]) > _BURST)
    burst_of = np.arange(copies.max(initial=-1) + 1)
    burst_of[copies[dated[::-1]]] = bursts[::-1]  # an undated copy belongs to the first of its kind
    found = burst_of[copies]
    found[dated] = bursts
    return np.unique(found, return_inverse=True)[1].astype(np.int64)


def _copies(vectors: Vectors, distance: float) -> npt.NDArray[np.int64]:
    """Which faces are copies of each other, by number; mostly no two are, which a look at the nearest two tells."""
    if len(vectors) <= _FEW:
        away = 2 - 2 * (vectors @ vectors.T)
        np.fill_diagonal(away, np.inf)
        if away.min(initial=np.inf) > distance**2 + 1e-6:
            return np.arange(len(vectors))
    return split(vectors, np.zeros(len(vectors), np.int64), distance)
