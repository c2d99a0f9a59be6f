"""Average linkage: how far apart parts may be that are merged, and how clusters are cut until they are pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from phototag.learn.arrays import Floats, Labels, Rows
from phototag.types import Vectors

#: Faces of a cluster whose distances are all held in memory at once (16 MB); larger clusters are halved first.
_WHOLE = 2048

# The next four were chosen on one half of the people of lfw-dev and checked on the other: see docs/clustering.md.
#: RMS distance between faces of one person, as a share of `split`.
_SPREAD = 0.75
#: No part counts as less spread than this share of `split`: the frames of a burst don't tell how much a person varies.
_TIGHT = 0.5
#: Share of a part's excess spread that widens its bound, and the number of faces at which the prior (no excess) and
#: what was measured weigh alike.
_OWN, _DOUBT = 0.5, 0.5


@dataclass(frozen=True, slots=True)
class MergeBound:
    """The RMS distance between two parts within which they are merged.

    It grows from `join` for two single faces towards `split` for many: a mean over many pairs is more certain than one
    pair, and there are far more pairs of single faces that could go wrong. The share `own` of the parts' excess spread
    is added to it, because people differ in how much their faces vary.
    """

    join: float
    split: float
    own: float = _OWN

    def for_size(self, faces: Floats) -> Floats:
        """The squared bound for a union of n ≥ 2 faces: (split − (split − join)·2/n)²."""
        return np.asarray((self.split - (self.split - self.join) * 2 / faces) ** 2)

    def spread_excess(self, faces: Floats, lengths: Floats) -> Floats:
        """What a part of n faces adds to the squared bound: own/2 · (n−1)/(n−1+½) · (spread − (¾·split)²).

        `lengths`: |Σ x|², the squared length of the sum of the part's unit vectors, from which follows the spread, the
        mean squared distance of two of its faces: 2n/(n−1) · (1 − |Σ x|²/n²).
        """
        others = np.maximum(faces - 1, 1)
        spread = np.maximum(2 * faces / others * (1 - lengths / faces**2), (_TIGHT * self.split) ** 2)
        certainty = (faces - 1) / (faces - 1 + _DOUBT)
        return np.asarray(self.own / 2 * certainty * (spread - (_SPREAD * self.split) ** 2))


def cut_clusters(vectors: Vectors, labels: Labels, distance: float) -> Labels:
    """Cut each cluster by average linkage at an RMS `distance`; returns the part of each row, numbered from 0.

    Noise (label −1) becomes parts of one face each.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import pdist

    parts = np.empty(len(labels), np.int64)
    alone = labels < 0
    used = int(alone.sum())
    parts[alone] = np.arange(used)
    order = np.argsort(labels, kind="stable")[used:]
    waiting = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1) if len(order) else []
    while waiting:
        members = waiting.pop()
        if len(members) > _WHOLE:
            waiting += _halves(vectors, members)
            continue
        cut = np.ones(1, np.int64)
        if len(members) > 1:
            tree = linkage(pdist(vectors[members].astype(np.float64), "sqeuclidean"), "average")
            cut = fcluster(tree, distance**2, "distance")
        parts[members] = used + cut - 1
        used += int(cut.max())
    return parts


def _halves(vectors: Vectors, members: Rows) -> list[Rows]:
    """Halve a large cluster across its first principal component."""
    centred = vectors[members].astype(np.float64)
    centred -= centred.mean(axis=0)
    widest = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    order = np.argsort(centred @ widest, kind="stable")
    return [np.sort(members[half]) for half in np.array_split(order, 2)]
