"""Which folders an index run is about, and folders that are away."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from phototag.errors import UsageError
from phototag.store import faces, libraries, problems
from phototag.store import files as file_rows
from phototag.store.connect import Store
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
    no_decoder,
    settings,
    state,
)
from tests.support.indexed import name_all, names, states
from tests.workflows.conftest import Index

# --- folders that are away ---


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


# --- which folders ---


def test_no_roots_means_all_known(
    store: Store, three: Path, index: Index, tmp_path: Path, same_engines: FakeEngines
) -> None:
    other = draw(tmp_path / "other" / "x.png", (40, 40, RED)).parent
    index(three, other)
    (three / "a.png").unlink()
    draw(other / "y.png")
    done = same_engines.index(store, [], settings(), Told())
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
    store: Store, three: Path, index: Index, same_engines: FakeEngines
) -> None:
    index()
    with store.write():
        inner = store.run("INSERT INTO library (root, root_text) VALUES (?, '')", (os.fsencode(three / "sub"),))
        store.run("INSERT INTO file (library, path, path_text, size, mtime_ns, photo, state)"
                  " SELECT ?, X'6e6f6e652e706e67', path_text, size, mtime_ns, photo, state FROM file"
                  " WHERE path = X'7375622f6e6f6e652e706e67'", (inner.lastrowid,))  # fmt: skip
    same_engines.decode = no_decoder
    done = index()
    assert (done.unchanged, done.missing) == (4, 0)


@pytest.mark.parametrize("place", ["nowhere", "photos/sub/nowhere", "photos/a.png"])
def test_a_missing_folder_is_a_sentence(store: Store, three: Path, index: Index, place: str) -> None:
    index()
    with pytest.raises(UsageError, match="is not a folder"):
        index(three.parent / place)
    assert len(libraries.every(store)) == 1


def test_without_any_root_there_is_a_sentence(store: Store, squares: Squares, same_engines: FakeEngines) -> None:
    with pytest.raises(UsageError, match="no folder is indexed yet"):
        same_engines.index(store, [], settings(), Told())


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
