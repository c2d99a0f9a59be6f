"""Names leave a database as a file and come into another one: nothing that stands is lost, nothing is said twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phototag.errors import UsageError
from phototag.interop.names_file import ListedPerson, NamesFile
from phototag.interop.read_names import parse
from phototag.interop.write_names import render
from phototag.progress import Silent
from phototag.store import decisions, people
from phototag.store.connect import Store, open_store
from phototag.types import Box
from phototag.workflows.naming.export_names import export_names
from phototag.workflows.naming.history import undo
from phototag.workflows.naming.import_names import Imported, import_names
from phototag.workflows.naming.name import compare, dismiss, name_faces
from phototag.workflows.naming.people import different, hide, merge, reject_faces, rename, require_person, split
from tests.support import fakes
from tests.support.databases import add_photo, clean, step_back, unit, who

LEFT, MIDDLE, RIGHT = Box(10, 10, 50, 50), Box(120, 10, 50, 50), Box(200, 10, 50, 50)
THREE = [(LEFT, unit(1)), (MIDDLE, unit(0, 1)), (RIGHT, unit(0, 0, 1))]


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Store]:
    """Another machine's database."""
    with open_store(tmp_path / "other.db", create=True) as opened:
        yield opened


def fill(store: Store, root: bytes = b"/photos") -> list[int]:
    """Two photos of three faces; returns the faces' ids."""
    for path in (b"2019/a.jpg", b"2020/b.jpg"):
        add_photo(store, path, THREE, root=root, content=path)
    return [row[0] for row in store.rows("SELECT id FROM face ORDER BY id")]


def carry(store: Store, other: Store, **how: Any) -> Imported:
    """Export here, import there, by way of the file's bytes."""
    return import_names(other, parse(render(export_names(store).names)), fakes.settings(), Silent(), **how)


def said(store: Store) -> NamesFile:
    """What an export says, but for when and where it was said, and where photos are."""
    names = export_names(store).names
    return replace(
        names,
        photos=tuple(
            replace(
                photo,
                path=b"",
                faces=tuple(
                    replace(face, decisions=tuple(replace(one, at="", origin="typed") for one in face.decisions))
                    for face in photo.faces
                ),
            )
            for photo in names.photos
        ),
        pairs=tuple(replace(pair, at="", origin="typed") for pair in names.pairs),
        different=tuple(replace(two, at="", origin="typed") for two in names.different),
    )


def everything(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    return {table: list(store.rows(f"SELECT * FROM {table}")) for table in ("decision", "person", "face", "guess")}


def test_all_that_stands_moves(store: Store, other: Store) -> None:
    one, two, three, four, five, six = fill(store)
    name_faces(store, [one, four], "Ada")
    name_faces(store, [two], "Addie")
    merge(store, "Addie", "Ada")
    name_faces(store, [five], "Ben")
    rename(store, "Ben", "Benedict")
    reject_faces(store, "Ada", [five])
    dismiss(store, [three], "not-a-face")
    dismiss(store, [six], "dont-care")
    compare(store, "same", one, four)
    compare(store, "different", one, five)
    different(store, "Ada", "Benedict")
    hide(store, "Benedict")

    fill(other, b"/elsewhere")
    done = carry(store, other)
    assert (done.names, done.faces, done.people, done.pairs, done.added) == (4, 6, 2, 3, 0)
    assert (done.standing, done.differences, done.not_indexed, done.problems) == (0, (), (), ())
    assert said(other) == said(store)
    assert set(other.rows("SELECT DISTINCT origin, answer FROM decision")) == {("imported", 1)}
    assert require_person(other, "addie").name == "Ada"
    assert require_person(other, "Benedict").hidden
    assert clean(other)


def test_a_second_time_nothing_is_left_to_say(store: Store, other: Store) -> None:
    test_all_that_stands_moves(store, other)
    before = everything(other)
    done = carry(store, other)
    assert (done.answer, done.faces, done.people, done.differences) == (None, 0, 0, ())
    assert done.standing == 12
    assert everything(other) == before


def test_one_undo_takes_it_back(store: Store, other: Store) -> None:
    [one, *_] = fill(store)
    name_faces(store, [one], "Ada")
    hide(store, "Ada")
    fill(other)
    done = carry(store, other)
    assert undo(other, done.answer).decisions == 2
    assert people.names(other) == []
    assert said(other) == NamesFile()
    assert carry(store, other).names == 1  # and it can be said again
    assert said(other) == said(store)


def test_what_was_taken_back_does_not_move(store: Store, other: Store) -> None:
    one, two, *_ = fill(store)
    name_faces(store, [one, two], "Ada")
    undo(store)
    name_faces(store, [one], "Ben")
    reject_faces(store, "Ben", [one])
    fill(other)
    carry(store, other)
    assert people.names(other) == ["Ben"]
    assert set(who(other).values()) == {(None, None)}
    assert said(other) == said(store)


def test_what_was_said_here_stays(store: Store, other: Store) -> None:
    one, two, three, four, five, six = fill(store)
    name_faces(store, [one, two, three], "Ada")
    dismiss(store, [four], "not-a-face")
    reject_faces(store, "Ada", [five])
    compare(store, "same", five, six)
    ids = fill(other)
    name_faces(other, ids[:1], "Ada")  # as in the file
    name_faces(other, ids[1:2], "Ben")
    name_faces(other, ids[2:3], "Cy")
    name_faces(other, [ids[2]], "Ada")
    reject_faces(other, "Ada", [ids[2]])
    name_faces(other, ids[3:4], "Ben")
    name_faces(other, ids[4:5], "Ada")
    compare(other, "different", ids[4], ids[5])
    before = everything(other)
    done = carry(store, other)
    assert (done.answer, done.standing, done.overruled) == (None, 1, 0)
    assert [(one.box, one.here, one.file) for one in done.differences] == [
        (MIDDLE, "is Ben", "is Ada"),
        (RIGHT, "is-not Ada", "is Ada"),
        (LEFT, "is Ben", "not-a-face"),
        (MIDDLE, "is Ada", "is-not Ada"),
        (MIDDLE, "different person as another face", "same"),
    ]
    assert "2019/a.jpg (120, 10): here is Ben, in the file is Ada" in str(done.differences[0])
    assert everything(other) == before


def test_unless_it_is_overruled(store: Store, other: Store) -> None:
    test_what_was_said_here_stays(store, other)
    done = carry(store, other, overrule=True)
    assert (done.overruled, len(done.differences)) == (5, 5)
    assert said(other).photos == said(store).photos
    assert said(other).pairs == said(store).pairs
    again = carry(store, other, overrule=True)
    assert (again.answer, again.differences) == (None, ())
    undo(other)
    assert [name for name, _ in who(other).values()] == ["Ada", "Ben", None, "Ben", "Ada", None]


def test_people_who_are_one_there_and_two_here(store: Store, other: Store) -> None:
    one, two, *_ = fill(store)
    name_faces(store, [one], "Ada")
    name_faces(store, [two], "Addie")
    fill(other)
    assert carry(store, other).names == 2
    merge(store, "Addie", "Ada")
    done = carry(store, other)
    assert [(one.here, one.file) for one in done.differences] == [
        ("Addie is somebody else", "Addie is Ada"),
        ("is Addie", "is Ada"),
    ]
    assert people.names(other) == ["Ada", "Addie"]
    assert carry(store, other, overrule=True).overruled == 1
    assert people.names(other) == ["Ada"]
    assert said(other) == said(store)
    assert carry(store, other, overrule=True).answer is None


def test_people_who_are_two_there_and_one_here(store: Store, other: Store) -> None:
    one, two, *_ = fill(store)
    name_faces(store, [one], "Ada")
    name_faces(store, [two], "Ben")
    fill(other)
    carry(store, other)
    different(store, "Ada", "Ben")
    merge(other, "Ben", "Ada")
    for overrule in (False, True):
        done = carry(store, other, overrule=overrule)
        assert [(one.here, one.file) for one in done.differences] == [("Ada and Ben are one", "two")]
        assert done.answer is None


def test_people_who_are_one_with_others_here(other: Store) -> None:
    """Each of two people in the file has a name that here is the other's."""
    for face, name in zip(fill(other), ("Ada", "Addie", "Ben", "Benedict"), strict=False):
        name_faces(other, [face], name)
    merge(other, "Addie", "Benedict")
    merge(other, "Ben", "Ada")
    names = NamesFile((ListedPerson("Ada", aliases=("Addie",)), ListedPerson("Benedict", aliases=("Ben",))))
    import_names(other, names, fakes.settings(), Silent(), overrule=True)
    assert {name for name, _ in who(other).values()} == {"Ada", None}
    assert people.names(other) == ["Ada"]
    assert import_names(other, names, fakes.settings(), Silent(), overrule=True).answer is None
    undo(other)
    assert people.names(other) == ["Ada", "Benedict"]


def test_a_name_of_whom_nothing_is_said(store: Store, other: Store) -> None:
    names = NamesFile((ListedPerson("Ada"), ListedPerson("Ben", hidden=True), ListedPerson("Cy", aliases=("Cyril",))))
    done = import_names(store, names, fakes.settings(), Silent())
    assert done.people == 3
    assert people.names(store) == ["Ada", "Ben", "Cy"]
    assert said(store) == names
    assert import_names(store, names, fakes.settings(), Silent()).answer is None
    carry(store, other)
    assert said(other) == names
    undo(other)
    assert people.names(other) == []


def test_somebody_shown_here_is_not_hidden_by_a_file(store: Store, other: Store) -> None:
    [one, *_] = fill(store)
    name_faces(store, [one], "Ada")
    fill(other)
    carry(store, other)
    hide(other, "Ada")
    hide(other, "Ada", shown=True)
    hide(store, "Ada")
    assert [one.here for one in carry(store, other).differences] == ["Ada is shown"]
    assert not require_person(other, "Ada").hidden
    assert carry(store, other, overrule=True).overruled == 1
    assert require_person(other, "Ada").hidden


def test_photos_that_are_not_indexed_here_are_listed(store: Store, other: Store) -> None:
    one, *_, last = fill(store)
    name_faces(store, [one], "Ada")
    name_faces(store, [last], "Ben")
    add_photo(other, b"a.jpg", THREE, content=b"2019/a.jpg")
    done = carry(store, other)
    assert (done.names, done.not_indexed) == (1, (b"/photos/2020/b.jpg",))
    assert people.names(other) == ["Ada"]
    add_photo(other, b"b.jpg", THREE, content=b"2020/b.jpg")
    done = carry(store, other)
    assert (done.names, done.not_indexed, done.standing) == (1, (), 1)
    assert said(other) == said(store)


def test_nothing_is_written_to_try(store: Store, other: Store) -> None:
    [one, *_] = fill(store)
    name_faces(store, [one], "Ada")
    fill(other)
    before = everything(other)
    done = carry(store, other, dry_run=True)
    assert (done.answer, done.names, done.people) == (None, 1, 1)
    assert everything(other) == before
    assert carry(store, other).names == 1


def test_one_impossible_entry_does_not_stop_the_rest(store: Store, other: Store) -> None:
    ids = fill(store)
    for number, face in enumerate(ids):
        name_faces(store, [face], f"Person {number}")
    document = json.loads(render(export_names(store).names))
    document["photos"][0]["faces"][1]["box"] = [1e300, 10, 50, 50]
    document["photos"][1]["faces"][0]["box"] = [-8, 10, 68, 50]  # sticks out a little
    fill(other)
    done = import_names(other, parse(json.dumps(document).encode()), fakes.settings(), Silent())
    assert [name for name, _ in who(other).values()] == [
        "Person 0", None, "Person 2", "Person 3", "Person 4", "Person 5",
    ]  # fmt: skip
    [told] = done.left_out
    assert told.startswith("photos 1, faces 2: box ")


def test_a_photo_of_other_proportions_takes_no_name(store: Store, other: Store) -> None:
    """Its places in the file aren't places on the photo as it is read here."""
    [one, *_, last] = fill(store)
    name_faces(store, [one], "Ada")
    name_faces(store, [last], "Ben")
    fill(other)
    with other.write():
        other.run("UPDATE photo SET width = height, height = width WHERE id = 1")
    done = carry(store, other)
    assert done.names == 1
    assert "2019/a.jpg: 400 × 300 pixels in the file, and 300 × 400 here" in done.left_out[0]


# --- which photo, which face ---


def test_copies_are_one_photo(store: Store, other: Store) -> None:
    [one, *_] = fill(store)
    name_faces(store, [one], "Ada")
    for path in (b"2019/a.jpg", b"best/a.jpg", b"x.jpg"):
        add_photo(other, path, THREE, content=b"2019/a.jpg", root=b"/elsewhere")
    assert carry(store, other).names == 1
    assert [name for name, _ in who(other).values()] == ["Ada", None, None]
    assert carry(store, other).answer is None


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ([Box(15, 12, 52, 50)], ["Ada"]),  # as another detector draws it
        ([Box(29, 10, 50, 50)], ["Ada"]),  # IoU .45, and nothing else near
        ([Box(33, 10, 50, 50)], [None]),  # .37
        ([Box(29, 10, 50, 50), Box(10, 29, 50, 50)], [None, None]),  # which of the two?
        ([Box(6, 10, 50, 50), Box(10, 29, 50, 50)], ["Ada", None]),  # the better one
        ([Box(10, 10, 50, 50), Box(12, 10, 50, 50)], ["Ada", None]),
    ],
)
def test_faces_are_told_by_their_place(
    store: Store, other: Store, there: list[Box], expected: list[str | None]
) -> None:
    add_photo(store, b"a.jpg", [(LEFT, unit(1))])
    name_faces(store, [1], "Ada")
    add_photo(other, b"a.jpg", [(box, unit(1)) for box in there])
    carry(store, other, dry_run=True)
    if expected.count("Ada"):
        carry(store, other)
    else:
        assert carry(store, other, dry_run=True).added == 1  # it would be cut out of the photo
    assert [name for name, _ in who(other).values()] == expected


def test_neighbours_keep_their_own_names(store: Store, other: Store) -> None:
    """Boxes that moved so far that each is nearer to a neighbour's old place: pairs that overlap most come first."""
    add_photo(store, b"a.jpg", [(Box(0, 0, 100, 100), unit(1)), (Box(60, 0, 100, 100), unit(0, 1))])
    name_faces(store, [1], "Ada")
    name_faces(store, [2], "Ben")
    add_photo(other, b"a.jpg", [(Box(25, 0, 100, 100), unit(1)), (Box(62, 0, 100, 100), unit(0, 1))])
    carry(store, other)
    assert [name for name, _ in who(other).values()] == ["Ada", "Ben"]


def test_boxes_are_scaled_to_the_photo_as_it_is_read_here(store: Store, other: Store) -> None:
    add_photo(store, b"a.jpg", [(LEFT, unit(1))])
    name_faces(store, [1], "Ada")
    add_photo(other, b"a.jpg", [(LEFT.scaled(2), unit(1))])
    with other.write():
        other.run("UPDATE photo SET width = 2 * width, height = 2 * height")
    assert carry(store, other).names == 1


def test_what_was_said_of_a_place_is_kept_though_nothing_is_seen_there(store: Store, other: Store) -> None:
    """A place that is no face, or not somebody's: no photo is opened for that, and it holds once a face is found."""
    one, two, *_ = fill(store)
    name_faces(store, [two], "Ada")
    dismiss(store, [one], "not-a-face")
    reject_faces(store, "Ada", [two])
    add_photo(other, b"a.jpg", [(RIGHT, unit(0, 0, 1))], content=b"2019/a.jpg")
    done = carry(store, other)
    assert (done.faces, done.added) == (2, 0)
    assert list(who(other).values()) == [(None, None)]
    assert said(other) == said(store)
    assert carry(store, other).answer is None
    add_photo(other, b"a.jpg", THREE, content=b"2019/a.jpg")  # another detector finds them after all
    assert len(who(other)) == 2
    assert said(other) == said(store)
    assert clean(other)


def test_faces_of_photos_that_cannot_be_read_are_told(store: Store) -> None:
    one, *_ = fill(store)
    name_faces(store, [one], "Ada")
    assert export_names(store).left_out == 0
    with store.write():
        store.run("UPDATE photo SET sha256 = NULL")
    exported = export_names(store)
    assert (exported.left_out, exported.names.photos) == (1, ())


def test_the_same_database_always_yields_the_same(store: Store, other: Store) -> None:
    test_all_that_stands_moves(store, other)
    assert render(export_names(store).names) == render(export_names(store).names)


_WORDS = st.sampled_from(["Ada", "Ben", "Cy", "Dee"])
_STEP = st.one_of(
    st.tuples(st.just("is"), st.integers(0, 5), _WORDS),
    st.tuples(st.just("not"), st.integers(0, 5), _WORDS),
    st.tuples(st.sampled_from(["not-a-face", "dont-care"]), st.integers(0, 5)),
    st.tuples(st.sampled_from(["same", "different"]), st.integers(0, 5), st.integers(0, 5)),
    st.tuples(st.sampled_from(["rename", "merge", "hide", "show", "split", "two"]), _WORDS, _WORDS),
    st.tuples(st.just("undo"), st.integers(1, 12)),
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_STEP, min_size=3, max_size=14))
def test_whatever_was_said_moves_and_moves_once(
    store: Store, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Any, ...]]
) -> None:
    """Any history: another database says the same after an import, and is left alone by a second one."""
    with open_store(tmp_path_factory.mktemp("one") / "x.db", create=True) as one:
        ids = fill(one)
        for verb, *rest in steps:
            try:
                match verb, *rest:
                    case "is", int(face), str(name):
                        name_faces(one, [ids[face]], name)
                    case "not", int(face), str(name):
                        reject_faces(one, name, [ids[face]])
                    case "not-a-face" | "dont-care", int(face):
                        dismiss(one, [ids[face]], verb)
                    case "same" | "different", int(face), int(second):
                        compare(one, verb, ids[face], ids[second])
                    case "rename", str(name), str(second):
                        rename(one, name, second)
                    case "merge", str(name), str(second):
                        merge(one, name, second)
                    case "two", str(name), str(second):
                        different(one, name, second)
                    case "hide" | "show", str(name), _:
                        hide(one, name, shown=verb == "show")
                    case "split", str(name), str(second):
                        split(one, name, decisions.subjects_of(one, require_person(one, name).id, "is")[:1], second)
                    case "undo", int(number):
                        undo(one, number)
            except UsageError:
                pass
        with open_store(tmp_path_factory.mktemp("two") / "y.db", create=True) as two:
            fill(two)
            assert carry(one, two).differences == ()
            assert said(two) == said(one)
            assert {face: name for face, (name, _) in who(two).items()} == {
                face: name for face, (name, _) in who(one).items()
            }
            before = everything(two)
            assert carry(one, two).answer is None
            assert everything(two) == before
            while step_back(two):
                pass
            assert said(two) == NamesFile()
