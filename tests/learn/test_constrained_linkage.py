"""Average linkage against SciPy's, and what makes it ours."""

from __future__ import annotations

import heapq
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist

from phototag.learn import constrained_linkage as joining
from phototag.learn import linkage as ours
from phototag.learn.arrays import Labels
from phototag.learn.constrained_linkage import ConstrainedLinkage, FaceTable
from phototag.learn.linkage import MergeBound, cut_clusters
from phototag.types import Vectors
from tests.support.simulated_people import centres, faces


def together(labels: Labels) -> set[frozenset[int]]:
    return {frozenset(map(int, np.flatnonzero(labels == label))) for label in set(labels.tolist())}


def joined(known: FaceTable, parts: Labels, bound: MergeBound) -> Labels:
    one, two = np.triu_indices(len(parts), 1)
    found = ConstrainedLinkage(known, parts, bound, one, two)
    found.merge_all()
    return found.current(parts)


def average_linkage(vectors: Vectors, distance: float) -> set[frozenset[int]]:
    """Average linkage on squared distances, by SciPy."""
    tree = linkage(pdist(vectors.astype(np.float64), "sqeuclidean"), "average")
    return together(fcluster(tree, distance**2, "distance"))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 40), st.floats(0.2, 1.35))
def test_with_one_bound_for_all_it_is_average_linkage(seed: int, count: int, distance: float) -> None:
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(count, 6)) + np.array([1.5, 0, 0, 0, 0, 0])
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    labels = joined(FaceTable.unconstrained(vectors), np.arange(count), MergeBound(distance, distance, 0.0))
    assert together(labels) == average_linkage(vectors, distance)


def test_parts_weigh_by_their_size() -> None:
    vectors = np.concatenate([faces(centre, 5, number) for number, centre in enumerate(centres(8, apart=0.4))])
    parts = np.repeat(np.arange(8), 5)
    for distance in (0.3, 0.45, 0.5, 0.9):
        labels = joined(FaceTable.unconstrained(vectors), parts, MergeBound(distance, distance, 0.0))
        assert all(len(set(labels[parts == part].tolist())) == 1 for part in range(8))  # nothing is taken apart
        means = [
            np.mean([((vectors[a] - vectors[b]) ** 2).sum() for a in group for b in other])
            for group in together(labels)
            for other in together(labels) - {group}
        ]
        assert all(mean >= distance**2 for mean in means)  # nobody is left to be joined


def test_groups_reach_farther_than_single_faces() -> None:
    bound = MergeBound(0.3, 0.4)
    sizes = np.array([2, 4, 20, 10_000])
    assert np.sqrt(bound.for_size(sizes)).tolist() == [0.3, 0.35, 0.39, 0.39998]


def test_a_person_who_varies_reaches_farther() -> None:
    bound = MergeBound(0.3, 0.4, 0.5)
    size, spreads = np.full(3, 6.0), np.array([0.22, 0.3, 0.5])
    vectors = [faces(centres(1)[0], 6, 0, spread) for spread in spreads]
    excess = bound.spread_excess(size, np.array([(x.astype(float).sum(axis=0) ** 2).sum() for x in vectors]))
    true = np.array([(pdist(x.astype(float)) ** 2).mean() for x in vectors])
    np.testing.assert_allclose(excess, 0.25 * 5 / 5.5 * (true - 0.3**2), rtol=1e-4)
    assert excess[0] < excess[1] < excess[2]
    assert bound.spread_excess(np.ones(1), np.ones(1)).tolist() == [0.0]
    burst, tight = bound.spread_excess(
        np.full(2, 20.0), 400 * (1 - np.array([0.001, 0.0001]))
    )  # sums of nearly equal faces
    assert burst == tight < excess[0]


def test_who_stands_apart_from_everybody_may_be_farther_from_its_like() -> None:
    pair = centres(2, apart=0.35)
    bound = MergeBound(0.33, 0.33, 0.0)
    assert len(together(joined(FaceTable.unconstrained(pair), np.arange(2), bound))) == 2
    credit = FaceTable(pair, np.array([0.01, 0.01]), np.array([-1, -1]), {})
    assert len(together(joined(credit, np.arange(2), bound))) == 1


@pytest.mark.parametrize("copies", [1, 3])
def test_a_mirror_does_not_halve_a_person(copies: int) -> None:
    looks = centres(2, apart=0.2)
    person = np.concatenate([faces(look, 6, number, 0.2) for number, look in enumerate(looks)])
    vectors = np.concatenate([person, np.repeat(looks, copies, axis=0)])
    parts = np.repeat(np.arange(4), [6, 6, copies, copies])  # each image is nearer to one look than both looks are
    keys = {12 + image * copies + copy: {copy} for image in range(2) for copy in range(copies)}
    plain = FaceTable.unconstrained(vectors)
    labels = joined(FaceTable(vectors, plain.credit, plain.first_grouping, keys), parts, MergeBound(0.33, 0.36))
    assert len(set(labels[:12].tolist())) == 1
    assert len(set(labels.tolist())) == 2


def test_large_clusters_are_cut_in_pieces_that_are_pure(monkeypatch: pytest.MonkeyPatch) -> None:
    people = centres(4, apart=0.8)
    vectors = np.concatenate([faces(centre, 50, number, 0.2) for number, centre in enumerate(people)])
    whole = cut_clusters(vectors, np.zeros(200, np.int64), 0.3)
    assert together(whole) == {frozenset(range(at, at + 50)) for at in range(0, 200, 50)}
    monkeypatch.setattr(ours, "_WHOLE", 16)
    pieces = cut_clusters(vectors, np.zeros(200, np.int64), 0.3)
    assert sorted(set(pieces.tolist())) == list(range(len(set(pieces.tolist()))))
    assert all(len({row // 50 for row in piece}) == 1 for piece in together(pieces))


def test_a_union_proposes_one_partner_however_many_are_near(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = faces(centres(1)[0], 400)
    pushes = 0

    def push(heap: list[Any], entry: Any) -> None:
        nonlocal pushes
        pushes += 1
        heapq.heappush(heap, entry)

    monkeypatch.setattr(joining, "heapq", SimpleNamespace(heappush=push, heappop=heapq.heappop))
    assert len(together(joined(FaceTable.unconstrained(vectors), np.arange(400), MergeBound(0.33, 0.36)))) == 1
    assert 400 <= pushes < 400 * 6
