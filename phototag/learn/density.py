"""HDBSCAN (Campello, Moulavi, Sander 2013) on a graph of nearest neighbours.

hdbscan's own `fit` compares all pairs of faces, in float64 on one core. Its condensed tree and its cluster selection
are used here as they are; only the minimum spanning tree is made differently, from the graph.
"""

from __future__ import annotations

import heapq

import numpy as np
import numpy.typing as npt

from phototag.learn.arrays import Floats, Labels, Rows
from phototag.types import Vectors

#: HDBSCAN's min_cluster_size and min_samples: a person may have two photos.
_FEWEST = 2
#: Neighbours that the graph needs: with 32 hdbscan's own clusters come out, with 16 the densest people fall apart now
#: and then.
NEIGHBOURS = 32
#: Distances below this count as equal, so that no density is infinite.
_EQUAL = 1e-6
#: Faces in all that search for edges between the components of the graph.
_SCOUTS = 20_000
#: Rows and columns of similarities that are held at once.
_BLOCK = 4096
#: Pairs of faces that are compared at once: 64 MB.
_PAIRS = 65_536


def hdbscan_clusters(vectors: Vectors, neighbours: Rows) -> Labels:
    """(n,) HDBSCAN clusters of (n, dim) unit vectors; −1 is noise. `neighbours` (n, k): each row's nearest others."""
    if len(vectors) < 3:
        return np.full(len(vectors), -1, np.int64)
    from hdbscan._hdbscan_tree import compute_stability, condense_tree, get_clusters

    condensed = condense_tree(_single_linkage_tree(_spanning_tree(vectors, neighbours)), _FEWEST)
    return np.asarray(get_clusters(condensed, compute_stability(condensed))[0], np.int64)


def _distances(vectors: Vectors, one: Rows, two: Rows) -> Floats:
    """Distances of pairs of rows, in float64: clusters depend on which of two nearly equal distances is shorter."""
    found = np.empty(len(one))
    for start in range(0, len(one), _PAIRS):
        some = slice(start, start + _PAIRS)
        difference = vectors[one[some]].astype(np.float64) - vectors[two[some]]
        found[some] = np.sqrt(np.einsum("ij,ij->i", difference, difference))
    return np.maximum(found, _EQUAL)


def _spanning_tree(vectors: Vectors, neighbours: Rows) -> Floats:
    """(n − 1, 3) edges (row, row, mutual reachability distance), shortest first.

    Many edges are equally long, because they are as long as a face's core distance, and HDBSCAN's clusters depend on
    their order. So the tree is grown and sorted as hdbscan does it: by Prim's algorithm from the first row.
    """
    count = len(vectors)
    one, two = np.repeat(np.arange(count), neighbours.shape[1]), neighbours.ravel()
    distances = _distances(vectors, one, two)
    core = np.partition(distances.reshape(neighbours.shape), _FEWEST - 1, axis=1)[:, _FEWEST - 1]
    reachability = np.maximum(distances, np.maximum(core[one], core[two]))
    _, once = np.unique(np.minimum(one, two) * count + np.maximum(one, two), return_index=True)
    edges = _connected(vectors, core, one[once], two[once], reachability[once])
    tree = _prim(*edges, count)
    return np.ascontiguousarray(tree[np.argsort(tree[:, 2])])


def _connected(vectors: Vectors, core: Floats, one: Rows, two: Rows, lengths: Floats) -> tuple[Rows, Rows, Floats]:
    """The edges of a graph, with more between its components until it is connected."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(vectors)
    while True:
        components, component = connected_components(coo_array((lengths, (one, two)), (count, count)), directed=False)
        if components == 1:
            return one, two, lengths
        links = _component_links(vectors, core, component, components)
        one, two = (np.concatenate([old, links[:, side].astype(np.int64)]) for side, old in ((0, one), (1, two)))
        lengths = np.concatenate([lengths, links[:, 2]])


def _prim(one: Rows, two: Rows, lengths: Floats, count: int) -> Floats:
    """The edges of a connected graph's minimum spanning tree in the order in which Prim's algorithm adds them.

    Of equally near rows the lowest is added first.
    """
    order = np.argsort(np.concatenate([one, two]), kind="stable")
    ends = np.concatenate([two, one])[order]
    lengths = np.concatenate([lengths, lengths])[order]
    starts = np.concatenate([[0], np.cumsum(np.bincount(one, minlength=count) + np.bincount(two, minlength=count))])
    shortest, source = [np.inf] * count, [0] * count
    heap: list[tuple[float, int]] = []
    tree = np.empty((count - 1, 3))
    row = 0
    for grown in range(count - 1):
        shortest[row] = -1.0  # in the tree: nothing is nearer
        span = slice(starts[row], starts[row + 1])
        for other, length in zip(ends[span].tolist(), lengths[span].tolist(), strict=True):
            if length < shortest[other]:
                shortest[other], source[other] = length, row
                heapq.heappush(heap, (length, other))
        while heap[0][0] != shortest[heap[0][1]]:  # a shorter edge to that row came later
            heapq.heappop(heap)
        length, other = heapq.heappop(heap)
        tree[grown] = source[other], other, length
        row = other
    return tree


def _single_linkage_tree(edges: Floats) -> Floats:
    """(n − 1, 4) merges (component, component, distance, size) from the sorted edges of a tree, in SciPy's format.

    hdbscan has the same function, but it takes quadratic time.
    """
    count = len(edges) + 1
    parent = list(range(count))
    number, size = list(range(count)), [1] * count

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = row = parent[parent[row]]
        return row

    merges = []
    for step, (one, two, distance) in enumerate(edges.tolist()):
        a, b = root(int(one)), root(int(two))
        merges.append((number[a], number[b], distance, size[a] + size[b]))
        if size[a] < size[b]:
            a, b = b, a
        parent[b] = a
        size[a] += size[b]
        number[a] = count + step
    return np.array(merges)


def _component_links(vectors: Vectors, core: Floats, component: npt.NDArray[np.int32], components: int) -> Floats:
    """An edge (row, row, distance) from each component but the largest to its nearest face outside.

    Dense groups (one person with more photos than the graph has neighbours) are components of their own. In a large
    component only some faces, its scouts, search for the edge.
    """
    sizes = np.bincount(component, minlength=components)
    order = np.argsort(component, kind="stable")
    share = max(1, _SCOUTS // components)
    scouts = np.concatenate(
        [
            members[np.unique(np.linspace(0, len(members) - 1, min(share, len(members))).astype(np.int64))]
            for number, members in enumerate(np.split(order, np.cumsum(sizes)[:-1]))
            if number != int(np.argmax(sizes))
        ]
    )
    target = _nearest_outside(vectors, component, scouts)
    lengths = np.maximum(_distances(vectors, scouts, target), np.maximum(core[scouts], core[target]))
    order = np.lexsort((target, scouts, lengths, component[scouts]))
    first = order[np.unique(component[scouts][order], return_index=True)[1]]
    return np.stack([scouts[first], target[first], lengths[first]], axis=1)


def _nearest_outside(vectors: Vectors, component: npt.NDArray[np.int32], scouts: Rows) -> Rows:
    """The row most similar to each scout in another component."""
    target, best = np.zeros(len(scouts), np.int64), np.full(len(scouts), -np.inf, np.float32)
    for at in range(0, len(scouts), _BLOCK):
        some = slice(at, at + _BLOCK)
        for start in range(0, len(vectors), _BLOCK):
            similar = vectors[scouts[some]] @ vectors[start : start + _BLOCK].T
            similar[component[scouts[some], None] == component[start : start + _BLOCK]] = -np.inf
            here = np.argmax(similar, axis=1)
            value = np.take_along_axis(similar, here[:, None], axis=1)[:, 0]
            better = np.flatnonzero(value > best[some]) + at
            target[better], best[better] = here[better - at] + start, value[better - at]
    return target
