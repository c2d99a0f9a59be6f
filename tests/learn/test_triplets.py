"""Which triplets are picked, and how people are shared out."""

from __future__ import annotations

import numpy as np
import pytest

from phototag.learn.triplets import (
    batches,
    count_people_with_pairs,
    random_triplets,
    semi_hard_triplets,
    split_people,
    squared_distances,
)

RANDOM = np.random.default_rng(0)


def test_semi_hard_is_what_the_definition_says() -> None:
    people = np.array([0, 0, 1, 1, 2])
    apart = np.array(
        [
            [0.00, 0.30, 0.20, 0.45, 0.40],  # negatives of row 0: too near, near enough, nearest beyond the positive
            [0.30, 0.00, 0.35, 0.31, 0.60],
            [0.20, 0.35, 0.00, 0.10, 0.90],  # 0.20 is within the margin of 0.10 + 0.2
            [0.45, 0.31, 0.10, 0.00, 0.30],  # 0.30 is not less than 0.10 + 0.2: no triplet
            [0.40, 0.60, 0.90, 0.30, 0.00],
        ],
        np.float32,
    )
    apart[3, 4] = apart[4, 3] = 0.3001
    found = {tuple(row) for row in semi_hard_triplets(apart, people, 0.2, RANDOM).tolist()}
    assert found == {(0, 1, 4), (1, 0, 3), (2, 3, 0)}


def test_what_is_nearer_than_the_positive_is_hard_and_not_semi_hard() -> None:
    apart = np.array([[0, 0.5, 0.4], [0.5, 0, 0.4], [0.4, 0.4, 0]], np.float32)
    assert semi_hard_triplets(apart, np.array([0, 0, 1]), 0.2, RANDOM).shape == (0, 3)


def test_random_triplets_are_all_pairs_with_anybody_else() -> None:
    people = np.array([0, 0, 1, 1, 2, 2, 2])
    found = random_triplets(np.zeros((7, 7), np.float32), people, 0.2, np.random.default_rng(1))
    anchors, positives, negatives = people[found].T
    assert len(found) == 2 + 2 + 6
    assert (anchors == positives).all()
    assert (found[:, 0] != found[:, 1]).all()
    assert (anchors != negatives).all()
    distances = np.zeros((7, 7), np.float32)
    drawn = {tuple(random_triplets(distances, people, 0.2, np.random.default_rng(n))[0].tolist()) for n in range(50)}
    assert {row[2] for row in drawn} == {2, 3, 4, 5, 6}
    assert len(random_triplets(np.zeros((2, 2), np.float32), np.array([0, 0]), 0.2, RANDOM)) == 0


def test_squares_are_squared_distances() -> None:
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32)
    expected = np.square(vectors[:, None] - vectors).sum(axis=2)
    assert np.allclose(squared_distances(vectors), expected, atol=1e-6)


def test_a_batch_is_p_people_by_k_faces() -> None:
    people = np.repeat(np.arange(12), [1, 2, 3, 9, 4, 5, 6, 1, 2, 4, 8, 7])
    met: list[int] = []
    for rows in batches(people, 4, 3, np.random.default_rng(2)):
        owners, counts = np.unique(people[rows], return_counts=True)
        assert (len(owners), set(counts.tolist())) == (4, {3})
        met += owners.tolist()
        for owner in owners:  # nothing comes twice unless the person has fewer
            own = rows[people[rows] == owner]
            assert len(set(own.tolist())) == min(3, int((people == owner).sum()))
    assert sorted(met) == list(range(12))


def test_fewer_people_than_asked_for_make_one_batch() -> None:
    assert [len(rows) for rows in batches(np.array([0, 0, 1, 1]), 32, 2, RANDOM)] == [4]


def test_people_are_divided_whole_and_each_part_has_pairs() -> None:
    for seed in range(20):
        people = [f"p{n}" for n in range(6) for _ in range(2)] + [f"single{n}" for n in range(9)]
        parts = split_people(people, 1 / 3, seed)
        three = parts.train, parts.validation, parts.held_out
        whose = [{people[row] for row in rows} for rows in three]
        assert sum(map(len, whose)) == 15 == len(set.union(*whose))
        assert [count_people_with_pairs([people[row] for row in rows]) for rows in three] == [2, 2, 2]
        assert len(np.concatenate([parts.train, parts.validation, parts.held_out])) == len(people)
    many = [f"p{n // 3}" for n in range(900)]
    parts = split_people(many, 1 / 3, 0)
    assert [len(parts.train), len(parts.validation), len(parts.held_out)] == [480, 120, 300]


def test_five_people_are_too_few() -> None:
    with pytest.raises(ValueError, match="fewer than 6"):
        split_people([f"p{n // 2}" for n in range(10)], 1 / 3, 0)
