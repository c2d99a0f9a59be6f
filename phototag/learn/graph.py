"""Which faces are nearest to which: exactly by blocked matrix products, or by an index where there are very many."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from phototag.types import Vectors

Rows = npt.NDArray[np.int64]
Similarities = npt.NDArray[np.float32]

#: Points up to which all of them are compared. On two cores 100,000 take less than a minute, and four times that for
#: twice as many; from here on the index is faster. It finds 96 of 100 neighbours.
EXACT = 400_000

#: Rows and columns of similarities that a thread holds at once: 32 MB. There are never more neighbours than columns.
_QUERIES, _POINTS = 1024, 8192


def nearest(queries: Vectors, points: Vectors, k: int) -> tuple[Rows, Similarities]:
    """The rows of the `k` points most similar (dot product) to each query, and how similar; most similar first.

    All of them where there are fewer than `k` points. Ties go to the lower row, so that equal input gives equal output.
    """
    k = min(k, len(points))
    if not len(queries) or not k:
        return np.zeros((len(queries), k), np.int64), np.zeros((len(queries), k), np.float32)
    queries, points = (np.ascontiguousarray(x, np.float32) for x in (queries, points))
    if len(queries) <= _QUERIES and len(points) <= _POINTS:
        return _best(queries, points, k)
    if len(points) > EXACT and len(queries) > len(points) // 20:  # for a few queries an index doesn't pay
        return _indexed(queries, points, k)
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        starts = range(0, len(queries), _QUERIES)
        found = list(pool.map(lambda at: _best(queries[at : at + _QUERIES], points, k), starts))
    return np.concatenate([rows for rows, _ in found]), np.concatenate([values for _, values in found])


def neighbours(vectors: Vectors, k: int) -> tuple[Rows, Similarities]:
    """The `k` rows most similar to each row but for itself, and how similar; most similar first."""
    rows, values = nearest(vectors, vectors, k + 1)
    if len(vectors) < 2:
        return rows[:, :0], values[:, :0]
    own = rows == np.arange(len(vectors))[:, None]
    own[~own.any(axis=1), -1] = True  # of many equal faces, a face itself may not be among the nearest
    shape = (len(vectors), rows.shape[1] - 1)
    return rows[~own].reshape(shape), values[~own].reshape(shape)


def _best(queries: Vectors, points: Vectors, k: int) -> tuple[Rows, Similarities]:
    """The nearest points of a block of queries: whatever beats the k-th best so far is kept, and sorted in when there
    is enough of it."""
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
            rows, values = _sorted(owners, found, similar, count, k)
            owners, found, similar = [np.repeat(np.arange(count), k)], [rows.ravel()], [values.ravel()]
            pending = 0
    return _sorted(owners, found, similar, count, k)


def _sorted(
    owners: list[Rows], rows: list[Rows], values: list[Similarities], count: int, k: int
) -> tuple[Rows, Similarities]:
    """The k best of each owner, best first; every owner has as many at least."""
    owner, row, value = np.concatenate(owners), np.concatenate(rows), np.concatenate(values)
    order = np.lexsort((row, -value, owner))
    counts = np.bincount(owner, minlength=count)
    kept = order[((np.cumsum(counts) - counts)[:, None] + np.arange(k)).ravel()]
    return row[kept].reshape(count, k), value[kept].reshape(count, k)


def _indexed(queries: Vectors, points: Vectors, k: int) -> tuple[Rows, Similarities]:
    """Approximately, by a navigable small world (Malkov & Yashunin 2018) built on one thread: that way it is
    the same every time."""
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
