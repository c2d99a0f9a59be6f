"""Which question comes next."""

from __future__ import annotations

from typing import Any

import numpy as np

from phototag.interview import answers
from phototag.interview.library import Guesses
from phototag.interview.questions import SHOWN, AreTheyOne, IsItAlso, WhoIsIt, WhoIsNot
from phototag.interview.ranking import next_question
from phototag.interview.state import InterviewState
from tests.support.small_libraries import THRESHOLDS, ids, library, looks


def test_the_largest_group_comes_first() -> None:
    state = InterviewState(library([1, 1, 2, 2, 2, -1], [0, 0, 1, 1, 1, 2]), THRESHOLDS)
    question = next_question(state)
    assert isinstance(question, WhoIsIt)
    assert question.group == 2
    assert set(question.faces) == {30, 40, 50}
    assert question.likely == ()


def test_a_group_that_was_met_once_waits() -> None:
    faces = library([1, 1, 1, 2, 2], [0, 0, 0, 1, 1], appearances={1: 1, 2: 2})
    question = next_question(InterviewState(faces, THRESHOLDS))
    assert isinstance(question, WhoIsIt) and question.group == 1  # 3 · 1/2 is more than 2 · 2/3
    faces = library([1, 1, 1, 2, 2, 2], [0, 0, 0, 1, 1, 1], appearances={1: 1, 2: 3})
    question = next_question(InterviewState(faces, THRESHOLDS))
    assert isinstance(question, WhoIsIt) and question.group == 2


def test_a_group_with_strangers_in_it_costs_more() -> None:
    state = InterviewState(library([1, 1, 1, 1, 2, 2, 2], [0, 0, 1, 2, 3, 3, 3]), THRESHOLDS)
    question = next_question(state)
    assert isinstance(question, WhoIsIt)
    assert question.group == 2
    assert question.answers < 1.1


def test_faces_that_fit_least_are_shown_after_the_typical_ones() -> None:
    who = [0] * 39 + [1]
    question = next_question(InterviewState(library([1] * 40, who), THRESHOLDS))
    assert isinstance(question, WhoIsIt)
    assert len(question.shown) == len(set(question.shown)) == SHOWN
    assert question.faces[-1] == 400
    assert question.shown[6] == 400
    assert question.shown[:6] == question.faces[:6]


def test_what_the_machine_tagged_is_worth_only_its_doubt() -> None:
    faces = library([1, 1, 1, 1, 2, 2, -1], [0, 0, 0, 0, 1, 1, 2], person=[-1, -1, -1, -1, -1, -1, 5])
    tags = Guesses(np.array([5, 5, 5, 5, -1, -1, -1]), np.full(7, 0.99), np.array([True] * 4 + [False] * 3))
    question = next_question(InterviewState(faces, THRESHOLDS, tags))
    assert isinstance(question, WhoIsIt)
    assert question.group == 2


def test_nothing_is_asked_about_unseen() -> None:
    faces = library([-1] * 60, [0] * 60, person=[7, 7, *[-1] * 58])
    question = next_question(InterviewState(faces, THRESHOLDS))
    assert isinstance(question, IsItAlso)
    assert len(question.faces) == SHOWN
    groups = [-1, -1, *(number for number in range(1, 11) for _ in range(6))]
    state = InterviewState(library(groups, [0] * 62, person=[7, 7, *[-1] * 60]), THRESHOLDS)
    question = next_question(state)
    assert isinstance(question, IsItAlso)
    assert len(question.faces) > SHOWN
    asked, seen = (set(state.faces.unit[state.faces.rows(some)].tolist()) for some in (question.faces, question.shown))
    assert seen == asked


def test_candidates_of_a_person_are_asked_for_at_once() -> None:
    faces = library([-1] * 6, [0, 0, 0, 0, 1, 0], person=[7, 7, -1, -1, -1, -1])
    question = next_question(InterviewState(faces, THRESHOLDS))
    assert isinstance(question, IsItAlso)
    assert question.person == 7
    assert set(question.faces) == {30, 40, 60}
    assert question.resolves > 2.5


def test_the_surest_candidates_come_last() -> None:
    faces = library([-1] * 4, [0] * 4, person=[7, -1, -1, -1])
    tags = Guesses(np.array([-1, 7, 7, 7]), np.array([0, 0.95, 0.8, 0.9]), np.zeros(4, np.bool_))
    question = next_question(InterviewState(faces, THRESHOLDS, tags))
    assert isinstance(question, IsItAlso)
    assert question.faces == (30, 40, 20)


def test_a_candidate_that_would_rather_be_picked_out_is_left_out() -> None:
    faces = library([-1] * 5, [0] * 5, person=[7, -1, -1, -1, -1])
    tags = Guesses(np.array([-1, 7, 7, 7, 7]), np.array([0, 0.99, 0.98, 0.97, 0.6]), np.zeros(5, np.bool_))
    question = next_question(InterviewState(faces, THRESHOLDS, tags))
    assert isinstance(question, IsItAlso)
    assert set(question.faces) == {20, 30, 40}  # 0.6 more faces for 0.4 of an answer would be less than three for one


def test_nobody_is_asked_for_twice_in_a_photo() -> None:
    faces = library([-1, -1, -1], [0, 0, 0], person=[7, -1, -1], photo=[1, 1, 2])
    question = next_question(InterviewState(faces, THRESHOLDS))
    assert isinstance(question, IsItAlso)
    assert question.faces == (30,)


def test_what_a_human_denied_is_not_asked_again() -> None:
    ways: tuple[dict[str, Any], ...] = ({"rejected": frozenset({(20, 7)})}, {"apart": frozenset({(20, 10)})})
    for said in ways:
        state = InterviewState(library([-1, -1, -1], [0, 0, 0], person=[7, -1, -1], **said), THRESHOLDS)
        question = next_question(state)
        assert isinstance(question, IsItAlso)
        assert question.faces == (30,)
        state.apply(answers.none_is(question))
        assert next_question(state) is None


def test_a_group_that_is_surely_somebody_takes_a_yes() -> None:
    faces = library([1, 1, 1, -1], [0, 0, 0, 0], person=[-1, -1, -1, 7])
    question = next_question(InterviewState(faces, THRESHOLDS))
    assert isinstance(question, IsItAlso)
    assert question.person == 7
    assert set(question.faces) == {10, 20, 30}


def test_likely_people_come_with_a_group() -> None:
    vectors = looks([0, 0, 1, 1, 2])
    vectors[4] = (vectors[0] + vectors[2] * 0.5) / np.linalg.norm(vectors[0] + vectors[2] * 0.5)
    faces = library([1, 1, -1, -1, -1], [0] * 5, person=[-1, -1, 5, 5, 6], vectors=vectors)
    question = next_question(InterviewState(faces, THRESHOLDS))
    assert isinstance(question, WhoIsIt)
    assert question.likely == (6, 5)


def test_two_people_who_look_alike() -> None:
    faces = library([-1] * 20, [0] * 20, person=[5] * 12 + [6] * 8)
    state = InterviewState(faces, THRESHOLDS)
    question = next_question(state)
    assert isinstance(question, AreTheyOne)
    assert [side.person for side in question.sides] == [5, 6]
    state.apply(answers.same_or_different(question, False))
    assert not isinstance(next_question(state), AreTheyOne)
    state.undo()
    state.apply(answers.same_or_different(question, True))
    assert set(state.faces.person.tolist()) == {5}
    assert not isinstance(next_question(state), AreTheyOne)


def test_two_people_in_one_photo_are_two() -> None:
    faces = library([-1] * 20, [0] * 20, person=[5] * 12 + [6] * 8, photo=[*range(19), 0])
    assert not isinstance(next_question(InterviewState(faces, THRESHOLDS)), AreTheyOne)


def test_groups_that_nobody_could_name_may_be_one() -> None:
    faces = library([1, 1, 1, 2, 2, 2], [0] * 6)
    state = InterviewState(faces, THRESHOLDS)
    for _ in range(2):
        question = next_question(state)
        assert isinstance(question, WhoIsIt)
        state.apply(answers.skip(question))
    question = next_question(state)
    assert isinstance(question, AreTheyOne)
    assert {side.group for side in question.sides} == {1, 2}
    state.apply(answers.same_or_different(question, True))
    state.ask_skipped_again()
    question = next_question(state)
    assert isinstance(question, WhoIsIt)
    assert len(question.faces) == 6


def test_names_that_do_not_fit_are_looked_through() -> None:
    who = [0] * 30 + [1, 2]
    state = InterviewState(library([-1] * 32, who, person=[5] * 32), THRESHOLDS)
    question = next_question(state)
    assert isinstance(question, WhoIsNot)
    assert question.person == 5
    assert set(question.faces[:2]) == {310, 320}
    state.apply(answers.they_are(question, 5, [310, 320]))
    assert state.faces.person[30] == state.faces.person[31] == -1
    assert next_question(state) is None  # what was seen isn't asked again; the others fit


def test_uncertain_tags_are_looked_through() -> None:
    faces = library([-1] * 8, [0] * 8, person=[5] + [-1] * 7)
    sure = np.array([0, *[0.9] * 7])
    tags = Guesses(np.array([-1, *[5] * 7]), sure, sure > 0)
    state = InterviewState(faces, THRESHOLDS, tags)
    question = next_question(state)
    assert isinstance(question, IsItAlso | WhoIsNot)
    assert question.person == 5
    state.apply(answers.they_are(question, 5, [question.faces[0]]))
    assert state.progress().named == 7
    assert ids([int(np.flatnonzero(state.faces.person == -1)[0])])[0] == question.faces[0]
