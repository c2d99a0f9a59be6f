"""What an index run does to the database, and what it leaves alone."""

from __future__ import annotations

import functools
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from phototag import config
from phototag.errors import PhotoError, UsageError
from phototag.store import faces, libraries, problems
from phototag.store import files as file_rows
from phototag.store import photos as photo_rows
from phototag.store.connect import Store
from phototag.types import RGB, Detection
from phototag.workflows.library import index as indexing
from phototag.workflows.library.index import Indexed
from phototag.workflows.naming.name import name_faces
from tests.store.build import clean
from tests.workflows.conftest import Index, Workshop
from tests.workflows.fakes import (
    BLUE,
    GREEN,
    RED,
    YELLOW,
    Squares,
    Told,
    draw,
    everything,
    fingerprint,
    serial,
    settings,
    state,
)

pytestmark = pytest.mark.usefixtures("at_once")


def names(store: Store) -> dict[str, list[str | None]]:
    """Photo's name → who is in it, from left to right."""
    found: dict[str, list[str | None]] = {}
    for face in faces.identified(store):
        found.setdefault(os.path.basename(os.fsdecode(face.path)), []).append(face.person)
    return found


def name_all(store: Store) -> None:
    """Each face gets a name of its own."""
    for face in list(faces.identified(store)):
        name_faces(store, [face.id], f"{os.path.basename(os.fsdecode(face.path))} {face.box.x:.0f}")


def states(store: Store) -> dict[str, str]:
    return {os.fsdecode(row[0]): row[1] for row in store.rows("SELECT path, state FROM file")}


@pytest.fixture
def three(photos: Path) -> Path:
    draw(photos / "a.png", (40, 40, RED))
    draw(photos / "b.png", (40, 40, GREEN), (200, 100, BLUE))
    draw(photos / "sub" / "none.png")
    return photos


def nothing_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    def decoded(*_: object, **__: object) -> None:
        raise AssertionError("a photo is opened")

    monkeypatch.setattr(indexing, "decoded", decoded)


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
    store: Store, three: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    (three / "broken.jpg").write_bytes(b"\xff\xd8\xff" + b"x" * 99)
    assert index().problems == 1
    before = everything(store)
    nothing_opens(monkeypatch)
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
    store: Store, three: Path, index: Index, squares: Squares, monkeypatch: pytest.MonkeyPatch
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
    nothing_opens(monkeypatch)
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


# --- what is no photo, or a broken one ---


def test_files_that_are_no_photos_leave_no_row(store: Store, three: Path, index: Index) -> None:
    (three / "notes").write_text("Dear diary")
    (three / "data.dat").write_bytes(bytes(100))
    done = index()
    assert (done.photos, done.problems) == (3, 0)
    assert len(states(store)) == 3
    before = everything(store)
    index()
    assert everything(store) == before


def test_a_photo_that_becomes_a_text(store: Store, three: Path, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    draw(three / "c.png", (40, 40, RED), shade=3).rename(three / "noname")
    index()
    name_all(store)
    (three / "noname").write_text("Dear diary")
    index()
    assert states(store)["noname"] == "failed"
    assert "noname" not in names(store)
    nothing_opens(monkeypatch)
    index()


def test_a_broken_photo(store: Store, three: Path, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = three / "b.png"
    whole = broken.read_bytes()
    broken.write_bytes(whole[: len(whole) // 2])
    told = Told()
    done = index(told=told)
    assert (done.photos, done.problems) == (2, 1)
    [problem] = told.problems
    assert (problem.path, problem.stage, problem.code) == (b"b.png", "decode", "truncated")
    assert [(entry, count) for _, entry, count in problems.listed(store)] == [(problem, 1)]
    assert states(store)["b.png"] == "failed"
    with monkeypatch.context() as patched:
        nothing_opens(patched)
        assert index().problems == 1
    told = Told()
    assert index(retry=True, told=told).problems == 1
    assert told.steps == 1
    assert [count for _, _, count in problems.listed(store)] == [2]
    broken.write_bytes(whole)
    done = index()
    assert (done.photos, done.faces, done.problems) == (1, 2, 0)
    assert states(store)["b.png"] == "done"
    assert list(problems.listed(store)) == []


def test_a_photo_that_breaks_keeps_its_names(store: Store, three: Path, index: Index) -> None:
    index()
    name_all(store)
    whole = (three / "b.png").read_bytes()
    (three / "b.png").write_bytes(whole[:100])
    assert index().problems == 1
    assert "b.png" not in names(store)
    (three / "b.png").write_bytes(whole)
    assert index().problems == 0
    assert names(store)["b.png"] == ["b.png 40", "b.png 200"]


@pytest.mark.parametrize("code", ["denied", "unreadable", "vanished", "changed"])
def test_what_could_not_be_read_is_tried_again(
    store: Store, three: Path, index: Index, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    def decoded(tasks, **sides):  # type: ignore[no-untyped-def]
        for task in tasks:
            yield task, PhotoError(code, "not now")

    with monkeypatch.context() as patched:
        patched.setattr(indexing, "decoded", decoded)
        for _ in range(10):  # however often
            assert index().problems == 3
    assert set(states(store).values()) == {"new"}
    done = index()
    assert (done.photos, done.problems) == (3, 0)


def test_an_engine_that_stumbles_over_a_photo(store: Store, three: Path, index: Index, squares: Squares) -> None:
    def stumble(call: int) -> None:
        if call == 2:
            raise RuntimeError("input must be \x1b[31m128-dimensional")

    squares.during = stumble
    told = Told()
    done = index(told=told)
    assert (done.photos, done.problems) == (2, 1)
    [problem] = told.problems
    assert (problem.path, problem.stage, problem.code) == (b"b.png", "faces", "engine-failed")
    assert "RuntimeError: input must be \\x1b[31m128" in problem.message
    assert states(store) == {"a.png": "done", "b.png": "new", "sub/none.png": "done"}
    done = index()  # tried again at the next run
    assert (done.photos, done.problems, states(store)["b.png"]) == (1, 0, "done")


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`SystemExit` ends a run as a kill does: nothing is written on its way out."""

    def unless_dying(write: Callable[..., None]) -> Callable[..., None]:
        return lambda *arguments: None if isinstance(sys.exc_info()[1], SystemExit) else write(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(file_rows, "reset_attempts", unless_dying(file_rows.reset_attempts))
        patched.setattr(indexing._Run, "commit", unless_dying(indexing._Run.commit))
        yield


@pytest.mark.parametrize("ahead", [0, 1])
@pytest.mark.parametrize("deadly", [0, 3, 11])
@pytest.mark.usefixtures("killed")
def test_a_deadly_photo_takes_no_other_with_it(
    store: Store, photos: Path, index: Index, squares: Squares, monkeypatch: pytest.MonkeyPatch, deadly: int, ahead: int
) -> None:
    for number in range(12):
        draw(photos / f"{number:02}.png", (40, 40, RED), shade=number, size=(400, 277 if number == deadly else 300))
    real = squares.detect

    def detect(images: Sequence[RGB]) -> list[list[Detection]]:
        if images[0].shape[0] == 277:
            raise SystemExit
        return real(images)

    monkeypatch.setattr(squares, "detect", detect)
    monkeypatch.setattr(indexing, "decoded", functools.partial(serial, ahead=ahead))
    runs = 0
    while runs < 20:
        try:
            index()
            break
        except SystemExit:
            runs += 1
    assert runs == 8
    found = states(store)
    assert found.pop(f"{deadly:02}.png") == "quarantined"
    assert set(found.values()) == {"done"}
    [(_, problem, _)] = problems.listed(store)
    assert (problem.path, problem.code) == (b"%02d.png" % deadly, "crashed")
    assert index().problems == 1
    monkeypatch.setattr(squares, "detect", real)
    assert index(retry=True).problems == 0
    assert set(states(store).values()) == {"done"}


def test_a_time_stamp_beyond_sqlite(store: Store, three: Path, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    os.utime(three / "a.png", ns=(0, 13 * 10**18))  # the year 2381
    if (three / "a.png").stat().st_mtime_ns < 2**63:
        pytest.skip("this file system has no such time stamps")
    os.utime(three / "b.png", ns=(0, -(10**18)))
    assert index().photos == 3
    nothing_opens(monkeypatch)
    assert index().unchanged == 3


# --- roots that are away ---


def test_an_absent_root_is_offline(store: Store, three: Path, index: Index, tmp_path: Path) -> None:
    index()
    before = everything(store)
    three.rename(tmp_path / "away")
    for empty in (False, True):
        if empty:  # a mount point without its drive
            three.mkdir()
        [message] = index().offline
        assert str(three) in message
        assert libraries.every(store)[0].state == "offline"
        with store.write():
            store.run("UPDATE library SET state = 'online'")
        assert everything(store) == before
    three.rmdir()
    (tmp_path / "away").rename(three)
    assert index().unchanged == 3
    assert libraries.every(store)[0].state == "online"


def test_an_offline_root_does_not_hold_up_others(store: Store, three: Path, index: Index, tmp_path: Path) -> None:
    other = draw(tmp_path / "other" / "x.png", (40, 40, RED)).parent
    index(other)
    shutil.rmtree(other)
    done = index(other, three)
    assert (len(done.offline), done.photos) == (1, 3)
    done = index(other)
    assert (len(done.offline), done.photos, done.missing) == (1, 0, 0)


def many(photos: Path, count: int = 60) -> None:
    for number in range(count):
        draw(photos / f"{number // 30}" / f"{number:03}.png", (40, 40, RED), size=(120, 120), shade=number)


@pytest.mark.parametrize("strangers", [0, 40])
def test_a_root_that_lost_much_at_once_stops(store: Store, photos: Path, index: Index, strangers: int) -> None:
    many(photos)
    index()
    before = everything(store)
    for file in sorted((photos / "0").iterdir())[:20]:
        file.unlink()
    for number in range(strangers):  # new files that aren't the lost ones excuse nothing
        (photos / f"{number}.dat").write_bytes(bytes(number))
    [message] = index().offline
    assert "20 of 60 photos are gone" in message
    assert "--accept-missing" in message
    with store.write():
        store.run("UPDATE library SET state = 'online'")
    assert everything(store) == before
    done = index(accept_missing=True)
    assert (done.missing, done.offline) == (20, [])
    assert file_rows.counts(store) == {"done": 40, "missing": 20}
    assert faces.count(store) == 40


def test_a_few_may_vanish(store: Store, photos: Path, index: Index) -> None:
    many(photos)
    index()
    for file in sorted((photos / "0").iterdir())[:12]:
        file.unlink()
    done = index()
    assert (done.missing, done.offline) == (12, [])


def test_a_drive_lost_in_the_middle_fails_no_photo(
    store: Store, three: Path, index: Index, squares: Squares, tmp_path: Path
) -> None:
    index()
    before = state(store)
    for number in range(6):
        draw(three / f"{number}.png", (40, 40, RED), shade=number + 1)

    def lose(call: int) -> None:
        if call == 5:
            three.rename(tmp_path / "away")

    squares.during = lose
    done = index()
    assert len(done.offline) == 1
    assert done.problems == 0
    assert list(problems.listed(store)) == []
    assert {row[1]: row for row in state(store)}.items() >= {row[1]: row for row in before}.items()
    assert set(states(store).values()) == {"done", "new"}
    (tmp_path / "away").rename(three)
    squares.during = lambda call: None
    assert index().problems == 0
    assert set(states(store).values()) == {"done"}
    assert squares.calls == 9


def test_beneath_an_unreadable_folder_nothing_goes_missing(
    store: Store, photos: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(photos / "sub" / "deep" / "a.png", (40, 40, RED))
    draw(photos / "subway.png", (40, 40, GREEN))
    draw(photos / "b.png", (40, 40, BLUE))
    index()
    shutil.move(photos / "subway.png", photos.parent / "gone.png")
    real = os.scandir

    def scandir(path: bytes = b".") -> object:
        if os.fsencode(path).endswith(b"/sub"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    told = Told()
    done = index(told=told)
    assert (done.missing, done.problems) == (1, 1)
    assert [(problem.path, problem.stage, problem.code) for problem in told.problems] == [(b"sub", "walk", "denied")]
    assert states(store) == {"b.png": "done", "sub/deep/a.png": "done", "subway.png": "missing"}


def test_an_unreadable_folder_is_forgotten_once_it_can_be_read(
    store: Store, three: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    def scandir(path: bytes = b".") -> object:
        if os.fsencode(path).endswith(b"/sub"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", scandir)
        assert index().problems == 1
    done = index()
    assert (done.problems, done.photos) == (0, 1)


# --- which roots ---


def test_no_roots_means_all_known(store: Store, three: Path, index: Index, tmp_path: Path) -> None:
    other = draw(tmp_path / "other" / "x.png", (40, 40, RED)).parent
    index(three, other)
    (three / "a.png").unlink()
    draw(other / "y.png")
    done = indexing.index(store, [], settings(), Told())
    assert (done.photos, done.missing, done.unchanged) == (1, 1, 3)


def test_a_folder_inside_a_known_root_means_the_root(store: Store, three: Path, index: Index) -> None:
    index()
    draw(three / "new.png")
    assert index(three / "sub").photos == 1
    assert index(three / "sub", three).unchanged == 4  # once
    assert len(libraries.every(store)) == 1


def test_roots_that_share_a_beginning_are_two(store: Store, three: Path, index: Index) -> None:
    index()
    twin = draw(three.parent / "photos2" / "a.png").parent
    assert index(twin).photos == 1
    assert len(libraries.every(store)) == 2


@pytest.mark.parametrize("order", ["inner first", "at once", "outer first"])
def test_a_folder_around_a_known_root_leaves_it_its_photos(
    store: Store, three: Path, index: Index, squares: Squares, order: str
) -> None:
    inner = draw(three / "2020" / "x.png", (40, 40, YELLOW)).parent
    draw(three / "2020-21.png", (40, 40, BLUE), shade=1)
    if order == "inner first":
        assert index(inner).photos == 1
        name_all(store)
        assert index(three).photos == 4
    else:
        assert index(*((inner, three) if order == "at once" else (three, inner))).photos == 5
    assert squares.calls == 5
    assert len(libraries.every(store)) == (1 if order == "outer first" else 2)
    assert store.value("SELECT count(*) FROM file") == 5  # each once
    if order == "inner first":
        assert names(store)["x.png"] == ["x.png 40"]
    draw(inner / "y.png", (40, 40, RED), shade=2)
    done = index(three / "sub")  # means the root around it, and what is inside that
    assert (done.photos, done.unchanged, done.missing) == (1, 5, 0)
    assert index(inner).unchanged == (6 if order == "outer first" else 2)


def test_a_root_inside_another_is_offline_by_itself(store: Store, three: Path, index: Index, tmp_path: Path) -> None:
    inner = draw(three / "drive" / "x.png", (40, 40, YELLOW)).parent
    index(inner)
    index(three)
    inner.rename(tmp_path / "away")
    done = index(three)
    assert (len(done.offline), done.missing, done.unchanged) == (1, 0, 3)
    assert "drive" in done.offline[0]
    (tmp_path / "away").rename(inner)
    assert index(three).unchanged == 4


def test_photos_that_two_roots_know_stay_as_they_are(
    store: Store, three: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    index()
    with store.write():
        inner = store.run("INSERT INTO library (root, root_text) VALUES (?, '')", (os.fsencode(three / "sub"),))
        store.run("INSERT INTO file (library, path, path_text, size, mtime_ns, photo, state)"
                  " SELECT ?, X'6e6f6e652e706e67', path_text, size, mtime_ns, photo, state FROM file"
                  " WHERE path = X'7375622f6e6f6e652e706e67'", (inner.lastrowid,))  # fmt: skip
    nothing_opens(monkeypatch)
    done = index()
    assert (done.unchanged, done.missing) == (4, 0)


@pytest.mark.parametrize("place", ["nowhere", "photos/sub/nowhere", "photos/a.png"])
def test_a_missing_folder_is_a_sentence(store: Store, three: Path, index: Index, place: str) -> None:
    index()
    with pytest.raises(UsageError, match="is not a folder"):
        index(three.parent / place)
    assert len(libraries.every(store)) == 1


def test_without_any_root_there_is_a_sentence(store: Store, squares: Squares) -> None:
    with pytest.raises(UsageError, match="no folder is indexed yet"):
        indexing.index(store, [], settings(), Told())


def test_names_of_any_bytes(store: Store, index: Index, tmp_path: Path) -> None:
    root = os.fsencode(tmp_path) + b"/ph\xf6tos\n"
    for name in (b"caf\xe9.png", b"new\nline.png", b"\x1b[31m.png", "\u202egnp.png".encode(), b"-rf"):
        path = Path(os.fsdecode(root + b"/" + name))
        draw(tmp_path / "one.png", (40, 40, RED), shade=len(name))
        path.parent.mkdir(exist_ok=True)
        shutil.move(tmp_path / "one.png", path)
    done = index(Path(os.fsdecode(root)))
    assert (done.photos, done.faces) == (5, 5)
    found = {face.path for face in faces.identified(store)}
    assert found == {root + b"/" + name for name in os.listdir(root)}


# --- what is sought ---


def test_what_is_sought_is_remembered(
    store: Store, three: Path, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides: list[int] = []

    def decoded(*arguments, side, **more):  # type: ignore[no-untyped-def]
        sides.append(side)
        return serial(*arguments, side=side, **more)

    def index(**flags: int) -> tuple[Indexed, dict[str, str]]:
        monkeypatch.setattr(config, "config_file", lambda: three.parent / "phototag.toml")
        done = indexing.index(store, [three], config.load(jobs=1, **flags), Told())
        return done, dict(workshop.found.info.parameters)

    monkeypatch.setattr(indexing, "decoded", decoded)
    assert index() == (Indexed(photos=3, faces=3), {"image_side": "1280", "min_face": "20"})
    assert index()[0].unchanged == 3
    done, told = index(min_face=40, detail=3000)
    assert (done.photos, told) == (3, {"image_side": "3000", "min_face": "40"})
    for _ in range(2):
        done, told = index()
        assert (done.unchanged, workshop.found.calls, told) == (3, 0, {"image_side": "3000", "min_face": "40"})
    draw(three / "new.png", (40, 40, RED), shade=9)
    assert index()[0].photos == 1
    done, told = index(min_face=20)  # the other is still remembered
    assert (done.photos, told) == (4, {"image_side": "3000", "min_face": "20"})
    monkeypatch.setenv("PHOTOTAG_DETAIL", "1280")
    done, told = index()
    assert (done.photos, told) == (4, {"image_side": "1280", "min_face": "20"})
    # A photo may be decoded to three quarters of the side asked for, and no face is sought in fewer pixels.
    assert sides == [2560, 4000, 4000, 4000, 2560]


def test_another_detector_seeks_the_same(store: Store, three: Path, workshop: Workshop) -> None:
    indexing.index(store, [three], config.load(jobs=1, detail=640, min_face=30), Told())
    done = indexing.index(store, [three], config.load(jobs=1, detector="circles"), Told())
    assert done.photos == 3
    assert dict(workshop.found.info.parameters) == {"image_side": "640", "min_face": "30"}
    assert indexing.index(store, [three], config.load(jobs=1), Told()).unchanged == 3
    assert workshop.found.info.name == "circles"


# --- locks ---


def test_nobody_waits_for_a_network_or_a_decoder(
    store: Store, three: Path, index: Index, squares: Squares, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(_: object = None) -> None:
        other = sqlite3.connect(store.path, timeout=0, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO person (name, name_key) SELECT 'x' || count(*), count(*) FROM person")
        other.execute("COMMIT")
        other.close()

    real = indexing.decoded

    def decoded(*arguments, **sides):  # type: ignore[no-untyped-def]
        for outcome in real(*arguments, **sides):
            write()
            yield outcome

    monkeypatch.setattr(indexing, "decoded", decoded)
    index(batch_photos=1, told=Told(during=write))
    assert store.value("SELECT count(*) FROM person") == 6
