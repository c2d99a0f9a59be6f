"""Groups of faces that look like one person.

HDBSCAN (Campello, Moulavi, Sander 2013) finds the dense cores. Its single-linkage nature bridges two
people now and then, and it calls a library of one person noise; so its clusters are then cut, and they
and the noise are joined, by average linkage at distances that belong to the embedder.
"""

from __future__ import annotations

import heapq

import numpy as np
import numpy.typing as npt

from phototag.types import Thresholds, Vectors

Labels = npt.NDArray[np.int64]  #: (n,), −1 for a face that stands alone

#: Rows of a similarity matrix that are held at once.
_BLOCK = 2048


def cluster(vectors: Vectors, thresholds: Thresholds) -> Labels:
    """Group (n, dim) unit vectors; groups are numbered from 0, largest first, and have two faces or more.

    The grouping doesn't depend on the order of the rows but through exact ties.
    """
    if not len(vectors):
        return np.zeros(0, np.int64)
    parts = join(vectors, split(vectors, _dense(vectors), thresholds.split), thresholds.join)
    return _numbered(parts)


def _dense(vectors: Vectors) -> Labels:
    """HDBSCAN's clusters, −1 for noise."""
    if len(vectors) < 3:
        return np.full(len(vectors), -1, np.int64)
    from hdbscan import HDBSCAN

    labels = HDBSCAN(min_cluster_size=2, min_samples=2, core_dist_n_jobs=1).fit_predict(vectors.astype(np.float64))
    return np.asarray(labels, np.int64)


def split(vectors: Vectors, labels: Labels, distance: float) -> Labels:
    """Cut every cluster by average linkage at a root-mean-square `distance`; noise becomes parts of one."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import pdist

    parts = np.empty(len(labels), np.int64)
    alone = np.flatnonzero(labels < 0)
    parts[alone] = np.arange(len(alone))
    used = len(alone)
    for label in range(int(labels.max(initial=-1)) + 1):
        members = np.flatnonzero(labels == label)
        tree = linkage(pdist(vectors[members].astype(np.float64), "sqeuclidean"), "average")
        cut = fcluster(tree, distance**2, "distance")
        parts[members] = used + cut - 1
        used += int(cut.max())
    return parts


def join(vectors: Vectors, parts: Labels, distance: float) -> Labels:
    """Unite parts, nearest first, while the root-mean-square distance between their faces is below `distance`.

    For unit vectors the mean squared distance between two groups is 2 − 2·(mean₁ · mean₂), so that sums
    and counts are all that a merge needs.
    """
    count = int(parts.max()) + 1
    sizes = np.bincount(parts, minlength=2 * count).astype(np.float64)
    sums = np.zeros((2 * count, vectors.shape[1]), np.float64)
    np.add.at(sums, parts, vectors.astype(np.float64))
    means = sums[:count] / sizes[:count, None]
    limit = 1 - distance**2 / 2  # least mean similarity of two groups that are joined
    heap: list[tuple[float, int, int]] = []
    for start in range(0, count, _BLOCK):
        similar = means[start : start + _BLOCK] @ means[start:].T
        near, far = np.nonzero(similar > limit)
        heap += [
            (-float(similar[i, j]), int(i) + start, int(j) + start) for i, j in zip(near, far, strict=True) if i < j
        ]
    heapq.heapify(heap)
    heir = np.arange(2 * count)
    alive = np.zeros(2 * count, bool)
    alive[:count] = True
    fresh = count
    while heap:
        _, a, b = heapq.heappop(heap)
        if not (alive[a] and alive[b]):
            continue
        alive[[a, b]] = False
        heir[[a, b]] = fresh
        sums[fresh], sizes[fresh] = sums[a] + sums[b], sizes[a] + sizes[b]
        others = np.flatnonzero(alive[:fresh])
        similar = sums[others] @ sums[fresh] / (sizes[others] * sizes[fresh])
        for other, value in zip(others[similar > limit], similar[similar > limit], strict=True):
            heapq.heappush(heap, (-float(value), int(other), fresh))
        alive[fresh] = True
        fresh += 1
    for index in range(fresh - 1, -1, -1):  # an heir is always younger: resolve chains from the top
        heir[index] = heir[heir[index]]
    return heir[parts]


def _numbered(parts: Labels) -> Labels:
    """Parts of two or more as 0, 1, … by falling size (ties by their first face), the others −1."""
    _, first, inverse, sizes = np.unique(parts, return_index=True, return_inverse=True, return_counts=True)
    order = sorted(range(len(sizes)), key=lambda part: (-sizes[part], first[part]))
    number = np.full(len(sizes), -1, np.int64)
    for rank, part in enumerate(order):
        if sizes[part] > 1:
            number[part] = rank
    return number[inverse]


def central_first(vectors: Vectors) -> npt.NDArray[np.int64]:
    """Rows ordered from the one nearest to the mean outwards."""
    return np.argsort(-(vectors @ vectors.mean(axis=0)), kind="stable").astype(np.int64)
