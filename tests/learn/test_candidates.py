"""What speaks for a person: the SVM's choice, the score, the evidence, and each person's radius."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from phototag.learn.candidates import best_candidates, hold_out
from phototag.learn.gallery import Gallery, build_gallery, faces_required, with_radii
from phototag.learn.linear_svm import train_svm
from tests.support.simulated_people import THRESHOLDS, centres, faces, faces_of_people

NOBODY = np.zeros((0, 128), np.float32), np.zeros(0, np.int64)


def known(vectors: np.ndarray, labels: np.ndarray) -> Gallery:
    return with_radii(build_gallery(vectors, labels.tolist(), THRESHOLDS, vectors), *NOBODY)


def test_the_evidence_is_the_persons_nearest_faces() -> None:
    vectors, who = faces_of_people([9, 2, 1, 40, 5], seed=1)
    people = np.array([50, 10, 30, 20, 40])[who]
    shown = known(vectors, people)
    queries, _ = faces_of_people([9, 2, 1, 40, 5], seed=2)
    for model in (None, train_svm(vectors, people.tolist())):
        found = best_candidates(queries, shown, model)
        for row, vector in enumerate(queries):
            person = shown.people[found.person[row]]
            own = np.flatnonzero(people == person)
            away = np.linalg.norm(vectors[own] - vector, axis=1)
            order = np.argsort(away)[:3]
            assert found.evidence[row].tolist() == [*own[order].tolist(), -1, -1][:3]
            assert found.evidence_distances[row, : len(order)] == pytest.approx(away[order], abs=1e-3)
            assert found.distance[row] == pytest.approx(away.min(), abs=1e-3)
            assert found.within_radius[row] == (away <= shown.radius[found.person[row]]).sum()
            rms = np.sqrt((away**2).mean())
            assert found.rms_distance[row] == pytest.approx(rms, abs=1e-3)


def test_the_svm_chooses_and_without_one_the_score() -> None:
    vectors, who = faces_of_people([6] * 8, seed=3)
    queries, _ = faces_of_people([6] * 8, seed=4)
    model = train_svm(vectors, who.tolist())
    assert (best_candidates(queries, known(vectors, who), model).person == np.argmax(
        queries @ model.coef.T + model.intercept, axis=1)).all()  # fmt: skip
    free = best_candidates(queries, known(vectors, who), None)
    assert (free.score >= free.runner_up_score).all()
    stranger = train_svm(vectors, (who + 100).tolist())  # of other people: of no use here
    assert (best_candidates(queries, known(vectors, who), stranger).person == free.person).all()


def test_who_is_ruled_out_is_never_a_candidate() -> None:
    vectors, who = faces_of_people([5] * 6, seed=5)
    model = train_svm(vectors, who.tolist())
    ruled = {row: {int(who[row])} for row in range(0, 20, 2)} | {21: {0, 1, 2, 3, 4, 5}, 23: {99}}
    for svm in (model, None):
        free, found = (
            best_candidates(vectors, known(vectors, who), svm),
            best_candidates(vectors, known(vectors, who), svm, ruled),
        )
        for row in range(len(vectors)):
            if row == 21:
                assert found.person[row] == -1
            elif row in ruled and row != 23:
                assert found.person[row] != who[row]
            else:
                assert found.person[row] == free.person[row] == who[row]


def test_held_out_faces_are_judged_as_if_they_were_never_labelled() -> None:
    vectors, who = faces_of_people([4, 7, 1, 12], seed=6)
    shown = build_gallery(vectors, who.tolist(), THRESHOLDS, vectors)
    as_known, owner, as_stranger = hold_out(shown, np.arange(len(who)))
    for row in range(len(who)):
        rest = np.arange(len(who)) != row
        others = build_gallery(vectors[rest], who[rest].tolist(), THRESHOLDS, vectors)
        again = best_candidates(vectors[row : row + 1], others, None)
        assert as_stranger.person[row] != owner[row]
        if who[row] != 2:  # of whom nothing is left
            assert as_known.person[row] == again.person[0]
            assert as_known.score[row] == pytest.approx(again.score[0], abs=0.01)  # the spread is another one, too
            assert as_known.rms_distance[row] == pytest.approx(again.rms_distance[0], abs=1e-3)
            assert as_known.distance[row] == pytest.approx(again.distance[0], abs=1e-3)
            assert row not in as_known.evidence[row]
        else:
            assert as_known.person[row] != 2


def test_of_people_with_many_faces_some_are_held_out() -> None:
    vectors, who = faces_of_people([100, 3, 50], seed=7)
    as_known, owner, _ = hold_out(build_gallery(vectors, who.tolist(), THRESHOLDS, vectors))
    assert np.bincount(owner).tolist() == [20, 3, 20]
    assert len(as_known.score) == 43


def test_a_person_with_faces_enough_has_a_radius_of_their_own() -> None:
    middle = centres(2, seed=1)
    tight, few = faces(middle[0], 12, seed=1, spread=0.1), faces(middle[1], 4, seed=2)
    shown = known(np.concatenate([tight, few]), np.repeat([1, 2], [12, 4]))
    assert shown.radius[1] == THRESHOLDS.same  # too few to tell
    assert shown.radius[0] == pytest.approx(THRESHOLDS.midpoint)  # nobody is near: never beyond even odds
    # A sister, who stands beside her in a photo, comes as near as 0.3.
    sister = centres(2, seed=1)
    sister = faces(tight[0], 3, seed=9, spread=0.3)
    narrow = with_radii(build_gallery(np.concatenate([tight, few]), [1] * 12 + [2] * 4, THRESHOLDS, tight), sister,
                        np.zeros(3, np.int64))  # fmt: skip
    assert narrow.radius[0] < THRESHOLDS.same
    assert narrow.radius[1] == THRESHOLDS.same
    other = with_radii(build_gallery(np.concatenate([tight, few]), [1] * 12 + [2] * 4, THRESHOLDS, tight), sister,
                       np.ones(3, np.int64))  # fmt: skip
    assert other.radius[0] == pytest.approx(THRESHOLDS.midpoint)


def test_many_labelled_faces_need_more_than_one_witness() -> None:
    assert faces_required(np.array([1, 2, 7, 8, 500])).tolist() == [1, 1, 1, 2, 2]


def test_no_faces_have_no_candidates() -> None:
    vectors, who = faces_of_people([3, 3], seed=8)
    found = best_candidates(vectors[:0], known(vectors, who), train_svm(vectors, who.tolist()))
    assert all(len(getattr(found, field.name)) == 0 for field in fields(found))


def test_many_faces_are_judged_as_few_are() -> None:
    vectors, who = faces_of_people([5] * 10, seed=9)
    shown, model = known(vectors, who), train_svm(vectors, who.tolist())
    queries, _ = faces_of_people([900] * 10, seed=10)
    found = best_candidates(queries, shown, model)
    for row in (0, 4095, 4096, 8999):
        alone = best_candidates(queries[row : row + 1], shown, model)
        assert alone.person[0] == found.person[row]
        assert alone.score[0] == pytest.approx(found.score[row], abs=1e-4)
        assert alone.evidence.tolist() == [found.evidence[row].tolist()]
