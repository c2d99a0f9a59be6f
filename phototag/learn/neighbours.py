"""k nearest neighbours: exact by blocked matrix products, or approximate by an index where there are very many."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt

from phototag.learn.arrays import Rows
from phototag.types import Vectors

Similarities = npt.NDArray[np.float32]

#: Points up to which all of them are compared. On two cores 100,000 take less than a minute, and four times that for
#: twice as many; from here on the index is faster. It finds 96 of 100 neighbours.
EXACT = 400_000
#: The optional package behind the index. Without it all points are compared, however many there are.
INDEX_PACKAGE = "usearch"

#: Rows and columns of similarities that a thread holds at once: 32 MB. There are never more neighbours than columns.
_QUERIES, _POINTS = 1024, 8192


def index_available() -> bool:
    """Whether the package behind the index is installed."""
    return find_spec(INDEX_PACKAGE) is not None


def k_nearest(queries: Vectors, points: Vectors, k: int) -> tuple[Rows, Similarities]:
    """(n, k) rows of the `k` points most similar (by dot product) to each query, and their similarities, best first.

    With fewer than `k` points, all of them. Ties go to the lower row, so that equal input gives equal output.
    """
    k = min(k, len(points))
    if not len(queries) or not k:
        return np.zeros((len(queries), k), np.int64), np.zeros((len(queries), k), np.float32)
    queries, points = (np.ascontiguousarray(x, np.float32) for x in (queries, points))
    if len(queries) <= _QUERIES and len(points) <= _POINTS:
        return _exact(queries, points, k)
    if len(points) > EXACT and len(queries) > len(points) // 20 and index_available():  # too few queries don't pay
        return _approximate(queries, points, k)
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        starts = range(0, len(queries), _QUERIES)
        found = list(pool.map(lambda at: _exact(queries[at : at + _QUERIES], points, k), starts))
    return np.concatenate([rows for rows, _ in found]), np.concatenate([values for _, values in found])


def neighbour_graph(vectors: Vectors, k: int) -> tuple[Rows, Similarities]:
    """(n, k) rows most similar to each row, without the row itself, and their similarities, best first."""
    rows, values = k_nearest(vectors, vectors, k + 1)
    if len(vectors) < 2:
        return rows[:, :0], values[:, :0]
    own = rows == np.arange(len(vectors))[:, None]
    own[~own.any(axis=1), -1] = True  # of many equal faces, a face itself may not be among the nearest
    shape = (len(vectors), rows.shape[1] - 1)
    return rows[~own].reshape(shape), values[~own].reshape(shape)


def _exact(queries: Vectors, points: Vectors, k: int) -> tuple[Rows, Similarities]:
    """The nearest points of a block of queries, found block by block.

    Whatever beats the k-th best so far is collected, and sorted in once there is enough of it.
    """
    count = len(queries)
    first = queries @ points[:_POINTS].T
    rows = np.argpartition(-first, min(k, first.shape[1]) - 1, axis=1)[:, :k]
    values = np.take_along_axis(first, rows, axis=1)
    owners, found, similar = [np.repeat(np.arange(count), rows.shape[1])], [rows.ravel()], [values.ravel()]
    pending = 0
    for start in range(_POINTS, len(points), _POINTS):
        products = queries @ points[start : start + _POINTS].T
        better = np.flatnonzero(products > values[:, -1:])
        query, point = np.divmod(better, products.shape[1])
        owners.append(query)
        found.append(point + start)
        similar.append(products.ravel()[better])
        pending += len(better)
        if pending > count * k:
            rows, values = _k_best(owners, found, similar, count, k)
            owners, found, similar = [np.repeat(np.arange(count), k)], [rows.ravel()], [values.ravel()]
            pending = 0
    return _k_best(owners, found, similar, count, k)


def _k_best(
    owners: list[Rows], rows: list[Rows], values: list[Similarities], count: int, k: int
) -> tuple[Rows, Similarities]:
    """The k best values of each of `count` owners, best first; every owner has at least k."""
    owner, row, value = np.concatenate(owners), np.concatenate(rows), np.concatenate(values)
    order = np.lexsort((row, -value, owner))
    counts = np.bincount(owner, minlength=count)
    kept = order[((np.cumsum(counts) - counts)[:, None] + np.arange(k)).ravel()]
    return row[kept].reshape(count, k), value[kept].reshape(count, k)


def _approximate(queries: Vectors, points: Vectors, k: int) -> tuple[Rows, Similarities]:
    """By a navigable small world graph (HNSW: Malkov & Yashunin 2018), built on one thread so that it is
    deterministic."""
    from usearch.index import Index

    index = Index(
        ndim=points.shape[1],
        metric="ip",
        dtype="f32",
        connectivity=24,
        expansion_add=96,
        expansion_search=max(2 * k, 96),
    )
    index.add(np.arange(len(points)), points, threads=1, copy=False)
    found = index.search(queries, k, threads=os.cpu_count() or 1)
    return np.asarray(found.keys, np.int64), np.asarray(1 - found.distances, np.float32)
