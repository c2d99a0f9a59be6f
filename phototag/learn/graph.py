"""Which faces are nearest to which: exactly by blocked matrix products, or by an index where there are very many."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from phototag.types import Vectors

Rows = npt.NDArray[np.int64]
Similarities = npt.NDArray[np.float32]

#: Points up to which all of them are compared. On two cores 100,000 take about half a minute, four times that for
#: twice as many; beyond this the index is faster and finds about 99 of 100 neighbours.
EXACT = 250_000

_QUERIES, _POINTS = 1024, 8192  #: rows and columns of similarities that a thread holds at once: 32 MB


def nearest(queries: Vectors, points: Vectors, k: int) -> tuple[Rows, Similarities]:
    """The rows of the `k` points most similar (dot product) to each query, and how similar; most similar first.

    All of them where there are fewer than `k` points. Ties go to the lower row, so that equal input gives equal output.
    """
    k = min(k, len(points))
    if not len(queries) or not k:
        return np.zeros((len(queries), k), np.int64), np.zeros((len(queries), k), np.float32)
    queries, points = (np.ascontiguousarray(x, np.float32) for x in (queries, points))
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
    own = rows == np.arange(len(vectors))[:, None]
    own[~own.any(axis=1), -1] = True  # of many equal faces, a face itself may not be among the nearest
    shape = (len(vectors), max(rows.shape[1] - 1, 0))
    return rows[~own].reshape(shape), values[~own].reshape(shape)


def _best(queries: Vectors, points: Vectors, k: int) -> tuple[Rows, Similarities]:
    """The nearest points of a block of queries: whatever beats the k-th best so far is kept and sorted in."""
    count = len(queries)
    rows, values = np.zeros((count, 0), np.int64), np.zeros((count, 0), np.float32)
    for start in range(0, len(points), _POINTS):
        similar = queries @ points[start : start + _POINTS].T
        if values.shape[1] < k:
            best = np.argpartition(-similar, min(k, similar.shape[1]) - 1, axis=1)[:, :k]
            rows = np.concatenate([rows, best + start], axis=1)
            values = np.concatenate([values, np.take_along_axis(similar, best, axis=1)], axis=1)
            order = np.lexsort((rows, -values), axis=1)[:, :k]
            rows, values = (np.take_along_axis(x, order, axis=1) for x in (rows, values))
            continue
        better = np.flatnonzero(similar > values[:, -1:])
        if not len(better):
            continue
        query, point = np.divmod(better, similar.shape[1])
        owner = np.concatenate([np.repeat(np.arange(count), k), query])
        row = np.concatenate([rows.ravel(), point + start])
        value = np.concatenate([values.ravel(), similar.ravel()[better]])
        order = np.lexsort((row, -value, owner))
        counts = np.bincount(owner, minlength=count)
        first = np.cumsum(counts) - counts
        kept = order[(first[:, None] + np.arange(k)).ravel()]
        rows, values = row[kept].reshape(count, k), value[kept].reshape(count, k)
    return rows, values


def _indexed(queries: Vectors, points: Vectors, k: int) -> tuple[Rows, Similarities]:
    """Approximately, by a navigable small world (Malkov & Yashunin 2018) built on one thread: that way it is
    the same every time."""
    from usearch.index import Index

    index = Index(ndim=points.shape[1], metric="ip", dtype="f32", connectivity=24, expansion_add=96)
    index.expansion_search = max(2 * k, 96)
    index.add(np.arange(len(points)), points, threads=1, copy=False)
    found = index.search(queries, k, threads=os.cpu_count() or 1)
    return np.asarray(found.keys, np.int64), np.asarray(1 - found.distances, np.float32)
