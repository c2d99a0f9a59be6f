"""What answers change, and that all of it can be undone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phototag.interview import answers
from phototag.interview.answers import Effect
from phototag.interview.library import DISMISSED, OPEN, Guesses, LibraryFaces
from phototag.interview.questions import AreTheyOne, IsItAlso, WhoIsIt, WhoIsNot
from phototag.interview.ranking import next_question
from phototag.interview.state import InterviewState
from tests.support.small_libraries import THRESHOLDS, library, looks


def crowd() -> LibraryFaces:
    who = [0] * 9 + [1] * 6 + [2] * 5 + [3, 3, 4, 5]
    group = [1] * 5 + [2] * 4 + [3] * 7 + [4] * 4 + [5, 5, -1, -1]
    return library(group, who, vectors=looks(who, stray=0.25), photo=[*range(20), 0, 1, 2, 3])


def told(state: InterviewState) -> tuple[object, ...]:
    return (
        state.faces.person.tolist(),
        state.faces.reviewed.tolist(),
        state.faces.skipped.tolist(),
        state.faces.tagged.tolist(),
        {person: rows for person, rows in state.constraints.rejected.items() if rows},
        {row: others for row, others in state.constraints.apart.items() if others},
        state.constraints.two,
        state.progress(),
    )


def companies(state: InterviewState) -> set[frozenset[int]]:
    """Which faces lie in units together."""
    rows = np.flatnonzero(state.faces.person == OPEN)
    return {frozenset(rows[state.faces.unit[rows] == unit].tolist()) for unit in set(state.faces.unit[rows].tolist())}


def assert_as_if_read_anew(state: InterviewState) -> None:
    """Sums, fits and likenesses are those of a state made of the same faces."""
    faces, constraints = state.faces, state.constraints
    anew = InterviewState(
        LibraryFaces(
            faces.ids, faces.vectors, faces.photo, state.faces.unit, state.faces.person, faces.appearances,
            frozenset((int(faces.ids[row]), person) for person, rows in constraints.rejected.items() for row in rows),
            frozenset((int(faces.ids[a]), int(faces.ids[b])) for a, rows in constraints.apart.items() for b in rows),
        ),
        THRESHOLDS,
    )  # fmt: skip
    for unit in set(state.faces.unit[state.faces.person == OPEN].tolist()):
        other = int(anew.faces.unit[state.faces.members(unit)[0]])
        assert state.likeness.unit_sizes[unit] == anew.likeness.unit_sizes[other]
        assert state.likeness.unit_sums[unit] == pytest.approx(anew.likeness.unit_sums[other], abs=1e-4)
        assert (state.likeness.best_odds[unit] == -np.inf) == (anew.likeness.best_odds[other] == -np.inf)
    known = state.faces.person >= -1
    assert state.likeness.fits[known] == pytest.approx(anew.likeness.fits[known], abs=1e-3)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(0, 999), min_size=1, max_size=14))
def test_any_answers_leave_a_state_as_if_read_anew_and_can_be_taken_back(keys: list[int]) -> None:
    state = InterviewState(crowd(), THRESHOLDS)
    before = [(told(state), companies(state))]
    for key in keys:
        question = next_question(state)
        if question is None:
            break
        here = [person for person in state.likeness.people if len(state.faces.named(person))]
        merge = key % 5 == 4 and len(here) > 1
        state.apply(Effect(merged=(here[0], here[-1])) if merge else some_answer(state, question, key))
        assert_as_if_read_anew(state)
        before.append((told(state), companies(state)))
    while len(before) > 1:
        assert (told(state), companies(state)) == before.pop()
        state.undo()
        assert_as_if_read_anew(state)
    assert (told(state), companies(state)) == before.pop()


def some_answer(state: InterviewState, question: object, key: int) -> Effect:
    if isinstance(question, AreTheyOne):
        return answers.same_or_different(question, key % 2 == 0)
    if key % 7 == 0:
        return answers.skip(question)  # type: ignore[arg-type]
    out = [face for place, face in enumerate(question.shown) if (key >> place) % 4 == 3][:3]  # type: ignore[attr-defined]
    if isinstance(question, WhoIsIt):
        if key % 7 == 1:
            return answers.dismiss(question)
        if key % 7 == 2:
            half = len(question.faces) // 2
            return answers.mixed([question.faces[:half], question.faces[half:]])
        refused = state.faces.ids[list(state.constraints.rejected.get(key % 3, ()))].tolist()
        return answers.they_are(question, key % 3, out, refused)
    assert isinstance(question, IsItAlso | WhoIsNot)
    return answers.none_is(question) if key % 7 == 3 else answers.they_are(question, question.person, out)


def test_faces_that_nobody_saw_stay_open_once_one_was_picked_out() -> None:
    state = InterviewState(library([1] * 60, [0] * 60), THRESHOLDS)
    question = next_question(state)
    assert isinstance(question, WhoIsIt)
    state.apply(answers.they_are(question, 5, [question.shown[-1]]))
    assert (state.faces.person == 5).sum() == len(question.shown) - 1
    state.undo()
    state.apply(answers.they_are(question, 5))
    assert (state.faces.person == 5).all()


def test_what_was_said_and_guessed_of_who_is_somebody_else_is_theirs() -> None:
    faces = library(
        [1] * 8, [0] * 8, person=[1, 1, 1, 2, 2, 2, -1, -1], rejected=frozenset({(70, 2)}), two=frozenset({(2, 3)})
    )
    tags = replace(Guesses.none(8), person=np.array([-1] * 7 + [2]), tagged=np.array([False] * 7 + [True]))
    state = InterviewState(faces, THRESHOLDS, tags)
    before = told(state), state.faces.guess.tolist()
    state.apply(Effect(merged=(2, 1)))
    assert state.faces.guess.tolist() == [-1] * 7 + [1]
    assert state.constraints.two_people(1, 3)
    assert state.constraints.rejected[1] == {6}
    state.undo()
    assert (told(state), state.faces.guess.tolist()) == before


def test_faces_picked_out_go_together() -> None:
    state = InterviewState(library([1] * 8, [0] * 5 + [1] * 3), THRESHOLDS)
    question = next_question(state)
    assert isinstance(question, WhoIsIt)
    state.apply(answers.they_are(question, 5, [60, 70, 80]))
    question = next_question(state)
    assert isinstance(question, WhoIsIt)
    assert set(question.faces) == {60, 70, 80}


def test_what_was_put_off_comes_last_and_undo_brings_it_back() -> None:
    state = InterviewState(library([1, 1, 1, 2, 2], [0, 0, 0, 1, 1]), THRESHOLDS)
    first = next_question(state)
    assert first is not None
    state.apply(answers.skip(first))
    second = next_question(state)
    assert isinstance(second, WhoIsIt) and second.group == 2
    state.undo()
    assert next_question(state) == first
    state.apply(answers.skip(first))
    state.apply(answers.skip(second))
    assert next_question(state) is None
    state.ask_skipped_again()
    assert next_question(state) == first


def test_standing_counts_names_and_answers() -> None:
    state = InterviewState(library([1, 1, 2, 2, -1], [0, 0, 1, 1, 2]), THRESHOLDS)
    assert str(state.progress()) == "0 % of 5 faces named, 0 answers"
    question = next_question(state)
    assert isinstance(question, WhoIsIt)
    state.apply(answers.they_are(question, 5))
    state.apply(Effect(dismissed=(50,)))
    assert str(state.progress()) == "50 % of 4 faces named, 2 answers"
    assert (state.faces.person == DISMISSED).tolist() == [False] * 4 + [True]


def test_tags_count_until_they_are_denied() -> None:
    faces = library([1, 1, -1], [0, 0, 0], person=[-1, -1, 5])
    tags = Guesses(np.array([5, 5, -1]), np.array([0.99, 0.99, 0]), np.array([True, True, False]))
    state = InterviewState(faces, THRESHOLDS, tags)
    assert state.progress().named == 3
    state.apply(Effect(rejected=((10, 5),)))
    assert state.progress().named == 2
    state.set_guesses(tags)  # made before the answer
    assert state.progress().named == 2
    state.undo()
    assert state.progress().named == 3
