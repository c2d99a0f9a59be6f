"""What an index run does to the database, and what it leaves alone."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from phototag.store import faces, libraries
from phototag.store import photos as photo_rows
from phototag.store.connect import Store
from tests.support.databases import clean
from tests.support.fakes import (
    BLUE,
    GREEN,
    RED,
    YELLOW,
    FakeEngines,
    Squares,
    Told,
    draw,
    everything,
    fingerprint,
    no_decoder,
    state,
)
from tests.support.indexed import name_all, names, states
from tests.workflows.conftest import Index


def test_the_first_run(store: Store, three: Path, index: Index, squares: Squares) -> None:
    told = Told()
    done = index(told=told)
    assert (done.photos, done.faces, done.unchanged, done.missing, done.problems, done.offline) == (3, 3, 0, 0, 0, [])
    assert (squares.calls, told.steps) == (3, 3)
    assert states(store) == {"a.png": "done", "b.png": "done", "sub/none.png": "done"}
    [red, green, blue] = faces.identified(store)
    assert [os.path.basename(face.path) for face in (red, green, blue)] == [b"a.png", b"b.png", b"b.png"]
    assert (blue.box.x, blue.box.y, blue.box.w, blue.box.h) == (200, 100, 60, 60)
    assert store.value("SELECT count(*) FROM crop") == 3
    assert store.value("SELECT count(*) FROM preview") == 2  # none of a photo without faces
    assert list(store.rows("SELECT faces FROM detection ORDER BY photo")) == [(1,), (2,), (0,)]
    assert clean(store)


def test_boxes_are_in_pixels_of_the_whole_photo(store: Store, photos: Path, index: Index) -> None:
    draw(photos / "large.png", (800, 400, RED), size=(1600, 800))
    index(image_side=800, detail_side=1000)
    [face] = faces.identified(store)
    assert (face.box.x, face.box.y) == pytest.approx((800, 400), abs=3)
    assert (face.box.w, face.box.h) == pytest.approx((60, 60), abs=4)


def test_a_second_run_opens_nothing_and_changes_nothing(
    store: Store, three: Path, index: Index, same_engines: FakeEngines
) -> None:
    (three / "broken.jpg").write_bytes(b"\xff\xd8\xff" + b"x" * 99)
    assert index().problems == 1
    before = everything(store)
    same_engines.decode = no_decoder
    done = index()
    assert (done.photos, done.unchanged, done.problems) == (0, 4, 1)
    assert everything(store) == before


def test_the_library_is_never_touched(store: Store, three: Path, index: Index) -> None:
    (three / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    before = fingerprint(three)
    index()
    index(retry=True)
    assert fingerprint(three) == before


def test_a_changed_file_is_read_again_and_keeps_its_names(
    store: Store, three: Path, index: Index, squares: Squares
) -> None:
    index()
    name_all(store)
    draw(three / "b.png", (42, 40, GREEN), (200, 100, BLUE), (300, 200, RED))
    done = index()
    assert (done.photos, done.faces, done.unchanged, squares.calls) == (1, 3, 2, 4)
    assert names(store) == {"a.png": ["a.png 40"], "b.png": ["b.png 40", "b.png 200", None]}


def test_a_file_that_was_only_touched_costs_no_inference(
    store: Store, three: Path, index: Index, squares: Squares
) -> None:
    index()
    before = state(store)
    os.utime(three / "a.png", ns=(1, 1))
    assert index().photos == 1
    assert squares.calls == 3
    os.utime(three / "a.png", ns=(1, before[0][4]))
    index()
    assert state(store) == before


def test_a_vanished_file_is_missing_and_keeps_its_names(
    store: Store, three: Path, index: Index, squares: Squares, same_engines: FakeEngines
) -> None:
    index()
    name_all(store)
    before = state(store)
    kept = (three / "a.png").rename(three.parent / "kept.png")
    assert index().missing == 1
    assert states(store)["a.png"] == "missing"
    assert "a.png" not in names(store)
    assert index().missing == 0  # told once
    kept.rename(three / "a.png")
    assert index().photos == 1  # its inode changed: it is read again, and nothing has to be found in it
    assert squares.calls == 3
    assert state(store) == before
    same_engines.decode = no_decoder
    assert index().unchanged == 3


def test_a_renamed_folder_keeps_ids_and_names(store: Store, photos: Path, index: Index, squares: Squares) -> None:
    for number in range(15):
        draw(photos / "old" / f"{number}.png", (40, 40, RED), shade=number)
    index()
    name_all(store)
    ids = {os.path.basename(face.path): (face.id, face.photo_id) for face in faces.identified(store)}
    (photos / "old").rename(photos / "new")
    done = index()
    assert (done.photos, done.missing) == (15, 15)
    assert squares.calls == 15
    assert {os.path.basename(face.path): (face.id, face.photo_id) for face in faces.identified(store)} == ids
    assert all(face.path.startswith(os.fsencode(photos / "new")) for face in faces.identified(store))
    assert set(states(store).values()) == {"done"}
    assert names(store)["3.png"] == ["3.png 40"]


def test_a_photo_moved_to_another_root_keeps_its_names(
    store: Store, three: Path, index: Index, squares: Squares, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    index(three, other)
    name_all(store)
    (three / "b.png").rename(other / "z.png")
    index(three, other)
    assert squares.calls == 3
    assert names(store)["z.png"] == ["b.png 40", "b.png 200"]
    assert sum(library.photos for library in libraries.every(store)) == 3


def test_copies_cost_no_inference(store: Store, three: Path, index: Index, squares: Squares) -> None:
    index()
    name_all(store)
    for copy in ("c1.png", "c2.png", "sub/c3.png"):
        shutil.copyfile(three / "b.png", three / copy)
    assert index().photos == 3
    assert squares.calls == 3
    assert names(store)["b.png"] == ["b.png 40", "b.png 200"]
    assert libraries.every(store)[0].photos == 6
    assert (photo_rows.count(store), faces.count(store)) == (3, 3)
    rows = list(
        store.rows(
            "SELECT p.sha256, p.width, f.x, f.y, f.score, c.jpeg, e.vector, d.faces, v.jpeg FROM photo p"
            " JOIN face f ON f.photo = p.id JOIN crop c ON c.face = f.id JOIN embedding e ON e.face = f.id"
            " JOIN detection d ON d.photo = p.id JOIN preview v ON v.photo = p.id WHERE d.faces = 2"
            " ORDER BY f.x"
        )
    )
    assert len(rows) == 2
    assert clean(store)


def test_of_two_copies_of_a_missing_photo_one_is_it(store: Store, three: Path, index: Index, squares: Squares) -> None:
    index()
    name_all(store)
    shutil.copyfile(three / "b.png", three / "y.png")
    (three / "b.png").rename(three / "z.png")
    index()
    assert squares.calls == 3
    assert names(store) == {"a.png": ["a.png 40"], "y.png": ["b.png 40", "b.png 200"]}
    (three / "y.png").unlink()
    index()
    assert names(store) == {"a.png": ["a.png 40"], "z.png": ["b.png 40", "b.png 200"]}
    shutil.copyfile(three / "z.png", three / "y.png")
    index()
    assert states(store) == {"a.png": "done", "sub/none.png": "done", "y.png": "done", "z.png": "done"}


def test_an_edited_photo_and_its_kept_original(store: Store, three: Path, index: Index, squares: Squares) -> None:
    # In one run, a file changes and its former content turns up under another name.
    index()
    name_all(store)
    shutil.copyfile(three / "a.png", three / "original.png")
    draw(three / "a.png", (44, 40, RED), (300, 40, BLUE))
    index()
    assert names(store) == {
        "a.png": ["a.png 40", None],
        "b.png": ["b.png 40", "b.png 200"],
        "original.png": ["a.png 40"],
    }
    found = store.rows("SELECT p.path, d.faces FROM file p JOIN detection d ON d.photo = p.photo")
    assert dict(found) == {b"a.png": 2, b"b.png": 2, b"original.png": 1, b"sub/none.png": 0}
    before = state(store)
    index()
    assert state(store) == before


def test_a_faceless_photo_replaced_by_a_copy(store: Store, three: Path, index: Index, squares: Squares) -> None:
    index()
    shutil.copyfile(three / "b.png", three / "sub" / "none.png")
    index()
    assert names(store)["b.png"] == [None, None]
    (three / "b.png").unlink()
    index()
    assert names(store)["none.png"] == [None, None]
    assert squares.calls == 3


def test_files_renamed_in_a_row_hand_no_name_on(store: Store, photos: Path, index: Index) -> None:
    for number, colour in enumerate((RED, GREEN, BLUE, YELLOW)):
        draw(photos / f"{number}.png", (40, 40, colour), shade=number)
    index()
    name_all(store)
    vectors = dict(store.rows("SELECT who.name, e.vector FROM label l JOIN person who ON who.id = l.person"
                              " JOIN embedding e ON e.face = l.face"))  # fmt: skip
    (photos / "0.png").unlink()
    for number in (1, 2, 3):
        (photos / f"{number}.png").rename(photos / f"{number - 1}.png")
    index()
    after = dict(store.rows("SELECT who.name, e.vector FROM label l JOIN person who ON who.id = l.person"
                            " JOIN embedding e ON e.face = l.face"))  # fmt: skip
    assert after == vectors  # each name still belongs to the face that it was given to
