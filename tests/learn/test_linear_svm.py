"""The SVM and its unknown gate."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from phototag.errors import TooLittleDataError
from phototag.learn.identification import identify_by_svm, nearest_labels
from phototag.learn.linear_svm import train_svm
from phototag.types import Thresholds
from tests.support.simulated_people import THRESHOLDS, centres, faces

PEOPLE = centres(5, seed=7)


def library(count: int, each: int = 6) -> tuple[np.ndarray, list[int]]:
    """Labelled faces of `count` people, numbered 10, 20, …"""
    vectors = np.concatenate([faces(PEOPLE[i], each, seed=i) for i in range(count)])
    return vectors, [10 * (i + 1) for i in range(count) for _ in range(each)]


@pytest.mark.parametrize("count", [2, 3, 5])
def test_each_person_is_recognised(count: int) -> None:
    labelled, labels = library(count)
    shuffled = np.random.default_rng(0).permutation(len(labels))
    labelled, labels = labelled[shuffled], [labels[i] for i in shuffled]
    model = train_svm(labelled, labels)
    assert model.people == tuple(10 * (i + 1) for i in range(count))
    assert model.coef.shape == (count, 128)
    assert model.intercept.shape == (count,)
    for i in range(count):
        vectors = faces(PEOPLE[i], 8, seed=100 + i)
        best = np.argmax(vectors @ model.coef.T + model.intercept, axis=1)
        assert (best == i).all()
        for vector, answer in zip(vectors, identify_by_svm(vectors, model, labelled, labels, THRESHOLDS), strict=True):
            assert (answer.person, answer.accepted) == (10 * (i + 1), True)
            rows = [row for row, _ in answer.evidence]
            assert [labels[row] for row in rows] == [answer.person] * 3
            distances = [float(np.linalg.norm(vector - labelled[row])) for row in rows]
            assert distances == pytest.approx([distance for _, distance in answer.evidence], abs=1e-3)
            assert distances == sorted(distances)
            assert answer.distance == pytest.approx(distances[0], abs=1e-3)
            everybody = np.linalg.norm(labelled - vector, axis=1)[np.array(labels) == answer.person]
            assert answer.distance == pytest.approx(everybody.min(), abs=1e-3)
        assert nearest_labels(vectors, labelled, labels) == [10 * (i + 1)] * 8


@pytest.mark.parametrize(("count", "match"), [(0, "nobody is named"), (1, "at least two")])
def test_fewer_than_two_people_are_too_few(count: int, match: str) -> None:
    vectors, labels = library(1) if count else (np.zeros((0, 128), np.float32), [])
    with pytest.raises(TooLittleDataError, match=match) as caught:
        train_svm(vectors, labels)
    assert caught.value.exit_code == 17


def test_one_face_a_person_is_enough() -> None:
    model = train_svm(PEOPLE[:2], [3, 9])
    [answer] = identify_by_svm(faces(PEOPLE[1], 1, seed=50), model, PEOPLE[:2], [3, 9], THRESHOLDS)
    assert (answer.person, answer.accepted, len(answer.evidence)) == (9, True, 1)


def test_strangers_pass_no_gate() -> None:
    labelled, labels = library(3)
    answers = identify_by_svm(centres(200, seed=11), train_svm(labelled, labels), labelled, labels, THRESHOLDS)
    assert not any(answer.accepted for answer in answers)
    assert all(answer.probability < 1e-3 for answer in answers)
    # Not far from everybody, but farther than the gate.
    beside = faces(PEOPLE[0], 20, seed=12, spread=0.9)
    answers = identify_by_svm(beside, train_svm(labelled, labels), labelled, labels, THRESHOLDS)
    assert all(answer.person == 10 and not answer.accepted for answer in answers)


def test_the_gate_is_the_distance_to_the_nearest_named_face() -> None:
    labelled, labels = library(2)
    for vector in faces(PEOPLE[0], 10, seed=30, spread=0.5):
        closest = float(np.linalg.norm(labelled[:6] - vector, axis=1).min())
        for same, accepted in ((closest + 0.01, True), (closest - 0.01, False)):
            gate = Thresholds(same, 0.36, 0.33, 0.4, 25.0)
            [answer] = identify_by_svm(vector[None], train_svm(labelled, labels), labelled, labels, gate)
            assert answer.accepted is accepted


def test_probabilities_fall_with_distance() -> None:
    labelled, labels = library(3)
    model = train_svm(labelled, labels)
    side = centres(1, seed=77)[0]
    mixed = [labelled[0] * (1 - share) + side * share for share in np.linspace(0, 0.9, 15)]
    vectors = np.array([vector / np.linalg.norm(vector) for vector in mixed], np.float32)
    answers = identify_by_svm(vectors, model, labelled, labels, THRESHOLDS)
    assert all(answer.person == 10 for answer in answers[:8])
    assert all(0 <= answer.probability <= 1 for answer in answers)
    for near, far in pairwise(answers):
        if near.person == far.person:
            assert near.distance < far.distance
            assert near.probability > far.probability
    assert answers[0].probability > 0.99
    assert answers[-1].probability < 0.01


def test_between_two_people_nobody_is_sure() -> None:
    pair = centres(2, seed=9, apart=0.3)
    middle = pair.mean(axis=0)
    [answer] = identify_by_svm(
        (middle / np.linalg.norm(middle))[None], train_svm(pair, [1, 2]), pair, [1, 2], THRESHOLDS
    )
    assert answer.distance < 0.16
    assert 0.4 < answer.probability < 0.5


def test_nobody_to_identify() -> None:
    labelled, labels = library(2)
    assert identify_by_svm(labelled[:0], train_svm(labelled, labels), labelled, labels, THRESHOLDS) == []


def test_many_faces_are_identified_as_few_are() -> None:
    labelled, labels = library(2)
    model = train_svm(labelled, labels)
    vectors = np.concatenate([faces(PEOPLE[0], 1200, seed=60), faces(PEOPLE[1], 1200, seed=61)])
    answers = identify_by_svm(vectors, model, labelled, labels, THRESHOLDS)
    assert [answer.person for answer in answers] == [10] * 1200 + [20] * 1200
    for row in (0, 1023, 1024, 2399):
        [alone] = identify_by_svm(vectors[row : row + 1], model, labelled, labels, THRESHOLDS)
        assert alone.person == answers[row].person
        assert alone.distance == pytest.approx(answers[row].distance, abs=1e-3)
