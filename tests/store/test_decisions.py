"""What a human said, what holds of it, and what the machine may add."""

from __future__ import annotations

from pathlib import Path

import pytest

from phototag.errors import PhototagError
from phototag.store import decisions, embeddings, engines, faces, groups, models, people
from phototag.store.connect import Store, open_store
from phototag.store.decisions import Decision
from phototag.store.groups import NewClustering
from phototag.store.models import Model
from phototag.types import Group, Guess
from tests.support.databases import EMBEDDER, add_face, clean, old_database, say, step_back, unit, who


@pytest.fixture
def face(store: Store) -> int:
    return add_face(store, b"a.jpg", unit(1))


def guess(store: Store, *guesses: tuple[int, str | None]) -> None:
    """What a machine trained on everybody thinks."""
    with store.write():
        ids = [(face, people.ensure(store, name).id if name else None) for face, name in guesses]
        everybody = [row[0] for row in store.rows("SELECT id FROM person ORDER BY id")]
    rows = [unit(1)] * len(everybody)
    models.swap(store, Model(engines.register(store, EMBEDDER), tuple(everybody), 1, rows, [0.0] * len(rows), (), {}))  # type: ignore[arg-type]
    model = models.latest(store)
    assert model
    models.swap_guesses(store, model.id, [Guess(face, person, 0.75, 0.2) for face, person in ids])


def label(store: Store, face: int) -> tuple[str, str | None] | None:
    held = decisions.labels(store).get(face)
    if held is None:
        return None
    verb, person = held
    return verb, None if person is None else store.value("SELECT name FROM person WHERE id = ?", (person,))


def test_the_latest_answer_holds(store: Store, face: int) -> None:
    assert label(store, face) is None
    say(store, "is", face, "Ada")
    assert label(store, face) == ("is", "Ada")
    say(store, "is", face, "Ben")
    assert label(store, face) == ("is", "Ben")
    say(store, "dont-care", face)
    assert label(store, face) == ("dont-care", None)
    say(store, "is", face, "Ada")
    assert label(store, face) == ("is", "Ada")


def test_is_not_cancels_that_person_alone(store: Store, face: int) -> None:
    say(store, "is", face, "Ada")
    say(store, "is-not", face, "Ben")
    assert label(store, face) == ("is", "Ada")
    say(store, "is-not", face, "Ada")
    assert label(store, face) is None
    say(store, "is", face, "Ada")  # thought better of it
    assert label(store, face) == ("is", "Ada")


def test_is_not_does_not_bring_an_overruled_answer_back(store: Store, face: int) -> None:
    say(store, "is", face, "Ada")
    say(store, "is", face, "Ben")
    say(store, "is-not", face, "Ben")
    assert label(store, face) is None


def test_undo_goes_back_answer_by_answer(store: Store, face: int) -> None:
    say(store, "is", face, "Ada")
    say(store, "is", face, "Ben")
    say(store, "is-not", face, "Ben")
    assert step_back(store) == 1
    assert label(store, face) == ("is", "Ben")
    assert step_back(store) == 1
    assert label(store, face) == ("is", "Ada")
    assert step_back(store) == 1
    assert label(store, face) is None
    assert step_back(store) == 0
    say(store, "is", face, "Cy")
    assert label(store, face) == ("is", "Cy")
    assert store.value("SELECT count(*) FROM decision") == 7  # three said, three taken back, one said


def test_one_answer_about_many_faces_is_undone_as_one(store: Store, face: int) -> None:
    others = [add_face(store, b"%d.jpg" % number, unit(1)) for number in range(3)]
    say(store, "is", face, "Ada")
    with store.write():
        ben = people.ensure(store, "Ben").id
        decisions.record(store, [Decision("is", other, ben) for other in [face, *others]], "typed")
    assert step_back(store) == 4
    assert decisions.labels(store).keys() == {face}
    assert label(store, face) == ("is", "Ada")


def test_answers_have_their_own_numbers(store: Store, face: int) -> None:
    assert say(store, "is", face, "Ada") == 1
    assert say(store, "is", face, "Ben") == 2
    step_back(store)
    assert say(store, "is", face, "Cy") == 4  # the undoing was an answer too


def test_not_a_face_hides(store: Store, face: int) -> None:
    guess(store, (face, "Ada"))
    say(store, "not-a-face", face)
    assert who(store) == {}
    assert faces.count(store) == 0
    ids, _ = embeddings.vectors(store, engines.register(store, EMBEDDER), where="all")
    assert ids == []
    step_back(store)
    assert who(store) == {face: ("Ada", "machine")}


def test_humans_before_machines(store: Store, face: int) -> None:
    other = add_face(store, b"b.jpg", unit(1))
    guess(store, (face, "Ada"), (other, "Ada"))
    say(store, "is", face, "Ben")
    assert who(store) == {face: ("Ben", "human"), other: ("Ada", "machine")}
    [first, second] = faces.identified(store)
    assert (first.probability, second.probability) == (1.0, 0.75)


def test_no_guess_shows_on_a_face_nobody_cares_for(store: Store, face: int) -> None:
    guess(store, (face, "Ada"))
    say(store, "dont-care", face)
    assert who(store) == {face: (None, None)}


def test_no_guess_shows_that_a_human_refused(store: Store, face: int) -> None:
    guess(store, (face, "Ada"))
    say(store, "is-not", face, "Ben")
    assert who(store) == {face: ("Ada", "machine")}
    say(store, "is-not", face, "Ada")
    assert who(store) == {face: (None, None)}
    assert set(decisions.rejected(store)) == {(face, 1), (face, 2)}


def test_a_guess_of_nobody_is_unknown(store: Store, face: int) -> None:
    say(store, "is", face, "Ada")
    other = add_face(store, b"b.jpg", unit(1))
    guess(store, (other, None))
    assert who(store)[other] == (None, None)


def test_what_stands_of_who_is_who_comes_latest_first(store: Store, face: int) -> None:
    other = add_face(store, b"b.jpg", unit(1))
    say(store, "is-not", face, "Ada")  # taken back by the next but one
    say(store, "is", face, "Ben")  # overruled by the next
    say(store, "is", face, "Ada")
    with store.write():
        decisions.record(store, [Decision("same", face, other_face=other)], "typed")
    say(store, "is-not", other, "Ben")
    with store.write():
        decisions.record(store, [Decision("different", face, other_face=other)], "typed")
    step_back(store)
    ids = dict(store.rows("SELECT name, id FROM person"))
    assert list(decisions.constraints(store)) == [
        Decision("is-not", other, ids["Ben"]),
        Decision("same", face, None, other),
        Decision("is", face, ids["Ada"]),
    ]
    assert people.names(store) == ["Ada"]  # that it was Ben was a mistake


def test_counts_and_lists_of_people(store: Store, face: int) -> None:
    others = [add_face(store, b"%d.jpg" % number, unit(1)) for number in range(4)]
    say(store, "is", face, "ada")
    say(store, "is", others[0], "Ben")
    say(store, "dont-care", others[3])
    guess(store, (face, "Ben"), (others[1], "Ben"), (others[2], None))
    with store.write():
        people.ensure(store, "Nobody")
    assert [(p.person.name, p.confirmed, p.tagged, p.sure) for p in people.summaries(store)] == [
        ("Ben", 1, 1, 0.75),
        ("ada", 1, 0, None),
        ("Nobody", 0, 0, None),
    ]
    assert decisions.counts(store) == {"is": 2, "dont-care": 1}
    assert people.names(store) == ["ada", "Ben", "Nobody"]
    ben = people.find(store, "BEN")
    assert ben
    assert [entry.id for entry in faces.identified(store, person=ben.id)] == [others[0], others[1]]
    assert people.cover(store, ben.id) == others[0]


# --- groups ---


def unnamed_groups(store: Store) -> list[tuple[int, tuple[int, ...]]]:
    return [(group.number, group.face_ids) for group in groups.unnamed(store)]


def test_unnamed_groups_come_without_who_is_known(store: Store) -> None:
    ids = [add_face(store, b"%02d.jpg" % number, unit(1)) for number in range(12)]
    embedder = engines.register(store, EMBEDDER)
    assert not groups.exists(store)
    found = [
        Group(1, (ids[2], ids[1], ids[0], ids[3], ids[4])),
        Group(2, tuple(ids[5:9])),
        Group(3, (ids[10], ids[9])),
        Group(4, (999, ids[11])),  # a face that there isn't
    ]
    groups.swap(store, NewClustering(embedder, {}, found))
    assert groups.exists(store)
    assert unnamed_groups(store) == [
        (1, (ids[2], ids[1], ids[0], ids[3], ids[4])),
        (2, tuple(ids[5:9])),
        (3, (ids[10], ids[9])),
    ]
    say(store, "is", ids[0], "Ada")
    say(store, "dont-care", ids[1])
    say(store, "not-a-face", ids[9])
    guess(store, (ids[3], "Ada"), (ids[4], None))
    assert unnamed_groups(store) == [(2, tuple(ids[5:9])), (1, (ids[2], ids[4]))]
    assert groups.members(store, 1) == [ids[2], ids[4]]  # naming a group leaves out whom the machine named


def test_groups_are_swapped_whole_or_not_at_all(store: Store) -> None:
    ids = [add_face(store, b"%d.jpg" % number, unit(1)) for number in range(3)]
    embedder = engines.register(store, EMBEDDER)
    groups.swap(store, NewClustering(embedder, {}, [Group(1, tuple(ids))]))

    class Broken(Group):
        __slots__ = ()

        @property
        def face_ids(self) -> tuple[int, ...]:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        groups.swap(store, NewClustering(embedder, {}, [Group(1, (ids[0], ids[1])), Broken.__new__(Broken)]))
    assert unnamed_groups(store) == [(1, tuple(ids))]
    groups.swap(store, NewClustering(embedder, {"split": 0.3}, []))
    assert unnamed_groups(store) == []
    assert store.value("SELECT count(*) FROM clustering") == 1


def test_the_cover_is_the_largest_of_the_best_faces(store: Store) -> None:
    ids = [add_face(store, b"%d.jpg" % number, unit(number, 1)) for number in range(5)]
    with store.write():
        for face, quality, side in zip(ids, (0.99, 0.98, 0.97, 0.7, 1.0), (40, 200, 90, 500, 900), strict=True):
            store.run("UPDATE face SET quality = ?, w = ?, h = ? WHERE id = ?", (quality, side, side, face))
    for face in ids[:4]:
        say(store, "is", face, "Ada")
    [ada] = people.summaries(store)
    assert people.cover(store, ada.person.id) == ids[1]
    say(store, "is-not", ids[1], "Ada")
    assert people.cover(store, ada.person.id) == ids[2]


def test_a_journal_of_before_is_taken_over_row_by_row(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    columns = "id, at, origin, answer, verb, face, other_face, person, undoes"
    with old_database(path, "0005-people") as old:
        old.executescript(
            "INSERT INTO library VALUES (1, '/photos', '/photos', 'online');"
            "INSERT INTO photo (id, library, path, path_text, size, mtime_ns, sha256, state)"
            " VALUES (1, 1, 'a.jpg', 'a.jpg', 1, 1, 'a', 'done');"
            "INSERT INTO face (id, photo, x, y, w, h, score, quality)"
            " VALUES (1, 1, 1, 1, 9, 9, 1, 1), (2, 1, 20, 1, 9, 9, 1, 1);"
            "INSERT INTO person (id, name, name_key) VALUES (1, 'Ada', 'ada'), (2, 'Adda', 'adda');"
            "INSERT INTO decision VALUES (1, '2020-01-01T00:00:00+00:00', 'typed', 1, 'is', 1, NULL, 1, NULL),"
            " (2, '2020-01-02T00:00:00+00:00', 'typed', 2, 'is', 2, NULL, 2, NULL),"
            " (3, '2020-01-03T00:00:00+00:00', 'typed', 3, 'undo', NULL, NULL, NULL, 2),"
            " (4, '2020-01-04T00:00:00+00:00', 'folder', 4, 'different', 1, 2, NULL, NULL);"
        )
        before = old.execute(f"SELECT {columns} FROM decision ORDER BY id").fetchall()
    with open_store(path) as store:
        assert list(store.rows(f"SELECT {columns} FROM decision ORDER BY id")) == before
        assert decisions.labels(store) == {1: ("is", 1)}
        assert people.names(store) == ["Ada"]  # what was said of the other one is taken back
        assert clean(store)
        with pytest.raises(PhototagError, match="never changed"), store.write():
            store.run("UPDATE decision SET verb = 'is-not'")
        with pytest.raises(PhototagError, match="never deleted"), store.write():
            store.run("DELETE FROM decision WHERE id = 4")
        say(store, "is", 2, "adda")
        assert people.names(store) == ["Ada", "adda"]
    assert path.with_name("old.db.before-0005-people").exists()
