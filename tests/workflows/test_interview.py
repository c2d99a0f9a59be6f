"""A session: questions in the best order, every answer in the journal before it counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from phototag.errors import TooLittleDataError, UsageError
from phototag.interview.questions import AreTheyOne, IsItAlso, Side, WhoIsIt, WhoIsNot
from phototag.progress import Silent
from phototag.store import decisions, models, people
from phototag.store.connect import Store, open_store
from phototag.types import Box, Guess
from phototag.workflows.naming.history import undo
from phototag.workflows.naming.interview import InterviewSession, OutdatedError
from phototag.workflows.naming.name import compare, name_faces
from phototag.workflows.naming.people import reject_faces
from phototag.workflows.recognition.train import train_people
from tests.support.databases import add_face, add_photo, clean, who
from tests.workflows.test_people import add_faces, near


def names(store: Store) -> dict[int, str | None]:
    return {face: name for face, (name, _) in who(store).items()}


def group(session: InterviewSession) -> WhoIsIt:
    question = session.next()
    assert isinstance(question, WhoIsIt)
    return question


def test_before_the_first_index(store: Store) -> None:
    with pytest.raises(TooLittleDataError):
        InterviewSession.open(store)


def test_a_library_without_faces(store: Store) -> None:
    add_photo(store, b"sky.jpg")
    session = InterviewSession.open(store)
    assert session.next() is None
    assert str(session.progress()) == "100 % of 0 faces named, 0 answers"
    assert not session.undo()


def test_groups_are_named_from_the_largest_on(store: Store) -> None:
    ada, ben = add_faces(store, "ada", 0, 4), add_faces(store, "ben", 1, 3)
    session = InterviewSession.open(store)
    assert set(group(session).faces) == set(ada)
    assert session.name_as(group(session), "Ada").person.name == "Ada"
    assert names(store) == {**dict.fromkeys(ada, "Ada"), **dict.fromkeys(ben)}
    assert set(group(session).faces) == set(ben)
    session.name_as(group(session), "ben")
    assert session.next() is None
    assert str(session.progress()) == "100 % of 7 faces named, 2 answers"
    assert session.names() == ("Ada", "ben")
    assert clean(store)


def test_faces_picked_out_are_not_that_person(store: Store) -> None:
    ada = add_faces(store, "ada", 0, 5)
    session = InterviewSession.open(store)
    session.name_as(group(session), "Ada", [ada[2]])
    assert [face for face, name in names(store).items() if name == "Ada"] == [*ada[:2], *ada[3:]]
    assert list(decisions.rejected(store)) == [(ada[2], 1)]
    assert session.next() is None  # it was denied
    assert session.undo()
    assert set(group(session).faces) == set(ada)
    assert set(names(store).values()) == {None}
    assert list(decisions.rejected(store)) == []


def test_a_face_refused_before_does_not_get_the_name_with_its_group(store: Store) -> None:
    ada = add_faces(store, "ada", 0, 4)
    other = add_faces(store, "other", 1, 1)
    name_faces(store, other, "Ada")
    session = InterviewSession.open(store)
    reject_faces(store, "Ada", ada[:1])
    session = InterviewSession.open(store)
    question = group(session)
    session.name_as(question, "Ada")
    assert names(store)[ada[0]] is None
    assert all(names(store)[face] == "Ada" for face in ada[1:])
    with pytest.raises(UsageError, match="nothing saved"):
        session.name_as(WhoIsIt(1, (ada[0],), (), 1, 1), "ada")
    with pytest.raises(UsageError, match="can't be a name"):
        session.name_as(WhoIsIt(1, (ada[0],), (), 1, 1), " ")


def test_yes_and_no(store: Store) -> None:
    ada, more = add_faces(store, "ada", 0, 3), add_faces(store, "more", 0, 1)
    name_faces(store, ada, "Ada")
    session = InterviewSession(store)  # before the machine tags
    question = session.next()
    assert isinstance(question, IsItAlso)
    assert (session.name(question.person), question.faces) == ("Ada", tuple(more))
    session.no(question)
    assert list(decisions.rejected(store)) == [(more[0], question.person)]
    assert session.next() is None
    assert InterviewSession.open(store).next() is None  # nor in the next session
    session.undo()
    session.yes(question)
    assert names(store)[more[0]] == "Ada"
    assert session.changed


def test_two_people_are_one_or_two(store: Store) -> None:
    name_faces(store, add_faces(store, "ada", 0, 12), "Ada")
    addie = add_faces(store, "addie", 0, 8)
    name_faces(store, addie, "Addie")
    session = InterviewSession.open(store)
    while isinstance(question := session.next(), WhoIsNot):
        session.yes(question)
    assert isinstance(question, AreTheyOne)
    session.yes(question)
    assert set(names(store).values()) == {"Ada"}
    assert people.names(store) == ["Ada"]
    session.undo()
    assert people.names(store) == ["Ada", "Addie"]
    assert all(names(store)[face] == "Addie" for face in addie)
    assert session.next() == question
    session.no(question)
    assert not isinstance(session.next(), AreTheyOne)
    assert not isinstance(InterviewSession.open(store).next(), AreTheyOne)


def test_tags_of_who_turned_out_to_be_somebody_else_are_asked_about_as_theirs(store: Store) -> None:
    ada, addie = add_faces(store, "ada", 0, 12), add_faces(store, "addie", 1, 10)
    name_faces(store, ada, "Ada")
    name_faces(store, addie[:5], "Addie")
    train_people(store, Silent())
    model = models.latest(store)
    assert model
    models.swap_guesses(store, model.id, [Guess(face, 2, 0.6, 0.3) for face in addie[5:]])
    session = InterviewSession(store)
    session.yes(AreTheyOne((Side(1, None, tuple(ada)), Side(2, None, tuple(addie[:5]))), 1, 1))
    while (question := session.next()) is not None:  # before the machine tags again
        assert isinstance(question, WhoIsNot)
        session.yes(question)
    assert names(store) == dict.fromkeys([*ada, *addie], "Ada")


def test_two_groups_are_one_or_two(store: Store) -> None:
    first, second = add_faces(store, "ada", 0, 3), add_faces(store, "ben", 1, 2)
    session = InterviewSession.open(store)
    question = AreTheyOne((Side(None, 1, tuple(first)), Side(None, 2, tuple(second))), 1, 1)
    session.no(question)
    assert [said.verb for said in decisions.constraints(store)] == ["different"]
    session.undo()
    session.yes(question)
    assert [said.verb for said in decisions.constraints(store)] == ["same"]
    assert set(group(session).faces) == {*first, *second}
    assert set(group(InterviewSession.open(store)).faces) == {*first, *second}  # before faces are grouped anew
    session.undo()
    assert list(decisions.constraints(store)) == []
    assert set(group(session).faces) == set(first)


def test_of_two_faces_what_was_said_last_counts(store: Store) -> None:
    first, second = add_faces(store, "ada", 0, 3), add_faces(store, "ben", 1, 2)
    InterviewSession.open(store)
    compare(store, "same", first[0], second[0])
    assert set(group(InterviewSession.open(store)).faces) == {*first, *second}
    compare(store, "different", second[0], first[0])
    assert set(group(InterviewSession.open(store)).faces) == set(first)


def test_names_looked_through_are_not_asked_about_again(store: Store) -> None:
    ada = add_faces(store, "ada", 0, 12)
    name_faces(store, ada, "Ada")
    session = InterviewSession.open(store)
    question = session.next()
    assert isinstance(question, WhoIsNot)
    session.yes(question, question.faces[:1])
    assert [face for face, name in names(store).items() if name is None] == list(question.faces[:1])
    assert session.next() is None
    assert InterviewSession.open(store).next() is None
    session.undo()
    assert set(names(store).values()) == {"Ada"}
    assert session.next() == question
    session.no(question)
    assert set(names(store).values()) == {None}


def test_skipped_questions_come_last_in_this_session(store: Store) -> None:
    ada, ben = add_faces(store, "ada", 0, 4), add_faces(store, "ben", 1, 3)
    session = InterviewSession.open(store)
    session.skip(group(session))
    assert set(group(session).faces) == set(ben)
    session.name_as(group(session), "Ben")
    assert set(group(session).faces) == set(ada)
    assert session.progress().answers == 1
    session = InterviewSession.open(store)
    session.skip(group(session))
    assert session.undo()  # undoes the skip, not the name
    assert names(store)[ben[0]] == "Ben"
    assert session.undo()  # an answer of the session before
    assert names(store)[ben[0]] is None
    assert session.undo().startswith("Redid answer 1: 3 faces are Ben.")
    assert names(store)[ben[0]] == "Ben"
    assert session.undo().startswith("Undid answer 1: 3 faces are Ben.")
    assert set(names(store).values()) == {None}


def test_two_undos_leave_the_interview_as_it_was(store: Store) -> None:
    """Also what was skipped stays skipped, and what is asked next is the same."""
    ada, _, _ = add_faces(store, "ada", 0, 5), add_faces(store, "ben", 1, 4), add_faces(store, "cy", 2, 3)
    session = InterviewSession.open(store)
    session.skip(group(session))
    session.name_as(group(session), "Ben")
    before = session.next(), session.progress().share, names(store)
    for _ in range(2):
        assert session.undo().startswith("Undid answer 1: 4 faces are Ben.")
        assert set(names(store).values()) == {None}
        assert set(group(session).faces) != set(ada)
        assert session.undo().startswith("Redid answer 1: 4 faces are Ben.")
        assert (session.next(), session.progress().share, names(store)) == before
    assert clean(store)


def test_there_is_nothing_to_undo(store: Store) -> None:
    add_faces(store, "ada", 0, 3)
    assert InterviewSession.open(store).undo() == ""


def test_a_group_of_several_people_falls_into_parts(store: Store) -> None:
    both = [add_face(store, f"{i}.jpg".encode(), near(0 if i < 3 else 1, i)) for i in range(6)]
    for face in both[1:]:
        compare(store, "same", both[0], face)
    session = InterviewSession.open(store)
    question = group(session)
    assert set(question.faces) == set(both)
    session.mixed(question)
    parts = {frozenset(group(session).faces)}
    session.skip(group(session))
    parts.add(frozenset(group(session).faces))
    assert parts == {frozenset(both[:3]), frozenset(both[3:])}
    session.undo()
    session.undo()
    assert group(session) == question


def test_faces_that_nobody_wants_to_name(store: Store) -> None:
    ada = add_faces(store, "ada", 0, 3)
    session = InterviewSession.open(store)
    session.dismiss(group(session), "dont-care")
    assert session.next() is None
    assert session.progress().faces == 0
    assert decisions.counts(store) == {"dont-care": 3}
    session.undo()
    assert set(group(session).faces) == set(ada)


def test_nobody_is_asked_for_twice_in_a_photo(store: Store) -> None:
    ada = add_faces(store, "ada", 0, 3)
    beside = add_photo(store, b"two", [(Box(0, 0, 50, 50), near(0, 7)), (Box(100, 0, 50, 50), near(0, 8))])
    first, second = (row[0] for row in store.rows("SELECT id FROM face WHERE photo = ? ORDER BY id", (beside,)))
    name_faces(store, [*ada, first], "Ada")
    session = InterviewSession.open(store)
    while (question := session.next()) is not None:
        assert isinstance(question, WhoIsNot)
        session.yes(question)
    assert names(store)[second] is None


def test_every_answer_is_saved_at_once(store: Store, tmp_path: Path) -> None:
    ada = add_faces(store, "ada", 0, 3)
    session = InterviewSession.open(store)
    session.name_as(group(session), "Ada")
    with open_store(store.path) as other:
        assert names(other) == dict.fromkeys(ada, "Ada")


def test_the_machine_tags_what_was_told(store: Store) -> None:
    ada, ben = add_faces(store, "ada", 0, 6), add_faces(store, "ben", 1, 6)
    name_faces(store, ada[:3], "Ada")
    name_faces(store, ben[:3], "Ben")
    session = InterviewSession.open(store)
    session.retag(Silent())
    assert names(store) == {**dict.fromkeys(ada, "Ada"), **dict.fromkeys(ben, "Ben")}
    assert session.progress().share == 1
    assert not session.changed
    other = InterviewSession.open(store)  # reads the tags that there are
    assert other.progress() == session.progress()


def elsewhere(store: Store, job: Callable[[Store], object]) -> None:
    """Another process does something."""
    with open_store(store.path) as other:
        job(other)


def test_what_is_said_elsewhere_while_a_question_is_open_stays(store: Store) -> None:
    ada = add_faces(store, "ada", 0, 4)
    session = InterviewSession.open(store)
    asked = group(session)
    elsewhere(store, lambda other: name_faces(other, ada[:1], "Ben"))
    before = list(store.rows("SELECT * FROM decision"))
    for answer in (
        lambda: session.name_as(asked, "Ada"),
        lambda: session.dismiss(asked, "not-a-face"),
        lambda: session.yes(IsItAlso(1, asked.faces, 1, 1)),
        lambda: session.no(IsItAlso(1, asked.faces, 1, 1)),
        lambda: session.yes(AreTheyOne((Side(None, 1, (ada[0],)), Side(None, 2, (ada[1],))), 1, 1)),
        lambda: session.no(AreTheyOne((Side(None, 1, (ada[0],)), Side(None, 2, (ada[1],))), 1, 1)),
    ):
        with pytest.raises(OutdatedError):
            answer()
    assert list(store.rows("SELECT * FROM decision")) == before
    assert people.names(store) == ["Ben"]
    assert session.catch_up()
    assert not session.catch_up()
    question = session.next()
    assert isinstance(question, IsItAlso)
    assert ada[0] not in question.faces
    session.name_as(question, "Ada")
    assert names(store) == {ada[0]: "Ben", **dict.fromkeys(ada[1:], "Ada")}


def test_nobody_is_asked_for_who_is_gone_or_somebody_else_by_now(store: Store) -> None:
    ada, more = add_faces(store, "ada", 0, 3), add_faces(store, "more", 0, 1)
    name_faces(store, ada, "Ada")
    session = InterviewSession(store)  # before the machine tags
    question = session.next()
    assert isinstance(question, IsItAlso)
    elsewhere(store, undo)
    with pytest.raises(OutdatedError):
        session.yes(question)
    assert names(store) == dict.fromkeys([*ada, *more])
    session.catch_up()
    assert session.next() is None


def test_undo_takes_back_own_answers_first_whatever_others_said(store: Store) -> None:
    ada, ben = add_faces(store, "ada", 0, 4), add_faces(store, "ben", 1, 3)
    session = InterviewSession.open(store)
    session.name_as(group(session), "Ada")
    session.skip(group(session))
    elsewhere(store, lambda other: name_faces(other, ben[:1], "Ben"))
    session.changed = False
    assert session.undo()
    assert names(store) == {**dict.fromkeys(ada), ben[0]: "Ben", **dict.fromkeys(ben[1:])}
    assert session.changed
    while not isinstance(question := session.next(), WhoIsIt):
        assert question
        session.skip(question)
    session.name_as(question, "Ada")
    elsewhere(store, undo)
    assert session.undo().startswith("Redid answer 1")  # its own answer was undone elsewhere; its own undo stands
    assert names(store)[ada[0]] == "Ada"
    assert session.undo().startswith("Undid answer 1")
