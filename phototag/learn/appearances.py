"""How often somebody was really met: a burst of photos, or copies of one photo, are one meeting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from phototag.learn.graph import neighbours
from phototag.types import Vectors

#: Photos of one person that were taken within so many seconds of each other are one burst.
_BURST = 60.0
#: Faces nearer than this share of the verification threshold come from copies of one photo, resized or saved anew.
_COPY = 0.25
#: Copies of a face are among its nearest.
_NEIGHBOURS = 8


def appearances(vectors: Vectors, taken: Sequence[float | None], same: float) -> npt.NDArray[np.int64]:
    """For each of one person's (n, dim) faces the number, from 0, of the appearance that it belongs to.

    `taken`: when its photo was taken, in seconds from any moment, if that is known. `same`: the embedder's
    verification threshold.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(vectors)
    rows, similar = neighbours(vectors, _NEIGHBOURS)
    one, column = np.nonzero(2 - 2 * similar < (_COPY * same) ** 2)
    two = rows[one, column]
    dated = np.array([row for row, at in enumerate(taken) if at is not None], np.int64)
    times = np.array([at for at in taken if at is not None], np.float64)
    order = np.argsort(times, kind="stable")
    soon = np.diff(times[order]) <= _BURST
    one = np.concatenate([one, dated[order][:-1][soon]])
    two = np.concatenate([two, dated[order][1:][soon]])
    graph = coo_array((np.ones(len(one)), (one, two)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)
