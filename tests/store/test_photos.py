"""Photos' states, paths of any bytes, problems."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from phototag.store import faces, files, libraries, people, photos, problems
from phototag.store.connect import Store, open_reader, open_store
from phototag.types import Box, PhotoFile, Problem
from tests.support.databases import add_photo, say, unit, who

PATHS = [
    b"caf\xe9.jpg",
    b"\xff\xfe.jpg",
    b"new\nline.jpg",
    b"\x1b[31mred.jpg",
    "\u202egpj.exe".encode(),
    "e\u0301.jpg".encode(),
    "\u00e9.jpg".encode(),
    b"javascript:a.jpg",
    b"<img src=x onerror=alert(1)>.jpg",
    b"-rf",
    b"'; DROP TABLE photo; --.jpg",
    b"%s%n?#&.jpg",
    "👩‍👩‍👧.jpg".encode(),
    b"\xed\xa0\x80.jpg",  # a surrogate, as no UTF-8 has it
    b" ",
    b"x" * 255,
]


def test_paths_of_any_bytes_round_trip(store: Store) -> None:
    for number, path in enumerate(PATHS):
        add_photo(store, path, [(Box(1, 1, 9, 9), unit(1, number))], root=b"/ph\xf6tos")
    with open_reader(store.path) as reader:
        assert sorted(entry.path for entry in faces.identified(reader)) == sorted(b"/ph\xf6tos/" + p for p in PATHS)
        assert set(files.known(reader, 1, 1, 2)) == set(PATHS)
        assert sorted(entry.path for entry in photos.with_faces(reader)) == sorted(PATHS)
        [library] = libraries.every(reader)
        assert library.root == b"/ph\xf6tos"
        for photo, path, _, _ in photos.done(reader, 1):
            assert photos.path_of(reader, photo) == b"/ph\xf6tos/" + path


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.binary(min_size=1, max_size=40).filter(lambda path: b"\0" not in path and b"/" not in path),
        min_size=1,
        max_size=5,
        unique=True,
    )
)
def test_any_path_round_trips(paths: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder, "p.db"), create=True) as store:
        for path in paths:
            add_photo(store, path, [(Box(1, 1, 9, 9), unit(1))])
        assert sorted(entry.path for entry in faces.identified(store)) == sorted(b"/photos/" + path for path in paths)


def test_faces_come_by_path_and_a_persons_by_date(store: Store) -> None:
    dates = {b"b.jpg": "2020-01-01T00:00:00", b"a.jpg": None, b"c.jpg": "1999-01-01T00:00:00"}
    for path, taken in dates.items():
        add_photo(store, path, [(Box(1, 1, 9, 9), unit(1))], taken_at=taken)
    for face in who(store):
        say(store, "is", face, "Ada")
    assert [os.path.basename(entry.path) for entry in faces.identified(store)] == [b"a.jpg", b"b.jpg", b"c.jpg"]
    by_date = [os.path.basename(entry.path) for entry in faces.identified(store, person=1)]
    assert by_date == [b"c.jpg", b"b.jpg", b"a.jpg"]
    assert [entry.path for entry in photos.with_faces(store)] == by_date
    [ada] = people.summaries(store)
    assert (ada.first, ada.last) == ("1999-01-01T00:00:00", "2020-01-01T00:00:00")


def test_people_seen_together(store: Store) -> None:
    boxes = [Box(100 * number, 1, 9, 9) for number in range(3)]
    for path in (b"a.jpg", b"b.jpg"):
        add_photo(store, path, [(box, unit(1)) for box in boxes])
    by_photo = {(entry.photo_id, entry.box.x): entry.id for entry in faces.identified(store)}
    for key, name in {(1, 0): "Ada", (1, 100): "Ben", (1, 200): "Ben", (2, 0): "Ada", (2, 100): "Cy"}.items():
        say(store, "is", by_photo[key], name)
    ada, ben, cy = (people.find(store, name).id for name in ("Ada", "Ben", "Cy"))
    assert people.seen_together(store, ada) == [(ben, 1), (cy, 1)]
    assert people.seen_together(store, cy) == [(ada, 1)]
    assert [face.box.x for face in faces.of_photo(store, 2)] == [0, 100, 200]


# --- states ---

FILE = PhotoFile(b"a.jpg", 10, 20)


def state(store: Store) -> tuple[str, int]:
    [row] = store.rows("SELECT state, attempts FROM file")
    return tuple(row)


def place(store: Store, path: bytes) -> int:
    return int(store.value("SELECT id FROM file WHERE path = ?", (path,)))


def test_attempts_are_counted_before_and_taken_back_after(store: Store) -> None:
    library = libraries.add(store, b"/photos").id
    [number] = files.begin(store, library, [FILE])
    assert state(store) == ("new", 1)
    assert files.begin(store, library, [FILE]) == [number]
    assert state(store) == ("new", 2)
    with store.write():
        files.reset_attempts(store, [number, number])
        files.reset_attempts(store, [number])
    assert state(store) == ("new", 0)


def test_a_file_that_is_no_photo_leaves_no_row(store: Store) -> None:
    library = libraries.add(store, b"/photos").id
    [number] = files.begin(store, library, [FILE])
    with store.write():
        files.drop(store, number, FILE)
    assert files.counts(store) == {}


def test_a_photo_that_became_something_else_keeps_its_row_and_its_names_elsewhere(store: Store) -> None:
    photo = add_photo(store, b"a.jpg", [(Box(1, 1, 9, 9), unit(1))])
    [face] = who(store)
    say(store, "is", face, "Ada")
    with store.write():
        files.drop(store, place(store, b"a.jpg"), FILE)
    assert state(store) == ("failed", 0)
    assert files.known(store, 1, 1, 2)[b"a.jpg"].size == 10  # as it is now: not opened again
    assert who(store) == {}
    assert photos.count_away(store) == 1
    assert photos.path_of(store, photo) == b"/photos/a.jpg"
    [other] = files.begin(store, 1, [PhotoFile(b"b.jpg", 1, 1)])
    with store.write():
        files.finish(store, other, PhotoFile(b"b.jpg", 1, 1), photo)
    assert who(store) == {face: ("Ada", "human")}


def test_missing_and_found(store: Store) -> None:
    add_photo(store, b"done.jpg")
    add_photo(store, b"broken.jpg")
    both = [place(store, path) for path in (b"done.jpg", b"broken.jpg")]
    with store.write():
        files.fail(store, both[1], PhotoFile(b"broken.jpg", 10, 20), quarantined=False)
    files.mark_missing(store, both)
    assert files.counts(store) == {"missing": 2}
    assert libraries.every(store)[0].photos == 0
    files.mark_found(store, both)
    assert files.counts(store) == {"done": 1, "new": 1}  # of what could not be read, nothing is known


def test_a_photo_has_as_many_places_as_files_hold_it(store: Store) -> None:
    photo = add_photo(store, b"a.jpg", [(Box(1, 1, 9, 9), unit(1))], content=b"x")
    assert add_photo(store, b"b.jpg", [(Box(1, 1, 9, 9), unit(1))], content=b"x") == photo
    [face] = who(store)
    say(store, "is", face, "Ada")
    for path, left in ((b"a.jpg", b"/photos/b.jpg"), (b"b.jpg", None)):
        files.mark_missing(store, [place(store, path)])
        assert [entry.path for entry in faces.identified(store)] == ([left] if left else [])
    assert (photos.count(store), photos.count_away(store)) == (0, 1)
    add_photo(store, b"c.jpg", [(Box(1, 1, 9, 9), unit(1))], content=b"x")
    assert who(store) == {face: ("Ada", "human")}
    assert files.counts(store) == {"done": 1}


def test_what_was_at_a_place_before_is_remembered(store: Store) -> None:
    first = add_photo(store, b"a.jpg", [(Box(1, 1, 9, 9), unit(1))], content=b"x")
    second = add_photo(store, b"b.jpg", content=b"y")
    number = place(store, b"a.jpg")
    assert files.predecessors(store, number, 4) == [first]
    with store.write():
        files.finish(store, number, FILE, second, version=True)
    assert files.predecessors(store, number, 4) == [second, first]
    assert photos.count_away(store) == 0  # an edited version of it is there
    assert who(store) == {}


def test_a_changed_inode_is_a_changed_file(store: Store) -> None:
    add_photo(store, b"a.jpg")
    known = files.known(store, 1, 1, 2)[b"a.jpg"]
    assert known.ctime_ns is None
    assert known.matches(PhotoFile(b"a.jpg", 1000, 5, 77))  # nobody noted it yet
    files.record_times(store, [(known.id, PhotoFile(b"a.jpg", 1000, 5, 77))])
    known = files.known(store, 1, 1, 2)[b"a.jpg"]
    assert known.matches(PhotoFile(b"a.jpg", 1000, 5, 77))
    assert not known.matches(PhotoFile(b"a.jpg", 1000, 5, 78))
    assert not known.matches(PhotoFile(b"a.jpg", 1000, 6, 77))


# --- problems ---


def test_problems_are_counted_by_file(store: Store) -> None:
    one, two = libraries.add(store, b"/one").id, libraries.add(store, b"/two").id
    # The last two look alike in text.
    for path in (b"a.jpg", b"\xff.jpg", b"\\xff.jpg"):
        with store.write():
            problems.record(store, one, Problem(path, "decode", "corrupt", "broken"))
    with store.write():
        problems.record(store, one, Problem(b"a.jpg", "decode", "truncated", "still broken"))
        problems.record(store, one, Problem(b"a.jpg", "faces", "engine-failed", "oops"))
        problems.record(store, two, Problem(b"a.jpg", "walk", "denied", "no"))
    assert problems.count(store) == 4
    assert problems.count(store, one) == 3
    assert problems.count(store, two) == 1
    assert (b"/one", Problem(b"a.jpg", "decode", "truncated", "still broken"), 2) in list(problems.listed(store))
    with store.write():
        problems.clear(store, one, b"a.jpg")
        problems.clear_stage(store, two, "walk")
    assert problems.count(store) == 2


# --- people's names ---


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(categories=["L", "N", "P", "Z", "M"]), min_size=1, max_size=20))
def test_names_in_any_spelling_are_one_person(name: str) -> None:
    import unicodedata

    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder, "p.db"), create=True) as store:
        try:
            with store.write():
                first = people.ensure(store, name)
        except ValueError:
            assert not any(unicodedata.category(char)[0] in "LNP" for char in name)
            return
        for spelling in (
            unicodedata.normalize("NFD", name),
            unicodedata.normalize("NFC", name),
            f"  {name}\n",
            "\x1b\u202e" + name,
            first.name,
        ):
            with store.write():
                assert people.ensure(store, spelling) == first
            assert people.find(store, spelling) == first
        assert people.names(store) == [first.name]


def test_case_makes_no_difference(store: Store) -> None:
    for spellings in (("Ada Lovelace", "ADA  lovelace"), ("Jürgen Groß", "JU\u0308RGEN GROSS"), ("Ζωή", "ΖΩΉ")):
        with store.write():
            first, second = (people.ensure(store, spelling) for spelling in spellings)
        assert first == second
        assert first.name == spellings[0]
    assert len(people.names(store)) == 3
