"""A sitting: questions in the best order, every answer in the journal before it counts."""

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
from phototag.workflows.naming.interview import OutdatedError, Sitting
from phototag.workflows.naming.name import compare, name_faces
from phototag.workflows.naming.people import not_them
from phototag.workflows.recognition.train import train_people
from tests.store.build import add_face, add_photo, clean, who
from tests.workflows.test_people import add_faces, near


def names(store: Store) -> dict[int, str | None]:
    return {face: name for face, (name, _) in who(store).items()}


def group(sitting: Sitting) -> WhoIsIt:
    question = sitting.next()
    assert isinstance(question, WhoIsIt)
    return question


def test_before_the_first_index(store: Store) -> None:
    with pytest.raises(TooLittleDataError):
        Sitting.open(store)


def test_a_library_without_faces(store: Store) -> None:
    add_photo(store, b"sky.jpg")
    sitting = Sitting.open(store)
    assert sitting.next() is None
    assert str(sitting.standing()) == "100 % of 0 faces named, 0 answers"
    assert not sitting.undo()


def test_groups_are_named_from_the_largest_on(store: Store) -> None:
    ada, ben = add_faces(store, "ada", 0, 4), add_faces(store, "ben", 1, 3)
    sitting = Sitting.open(store)
    assert set(group(sitting).faces) == set(ada)
    assert sitting.call(group(sitting), "Ada").person.name == "Ada"
    assert names(store) == {**dict.fromkeys(ada, "Ada"), **dict.fromkeys(ben)}
    assert set(group(sitting).faces) == set(ben)
    sitting.call(group(sitting), "ben")
    assert sitting.next() is None
    assert str(sitting.standing()) == "100 % of 7 faces named, 2 answers"
    assert sitting.names() == ("Ada", "ben")
    assert clean(store)


def test_faces_picked_out_are_not_that_person(store: Store) -> None:
    ada = add_faces(store, "ada", 0, 5)
    sitting = Sitting.open(store)
    sitting.call(group(sitting), "Ada", [ada[2]])
    assert [face for face, name in names(store).items() if name == "Ada"] == [*ada[:2], *ada[3:]]
    assert list(decisions.rejected(store)) == [(ada[2], 1)]
    assert sitting.next() is None  # it was denied
    assert sitting.undo()
    assert set(group(sitting).faces) == set(ada)
    assert set(names(store).values()) == {None}
    assert list(decisions.rejected(store)) == []


def test_a_face_refused_before_does_not_get_the_name_with_its_group(store: Store) -> None:
    ada = add_faces(store, "ada", 0, 4)
    other = add_faces(store, "other", 1, 1)
    name_faces(store, other, "Ada")
    sitting = Sitting.open(store)
    not_them(store, "Ada", ada[:1])
    sitting = Sitting.open(store)
    question = group(sitting)
    sitting.call(question, "Ada")
    assert names(store)[ada[0]] is None
    assert all(names(store)[face] == "Ada" for face in ada[1:])
    with pytest.raises(UsageError, match="nothing saved"):
        sitting.call(WhoIsIt(1, (ada[0],), (), 1, 1), "ada")
    with pytest.raises(UsageError, match="can't be a name"):
        sitting.call(WhoIsIt(1, (ada[0],), (), 1, 1), " ")


def test_yes_and_no(store: Store) -> None:
    ada, more = add_faces(store, "ada", 0, 3), add_faces(store, "more", 0, 1)
    name_faces(store, ada, "Ada")
    sitting = Sitting(store)  # before the machine tags
    question = sitting.next()
    assert isinstance(question, IsItAlso)
    assert (sitting.name(question.person), question.faces) == ("Ada", tuple(more))
    sitting.no(question)
    assert list(decisions.rejected(store)) == [(more[0], question.person)]
    assert sitting.next() is None
    assert Sitting.open(store).next() is None  # nor in the next sitting
    sitting.undo()
    sitting.yes(question)
    assert names(store)[more[0]] == "Ada"
    assert sitting.changed


def test_two_people_are_one_or_two(store: Store) -> None:
    name_faces(store, add_faces(store, "ada", 0, 12), "Ada")
    addie = add_faces(store, "addie", 0, 8)
    name_faces(store, addie, "Addie")
    sitting = Sitting.open(store)
    while isinstance(question := sitting.next(), WhoIsNot):
        sitting.yes(question)
    assert isinstance(question, AreTheyOne)
    sitting.yes(question)
    assert set(names(store).values()) == {"Ada"}
    assert people.names(store) == ["Ada"]
    sitting.undo()
    assert people.names(store) == ["Ada", "Addie"]
    assert all(names(store)[face] == "Addie" for face in addie)
    assert sitting.next() == question
    sitting.no(question)
    assert not isinstance(sitting.next(), AreTheyOne)
    assert not isinstance(Sitting.open(store).next(), AreTheyOne)


def test_tags_of_who_turned_out_to_be_somebody_else_are_asked_about_as_theirs(store: Store) -> None:
    ada, addie = add_faces(store, "ada", 0, 12), add_faces(store, "addie", 1, 10)
    name_faces(store, ada, "Ada")
    name_faces(store, addie[:5], "Addie")
    train_people(store, Silent())
    model = models.latest(store)
    assert model
    models.swap_guesses(store, model.id, [Guess(face, 2, 0.6, 0.3) for face in addie[5:]])
    sitting = Sitting(store)
    sitting.yes(AreTheyOne((Side(1, None, tuple(ada)), Side(2, None, tuple(addie[:5]))), 1, 1))
    while (question := sitting.next()) is not None:  # before the machine tags again
        assert isinstance(question, WhoIsNot)
        sitting.yes(question)
    assert names(store) == dict.fromkeys([*ada, *addie], "Ada")


def test_two_groups_are_one_or_two(store: Store) -> None:
    first, second = add_faces(store, "ada", 0, 3), add_faces(store, "ben", 1, 2)
    sitting = Sitting.open(store)
    question = AreTheyOne((Side(None, 1, tuple(first)), Side(None, 2, tuple(second))), 1, 1)
    sitting.no(question)
    assert [said.verb for said in decisions.statements(store)] == ["different"]
    sitting.undo()
    sitting.yes(question)
    assert [said.verb for said in decisions.statements(store)] == ["same"]
    assert set(group(sitting).faces) == {*first, *second}
    assert set(group(Sitting.open(store)).faces) == {*first, *second}  # before faces are grouped anew
    sitting.undo()
    assert list(decisions.statements(store)) == []
    assert set(group(sitting).faces) == set(first)


def test_of_two_faces_what_was_said_last_counts(store: Store) -> None:
    first, second = add_faces(store, "ada", 0, 3), add_faces(store, "ben", 1, 2)
    Sitting.open(store)
    compare(store, "same", first[0], second[0])
    assert set(group(Sitting.open(store)).faces) == {*first, *second}
    compare(store, "different", second[0], first[0])
    assert set(group(Sitting.open(store)).faces) == set(first)


def test_names_looked_through_are_not_asked_about_again(store: Store) -> None:
    ada = add_faces(store, "ada", 0, 12)
    name_faces(store, ada, "Ada")
    sitting = Sitting.open(store)
    question = sitting.next()
    assert isinstance(question, WhoIsNot)
    sitting.yes(question, question.faces[:1])
    assert [face for face, name in names(store).items() if name is None] == list(question.faces[:1])
    assert sitting.next() is None
    assert Sitting.open(store).next() is None
    sitting.undo()
    assert set(names(store).values()) == {"Ada"}
    assert sitting.next() == question
    sitting.no(question)
    assert set(names(store).values()) == {None}


def test_skipped_questions_come_last_in_this_sitting(store: Store) -> None:
    ada, ben = add_faces(store, "ada", 0, 4), add_faces(store, "ben", 1, 3)
    sitting = Sitting.open(store)
    sitting.skip(group(sitting))
    assert set(group(sitting).faces) == set(ben)
    sitting.call(group(sitting), "Ben")
    assert set(group(sitting).faces) == set(ada)
    assert sitting.standing().answers == 1
    sitting = Sitting.open(store)
    sitting.skip(group(sitting))
    assert sitting.undo()  # takes back that it was put off, not the name
    assert names(store)[ben[0]] == "Ben"
    assert sitting.undo()  # an answer of the sitting before
    assert names(store)[ben[0]] is None
    assert sitting.undo().startswith("Redid answer 1: 3 faces are Ben.")
    assert names(store)[ben[0]] == "Ben"
    assert sitting.undo().startswith("Undid answer 1: 3 faces are Ben.")
    assert set(names(store).values()) == {None}


def test_two_undos_leave_the_interview_as_it_was(store: Store) -> None:
    """Also what was put off stays put off, and what is asked next is the same."""
    ada, _, _ = add_faces(store, "ada", 0, 5), add_faces(store, "ben", 1, 4), add_faces(store, "cy", 2, 3)
    sitting = Sitting.open(store)
    sitting.skip(group(sitting))
    sitting.call(group(sitting), "Ben")
    before = sitting.next(), sitting.standing().share, names(store)
    for _ in range(2):
        assert sitting.undo().startswith("Undid answer 1: 4 faces are Ben.")
        assert set(names(store).values()) == {None}
        assert set(group(sitting).faces) != set(ada)
        assert sitting.undo().startswith("Redid answer 1: 4 faces are Ben.")
        assert (sitting.next(), sitting.standing().share, names(store)) == before
    assert clean(store)


def test_there_is_nothing_to_undo(store: Store) -> None:
    add_faces(store, "ada", 0, 3)
    assert Sitting.open(store).undo() == ""


def test_a_group_of_several_people_falls_into_parts(store: Store) -> None:
    both = [add_face(store, f"{i}.jpg".encode(), near(0 if i < 3 else 1, i)) for i in range(6)]
    for face in both[1:]:
        compare(store, "same", both[0], face)
    sitting = Sitting.open(store)
    question = group(sitting)
    assert set(question.faces) == set(both)
    sitting.mixed(question)
    parts = {frozenset(group(sitting).faces)}
    sitting.skip(group(sitting))
    parts.add(frozenset(group(sitting).faces))
    assert parts == {frozenset(both[:3]), frozenset(both[3:])}
    sitting.undo()
    sitting.undo()
    assert group(sitting) == question


def test_faces_that_nobody_wants_to_name(store: Store) -> None:
    ada = add_faces(store, "ada", 0, 3)
    sitting = Sitting.open(store)
    sitting.dismiss(group(sitting), "dont-care")
    assert sitting.next() is None
    assert sitting.standing().faces == 0
    assert decisions.counts(store) == {"dont-care": 3}
    sitting.undo()
    assert set(group(sitting).faces) == set(ada)


def test_nobody_is_asked_for_twice_in_a_photo(store: Store) -> None:
    ada = add_faces(store, "ada", 0, 3)
    beside = add_photo(store, b"two", [(Box(0, 0, 50, 50), near(0, 7)), (Box(100, 0, 50, 50), near(0, 8))])
    first, second = (row[0] for row in store.rows("SELECT id FROM face WHERE photo = ? ORDER BY id", (beside,)))
    name_faces(store, [*ada, first], "Ada")
    sitting = Sitting.open(store)
    while (question := sitting.next()) is not None:
        assert isinstance(question, WhoIsNot)
        sitting.yes(question)
    assert names(store)[second] is None


def test_every_answer_is_saved_at_once(store: Store, tmp_path: Path) -> None:
    ada = add_faces(store, "ada", 0, 3)
    sitting = Sitting.open(store)
    sitting.call(group(sitting), "Ada")
    with open_store(store.path) as other:
        assert names(other) == dict.fromkeys(ada, "Ada")


def test_the_machine_tags_what_was_told(store: Store) -> None:
    ada, ben = add_faces(store, "ada", 0, 6), add_faces(store, "ben", 1, 6)
    name_faces(store, ada[:3], "Ada")
    name_faces(store, ben[:3], "Ben")
    sitting = Sitting.open(store)
    sitting.retag(Silent())
    assert names(store) == {**dict.fromkeys(ada, "Ada"), **dict.fromkeys(ben, "Ben")}
    assert sitting.standing().share == 1
    assert not sitting.changed
    other = Sitting.open(store)  # reads the tags that there are
    assert other.standing() == sitting.standing()


def elsewhere(store: Store, job: Callable[[Store], object]) -> None:
    """Another process does something."""
    with open_store(store.path) as other:
        job(other)


def test_what_is_said_elsewhere_while_a_question_is_open_stays(store: Store) -> None:
    ada = add_faces(store, "ada", 0, 4)
    sitting = Sitting.open(store)
    asked = group(sitting)
    elsewhere(store, lambda other: name_faces(other, ada[:1], "Ben"))
    before = list(store.rows("SELECT * FROM decision"))
    for answer in (
        lambda: sitting.call(asked, "Ada"),
        lambda: sitting.dismiss(asked, "not-a-face"),
        lambda: sitting.yes(IsItAlso(1, asked.faces, 1, 1)),
        lambda: sitting.no(IsItAlso(1, asked.faces, 1, 1)),
        lambda: sitting.yes(AreTheyOne((Side(None, 1, (ada[0],)), Side(None, 2, (ada[1],))), 1, 1)),
        lambda: sitting.no(AreTheyOne((Side(None, 1, (ada[0],)), Side(None, 2, (ada[1],))), 1, 1)),
    ):
        with pytest.raises(OutdatedError):
            answer()
    assert list(store.rows("SELECT * FROM decision")) == before
    assert people.names(store) == ["Ben"]
    assert sitting.catch_up()
    assert not sitting.catch_up()
    question = sitting.next()
    assert isinstance(question, IsItAlso)
    assert ada[0] not in question.faces
    sitting.call(question, "Ada")
    assert names(store) == {ada[0]: "Ben", **dict.fromkeys(ada[1:], "Ada")}


def test_nobody_is_asked_for_who_is_gone_or_somebody_else_by_now(store: Store) -> None:
    ada, more = add_faces(store, "ada", 0, 3), add_faces(store, "more", 0, 1)
    name_faces(store, ada, "Ada")
    sitting = Sitting(store)  # before the machine tags
    question = sitting.next()
    assert isinstance(question, IsItAlso)
    elsewhere(store, undo)
    with pytest.raises(OutdatedError):
        sitting.yes(question)
    assert names(store) == dict.fromkeys([*ada, *more])
    sitting.catch_up()
    assert sitting.next() is None


def test_undo_takes_back_own_answers_first_whatever_others_said(store: Store) -> None:
    ada, ben = add_faces(store, "ada", 0, 4), add_faces(store, "ben", 1, 3)
    sitting = Sitting.open(store)
    sitting.call(group(sitting), "Ada")
    sitting.skip(group(sitting))
    elsewhere(store, lambda other: name_faces(other, ben[:1], "Ben"))
    sitting.changed = False
    assert sitting.undo()
    assert names(store) == {**dict.fromkeys(ada), ben[0]: "Ben", **dict.fromkeys(ben[1:])}
    assert sitting.changed
    while not isinstance(question := sitting.next(), WhoIsIt):
        assert question
        sitting.skip(question)
    sitting.call(question, "Ada")
    elsewhere(store, undo)
    assert sitting.undo().startswith("Redid answer 1")  # its own answer was undone elsewhere; its own undo stands
    assert names(store)[ada[0]] == "Ada"
    assert sitting.undo().startswith("Undid answer 1")
