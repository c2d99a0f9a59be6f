"""HDBSCAN (Campello, Moulavi, Sander 2013) on a graph of near neighbours.

hdbscan's own `fit` compares everything with everything, in float64 on one core. Its condensed tree and its selection
are used here as they are, over a spanning tree that is made from the graph instead.
"""

from __future__ import annotations

import heapq

import numpy as np
import numpy.typing as npt

from phototag.learn.graph import Rows
from phototag.types import Vectors

Labels = npt.NDArray[np.int64]  #: (n,), −1 for a face that stands alone
Distances = npt.NDArray[np.float64]

#: Faces that make a cluster, and the neighbour whose distance is a face's core distance: a person may have two photos.
_FEWEST = 2
#: Neighbours that the graph needs: with 32 hdbscan's own clusters come out, with 16 the densest people fall apart now
#: and then.
NEIGHBOURS = 32
#: Faces nearer than this count as equal: nothing is infinitely dense.
_EQUAL = 1e-6
#: Faces that look for links out of the graph's loose parts, in all.
_SCOUTS = 20_000
#: Rows and columns of similarities that are held at once.
_BLOCK = 4096
#: Pairs of faces that are compared at once: 64 MB.
_PAIRS = 65_536


def dense(vectors: Vectors, rows: Rows) -> Labels:
    """HDBSCAN's clusters of (n, dim) unit vectors, −1 for noise, given each row's nearest other rows."""
    if len(vectors) < 3:
        return np.full(len(vectors), -1, np.int64)
    from hdbscan._hdbscan_tree import compute_stability, condense_tree, get_clusters

    condensed = condense_tree(_hierarchy(_spanning_tree(vectors, rows)), _FEWEST)
    return np.asarray(get_clusters(condensed, compute_stability(condensed))[0], np.int64)


def _distances(vectors: Vectors, one: Rows, two: Rows) -> Distances:
    """Exactly: clusters hang on which of two nearly equal distances is the shorter."""
    found = np.empty(len(one))
    for start in range(0, len(one), _PAIRS):
        some = slice(start, start + _PAIRS)
        away = vectors[one[some]].astype(np.float64) - vectors[two[some]]
        found[some] = np.sqrt(np.einsum("ij,ij->i", away, away))
    return np.maximum(found, _EQUAL)


def _spanning_tree(vectors: Vectors, rows: Rows) -> npt.NDArray[np.float64]:
    """(n − 1, 3) edges (row, row, mutual reachability distance), shortest first.

    Many edges are equally long, because they are as long as a face's core distance, and HDBSCAN's clusters hang on
    their order. So the tree is grown and sorted as hdbscan does it: by Prim's algorithm from the first row.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(vectors)
    one, two = np.repeat(np.arange(count), rows.shape[1]), rows.ravel()
    distances = _distances(vectors, one, two)
    core = np.partition(distances.reshape(rows.shape), _FEWEST - 1, axis=1)[:, _FEWEST - 1]
    reach = np.maximum(distances, np.maximum(core[one], core[two]))
    _, once = np.unique(np.minimum(one, two) * count + np.maximum(one, two), return_index=True)
    one, two, reach = one[once], two[once], reach[once]
    parts, part = connected_components(coo_array((reach, (one, two)), shape=(count, count)), directed=False)
    while parts > 1:
        links = _links(vectors, core, part, parts)
        one, two = (np.concatenate([old, links[:, side].astype(np.int64)]) for side, old in ((0, one), (1, two)))
        reach = np.concatenate([reach, links[:, 2]])
        parts, part = connected_components(coo_array((reach, (one, two)), shape=(count, count)), directed=False)
    tree = _grown(one, two, reach, count)
    return np.ascontiguousarray(tree[np.argsort(tree[:, 2])])


def _grown(one: Rows, two: Rows, reach: Distances, count: int) -> npt.NDArray[np.float64]:
    """Prim's tree of a connected graph in the order in which it grows; of equally near rows the lowest is next."""
    order = np.argsort(np.concatenate([one, two]), kind="stable")
    ends = np.concatenate([two, one])[order]
    lengths = np.concatenate([reach, reach])[order]
    starts = np.concatenate([[0], np.cumsum(np.bincount(one, minlength=count) + np.bincount(two, minlength=count))])
    nearest_yet, source = [np.inf] * count, [0] * count
    waiting: list[tuple[float, int]] = []
    tree = np.empty((count - 1, 3))
    row = 0
    for grown in range(count - 1):
        nearest_yet[row] = -1.0  # in the tree: nothing is nearer
        span = slice(starts[row], starts[row + 1])
        for other, length in zip(ends[span].tolist(), lengths[span].tolist(), strict=True):
            if length < nearest_yet[other]:
                nearest_yet[other], source[other] = length, row
                heapq.heappush(waiting, (length, other))
        while waiting[0][0] != nearest_yet[waiting[0][1]]:  # a nearer edge came first
            heapq.heappop(waiting)
        length, other = heapq.heappop(waiting)
        tree[grown] = source[other], other, length
        row = other
    return tree


def _hierarchy(edges: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(n − 1, 4) unions (part, part, distance, rows) of the edges of a tree, as SciPy writes them.

    hdbscan's own does the same, but takes quadratic time.
    """
    count = len(edges) + 1
    above = list(range(count))
    number, size = list(range(count)), [1] * count

    def top(row: int) -> int:
        while above[row] != row:
            above[row] = row = above[above[row]]
        return row

    unions = []
    for step, (one, two, distance) in enumerate(edges.tolist()):
        a, b = top(int(one)), top(int(two))
        unions.append((number[a], number[b], distance, size[a] + size[b]))
        if size[a] < size[b]:
            a, b = b, a
        above[b] = a
        size[a] += size[b]
        number[a] = count + step
    return np.array(unions)


def _links(vectors: Vectors, core: Distances, part: npt.NDArray[np.int32], parts: int) -> npt.NDArray[np.float64]:
    """An edge (row, row, distance) out of every part of the graph but the largest, to the nearest face outside.

    Dense groups (one person with more photos than the graph has neighbours) hang together with nothing else. A part
    with more faces than its share of scouts is represented by some of them.
    """
    sizes = np.bincount(part, minlength=parts)
    order = np.argsort(part, kind="stable")
    share = max(1, _SCOUTS // parts)
    scouts = np.concatenate(
        [
            members[np.unique(np.linspace(0, len(members) - 1, min(share, len(members))).astype(np.int64))]
            for number, members in enumerate(np.split(order, np.cumsum(sizes)[:-1]))
            if number != int(np.argmax(sizes))
        ]
    )
    target = _outside(vectors, part, scouts)
    reach = np.maximum(_distances(vectors, scouts, target), np.maximum(core[scouts], core[target]))
    shortest = np.lexsort((target, scouts, reach, part[scouts]))
    first = shortest[np.unique(part[scouts][shortest], return_index=True)[1]]
    return np.stack([scouts[first], target[first], reach[first]], axis=1)


def _outside(vectors: Vectors, part: npt.NDArray[np.int32], scouts: Rows) -> Rows:
    """The row most similar to each scout in another part than its own."""
    target, best = np.zeros(len(scouts), np.int64), np.full(len(scouts), -np.inf, np.float32)
    for at in range(0, len(scouts), _BLOCK):
        some = slice(at, at + _BLOCK)
        for start in range(0, len(vectors), _BLOCK):
            similar = vectors[scouts[some]] @ vectors[start : start + _BLOCK].T
            similar[part[scouts[some], None] == part[start : start + _BLOCK]] = -np.inf
            here = np.argmax(similar, axis=1)
            value = np.take_along_axis(similar, here[:, None], axis=1)[:, 0]
            better = np.flatnonzero(value > best[some]) + at
            target[better], best[better] = here[better - at] + start, value[better - at]
    return target
