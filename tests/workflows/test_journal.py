"""What is said of people: renamed, merged, split, hidden, taken back; the journal says it all, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phototag.errors import UsageError
from phototag.progress import Silent
from phototag.store import decisions, history, people, person_updates
from phototag.store.connect import Store
from phototag.types import Box
from phototag.workflows.naming.history import undo, undo_since
from phototag.workflows.naming.name import dismiss, name_faces
from phototag.workflows.naming.people import (
    different,
    hide,
    merge,
    preview_merge,
    reject_faces,
    rename,
    require_person,
    split,
    split_proposal,
)
from phototag.workflows.recognition.predictions import predict
from phototag.workflows.recognition.tag import train_and_tag
from tests.support.databases import add_face, add_photo, clean, step_back, unit, who
from tests.workflows.test_people import add_faces

Known = dict[int, str | None]


def named(store: Store) -> Known:
    return {face: name for face, (name, _) in who(store).items()}


def state(store: Store) -> list[tuple[Any, ...]]:
    return list(store.rows("SELECT id, name, name_key, hidden, merged, gone FROM person ORDER BY id"))


def test_a_new_name_is_found_and_the_old_one_is_free(store: Store) -> None:
    ada = add_faces(store, "ada", 0, 2)
    name_faces(store, ada, "Ada")
    assert rename(store, "ADA", " Ada  Lovelace").name == "Ada Lovelace"
    assert named(store) == dict.fromkeys(ada, "Ada Lovelace")
    assert people.find(store, "Ada") is None
    [other] = add_faces(store, "other", 1, 1)
    name_faces(store, [other], "Ada")
    assert named(store) == {**dict.fromkeys(ada, "Ada Lovelace"), other: "Ada"}
    with pytest.raises(UsageError, match="somebody else is called Ada"):
        undo(store, 2)
    assert named(store)[ada[0]] == "Ada Lovelace"
    step_back(store)  # nobody else is called Ada any more
    undo(store, 2)
    assert named(store) == {**dict.fromkeys(ada, "Ada"), other: None}
    assert people.names(store) == ["Ada"]
    assert clean(store)


def test_names_that_cannot_be_given(store: Store) -> None:
    name_faces(store, add_faces(store, "ada", 0, 1), "Ada")
    name_faces(store, add_faces(store, "ben", 1, 1), "Ben")
    before = list(store.rows("SELECT * FROM decision")), state(store)
    for job, what in (
        (lambda: rename(store, "Ada", "ben"), "somebody else is called ben"),
        (lambda: rename(store, "Cy", "Dee"), "nobody is called Cy"),
        (lambda: rename(store, "Ada", " \n"), "can't be a name"),
        (lambda: merge(store, "Ada", "ADA"), "one person already"),
        (lambda: merge(store, "Ada", "Cy"), "nobody is called Cy"),
        (lambda: split(store, "Ada", [1], "ada"), "can't be split from themselves"),
        (lambda: split(store, "Ada", [2], "Cy"), "face 2 is not one of Ada's"),
        (lambda: split(store, "Ada", [], "Cy"), "say which of Ada's faces to split off"),
        (lambda: hide(store, "Cy"), "nobody is called Cy"),
        (lambda: undo(store, 99), "no answer 99"),
    ):
        with pytest.raises(UsageError, match=what):
            job()
    assert (list(store.rows("SELECT * FROM decision")), state(store)) == before
    rename(store, "Ada", "Ada")  # nothing to say
    assert len(list(history.answers(store))) == 2


def test_two_people_become_one_and_two_again(store: Store) -> None:
    ada, addie = add_faces(store, "ada", 0, 3), add_faces(store, "addie", 0, 4)
    [not_her, hers] = add_faces(store, "other", 1, 2)
    name_faces(store, ada, "Ada")
    name_faces(store, addie, "Addie")
    reject_faces(store, "Addie", [not_her, ada[0]])
    told = preview_merge(store, "Addie", "Ada")
    assert (told.person.name, told.faces, told.other.name, told.other_faces, told.photos) == ("Ada", 3, "Addie", 4, 0)
    assert merge(store, "Addie", "Ada") == told
    assert named(store) == {**dict.fromkeys([*ada, *addie], "Ada"), not_her: None, hers: None}
    assert people.names(store) == ["Ada"]
    assert decisions.subjects_of(store, require_person(store, "Ada").id, "is-not") == [not_her]
    assert require_person(store, "addie").name == "Ada"  # the name still tells who is meant
    name_faces(store, [hers], "Addie")
    assert named(store)[hers] == "Ada"
    undo(store, 4)
    assert named(store) == {
        **dict.fromkeys([*ada, hers], "Ada"), **dict.fromkeys(addie, "Addie"), not_her: None
    }  # fmt: skip
    assert require_person(store, "addie").name == "Addie"
    assert clean(store)


def test_a_name_that_is_taken_back_goes_through_merges(store: Store) -> None:
    ada, addie, twice = (add_faces(store, name, axis, 2) for axis, name in enumerate(("ada", "addie", "twice")))
    name_faces(store, ada, "Ada")
    name_faces(store, [*addie, *twice], "Addie")
    name_faces(store, twice, "Addie")
    reject_faces(store, "Addie", ada)
    name_faces(store, ada, "Ada")
    merge(store, "Addie", "Ada")
    rename(store, "Ada", "Ann")
    [ben] = add_faces(store, "ben", 3, 1)
    name_faces(store, [ben], "Ben")
    merge(store, "Ann", "Ben")
    assert set(named(store).values()) == {"Ben"}
    undo(store, 2)
    assert named(store) == {**dict.fromkeys([*ada, *twice, ben], "Ben"), **dict.fromkeys(addie)}
    undo(store, 3)
    assert named(store) == {**dict.fromkeys([*ada, ben], "Ben"), **dict.fromkeys([*addie, *twice])}
    undo(store, 6)
    undo(store, 9)
    assert named(store) == {**dict.fromkeys(ada, "Ann"), **dict.fromkeys([*addie, *twice]), ben: "Ben"}


def test_a_merged_name_may_be_taken_over(store: Store) -> None:
    ada, addie, ben = (add_faces(store, name, axis, 1) for axis, name in enumerate(("ada", "addie", "ben")))
    for faces, name in ((ada, "Ada"), (addie, "Addie"), (ben, "Ben")):
        name_faces(store, faces, name)
    merge(store, "Addie", "Ada")
    merge(store, "Ada", "Ben")
    assert require_person(store, "addie").name == require_person(store, "ada").name == "Ben"
    rename(store, "Ben", "Ada")
    assert set(named(store).values()) == {"Ada"}
    step_back(store)
    step_back(store)
    assert require_person(store, "addie").name == "Ada"


def test_a_merged_name_that_was_taken_over_means_them_again(store: Store) -> None:
    for axis, name in enumerate(("Ada", "Addie", "Ben")):
        name_faces(store, add_faces(store, name, axis, 1), name)
    merge(store, "Addie", "Ada")
    rename(store, "Ben", "Addie")
    assert require_person(store, "Addie").id == 3
    undo(store)
    assert require_person(store, "Addie").name == "Ada"
    rename(store, "Ben", "Addie")
    undo(store, 3)  # nobody's face has that name any more; that Ben is called Addie stands
    step_back(store)
    assert require_person(store, "Addie").name == "Ada"
    undo(store, 4)
    assert people.names(store) == ["Ada", "Addie"]
    assert clean(store)


def test_names_that_were_traded_are_traded_back_as_one(store: Store) -> None:
    ada, ben = add_faces(store, "ada", 0, 1), add_faces(store, "ben", 1, 1)
    name_faces(store, ada, "Ada")
    name_faces(store, ben, "Ben")
    before = state(store)
    for name, new in (("Ada", "Cy"), ("Ben", "Ada"), ("Cy", "Ben")):
        rename(store, name, new)
    with store.write():
        history.undo(store, 3, 4, 5)
    assert named(store) == {ada[0]: "Ada", ben[0]: "Ben"}
    assert state(store) == before


def test_merging_tells_of_photos_that_show_both(store: Store) -> None:
    photo = add_photo(store, b"both.jpg", [(Box(10, 10, 50, 50), unit(1)), (Box(200, 10, 50, 50), unit(0, 1))])
    one, other = (row[0] for row in store.rows("SELECT id FROM face WHERE photo = ? ORDER BY x", (photo,)))
    name_faces(store, [one], "Ada")
    name_faces(store, [other], "Ben")
    assert preview_merge(store, "Ben", "Ada").photos == 1


def test_a_person_is_split_along_looks(store: Store) -> None:
    ada, ben = add_faces(store, "ada", 0, 5), add_faces(store, "ben", 1, 3)
    name_faces(store, [*ada, *ben], "Ada")
    assert [set(part) for part in split_proposal(store, "Ada")] == [set(ada), set(ben)]
    done = split(store, "Ada", ben, "Ben")
    assert (done.person.name, done.other and done.other.name, done.faces) == ("Ada", "Ben", 3)
    assert named(store) == {**dict.fromkeys(ada, "Ada"), **dict.fromkeys(ben, "Ben")}
    assert decisions.different_people(store) == {(done.person.id, done.other.id if done.other else 0)}
    undo(store)
    assert named(store) == dict.fromkeys([*ada, *ben], "Ada")
    split(store, "Ada", ben, None)
    assert named(store) == {**dict.fromkeys(ada, "Ada"), **dict.fromkeys(ben, None)}
    train_and_tag(store, Silent())
    assert named(store) == {**dict.fromkeys(ada, "Ada"), **dict.fromkeys(ben, None)}


def test_alike_people_fall_apart_as_faces_have_to_be_more_alike(store: Store) -> None:
    one = [add_face(store, b"one%d.jpg" % n, unit(1, 0.3, 0, 0, 0.001 * n)) for n in range(3)]
    two = [add_face(store, b"two%d.jpg" % n, unit(1, 0.62, 0, 0, 0.001 * n)) for n in range(3)]
    name_faces(store, [*one, *two], "Twins")
    assert sorted(map(sorted, split_proposal(store, "Twins"))) == [one, two]


def test_nobody_is_twice_in_a_photo_of_a_split(store: Store) -> None:
    photo = add_photo(store, b"both.jpg", [(Box(10, 10, 50, 50), unit(1)), (Box(200, 10, 50, 50), unit(1, 0.01))])
    both = [row[0] for row in store.rows("SELECT id FROM face WHERE photo = ?", (photo,))]
    name_faces(store, both, "Ada")
    assert sorted(map(len, split_proposal(store, "Ada"))) == [1, 1]


def test_the_machine_forgets_whom_nobody_is_called(store: Store) -> None:
    ada = add_faces(store, "ada", 0, 6)
    name_faces(store, ada[:2], "Ada")
    train_and_tag(store, Silent())
    assert set(named(store).values()) == {"Ada"}
    undo(store)
    assert set(named(store).values()) == {None}
    assert people.summaries(store) == []


@pytest.mark.parametrize(
    "say",
    [
        lambda store, faces: dismiss(store, faces, "dont-care"),
        lambda store, faces: dismiss(store, faces, "not-a-face"),
        lambda store, faces: name_faces(store, faces, "Ben"),
    ],
)
def test_the_machine_forgets_whose_faces_are_all_otherwise(
    store: Store, say: Callable[[Store, Sequence[int]], object]
) -> None:
    ada = add_faces(store, "ada", 0, 6)
    name_faces(store, ada[:2], "Ada")
    train_and_tag(store, Silent())
    say(store, ada[:2])
    assert "Ada" not in named(store).values()


def test_a_name_that_is_taken_back_while_faces_are_tagged(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = add_faces(store, "ada", 0, 6)
    name_faces(store, ada[:2], "Ada")

    def judged(*arguments: Any) -> Any:
        step_back(store)
        return predict(*arguments)

    monkeypatch.setattr("phototag.workflows.recognition.tag.predict", judged)
    assert train_and_tag(store, Silent()) is None
    assert set(named(store).values()) == {None}


def test_tags_follow_a_merge_at_once(store: Store) -> None:
    ada, ben = add_faces(store, "ada", 0, 6), add_faces(store, "also ada", 0, 6)
    name_faces(store, ada[:2], "Ada")
    name_faces(store, ben[:2], "Ben")
    train_and_tag(store, Silent())
    ben_s = {face for face, name in named(store).items() if name == "Ben"}
    merge(store, "Ben", "Ada")
    assert {named(store)[face] for face in ben_s} == {"Ada"}
    assert train_and_tag(store, Silent())  # and the classifier learns that there is one less
    assert "Ben" not in named(store).values()
    assert list(named(store).values()).count("Ada") > 6


def test_hidden_and_shown_again(store: Store) -> None:
    name_faces(store, add_faces(store, "ada", 0, 1), "Ada")
    assert hide(store, "Ada").hidden
    assert hide(store, "Ada").hidden
    assert not hide(store, "Ada", shown=True).hidden
    step_back(store)
    assert require_person(store, "Ada").hidden
    step_back(store)
    assert not require_person(store, "Ada").hidden
    assert [answer.number for answer in history.answers(store) if answer.stands] == [5, 4, 1]


def test_two_people_who_are_two(store: Store) -> None:
    one, two = (name_faces(store, add_faces(store, name, axis, 1), name) for axis, name in enumerate(("Ada", "Ben")))
    different(store, "Ben", "Ada")
    assert decisions.different_people(store) == {(one.id, two.id)}
    cy = name_faces(store, add_faces(store, "cy", 2, 1), "Cy")
    merge(store, "Ada", "Cy")
    assert decisions.different_people(store) == {(two.id, cy.id)}
    merge(store, "Cy", "Ben")
    assert decisions.different_people(store) == set()
    undo(store)
    undo(store, 3)
    assert decisions.different_people(store) == set()


def test_all_since_a_moment(store: Store) -> None:
    ada, ben = add_faces(store, "ada", 0, 2), add_faces(store, "ben", 1, 2)
    name_faces(store, ada, "Ada")
    now = datetime.now(timezone.utc)
    with store.write():  # as if that had been yesterday
        store.run("DROP TRIGGER decision_never_changes")
        store.run("UPDATE decision SET at = ?", ((now - timedelta(days=1)).isoformat(timespec="seconds"),))
    name_faces(store, ben, "Ben")
    rename(store, "Ada", "Eve")
    name_faces(store, ben, "Ada")
    done = undo_since(store, now - timedelta(hours=1))
    assert (done.answers, done.decisions) == ((2, 3, 4), 5)
    assert named(store) == {**dict.fromkeys(ada, "Ada"), **dict.fromkeys(ben, None)}
    assert undo_since(store, now - timedelta(hours=1)).decisions == 0


def test_history_tells_what_was_said(store: Store) -> None:
    ada, ben = add_faces(store, "ada", 0, 2), add_faces(store, "ben", 1, 3)
    name_faces(store, ada, "Ada")
    name_faces(store, ben, "Ben", "folder")
    rename(store, "Ben", "Benedict")
    undo(store)
    told = list(history.answers(store))
    assert [(answer.number, answer.origin, answer.stands) for answer in told] == [
        (4, "typed", True), (3, "typed", False), (2, "folder", True), (1, "typed", True),
    ]  # fmt: skip
    assert [
        (part.verb, part.faces, part.person, part.name, part.undoes) for answer in told for part in answer.parts
    ] == [
        ("undo", 0, None, None, 3),
        ("rename", 0, "Ben", "Benedict", None),
        ("is", 3, "Ben", None, None),
        ("is", 2, "Ada", None, None),
    ]
    assert [answer.number for answer in history.answers(store, limit=2)] == [4, 3]


_WORDS = st.sampled_from(["Ada", "Ben", "Cy", "ada"])
_STEP = st.one_of(
    st.tuples(st.just("is"), st.integers(0, 3), _WORDS),
    st.tuples(st.just("not"), st.integers(0, 3), _WORDS),
    st.tuples(st.sampled_from(["rename", "merge", "hide", "show", "split"]), _WORDS, _WORDS),
    st.tuples(st.just("undo"), st.integers(1, 12)),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_STEP, max_size=12))
def test_what_holds_is_what_the_journal_says(store: Store, steps: list[tuple[object, ...]]) -> None:
    """Whatever is said and taken back: people are as the journal makes them; a name means one person."""
    if not list(store.rows("SELECT 1 FROM face")):
        add_faces(store, "ada", 0, 4)
    ids = [row[0] for row in store.rows("SELECT id FROM face ORDER BY id")]
    for verb, *rest in steps:
        before = list(store.rows("SELECT * FROM decision")), state(store)
        try:
            match verb, *rest:
                case "is", int(face), str(name):
                    name_faces(store, [ids[face]], name)
                case "not", int(face), str(name):
                    reject_faces(store, name, [ids[face]])
                case "rename", str(name), str(other):
                    rename(store, name, other)
                case "merge", str(name), str(other):
                    merge(store, name, other)
                case "hide" | "show", str(name), _:
                    hide(store, name, shown=verb == "show")
                case "split", str(name), str(other):
                    own = decisions.subjects_of(store, require_person(store, name).id, "is")
                    split(store, name, own[:1], other)
                case "undo", int(number):
                    undo(store, number)
        except UsageError:
            assert (list(store.rows("SELECT * FROM decision")), state(store)) == before
        kept = [row[:2] + row[3:] for row in state(store)]
        with store.write():
            person_updates.refresh(store, [row[0] for row in state(store)])
        assert [row[:2] + row[3:] for row in state(store)] == kept
        here = [row[1] for row in kept if row[3] is None and not row[4]]
        assert len({name.casefold() for name in here}) == len(here)
        for name in here:
            assert require_person(store, str(name)).name == name
        assert {name for name in named(store).values() if name} <= set(here)
