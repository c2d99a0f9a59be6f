"""Files that are no photos, broken ones, and ones that engines fail on or that end a run."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from phototag.analysis.decode_pool import K, Outcome
from phototag.errors import PhotoError
from phototag.store import files as file_rows
from phototag.store import problems
from phototag.store.connect import Store
from phototag.types import RGB, Detection
from phototag.workflows.library.commit import Committer
from tests.support.fakes import (
    RED,
    FakeEngines,
    Squares,
    Told,
    draw,
    everything,
    in_process,
    no_decoder,
)
from tests.support.indexed import name_all, names, states
from tests.workflows.conftest import Index


def test_files_that_are_no_photos_leave_no_row(store: Store, three: Path, index: Index) -> None:
    (three / "notes").write_text("Dear diary")
    (three / "data.dat").write_bytes(bytes(100))
    done = index()
    assert (done.photos, done.problems) == (3, 0)
    assert len(states(store)) == 3
    before = everything(store)
    index()
    assert everything(store) == before


def test_a_photo_that_becomes_a_text(store: Store, three: Path, index: Index, same_engines: FakeEngines) -> None:
    draw(three / "c.png", (40, 40, RED), shade=3).rename(three / "noname")
    index()
    name_all(store)
    (three / "noname").write_text("Dear diary")
    index()
    assert states(store)["noname"] == "failed"
    assert "noname" not in names(store)
    same_engines.decode = no_decoder
    index()


def test_a_broken_photo(store: Store, three: Path, index: Index, same_engines: FakeEngines) -> None:
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
    same_engines.decode = no_decoder
    assert index().problems == 1
    same_engines.decode = in_process
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
    store: Store, three: Path, index: Index, same_engines: FakeEngines, code: str
) -> None:
    def not_now(photos: Iterable[tuple[K, bytes]], **_: int) -> Generator[tuple[K, Outcome], None, None]:
        for key, _path in photos:
            yield key, PhotoError(code, "not now")

    same_engines.decode = not_now
    for _ in range(10):  # however often
        assert index().problems == 3
    same_engines.decode = in_process
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
        patched.setattr(Committer, "commit", unless_dying(Committer.commit))
        yield


@pytest.mark.parametrize("ahead", [0, 1])
@pytest.mark.parametrize("deadly", [0, 3, 11])
@pytest.mark.usefixtures("killed")
def test_a_deadly_photo_takes_no_other_with_it(
    store: Store,
    photos: Path,
    index: Index,
    same_engines: FakeEngines,
    monkeypatch: pytest.MonkeyPatch,
    deadly: int,
    ahead: int,
) -> None:
    for number in range(12):
        draw(photos / f"{number:02}.png", (40, 40, RED), shade=number, size=(400, 277 if number == deadly else 300))
    squares = same_engines.detector
    real = squares.detect

    def detect(images: Sequence[RGB]) -> list[list[Detection]]:
        if images[0].shape[0] == 277:
            raise SystemExit
        return real(images)

    monkeypatch.setattr(squares, "detect", detect)
    same_engines.decode = functools.partial(in_process, ahead=ahead)
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


def test_a_time_stamp_beyond_sqlite(store: Store, three: Path, index: Index, same_engines: FakeEngines) -> None:
    os.utime(three / "a.png", ns=(0, 13 * 10**18))  # the year 2381
    if (three / "a.png").stat().st_mtime_ns < 2**63:
        pytest.skip("this file system has no such time stamps")
    os.utime(three / "b.png", ns=(0, -(10**18)))
    assert index().photos == 3
    same_engines.decode = no_decoder
    assert index().unchanged == 3
