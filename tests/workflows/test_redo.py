"""Undos that are undone: what stands follows from the journal, and what merges say again from what stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from phototag.errors import PhototagError, UsageError
from phototag.remedies import Show
from phototag.store import decisions, history, people
from phototag.store.connect import Store, open_store
from phototag.workflows.naming.history import Undone, describe, undo, undo_since
from phototag.workflows.naming.name import dismiss, name_faces
from phototag.workflows.naming.people import hide, merge, reject_faces, rename, require_person, split
from tests.support.databases import add_face, clean, old_database, unit, who, withdrawn


def make(store: Store, count: int) -> list[int]:
    return [add_face(store, b"%d.jpg" % number, unit(1, number / 10)) for number in range(count)]


def names(store: Store) -> dict[int, str | None]:
    return {face: name for face, (name, _) in who(store).items()}


def everything(store: Store) -> tuple[Any, ...]:
    """All that follows from the answers that stand."""
    return (
        decisions.labels(store),
        sorted(decisions.rejected(store)),
        list(decisions.face_decisions(store)),
        sorted(decisions.different_people(store)),
        list(store.rows("SELECT id, name, hidden, merged, gone FROM person ORDER BY id")),
        list(store.rows("SELECT id, present FROM face ORDER BY id")),
    )


def changed(done: Undone) -> list[str]:
    return [change.text for change in done.changes]


def words(store: Store) -> list[str]:
    return [describe(answer) for answer in history.answers(store)]


# --- undo and redo ---


def test_two_undos_change_nothing(store: Store) -> None:
    one, two = make(store, 2)
    name_faces(store, [one], "Ada")
    name_faces(store, [two], "Ben")
    told = []
    for number in range(4):
        done = undo(store)
        assert done.number == 3 + number
        told.append(str(done))
        assert names(store) == {one: "Ada", two: None if number % 2 == 0 else "Ben"}
        assert clean(store)
    assert told == ["Undid answer 2: 1 face is Ben.", "Redid answer 2: 1 face is Ben."] * 2
    assert words(store) == ["answer 2 redone", "answer 2 undone"] * 2 + ["1 face is Ben", "1 face is Ada"]


def test_nothing_was_answered_yet(store: Store) -> None:
    assert str(undo(store)) == "There is nothing to undo."
    assert str(undo_since(store, datetime.now(timezone.utc))) == "There is nothing to undo."


def test_every_number_of_the_history_can_be_undone(store: Store) -> None:
    one, two = make(store, 2)
    name_faces(store, [one], "Ada")
    undo(store, 1)
    name_faces(store, [two], "Ben")
    undo(store, 2)
    assert names(store) == {one: "Ada", two: "Ben"}
    assert [(answer.number, answer.stands, answer.undone_by) for answer in history.answers(store)] == [
        (4, True, None), (3, True, None), (2, False, 4), (1, True, None),
    ]  # fmt: skip
    assert str(undo(store, 2)) == "Answer 2 is undone already, by answer 4: undo that to redo it."
    for number in (0, 5, 99):
        with pytest.raises(UsageError, match=f"there is no answer {number}") as caught:
            undo(store, number)
        assert caught.value.remedy == Show("answers")
    assert undo(store, 4).redone is False
    assert names(store) == {one: None, two: "Ben"}


def test_what_two_undos_undo_comes_back_with_both(store: Store) -> None:
    [one] = make(store, 1)
    name_faces(store, [one], "Ada")
    undo(store, 1)  # 2
    undo(store, 2)  # 3
    undo(store, 1)  # 4
    back = undo(store, 3)  # 2 stands again: now both 2 and 4 undo 1
    assert names(store) == {one: None}
    assert changed(back) == []
    assert changed(undo(store, 4)) == []
    assert names(store) == {one: None}
    assert changed(undo(store, 2)) == ["1 face: Ada instead of unknown.", "Ada: the name comes back."]
    assert names(store) == {one: "Ada"}
    assert clean(store)


def test_a_redone_answer_holds_at_its_old_place(store: Store) -> None:
    [one] = make(store, 1)
    name_faces(store, [one], "Ada")
    undo(store)
    name_faces(store, [one], "Ben")
    done = undo(store, 2)
    assert names(store) == {one: "Ben"}
    assert done.redone
    undo(store, 3)
    assert names(store) == {one: "Ada"}


def test_only_what_an_undo_undid_is_redone(store: Store) -> None:
    """A merge said Ada of two faces; one of them was undone by itself before."""
    one, two, three = make(store, 3)
    name_faces(store, [three], "Ada")
    name_faces(store, [one], "Addie")
    name_faces(store, [two], "Addie")
    merge(store, "Addie", "Ada")
    undo(store, 2)
    assert names(store) == {one: None, two: "Ada", three: "Ada"}
    undo(store, 4)
    assert names(store) == {one: None, two: "Addie", three: "Ada"}
    undo(store)
    assert names(store) == {one: None, two: "Ada", three: "Ada"}
    undo(store, 5)
    assert names(store) == {one: "Ada", two: "Ada", three: "Ada"}
    undo(store, 4)
    assert names(store) == {one: "Addie", two: "Addie", three: "Ada"}
    assert clean(store)


def test_a_name_comes_back_to_somebody_merged_meanwhile(store: Store) -> None:
    one, two, three = make(store, 3)
    name_faces(store, [three], "Ada")
    name_faces(store, [two], "Addie")
    name_faces(store, [one], "Addie")
    reject_faces(store, "Addie", [three])
    undo(store, 3)
    undo(store, 4)
    merge(store, "Addie", "Ada")
    undo(store, 5)
    assert names(store) == {one: "Ada", two: "Ada", three: "Ada"}
    undo(store, 7)
    assert names(store) == {one: "Addie", two: "Addie", three: "Ada"}
    undo(store)
    assert names(store) == {one: "Ada", two: "Ada", three: "Ada"}
    undo(store, 3)
    assert names(store) == {one: None, two: "Ada", three: "Ada"}


def test_a_name_under_another_comes_back_to_somebody_merged_meanwhile(store: Store) -> None:
    """Without any redo: an undo uncovers the name of somebody who is somebody else by now."""
    one, two = make(store, 2)
    name_faces(store, [one, two], "Addie")
    name_faces(store, [one], "Ben")
    name_faces(store, make(store, 3)[2:], "Ada")
    merge(store, "Addie", "Ada")
    undo(store, 2)
    assert names(store)[one] == "Ada"
    undo(store)
    assert names(store)[one] == "Ben"


def test_a_name_that_is_anothers_by_now_is_not_redone(store: Store) -> None:
    one, two = make(store, 2)
    name_faces(store, [one], "Ada")
    undo(store)
    name_faces(store, [two], "Ben")
    rename(store, "Ben", "Ada")
    before = everything(store), words(store)
    with pytest.raises(UsageError, match="somebody else is called Ada"):
        undo(store, 2)
    with pytest.raises(UsageError, match="somebody else is called Ada"):
        undo(store, 2, try_only=True)
    assert (everything(store), words(store)) == before
    rename(store, "Ada", "Bea")
    undo(store, 2)
    assert names(store) == {one: "Ada", two: "Bea"}


def test_two_people_are_not_merged_each_into_the_other(store: Store) -> None:
    one, two = make(store, 2)
    name_faces(store, [one], "Ada")
    name_faces(store, [two], "Ben")
    merge(store, "Ada", "Ben")
    undo(store)
    merge(store, "Ben", "Ada")
    before = everything(store)
    with pytest.raises(UsageError, match="the other way round"):
        undo(store, 4)
    assert everything(store) == before
    undo(store, 5)
    undo(store, 4)
    assert names(store) == {one: "Ben", two: "Ben"}


def test_people_are_renamed_hidden_and_split_again(store: Store) -> None:
    one, two = make(store, 2)
    name_faces(store, [one, two], "Ada")
    for job in (
        lambda: rename(store, "Ada", "Eve"),
        lambda: hide(store, "Eve"),
        lambda: split(store, "Eve", [two], "Ben"),
        lambda: dismiss(store, [two], "not-a-face"),
    ):
        job()
        after = everything(store)
        undo(store)
        undo(store)
        assert everything(store) == after


def test_all_since_a_moment_is_as_it_was_then(store: Store) -> None:
    one, two, three = make(store, 3)
    name_faces(store, [one], "Ada")
    name_faces(store, [two], "Ben")
    undo(store, 1)
    now = datetime.now(timezone.utc)
    with store.write():  # as if that had been yesterday
        store.run("DROP TRIGGER decision_never_changes")
        store.run("UPDATE decision SET at = ?", ((now - timedelta(days=1)).isoformat(timespec="seconds"),))
    before = everything(store)
    undo(store, 3)  # redone since
    undo(store, 2)  # undone since
    name_faces(store, [three], "Cy")
    undo(store)  # said and undone since
    name_faces(store, [three], "Dee")
    assert names(store) == {one: "Ada", two: None, three: "Dee"}
    done = undo_since(store, now - timedelta(hours=1))
    assert done.answers == (4, 5, 8)
    assert [row[1:] for row in everything(store)[4]][:2] == [row[1:] for row in before[4]][:2]
    assert names(store) == {one: None, two: "Ben", three: None}
    undo(store)
    assert names(store) == {one: "Ada", two: None, three: "Dee"}
    assert clean(store)


def test_a_dry_run_says_what_an_undo_does_and_changes_nothing(store: Store) -> None:
    one, two, three = make(store, 3)
    name_faces(store, [one], "Addie")
    name_faces(store, [one, two], "Ada")
    hide(store, "Ada")
    before = everything(store), words(store)
    told = undo(store, 2, try_only=True)
    assert (everything(store), words(store)) == before
    assert changed(told) == [
        "1 face: Addie instead of Ada.", "1 face: unknown instead of Ada.", "Addie: the name comes back.",
    ]  # fmt: skip
    assert [change.faces for change in told.changes] == [(one,), (two,), ()]
    assert undo(store, 2).changes == told.changes
    dismiss(store, [three], "dont-care")
    assert changed(undo(store)) == ["1 face: unknown instead of ignored."]
    assert changed(undo(store, 3)) == ["Ada: the name goes."]


# --- any sequence ---

_NAME = st.sampled_from(["Ada", "Ben", "Cy"])
_STEP = st.one_of(
    st.tuples(st.just("is"), st.integers(0, 2), _NAME),
    st.tuples(st.just("not"), st.integers(0, 2), _NAME),
    st.tuples(st.just("merge"), _NAME, _NAME),
    st.tuples(st.just("undo"), st.integers(1, 14)),
    st.tuples(st.just("undo"), st.integers(1, 14)),
    st.tuples(st.just("last")),
)
_Step = tuple[object, ...]


def take(store: Store, ids: list[int], step: _Step) -> None:
    match step:
        case "is", int(face), str(name):
            name_faces(store, [ids[face]], name)
        case "not", int(face), str(name):
            reject_faces(store, name, [ids[face]])
        case "merge", str(name), str(other):
            merge(store, name, other)
        case "undo", int(number):
            undo(store, number)
        case ("last",):
            undo(store)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Store]]:
    """Two databases of the same three faces."""
    folder = tmp_path_factory.mktemp("two")
    with open_store(folder / "a.db", create=True) as one, open_store(folder / "b.db", create=True) as other:
        make(one, 3)
        make(other, 3)
        yield one, other


def empty(store: Store) -> list[int]:
    """As if nothing had ever been said; returns the faces."""
    [trigger] = store.rows("SELECT sql FROM sqlite_master WHERE name = 'decision_never_goes'")
    with store.write():
        store.run("DELETE FROM undone")
        store.run("DROP TRIGGER decision_never_goes")
        store.run("PRAGMA defer_foreign_keys = ON")
        for table in ("guess", "model", "decision", "person"):
            for (row,) in list(store.rows(f"SELECT rowid FROM {table} ORDER BY rowid DESC")):
                store.run(f"DELETE FROM {table} WHERE rowid = ?", (row,))
        store.run(trigger[0])
    return [row[0] for row in store.rows("SELECT id FROM face ORDER BY id")]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(steps=st.lists(_STEP, max_size=14), number=st.integers(1, 14))
def test_any_undo_is_redone(stores: tuple[Store, Store], steps: list[_Step], number: int) -> None:
    """Whatever was said: what is withdrawn follows from the journal, and an undo of an undo leaves nothing behind."""
    store, _ = stores
    ids = empty(store)
    for step in steps:
        with suppress(UsageError):
            take(store, ids, step)
        assert {row[0] for row in store.rows("SELECT decision FROM undone")} == withdrawn(store)
        here = set(people.names(store))
        assert {name for name in names(store).values() if name} <= here
    before = everything(store)
    try:
        done = undo(store, number)
    except UsageError:
        return
    if done.number is not None:
        undo(store, done.number)
    assert everything(store) == before
    assert clean(store)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(steps=st.lists(_STEP, max_size=14))
def test_what_stands_is_as_if_nothing_else_had_been_said(stores: tuple[Store, Store], steps: list[_Step]) -> None:
    """Names of a database in which only what stands was ever said, in the order of the answers."""
    store, fresh = stores
    ids = empty(store)
    said: dict[int, _Step] = {}
    for step in steps:
        before = history.last_undoable(store) or 0
        try:
            take(store, ids, step)
        except UsageError:
            continue
        if (history.last_undoable(store) or 0) > before and step[0] not in ("undo", "last"):
            said[before + 1] = step
    ids = empty(fresh)
    merged: set[object] = set()
    for number, step in said.items():
        if history.stands(store, number):
            if step[0] == "merge":
                assume(step[1] not in merged)  # the latest merge of somebody counts, in one of names the first does
                merged.add(step[1])
            try:
                take(fresh, ids, step)
            except UsageError:
                assume(False)  # it spoke of somebody who wouldn't be there
    assert names(store) == names(fresh)


# --- databases of before ---


@pytest.mark.parametrize("before", ["0006-content", "0008-name-keys", "0009-redo"])
def test_a_journal_of_before_stands_as_it_did(tmp_path: Path, before: str) -> None:
    path = tmp_path / "old.db"
    with old_database(path, before) as old:
        columns = {row[1] for row in old.execute("PRAGMA table_info(photo)")}
        old.execute("INSERT INTO library VALUES (1, '/photos', '/photos', 'online')")
        if "library" in columns:
            old.execute(
                "INSERT INTO photo (id, library, path, path_text, size, mtime_ns, sha256, state)"
                " VALUES (1, 1, 'a.jpg', 'a.jpg', 1, 1, 'a', 'done')"
            )
        else:
            old.execute("INSERT INTO photo (id, sha256) VALUES (1, 'a')")
            old.execute(
                "INSERT INTO file (library, path, path_text, size, mtime_ns, photo, state)"
                " VALUES (1, 'a.jpg', 'a.jpg', 1, 1, 1, 'done')"
            )
        old.execute(
            "INSERT INTO face (id, photo, x, y, w, h, score, quality)"
            " VALUES (1, 1, 1, 1, 9, 9, 1, 1), (2, 1, 20, 1, 9, 9, 1, 1)"
        )
        if "library" not in columns:
            old.execute("UPDATE face SET subject = id")
        old.execute("INSERT INTO person (id, name, name_key, given) VALUES (1, 'Ada', 'ada', 'Ada')")
        old.execute("INSERT INTO person (id, name, name_key, given, gone) VALUES (2, 'Ben', 'ben', 'Ben', 1)")
        old.executemany(
            "INSERT INTO decision (id, at, origin, answer, verb, face, person, undoes)"
            " VALUES (?, '2020-01-01T00:00:00+00:00', 'typed', ?, ?, ?, ?, ?)",
            [(1, 1, "is", 1, 1, None), (2, 2, "is", 2, 2, None), (3, 3, "undo", None, None, 2)],
        )
        journal = old.execute("SELECT * FROM decision ORDER BY id").fetchall()
    with open_store(path) as store:
        assert list(store.rows("SELECT * FROM decision ORDER BY id")) == journal
        assert list(store.rows("SELECT * FROM undone")) == [(2,)]
        assert decisions.labels(store) == {1: ("is", 1)}
        assert people.names(store) == ["Ada"]
        assert clean(store)
        undo(store)
        assert decisions.labels(store) == {1: ("is", 1), 2: ("is", 2)}
        assert require_person(store, "Ben").id == 2
        with pytest.raises(PhototagError, match="never changed"), store.write():
            store.run("UPDATE decision SET undoes = NULL")
