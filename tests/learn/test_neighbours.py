"""Nearest neighbours against all distances, written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phototag.learn import neighbours
from phototag.learn.neighbours import k_nearest, neighbour_graph
from tests.support.simulated_people import centres, faces


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 70), st.integers(0, 90), st.integers(1, 12))
def test_k_nearest_is_what_a_full_sort_finds(seed: int, asked: int, count: int, k: int) -> None:
    random = np.random.default_rng(seed)
    queries = random.normal(size=(asked, 5)).astype(np.float32)
    points = random.normal(size=(count, 5)).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "_QUERIES", 16)
        patch.setattr(neighbours, "_POINTS", 16)
        rows, values = k_nearest(queries, points, k)
    similar = queries @ points.T
    assert rows.shape == values.shape == (asked, min(k, count))
    np.testing.assert_allclose(values, -np.sort(-similar, axis=1)[:, :k], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(similar, rows, axis=1), values, rtol=1e-5, atol=1e-6)
    assert all(len(set(row)) == len(row) for row in rows.tolist())


@pytest.mark.parametrize("count", [0, 1, 2, 5, 60])
def test_nobody_is_their_own_neighbour(count: int) -> None:
    for vectors in (faces(centres(1)[0], count), np.repeat(centres(1), count, axis=0)):
        rows, values = neighbour_graph(vectors, 4)
        assert rows.shape == values.shape == (count, min(4, max(count - 1, 0)))
        assert not (rows == np.arange(count)[:, None]).any()
        assert all(len(set(row)) == len(row) for row in rows.tolist())


def test_an_index_finds_nearly_the_same_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.concatenate([faces(centre, 10, number) for number, centre in enumerate(centres(200))])
    exact, _ = neighbour_graph(vectors, 9)
    monkeypatch.setattr(neighbours, "EXACT", 500)
    found, values = neighbour_graph(vectors, 9)
    again, _ = neighbour_graph(vectors, 9)
    assert np.array_equal(found, again)
    assert np.mean([len(set(a) & set(b)) / 9 for a, b in zip(exact.tolist(), found.tolist(), strict=True)]) > 0.97
    np.testing.assert_allclose(values, np.einsum("ijk,ik->ij", vectors[found], vectors), atol=1e-5)


def test_without_the_index_all_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.concatenate([faces(centre, 10, number) for number, centre in enumerate(centres(200))])
    exact, similar = neighbour_graph(vectors, 9)
    monkeypatch.setattr(neighbours, "EXACT", 500)
    monkeypatch.setattr(neighbours, "find_spec", lambda name: None)
    found, values = neighbour_graph(vectors, 9)
    assert np.array_equal(found, exact)
    assert np.array_equal(values, similar)
