"""Groups: one person is one, two are two, strangers are none, and the rows' order says nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from phototag.learn import cluster as ours
from phototag.learn.arrays import Labels, Rows
from phototag.learn.cluster import PriorKnowledge, central_first, cluster, members
from phototag.learn.linkage import cut_clusters
from phototag.learn.metrics import b_cubed, pairwise
from phototag.learn.neighbours import Similarities, neighbour_graph
from phototag.types import Vectors
from tests.support.simulated_people import THRESHOLDS, centres, faces


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


@pytest.mark.parametrize("frames", [16, 33, 80])
def test_bursts_of_one_person_are_one_group(frames: int) -> None:
    photos = faces(centres(1)[0], 5, spread=0.25)
    bursts = np.concatenate([faces(photo, frames, number, 0.05) for number, photo in enumerate(photos)])
    assert cluster(bursts, THRESHOLDS).tolist() == [0] * len(bursts)
    copies = np.repeat(photos, frames, axis=0)
    assert cluster(copies, THRESHOLDS).tolist() == [0] * len(copies)


def test_bursts_are_joined_as_far_apart_as_single_photos() -> None:
    photos = faces(centres(1)[0], 6, 1, spread=0.31)
    assert cluster(photos, THRESHOLDS).tolist() == [0] * 6
    bursts = np.concatenate([faces(photo, 20, number, 0.05) for number, photo in enumerate(photos)])
    assert cluster(bursts, THRESHOLDS).tolist() == [0] * 120


@pytest.mark.parametrize("count", [40, 100, 400])
def test_two_looks_of_one_person_are_one_group(count: int) -> None:
    looks = centres(2, seed=4, apart=0.17)
    vectors = np.concatenate([faces(looks[0], count, 1, 0.22), faces(looks[1], count, 2, 0.22)])
    across = 2 - 2 * (vectors[:count] @ vectors[count:].T)
    assert 0.27 < np.sqrt(across.mean()) < 0.29
    assert cluster(vectors, THRESHOLDS).tolist() == [0] * 2 * count


@pytest.mark.parametrize("frames", [20, 33, 100])
def test_a_new_burst_joins_the_group_that_there_is(frames: int) -> None:
    centre = centres(1)[0]
    burst = faces(faces(centre, 1, 9, 0.25)[0], frames, 5, 0.05)
    vectors = np.concatenate([faces(centre, 10, 1, 0.25), burst])
    old = np.arange(len(vectors)) < 10
    known = PriorKnowledge(np.where(old, 0, -1), old, np.zeros(len(vectors), np.bool_))
    assert cluster(vectors, THRESHOLDS, known).tolist() == [0] * len(vectors)


def test_copies_are_weighed_once_but_do_not_share_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []

    def seen(vectors: Vectors, k: int) -> tuple[Rows, Similarities]:
        looked.append(len(vectors))
        return neighbour_graph(vectors, k)

    monkeypatch.setattr(ours, "neighbour_graph", seen)
    copies = np.repeat(faces(centres(1)[0], 4), 500, axis=0)
    nothing = PriorKnowledge.none(2000)
    assert cluster(copies, THRESHOLDS).tolist() == [0] * 2000
    known = PriorKnowledge(nothing.must_link, nothing.settled, nothing.low_quality, {0: {1}, 1: {1}})
    labels = cluster(copies, THRESHOLDS, known)
    assert sorted(labels[:2].tolist()) == [-1, 0]
    assert (labels[2:] == 0).all()
    assert looked == [4, 5]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 40))
def test_the_order_of_equal_faces_says_nothing(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    some = np.concatenate([faces(centre, 3, number, 0.3) for number, centre in enumerate(centres(4, seed, 0.5))])
    who = random.integers(0, len(some), count)
    photo, poor = random.integers(0, count // 2 + 1, count), random.random(count) < 0.15

    def kinds(rows: Labels) -> list[list[tuple[int, int, bool]]]:
        keys = {place: {int(photo[row])} for place, row in enumerate(rows)}
        known = PriorKnowledge(np.full(count, -1), np.zeros(count, np.bool_), poor[rows], keys)
        found = [rows[list(group)] for group in groups(cluster(some[who[rows]], THRESHOLDS, known))]
        return sorted(sorted((int(who[row]), int(photo[row]), bool(poor[row])) for row in group) for group in found)

    assert kinds(np.arange(count)) == kinds(random.permutation(count))


@pytest.mark.parametrize("apart", [None, 0.6])
def test_people_are_kept_apart_and_numbered_by_size(apart: float | None) -> None:
    sizes = [10, 40, 25]
    vectors = np.concatenate(
        [faces(centre, size, seed=size) for centre, size in zip(centres(3, apart=apart), sizes, strict=True)]
    )
    assert cluster(vectors, THRESHOLDS).tolist() == [2] * 10 + [0] * 40 + [1] * 25


def test_strangers_make_no_groups() -> None:
    labels = cluster(centres(1000), THRESHOLDS)
    assert (labels >= 0).sum() <= 10


def test_a_library_of_people_and_strangers() -> None:
    people = centres(320, seed=3)
    sizes = np.random.default_rng(3).geometric(0.2, 20) + 1
    vectors = np.concatenate([*(faces(people[i], int(size), seed=i) for i, size in enumerate(sizes)), people[20:]])
    truth = [i for i, size in enumerate(sizes) for _ in range(size)] + list(range(20, 320))
    labels = cluster(vectors, THRESHOLDS)
    assert pairwise(truth, labels.tolist()).precision == 1
    assert b_cubed(truth, labels.tolist()).f1 > 0.98


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
    parts = cut_clusters(vectors, together, THRESHOLDS.split)
    assert len(set(parts[:20].tolist())) == 1
    assert len(set(parts[-20:].tolist())) == 1
    assert parts[0] != parts[-1]
    whole = cluster(vectors, THRESHOLDS)
    assert whole[0] != whole[-1]


def test_split_numbers_everything_and_unites_nothing() -> None:
    vectors = centres(6)
    parts = cut_clusters(vectors, np.array([0, 0, -1, 1, 1, -1]), 2.0)
    assert len(set(parts.tolist())) == 4
    assert parts[0] == parts[1]
    assert parts[3] == parts[4]
    assert sorted(set(parts.tolist())) == [0, 1, 2, 3]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 60))
def test_whatever_the_order_every_face_is_once_and_constraints_hold(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    people = centres(12, seed=seed, apart=0.5)
    who = random.integers(0, 12, count)
    vectors = np.concatenate([faces(people[i], 1, seed=number) for number, i in enumerate(who)] or [people[:0]])
    parts = np.where(random.random(count) < 0.2, random.integers(0, 4, count), -1)
    keys = {row: {int(random.integers(0, 6))} for row in range(count) if random.random() < 0.5}
    since = random.integers(0, 4, count)
    known = PriorKnowledge(parts, random.random(count) < 0.3, random.random(count) < 0.2, keys, since)
    labels = cluster(vectors, THRESHOLDS, known)
    assert labels.shape == (count,)
    sizes = np.bincount(labels[labels >= 0])
    assert sizes.min(initial=2) >= 2
    assert (np.diff(sizes) <= 0).all()
    for part in set(parts.tolist()) - {-1}:
        own = labels[parts == part]
        assert (own == own[0]).all()
        assert own[0] >= 0 or len(own) == 1
    for group in groups(labels):
        of_key: dict[int, set[int]] = {}
        for row in group:
            for key in keys.get(row, ()):
                of_key.setdefault(key, set()).add(int(parts[row]) if parts[row] >= 0 else -1 - row)
        assert all(len(sharing) == 1 for sharing in of_key.values())  # but for those who were together before
        clear = [row for row in group if not known.low_quality[row]]
        assert len(clear) >= 2 or any(parts[row] >= 0 for row in group)
    order = random.permutation(count)
    place = np.argsort(order)
    moved = PriorKnowledge(
        parts[order],
        known.settled[order],
        known.low_quality[order],
        {int(place[row]): own for row, own in keys.items()},
        since[order],
    )
    again = cluster(vectors[order], THRESHOLDS, moved)
    assert {frozenset(int(order[i]) for i in group) for group in groups(again)} == groups(labels)


def test_a_face_does_not_join_a_low_quality_one_of_its_photo() -> None:
    vectors = faces(centres(1)[0], 7, 0, 0.2)
    parts, poor = np.array([0, 0, 0, 0, 0, 0, -1]), np.arange(7) == 5
    for mate in (4, 5):
        known = PriorKnowledge(parts, parts == 0, poor, {mate: {1}, 6: {1}})
        assert cluster(vectors, THRESHOLDS, known).tolist() == [0] * 6 + [-1]


def test_faces_of_one_photo_are_kept_apart_and_the_better_one_stays() -> None:
    centre = centres(1)[0]
    vectors = np.concatenate([faces(centre, 6, 0, 0.2), faces(centre, 1, 7, 0.35)])
    nothing = PriorKnowledge.none(7)
    assert cluster(vectors, THRESHOLDS).tolist() == [0] * 7
    known = PriorKnowledge(nothing.must_link, nothing.settled, nothing.low_quality, {0: {1}, 6: {1}})
    assert cluster(vectors, THRESHOLDS, known).tolist() == [0] * 6 + [-1]


def test_low_quality_faces_join_groups_but_found_none_and_bridge_none() -> None:
    ends = centres(2, apart=0.42)
    middle = ends.sum(axis=0, keepdims=True)
    middle /= np.linalg.norm(middle)
    vectors = np.concatenate([faces(ends[0], 8, 1, 0.1), faces(ends[1], 6, 2, 0.1), np.repeat(middle, 40, axis=0)])
    nothing = PriorKnowledge.none(54)
    assert cluster(vectors, THRESHOLDS).tolist() == [0] * 54
    poor = np.arange(54) >= 14
    labels = cluster(vectors, THRESHOLDS, PriorKnowledge(nothing.must_link, nothing.settled, poor))
    assert len(set(labels[:8].tolist())) == len(set(labels[8:14].tolist())) == 1
    assert labels[0] != labels[8]
    assert (labels[14:] >= 0).all()
    alone = cluster(vectors[14:], THRESHOLDS, PriorKnowledge(nothing.must_link[:40], nothing.settled[:40], poor[14:]))
    assert alone.tolist() == [-1] * 40


def test_one_more_face_moves_nobody() -> None:
    centre = centres(1)[0]
    vectors = np.concatenate([faces(centre, 5, 0, 0.25), faces(centre, 5, 1, 0.25), faces(centre, 3, 2, 0.25)])
    parts = np.array([0] * 5 + [-1] * 8)
    settled = np.array([True] * 6 + [False] * 7)
    for more, together in ((1, False), (2, True)):
        rows = np.array([0, 1, 2, 3, 4, 5, *range(6, 6 + more)])
        known = PriorKnowledge(parts[rows], settled[rows], np.zeros(len(rows), np.bool_))
        labels = cluster(vectors[rows], THRESHOLDS, known)
        assert (labels[:5] == 0).all()
        assert (labels[6:] == labels[:1]).any()
        assert (labels[5] == 0) == together
    apart = PriorKnowledge(np.array([0] * 5 + [1] * 5 + [-1] * 3), np.arange(13) < 10, np.zeros(13, np.bool_))
    labels = cluster(vectors, THRESHOLDS, apart)
    assert labels[0] != labels[5]  # three faces are too few to unite two groups of five


@pytest.mark.parametrize("seed", [0, 3, 5])
def test_photo_by_photo_comes_to_what_is_there_at_once(seed: int) -> None:
    vectors = faces(centres(1)[0], 12, seed, spread=0.33)
    assert cluster(vectors, THRESHOLDS).tolist() == [0] * 12
    labels = since = np.zeros(0, np.int64)
    for run in range(12):
        before, since = labels, np.append(since, run)
        known = PriorKnowledge(
            np.append(before, -1), np.arange(run + 1) < run, np.zeros(run + 1, np.bool_), first_grouping=since
        )
        labels = cluster(vectors[: run + 1], THRESHOLDS, known)
    assert labels.tolist() == [0] * 12


def test_a_face_left_alone_joins_a_group_that_grows() -> None:
    """It is weighed again when two, four, eight faces came."""
    centre = centres(1)[0]
    vectors = np.concatenate([faces(centre, 8, 0, 0.2), faces(centre, 10, 1, 0.2)])
    for came, new, joins in ((0, 1, False), (1, 1, True), (2, 1, False), (3, 1, True), (0, 2, True), (5, 1, False)):
        count = 8 + came + new
        parts = np.where(np.arange(count) < 8 + came, 0, -1)
        parts[0] = -1
        since = np.array([0] * 8 + [1] * came + [2] * new)
        known = PriorKnowledge(parts, since < 2, np.zeros(count, np.bool_), first_grouping=since)
        labels = cluster(vectors[:count], THRESHOLDS, known)
        assert (labels[1:] == 0).all()
        assert (labels[0] == 0) == joins, (came, new)
        poor = np.arange(count) == 0
        labels = cluster(vectors[:count], THRESHOLDS, PriorKnowledge(parts, since < 2, poor, first_grouping=since))
        assert (labels[0] == 0) == joins, (came, new)


def test_one_person_with_thousands_of_faces_beside_many_with_two() -> None:
    people = centres(201, seed=1)
    vectors = np.concatenate([faces(people[0], 5000), *(faces(people[i], 2, i, 0.2) for i in range(1, 201))])
    labels = cluster(vectors, THRESHOLDS)
    truth = [0] * 5000 + [i for i in range(1, 201) for _ in range(2)]
    assert b_cubed(truth, labels.tolist()).f1 > 0.99
    assert len(set(labels[:5000].tolist())) == 1


def test_central_first() -> None:
    centre = centres(1)[0]
    vectors = np.concatenate([faces(centre, 5, spread=0.5), centre[None], faces(centre, 5, 1, 0.5)])
    order = central_first(vectors)
    assert sorted(order.tolist()) == list(range(11))
    assert order[0] == 5
    far = np.linalg.norm(vectors[order] - vectors.mean(axis=0), axis=1)
    assert far[0] < far[5] < far[-1]


def test_members() -> None:
    assert [rows.tolist() for rows in members(np.array([1, 0, -1, 1, 2, 0]))] == [[1, 5], [0, 3], [4]]
    assert members(np.array([-1, -1])) == []
