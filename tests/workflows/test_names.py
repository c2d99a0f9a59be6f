"""Names themselves: one name however it is written, names that are nearly another, and names that stand for nobody."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from phototag.errors import UsageError
from phototag.store import decisions, history, people, person_updates
from phototag.store.connect import Store, open_store
from phototag.workflows.naming.export_names import export_names
from phototag.workflows.naming.history import undo
from phototag.workflows.naming.name import dismiss, name_faces
from phototag.workflows.naming.near_names import near, similar_person
from phototag.workflows.naming.people import hide, merge, reject_faces, rename
from tests.support.databases import add_face, clean, old_database, unit, who


def make(store: Store, count: int) -> list[int]:
    return [add_face(store, f"{number}.jpg".encode(), unit(1)) for number in range(count)]


# --- one name ---


@pytest.mark.parametrize("written", ["Zoe\u200b", "Z\u00adoe", "\ufeffZoe", "Ｚｏｅ", "ZOE", "Zo\u200de", "𝐙oe"])
def test_one_name_however_it_is_written(store: Store, written: str) -> None:
    one, two = make(store, 2)
    name_faces(store, [one], "Zoe")
    assert name_faces(store, [two], written).name == "Zoe"
    assert people.names(store) == ["Zoe"]
    with pytest.raises(UsageError, match="somebody else is called"):
        rename(store, name_faces(store, [two], "Bea").name, written)


def test_bytes_that_are_no_text_are_refused(store: Store) -> None:
    [one] = make(store, 1)
    for name in ("Ren\udce9", "\ud83d"):
        with pytest.raises(UsageError, match="is not text in UTF-8"):
            name_faces(store, [one], name)
    assert people.names(store) == []


# --- near names ---


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Courtney Cox", "Courteney Cox"),
        ("Jenifer Anniston", "Jennifer Aniston"),
        ("Rene", "René"),
        ("Bjorn", "Bjørn"),
        ("Lovelace, Ada", "Ada Lovelace"),
        ("Ada King Lovelace", "Ada Lovelace"),
        ("Ada K. Lovelace", "Ada Lovelace"),
        ("Jean-Luc Picard", "Jean Luc Picard"),
        ("Jeanluc Piccard", "Jean-Luc Picard"),
        ("O'Brien", "OBrien"),
        ("Jhon Smith", "John Smith"),
        ("Grace Hoper", "Grace Hopper"),
        ("Maria", "Marie"),  # two people, perhaps; asking costs a key
        ("Алексанлр", "Александр"),
    ],
)
def test_near_names(one: str, other: str) -> None:
    assert near(one, other)
    assert near(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ann", "Anna"),
        ("Jon", "Jan"),
        ("Anna", "Hanna"),
        ("Ada Lovelace", "Ida Lovelace"),
        ("Tim Smith", "Tom Smith"),
        ("Karen", "Maren"),
        ("Ada", "Ada Lovelace"),
        ("John Smith", "John Smith Jr"),
        ("Cousin 12", "Cousin 13"),
        ("Cousin1", "Cousin2"),
        ("Emily", "Emilia"),
        ("김민수", "김민주"),
        ("राम", "रमा"),
        ("Grace Hopper", "Eileen Collins"),
    ],
)
def test_names_that_are_not_near(one: str, other: str) -> None:
    assert not near(one, other)
    assert not near(other, one)


def test_whom_a_new_name_may_be_meant_for(store: Store) -> None:
    one, two, three = make(store, 3)
    for face, name in ((one, "Courteney Cox"), (two, "Courtenay Cocks"), (three, "Grace Hopper")):
        name_faces(store, [face], name)
    nearest = similar_person(store, "Courtney Cox")
    assert nearest
    assert nearest.name == "Courteney Cox"
    assert similar_person(store, "GRACE HOPPER") is None  # it is hers
    assert similar_person(store, "Eileen Collins") is None
    merge(store, "Grace Hopper", "Courteney Cox")
    also = similar_person(store, "Grace Hoper")
    assert also
    assert also.name == "Courteney Cox"


# --- names that stand for nobody ---


def test_a_corrected_typo_is_nobodys_name(store: Store) -> None:
    one, two = make(store, 2)
    name_faces(store, [one, two], "Courtny")
    name_faces(store, [one], "Courteney")
    assert people.names(store) == ["Courteney", "Courtny"]
    name_faces(store, [two], "Courteney")
    assert people.names(store) == ["Courteney"]
    assert [entry.person.name for entry in people.summaries(store)] == ["Courteney"]
    assert [person.name for person in export_names(store).names.people] == ["Courteney"]
    assert people.find(store, "Courtny") is None
    undo(store)
    assert people.names(store) == ["Courteney", "Courtny"]
    assert who(store)[two] == ("Courtny", "human")


def test_a_typo_corrected_by_no_face_and_by_pointing_out(store: Store) -> None:
    one, two, three = make(store, 3)
    name_faces(store, [one], "Typo")
    dismiss(store, [one], "not-a-face")
    assert people.names(store) == []
    undo(store)
    assert people.names(store) == ["Typo"]
    name_faces(store, [one, two], "Typo")
    reject_faces(store, "Typo", [three])
    name_faces(store, [one, two], "Ada")
    assert people.names(store) == ["Ada"]


def test_a_name_that_is_used_again_is_whose_it_was(store: Store) -> None:
    """So that what was corrected can still be brought back."""
    one, two = make(store, 2)
    first = name_faces(store, [one], "Zoe")
    name_faces(store, [one], "Bea")
    assert name_faces(store, [two], "zoe") == first
    undo(store, 2)
    assert {face: name for face, (name, _) in who(store).items()} == {one: "Zoe", two: "Zoe"}
    assert people.names(store) == ["Zoe"]


def test_a_name_that_somebody_took_over_is_theirs(store: Store) -> None:
    one, two = make(store, 2)
    name_faces(store, [one], "Zoe")
    name_faces(store, [one], "Bea")
    name_faces(store, [two], "Cy")
    rename(store, "Cy", "Zoe")
    with pytest.raises(UsageError, match="somebody else is called Zoe"):
        undo(store, 2)
    assert people.names(store) == ["Bea", "Zoe"]


def test_people_of_whom_something_else_stands_stay(store: Store) -> None:
    one, two, three = make(store, 3)
    name_faces(store, [one], "Hidden")
    hide(store, "Hidden")
    name_faces(store, [one], "Ada")
    name_faces(store, [two], "Addie")
    merge(store, "Addie", "Ada")
    name_faces(store, [three], "Not them")
    reject_faces(store, "Not them", [three])
    assert people.names(store) == ["Ada", "Hidden", "Not them"]
    assert people.find(store, "Addie") == people.find(store, "Ada")
    with store.write():  # as an import says of somebody without faces
        decisions.record(store, [decisions.Decision("show", person=people.ensure(store, "Nobody yet").id)], "imported")
    assert people.names(store) == ["Ada", "Hidden", "Nobody yet", "Not them"]
    assert clean(store)


# --- databases of before ---


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """Names that were different once: with a character that shows nothing, in full width, renamed to such a one."""
    path = tmp_path / "old.db"
    people = [
        (1, "Zoe", "zoe", "Zoe", None),
        (2, "Zoe\u200b", "zoe\u200b", "Zoe\u200b", None),
        (3, "Ｚｏｅ", "ｚｏｅ", "Bea", None),
        (4, "Zoe\u00ad", "zoe\u00ad", "Zoe\u00ad", 1),
        (5, "Ada", "ada\n5", "Ada", None),  # taken back, and the name was free
        (6, "Ada", "ada", "Ada", None),
        (7, "Typo", "typo", "Typo", None),
        (8, "\u3164", "\u3164", "\u3164", None),
    ]
    said: list[tuple[Any, ...]] = [
        ("is", 1, 1, None, None, None), ("is", 2, 2, None, None, None), ("is", 3, 3, None, None, None),
        ("rename", None, 3, None, "Ｚｏｅ", None), ("is", 4, 4, None, None, None), ("merge", None, 4, 1, None, None),
        ("is", 5, 5, None, None, None), ("undo", None, None, None, None, 7), ("is", 5, 6, None, None, None),
        ("is", 6, 7, None, None, None), ("is", 6, 6, None, None, None), ("is", 7, 8, None, None, None),
    ]  # fmt: skip
    with old_database(path, "0008-name-keys") as old:
        old.execute("INSERT INTO library VALUES (1, '/photos', '/photos', 'online')")
        _photo(old)
        for face in range(1, 8):
            old.execute(
                "INSERT INTO face (id, photo, x, y, w, h, score, quality) VALUES (?, 1, ?, 1, 9, 9, 1, 1)",
                (face, 20 * face),
            )
        old.execute("UPDATE face SET subject = id")
        for person in people:
            old.execute("INSERT INTO person (id, name, name_key, given, merged) VALUES (?, ?, ?, ?, ?)", person)
        old.execute("UPDATE person SET gone = 1 WHERE id = 5")
        for number, (verb, face, person, other, name, undoes) in enumerate(said, 1):
            old.execute(
                "INSERT INTO decision (id, at, origin, answer, verb, face, person, other_person, name, undoes)"
                " VALUES (?, '2020-01-01T00:00:00+00:00', 'typed', ?, ?, ?, ?, ?, ?, ?)",
                (number, number, verb, face, person, other, name, undoes),
            )
    return path


def _photo(old: sqlite3.Connection) -> None:
    """A photo, as far as its table asks."""
    known = {
        "id": 1,
        "library": 1,
        "path": b"a.jpg",
        "path_text": "a.jpg",
        "size": 1,
        "mtime_ns": 1,
        "sha256": "a" * 64,
    }
    columns = [row[1] for row in old.execute("PRAGMA table_info(photo)") if row[1] in known]
    marks = ", ".join("?" * len(columns))
    old.execute(f"INSERT INTO photo ({', '.join(columns)}) VALUES ({marks})", [known[column] for column in columns])


def test_names_that_are_one_now_are_kept_apart(before: Path) -> None:
    with open_store(before) as store:
        assert people.names(store) == ["\u3164", "Ada", "Zoe", "Zoe (2)", "Ｚｏｅ (3)"]
        assert {face: decision[1] for face, decision in decisions.labels(store).items()} == {
            1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 6, 7: 8,
        }  # fmt: skip
        for name, person in (("ZOE", 1), ("zoe (2)", 2), ("zoe (3)", 3), ("ada", 6)):
            found = people.find(store, name)
            assert found
            assert found.id == person
        with store.write():
            person_updates.refresh(store, [2])
            person_updates.refresh(store, [3])
            person_updates.refresh(store, range(1, 9))
        assert people.names(store) == ["\u3164", "Ada", "Zoe", "Zoe (2)", "Ｚｏｅ (3)"]
        assert history.stands(store, 4)
        rename(store, "Zoe (2)", "Other")
        undo(store)
        assert people.names(store) == ["\u3164", "Ada", "Zoe", "Zoe (2)", "Ｚｏｅ (3)"]
        merge(store, "Zoe (2)", "Zoe")
        merge(store, "Zoe (3)", "Zoe")
        assert people.names(store) == ["\u3164", "Ada", "Zoe"]
        undo(store, 6)  # Zoe with the soft hyphen is no longer one of them
        assert clean(store)
