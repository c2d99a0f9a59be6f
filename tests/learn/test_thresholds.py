"""Thresholds measured on faces whose people are known, and whether one embedder is better than another."""

from __future__ import annotations

import numpy as np
import pytest

from phototag.learn.comparison import compare_embedders, verification_figures
from phototag.learn.thresholds import measure_thresholds
from phototag.learn.verification import distances
from phototag.types import Vectors
from tests.support import simulated_people as made


def library(count: int, each: int, spread: float, seed: int = 0) -> tuple[Vectors, list[int]]:
    middles = made.centres(count, seed, apart=0.5)
    vectors = np.concatenate([made.faces(middle, each, seed=n, spread=spread) for n, middle in enumerate(middles)])
    return vectors, [n for n in range(count) for _ in range(each)]


@pytest.fixture(scope="module")
def hard() -> tuple[Vectors, list[int]]:
    return library(30, 5, 0.7)


def test_same_lets_no_more_than_one_in_a_thousand_pass(hard: tuple[Vectors, list[int]]) -> None:
    vectors, people = hard
    found = measure_thresholds(vectors, people)
    upper = np.triu_indices(len(people), 1)
    apart, owners = distances(vectors, vectors)[upper], np.array(people)
    different = apart[owners[upper[0]] != owners[upper[1]]]
    assert (different < found.same).mean() <= 1e-3 < (different < found.same + 0.01).mean()
    assert 0 < found.join <= found.split < 2


def test_the_curve_is_a_half_where_same_and_different_are_equally_dense(hard: tuple[Vectors, list[int]]) -> None:
    vectors, people = hard
    found = measure_thresholds(vectors, people)
    upper = np.triu_indices(len(people), 1)
    apart, owners = distances(vectors, vectors)[upper], np.array(people)
    same = owners[upper[0]] == owners[upper[1]]
    # At a maximum of the likelihood the mean probability of all is what it should be, both kinds weighing alike.
    said = 1 / (1 + np.exp(found.slope * (apart - found.midpoint)))
    assert said[same].mean() + said[~same].mean() == pytest.approx(1, abs=0.01)
    assert np.median(apart[same]) < found.midpoint < np.median(apart[~same])


def test_people_far_apart_give_a_finite_curve() -> None:
    found = measure_thresholds(*library(6, 3, 0.05))
    assert np.isfinite([found.same, found.split, found.join, found.midpoint, found.slope]).all()
    assert found.slope > 0
    assert found.same > 0.05


def test_vectors_that_tell_nobody_apart_still_give_thresholds() -> None:
    vectors = np.repeat(made.centres(6, 0), 2, axis=0)
    found = measure_thresholds(np.roll(vectors, 1, axis=0)[::-1], [0, 1] * 6)
    assert np.isfinite([found.same, found.split, found.join, found.midpoint, found.slope]).all()
    assert found.same > 0


def test_what_is_better_is_called_better_and_the_same_is_not(hard: tuple[Vectors, list[int]]) -> None:
    vectors, people = hard
    easy, _ = library(30, 5, 0.5)
    found = compare_embedders(vectors, easy, people)
    assert found.better
    assert found.gain == pytest.approx(found.trained.tar - found.plain.tar, abs=1e-3)
    assert (found.people, found.faces, found.pairs) == (30, 150, 300)
    assert not compare_embedders(easy, vectors, people).better
    assert not compare_embedders(vectors, vectors, people).better
    assert compare_embedders(vectors, vectors, people).gain == 0


def test_a_gain_that_one_person_makes_is_chance(hard: tuple[Vectors, list[int]]) -> None:
    vectors, people = (hard[0].copy(), hard[1])
    away = -vectors.mean(axis=0) / np.linalg.norm(vectors.mean(axis=0))
    vectors[:5] = made.faces(away, 5, spread=0.8)  # one person is like nobody else, and not even like himself
    other = vectors.copy()
    other[:5] = away
    found = compare_embedders(vectors, other, people)
    assert found.gain > 0
    assert not found.better


def test_balanced_accuracy_weighs_both_kinds_alike() -> None:
    vectors, people = library(6, 3, 0.05)
    assert verification_figures(vectors, people).accuracy == 1
    assert verification_figures(vectors, people).tar == 1
