"""Average linkage: how clusters are cut until they are pure, and how far apart parts may be that are joined."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phototag.types import Vectors

Labels = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

#: Faces of a cluster whose distances are all held at once (16 MB); larger ones are halved first.
_WHOLE = 2048

# The next four were chosen on one half of the people of lfw-dev and checked on the other: see docs/clustering.md.
#: Share of `split` that faces of one person lie apart, in the root mean square.
_SPREAD = 0.75
#: No part counts as less spread than this share of `split`: the frames of a burst don't tell how much a person varies.
_TIGHT = 0.5
#: Share of a part's excess spread by which its bound is wider, and how many faces outweigh no excess at all.
_OWN, _DOUBT = 0.5, 0.5


@dataclass(frozen=True, slots=True)
class Bound:
    """The distance (root mean square over pairs of faces) within which two parts are one person.

    From `join` for two single faces it widens towards `split` for many: a mean over many pairs is surer than one pair,
    and there are far more pairs of single faces to go wrong. It also widens by the share `own` of what the parts'
    faces are spread beyond the usual, because people differ in that, and narrows likewise.
    """

    join: float
    split: float
    own: float = _OWN

    def by_size(self, faces: Values) -> Values:
        """Squared, for a union of so many faces (two or more)."""
        return np.asarray((self.split - (self.split - self.join) * 2 / faces) ** 2)

    def excess(self, faces: Values, lengths: Values) -> Values:
        """What a part adds to the squared bound; `lengths`: squared lengths of the sums of its unit vectors."""
        others = np.maximum(faces - 1, 1)
        spread = np.maximum(2 * faces / others * (1 - lengths / faces**2), (_TIGHT * self.split) ** 2)
        sure = (faces - 1) / (faces - 1 + _DOUBT)
        return np.asarray(self.own / 2 * sure * (spread - (_SPREAD * self.split) ** 2))


def split(vectors: Vectors, labels: Labels, distance: float) -> Labels:
    """Cut every cluster by average linkage at a root-mean-square `distance`; noise becomes parts of one."""
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


def _halves(vectors: Vectors, members: Labels) -> list[Labels]:
    """A large cluster in two, across the direction in which it is widest."""
    centred = vectors[members].astype(np.float64)
    centred -= centred.mean(axis=0)
    widest = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    order = np.argsort(centred @ widest, kind="stable")
    return [np.sort(members[half]) for half in np.array_split(order, 2)]
