"""What is left of photos that were forgotten, and of people who were."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from phototag.errors import PhototagError, UsageError
from phototag.store import (
    decisions,
    embeddings,
    face_places,
    faces,
    files,
    forget_people,
    forget_photos,
    groups,
    history,
    libraries,
    models,
    people,
    person_updates,
    photos,
)
from phototag.store.connect import Store, open_store
from phototag.store.decisions import Decision
from phototag.store.faces import Identified
from phototag.store.forget_photos import Places
from phototag.store.groups import NewClustering
from phototag.store.models import Model
from phototag.types import Box, Group, PhotoFile
from tests.support.databases import add_photo, clean, new_face, old_database, say, unit, who

HEAD, OTHER = Box(10, 10, 50, 50), Box(200, 10, 50, 50)
LOOKS = ("crop", "embedding", "detection", "preview", "guess", "cluster_member")


def lose(store: Store, *paths: bytes) -> None:
    files.mark_missing(store, [store.value("SELECT id FROM file WHERE path = ?", (path,)) for path in paths])


def forget_missing(store: Store, before: str | None = None) -> Places:
    with store.write():
        places = forget_photos.missing_places(store, before)
        forget_photos.drop_places(store, places)
    assert clean(store)
    return places


def forget_below(store: Store, folder: bytes) -> Places:
    with store.write():
        places = forget_photos.places_below(store, folder, libraries.every(store))
        forget_photos.drop_places(store, places)
    assert clean(store)
    return places


def forget_person(store: Store, name: str) -> int:
    found = people.find(store, name)
    assert found is not None
    with store.write():
        forget_people.drop_person(store, found.id)
    assert clean(store)
    return found.id


def at(store: Store, box: Box) -> Identified:
    return next(face for face in faces.identified(store) if face.box == box)


def edited(store: Store, path: bytes, content: bytes, subject: int | None) -> int:
    """Other content comes to a path, on which a face of the photo before is found again."""
    from dataclasses import replace

    from tests.support.databases import decoded

    [place] = store.rows("SELECT id FROM file WHERE path = ?", (path,))
    with store.write():
        photo = photos.add(store, decoded(content))
        face = replace(new_face(HEAD, unit(1)), subject=subject)
        face_places.replace(store, photo, 1, 2, [face], b"small")
        files.finish(store, place[0], PhotoFile(path, 1000, 6), photo, version=True)
    return photo


# --- photos ---


def test_a_photo_that_returns_has_its_names_again(store: Store) -> None:
    both = [(HEAD, unit(1)), (OTHER, unit(0, 1))]
    add_photo(store, b"a.jpg", both)
    add_photo(store, b"b.jpg", [(HEAD, unit(0, 0, 1))])
    groups.swap(store, NewClustering(2, {}, [Group(1, (1, 2, 3))]))
    say(store, "is", 1, "Ada")
    lose(store, b"a.jpg")
    stamp = decisions.version_token(store)
    places = forget_missing(store)
    assert (len(places.photos), places.faces, places.named) == (1, 2, 1)
    assert decisions.version_token(store) != stamp
    assert photos.count_away(store) == 0
    assert {table: store.value(f"SELECT count(*) FROM {table}") for table in LOOKS[:4]} == dict.fromkeys(LOOKS[:4], 1)
    assert embeddings.labelled(store, 2)[0] == []
    assert [row[0] for row in store.rows("SELECT id FROM face ORDER BY id")] == [1, 3]
    assert [told.sha256 is not None for told in faces.decided(store)] == [True]  # the names file still speaks of it
    add_photo(store, b"elsewhere.jpg", both, content=b"a.jpg")
    assert who(store) == {1: ("Ada", "human"), 3: (None, None), 4: (None, None)}
    assert embeddings.labelled(store, 2)[:2] == ([1], [1])


def test_photos_of_a_folder_that_is_offline_are_not_missing(store: Store) -> None:
    add_photo(store, b"a.jpg", [(HEAD, unit(1))])
    [library] = libraries.every(store)
    libraries.set_state(store, library, "offline")
    assert photos.count_away(store) == 0
    assert forget_missing(store).photos == frozenset()
    assert len(who(store)) == 1


def test_only_what_is_missing_for_long_is_forgotten(store: Store) -> None:
    for path in (b"long.jpg", b"lately.jpg", b"there.jpg"):
        add_photo(store, path, [(HEAD, unit(1))])
    lose(store, b"long.jpg", b"lately.jpg")
    assert store.value("SELECT count(*) FROM file WHERE missing_since IS NOT NULL") == 2
    with store.write():
        store.run("UPDATE file SET missing_since = '2020-01-01T00:00:00+00:00' WHERE path = ?", (b"long.jpg",))
    assert forget_missing(store, "2020-06-01T00:00:00+00:00").photos == {1}
    files.mark_found(store, [store.value("SELECT id FROM file WHERE path = ?", (b"lately.jpg",))])
    assert store.value("SELECT count(*) FROM file WHERE missing_since IS NOT NULL") == 0
    assert len(who(store)) == 2


def test_files_that_were_missing_before_are_missing_since_now(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with old_database(path, "0010-forget") as old:
        old.executescript(
            "INSERT INTO library VALUES (1, '/photos', '/photos', 'online');"
            "INSERT INTO photo (id, sha256) VALUES (1, 'x'), (2, 'y');"
            "INSERT INTO file (library, path, path_text, size, mtime_ns, photo, state) VALUES"
            " (1, 'a', 'a', 1, 1, 1, 'missing'), (1, 'b', 'b', 1, 1, 2, 'done');"
        )
    with open_store(path) as store:
        assert clean(store)
        assert [bool(row[0]) for row in store.rows("SELECT missing_since FROM file ORDER BY path")] == [True, False]
        assert forget_photos.missing_places(store, "2026-01-01T00:00:00+00:00").photos == frozenset()
        assert forget_photos.missing_places(store).photos == {1}


def test_an_earlier_version_goes_with_the_last_one_and_its_names_come_back(store: Store) -> None:
    first = add_photo(store, b"a.jpg", [(HEAD, unit(1))], content=b"x")
    say(store, "is", 1, "Ada")
    second = edited(store, b"a.jpg", b"y", 1)
    assert forget_photos.missing_places(store).photos == frozenset()
    lose(store, b"a.jpg")
    assert forget_missing(store).photos == {first, second}
    assert store.value("SELECT count(*) FROM embedding") == store.value("SELECT count(*) FROM former") == 0
    add_photo(store, b"again.jpg", [(HEAD, unit(1))], content=b"y")
    assert [name for name, _ in who(store).values()] == ["Ada"]


def test_a_folder_is_forgotten_and_what_lies_outside_stays(store: Store) -> None:
    for path in (b"in/a.jpg", b"in/b.jpg", b"inside.jpg", b"in.jpg"):
        add_photo(store, path, [(HEAD, unit(1))])
    add_photo(store, b"out.jpg", [(HEAD, unit(1))], content=b"in/b.jpg")
    for face in who(store):
        say(store, "is", face, f"Number {face}")
    before = who(store)
    places = forget_below(store, b"/photos/in")
    assert (places.photos, len(places.files), places.named) == ({1}, 2, 1)
    assert who(store) == {face: name for face, name in before.items() if face != 1}
    assert forget_below(store, b"/photos/nothing").files == frozenset()
    assert len(forget_below(store, b"/photos").roots) == 1
    assert (libraries.every(store), who(store)) == ([], {})
    for path in (b"a", b"b"):
        add_photo(store, path, [(HEAD, unit(1))], root=b"/new", content=b"in/a.jpg" if path == b"a" else b"in.jpg")
    assert {name for name, _ in who(store).values()} == {"Number 1", "Number 4"}


def test_a_folder_around_indexed_ones_is_all_of_them(store: Store) -> None:
    for root in (b"/photos/one", b"/photos/two", b"/photoshop"):
        add_photo(store, root, [(HEAD, unit(1))], root=root)
    assert len(forget_below(store, b"/photos/").roots) == 2
    assert [library.root for library in libraries.every(store)] == [b"/photoshop"]


def test_no_number_is_used_again(store: Store) -> None:
    photo = add_photo(store, b"a.jpg", [(HEAD, unit(1))])
    lose(store, b"a.jpg")
    forget_missing(store)
    assert add_photo(store, b"b.jpg", [(HEAD, unit(0, 1))]) > photo
    assert list(who(store)) == [2]


def test_a_file_that_is_being_looked_at_when_it_is_forgotten_gets_no_other_place(store: Store) -> None:
    photo = add_photo(store, b"a.jpg", [(HEAD, unit(1))])
    [number] = files.begin(store, 1, [PhotoFile(b"b.jpg", 1, 1)])
    forget_below(store, b"/photos")
    library = libraries.add(store, b"/photos").id
    assert files.begin(store, library, [PhotoFile(b"c.jpg", 1, 1)]) == [1] != [number]
    with store.write():
        files.finish(store, 1, PhotoFile(b"b.jpg", 1, 1), photo)
    assert list(store.rows("SELECT photo FROM file")) == [(None,)]


# --- people ---


def holds(path: Path, text: str | bytes) -> bool:
    wanted = text if isinstance(text, bytes) else text.encode()
    return any(wanted in Path(f"{path}{end}").read_bytes() for end in ("", "-wal") if Path(f"{path}{end}").exists())


def test_nothing_of_a_forgotten_person_is_left_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "p.db"
    with open_store(path, create=True) as store:
        look = unit(0.31, 0.41, 0.59, 0.26)
        add_photo(store, b"a.jpg", [(HEAD, look), (OTHER, unit(0, 1))])
        say(store, "is", 1, "Quetzalina")
        say(store, "is", 2, "Ben")
        say(store, "is", 1, "Xiuhtecuhtli")  # corrected: nobody is called the former any more
        with store.write():
            person = people.find(store, "Xiuhtecuhtli")
            assert person is not None
            person_updates.reserve_name(store, person.id, "Tlaltecuhtli")
            decisions.record(store, [Decision("rename", person=person.id, name="Tlaltecuhtli")], "typed")
            person_updates.refresh(store, [person.id])
        forget_person(store, "tlaltecuhtli")
        assert store.wipe()
        assert who(store) == {2: ("Ben", "human")}
        assert people.names(store) == ["Ben"]
        assert dict(people.names_and_aliases(store)).keys() == {"Ben"}
    names = ["Tlaltecuhtli", "Xiuhtecuhtli", "Quetzalina"]
    texts: tuple[str | bytes, ...] = (*names, *map(str.lower, names))
    for gone in (*texts, look.tobytes(), b"jpeg of " + look.tobytes()[:4]):
        assert not holds(path, gone), gone
    assert holds(path, "Ben")


def test_a_forgotten_persons_face_is_not_found_again(store: Store) -> None:
    both = [(HEAD, unit(1)), (OTHER, unit(0, 1))]
    add_photo(store, b"a.jpg", both)
    say(store, "is", 1, "Ada")
    forget_person(store, "Ada")
    near = Box(HEAD.x + 20, HEAD.y, HEAD.w, HEAD.h)  # as another detector has it
    for box in (HEAD, near):
        add_photo(store, b"a.jpg", [(box, unit(1)), both[1]])
        add_photo(store, b"copy.jpg", [(box, unit(1)), both[1]], content=b"a.jpg")
        assert list(who(store)) == [2]
        assert store.value("SELECT count(*) FROM embedding") == store.value("SELECT count(*) FROM crop") == 1


def test_a_photo_of_a_forgotten_person_alone_has_no_picture_when_it_is_indexed_again(store: Store) -> None:
    add_photo(store, b"a.jpg", [(HEAD, unit(1))])
    say(store, "is", 1, "Ada")
    forget_person(store, "Ada")
    assert photos.count(store) == 1
    add_photo(store, b"a.jpg", [(HEAD, unit(1))])
    assert store.value("SELECT count(*) FROM preview") == 0


def test_a_forgotten_persons_face_is_not_found_in_an_edited_photo(store: Store) -> None:
    add_photo(store, b"a.jpg", [(HEAD, unit(1))])
    say(store, "is", 1, "Ada")
    forget_person(store, "Ada")
    edited(store, b"a.jpg", b"y", 1)
    assert who(store) == {}
    edited(store, b"a.jpg", b"z", 2)  # the face on the version before is a forgotten one, too
    assert who(store) == {}


def test_a_photo_that_is_gone_returns_without_a_forgotten_person(store: Store) -> None:
    both = [(HEAD, unit(1)), (OTHER, unit(0, 1))]
    add_photo(store, b"a.jpg", both)
    say(store, "is", 1, "Ada")
    say(store, "is", 2, "Ben")
    lose(store, b"a.jpg")
    forget_missing(store)
    forget_person(store, "Ada")
    add_photo(store, b"a.jpg", both)
    assert who(store) == {2: ("Ben", "human")}


def test_whoever_was_merged_into_a_forgotten_person_is_forgotten(store: Store) -> None:
    add_photo(store, b"a.jpg", [(HEAD, unit(1)), (OTHER, unit(0, 1))])
    say(store, "is", 1, "Ada")
    say(store, "is", 2, "Addie")
    with store.write():
        ada, addie = (people.find(store, name) for name in ("Ada", "Addie"))
        assert ada is not None and addie is not None
        said = [Decision("merge", person=addie.id, other_person=ada.id), Decision("is", 2, ada.id)]
        decisions.record(store, said, "typed")
        person_updates.refresh(store, [ada.id, addie.id])
    assert forget_person(store, "Addie") == ada.id
    assert (who(store), people.names(store), people.names_and_aliases(store)) == ({}, [], [])
    assert {row[0] for row in store.rows("SELECT name FROM person")} == {f"person {ada.id}", f"person {addie.id}"}
    with store.write():
        new = people.ensure(store, "Ada")  # somebody else
    assert new.id not in (ada.id, addie.id)


def test_nothing_brings_a_forgotten_person_back(store: Store) -> None:
    add_photo(store, b"a.jpg", [(HEAD, unit(1)), (OTHER, unit(0, 1))])
    add_photo(store, b"b.jpg", [(HEAD, unit(0, 0, 1))])
    about_ada = say(store, "is", 1, "Ada")
    with store.write():
        ben = people.ensure(store, "Ben")
        both = decisions.record(store, [Decision("is-not", 2, 1), Decision("is", 2, ben.id)], "typed")
        decisions.record(store, [Decision("same", 1, other_face=2)], "typed")
    number = forget_person(store, "Ada")
    last = store.value("SELECT max(answer) FROM decision")
    for said in (
        Decision("is", 3, number),
        Decision("is", 1, ben.id),
        Decision("same", 3, other_face=1),
        Decision("merge", person=number, other_person=ben.id),
        Decision("different", person=ben.id, other_person=number),
    ):
        with pytest.raises(UsageError, match="forgotten for good"), store.write():
            decisions.record(store, [said], "typed")
    with store.write():
        assert history.undo(store, about_ada) == 0
        assert history.undo(store, both) == 1  # what it said of others is undone
    assert store.value("SELECT count(*) FROM standing") == 0
    assert who(store) == {2: (None, None), 3: (None, None)}
    told = {part.person for answer in history.answers(store) for part in answer.parts}
    assert told == {f"person {number}", "Ben", None}
    assert next(answer.number for answer in history.answers(store)) == last + 1
    with pytest.raises(PhototagError, match="never changed"), store.write():
        store.run("UPDATE decision SET name = 'x' WHERE person = ?", (ben.id,))


def test_what_was_learnt_of_a_forgotten_person_is_gone(store: Store) -> None:
    import numpy as np

    add_photo(store, b"a.jpg", [(HEAD, unit(1)), (OTHER, unit(0, 1))])
    say(store, "is", 1, "Ada")
    models.swap(store, Model(2, (1,), 1, np.ones((1, 8), np.float32), np.zeros(1), (), {}))
    with store.write():
        store.run("INSERT INTO guess VALUES (2, 1, 1, 0.9, 0.1, '[]')")
    assert forget_people.person_data(store, 1).tagged == (2,)
    forget_person(store, "Ada")
    assert models.latest(store) is None
    assert who(store) == {2: (None, None)}


def test_a_reader_keeps_the_file_from_being_wiped_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    add_photo(store, b"a.jpg", [(HEAD, unit(1))])
    store.connection.execute("PRAGMA busy_timeout = 10")
    with closing(sqlite3.connect(store.path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM face").fetchone()
        assert not store.wipe()
    assert store.wipe()
