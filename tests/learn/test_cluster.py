"""Groups: one person is one, two are two, strangers are none, and the rows' order says nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist

from phototag.learn.cluster import Labels, central_first, cluster, join, split
from phototag.learn.metrics import b_cubed, pairwise
from phototag.types import Vectors
from tests.learn.people import THRESHOLDS, centres, faces


def groups(labels: Labels) -> set[frozenset[int]]:
    """The partition, whatever its numbers."""
    return {frozenset(map(int, np.flatnonzero(labels == label))) for label in set(labels.tolist()) - {-1}}


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_for_a_group(count: int) -> None:
    labels = cluster(faces(centres(1)[0], count), THRESHOLDS)
    assert labels.dtype == np.int64
    assert labels.tolist() == [-1] * count


def test_two_faces() -> None:
    same = faces(centres(1)[0], 2, spread=0.2)
    assert cluster(same, THRESHOLDS).tolist() == [0, 0]
    assert cluster(np.repeat(same[:1], 2, axis=0), THRESHOLDS).tolist() == [0, 0]
    assert cluster(centres(2), THRESHOLDS).tolist() == [-1, -1]


@pytest.mark.parametrize("count", [3, 5, 30, 200])
def test_one_person_is_one_group(count: int) -> None:
    vectors = faces(centres(1)[0], count)
    assert 0.24 < pdist(vectors).mean() < 0.30  # as far apart as dlib's are
    assert cluster(vectors, THRESHOLDS).tolist() == [0] * count


@pytest.mark.parametrize("count", [3, 40])
def test_exact_duplicates_are_one_group(count: int) -> None:
    vectors = np.repeat(centres(1), count, axis=0)
    assert cluster(vectors, THRESHOLDS).tolist() == [0] * count
    two = np.repeat(centres(2), count, axis=0)
    assert cluster(two, THRESHOLDS).tolist() == [0] * count + [1] * count


@pytest.mark.parametrize("apart", [None, 0.6])
def test_people_are_kept_apart_and_numbered_by_size(apart: float | None) -> None:
    sizes = [10, 40, 25]
    vectors = np.concatenate(
        [faces(centre, size, seed=size) for centre, size in zip(centres(3, apart=apart), sizes, strict=True)]
    )
    assert cluster(vectors, THRESHOLDS).tolist() == [2] * 10 + [0] * 40 + [1] * 25


def test_strangers_make_no_groups() -> None:
    labels = cluster(centres(300), THRESHOLDS)
    assert (labels >= 0).sum() <= 6


def test_a_library_of_people_and_strangers() -> None:
    people = centres(320, seed=3)
    sizes = np.random.default_rng(3).geometric(0.2, 20) + 1
    vectors = np.concatenate([*(faces(people[i], int(size), seed=i) for i, size in enumerate(sizes)), people[20:]])
    truth = [i for i, size in enumerate(sizes) for _ in range(size)] + list(range(20, 320))
    labels = cluster(vectors, THRESHOLDS)
    assert pairwise(truth, labels.tolist()).precision == 1
    assert b_cubed(truth, labels.tolist()).f > 0.98


def test_the_order_of_rows_says_nothing() -> None:
    people = centres(40, seed=5)
    vectors = np.concatenate([faces(people[i], 2 + i % 7, seed=i) for i in range(20)] + [people[20:]])
    first = groups(cluster(vectors, THRESHOLDS))
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(vectors))
        labels = cluster(vectors[order], THRESHOLDS)
        assert {frozenset(int(order[i]) for i in group) for group in groups(labels)} == first
        sizes = np.bincount(labels[labels >= 0])
        assert (np.diff(sizes) <= 0).all()
        assert sizes.min() >= 2


def test_a_chain_between_two_people_is_cut() -> None:
    ends = centres(2, apart=0.9)
    steps = np.linspace(0, 1, 12)[1:-1, None].astype(np.float32)
    bridge = ends[0] * (1 - steps) + ends[1] * steps
    bridge /= np.linalg.norm(bridge, axis=1, keepdims=True)
    vectors = np.concatenate([faces(ends[0], 20, 1, 0.2), bridge, faces(ends[1], 20, 2, 0.2)])
    together = np.zeros(len(vectors), np.int64)
    parts = split(vectors, together, THRESHOLDS.split)
    assert len(set(parts[:20].tolist())) == 1
    assert len(set(parts[-20:].tolist())) == 1
    assert parts[0] != parts[-1]
    whole = cluster(vectors, THRESHOLDS)
    assert whole[0] != whole[-1]


def test_split_numbers_everything_and_unites_nothing() -> None:
    vectors = centres(6)
    parts = split(vectors, np.array([0, 0, -1, 1, 1, -1]), 2.0)
    assert len(set(parts.tolist())) == 4
    assert parts[0] == parts[1]
    assert parts[3] == parts[4]
    assert sorted(set(parts.tolist())) == [0, 1, 2, 3]


def average_linkage(vectors: Vectors, distance: float) -> set[frozenset[int]]:
    """Average linkage on squared distances, by SciPy."""
    tree = linkage(pdist(vectors.astype(np.float64), "sqeuclidean"), "average")
    labels = fcluster(tree, distance**2, "distance")
    return {frozenset(map(int, np.flatnonzero(labels == label))) for label in set(labels.tolist())}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 40), st.floats(0.2, 1.35))
def test_join_is_average_linkage(seed: int, count: int, distance: float) -> None:
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(count, 6)) + np.array([1.5, 0, 0, 0, 0, 0])
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    parts = join(vectors, np.arange(count), distance)
    assert groups(parts) == average_linkage(vectors, distance)


def test_join_weighs_parts_by_their_size() -> None:
    vectors = np.concatenate([faces(centre, 5, number) for number, centre in enumerate(centres(8, apart=0.4))])
    parts = np.repeat(np.arange(8), 5)
    for distance in (0.3, 0.45, 0.5, 0.9):
        joined = join(vectors, parts, distance)
        assert all(len(set(joined[parts == part].tolist())) == 1 for part in range(8))  # nothing is taken apart
        means = {
            frozenset(group): np.mean([((vectors[a] - vectors[b]) ** 2).sum() for a in group for b in others])
            for group in groups(joined)
            for others in groups(joined) - {group}
        }
        assert all(mean >= distance**2 for mean in means.values())  # nobody is left to be joined


def test_central_first() -> None:
    centre = centres(1)[0]
    vectors = np.concatenate([faces(centre, 5, spread=0.5), centre[None], faces(centre, 5, 1, 0.5)])
    order = central_first(vectors)
    assert sorted(order.tolist()) == list(range(11))
    assert order[0] == 5
    far = np.linalg.norm(vectors[order] - vectors.mean(axis=0), axis=1)
    assert far[0] < far[5] < far[-1]
