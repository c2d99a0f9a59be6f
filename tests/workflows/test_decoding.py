"""The decode processes: what comes back, and what a dying or hanging one costs."""

from __future__ import annotations

import collections
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from phototag.analysis import decode_pool
from phototag.analysis.decode_pool import CRASHED, K, Outcome, decode_photos
from phototag.errors import DiskFullError, PhotoError
from phototag.imaging.decode import decode
from phototag.imaging.photo_file import NotAPhoto
from phototag.store import problems
from phototag.store.connect import Store, open_store
from phototag.types import DecodedPhoto
from tests.support.fakes import BLUE, GREEN, RED, FakeEngines, Told, draw, settings, state


class Deadly(bytes):
    """A path that kills the process which unpickles it."""

    def __reduce__(self) -> tuple[object, ...]:
        return os._exit, (7,)


class Endless(bytes):
    """A path that keeps busy whoever unpickles it."""

    def __reduce__(self) -> tuple[object, ...]:
        return time.sleep, (600,)


def children() -> list[int]:
    """The processes (ids) that phototag started here and that still run."""
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=", "-o", "ppid=", "-o", "args="], capture_output=True, text=True, check=True
    ).stdout
    rows = (line.split(None, 2) for line in listed.splitlines())
    return [int(pid) for pid, parent, args in rows if int(parent) == os.getpid() and "phototag.processes" in args]


def numbered(*paths: Path | bytes) -> Iterator[tuple[int, bytes]]:
    for number, path in enumerate(paths):
        yield number, path if isinstance(path, bytes) else os.fsencode(path)


def outcomes(given: Iterator[tuple[int, bytes]], jobs: int = 2, side: int = 400) -> dict[int, Outcome | str]:
    """Outcomes by number; of photos their content's hash and, as a check, their pixels' sum."""
    found: dict[int, Outcome | str] = {}
    for number, outcome in decode_photos(given, jobs=jobs, side=side):
        if isinstance(outcome, DecodedPhoto):
            found[number] = f"{outcome.sha256} {outcome.image.rgb.sum(dtype=np.int64)}"
        else:
            found[number] = outcome
    return found


def crashed(outcome: Outcome | str) -> bool:
    return isinstance(outcome, PhotoError) and outcome.code == CRASHED


def expected(path: Path, side: int = 400) -> str:
    photo = decode(os.fsencode(path), side=side)
    return f"{photo.sha256} {photo.image.rgb.sum(dtype=np.int64)}"


@pytest.fixture
def library(tmp_path: Path) -> list[Path]:
    return [draw(tmp_path / f"{number}.png", (10 * number, 40, RED), shade=number) for number in range(8)]


@pytest.mark.parametrize("jobs", [0, 1, 3])
def test_photos_arrive_whole(library: list[Path], jobs: int) -> None:
    assert outcomes(numbered(*library), jobs) == {number: expected(path) for number, path in enumerate(library)}


def test_everything_told_of_a_photo_arrives(tmp_path: Path) -> None:
    path = draw(tmp_path / "large.jpg", (500, 100, RED), size=(900, 600))
    for side in (700, 2000):
        here = decode(os.fsencode(path), side=side)
        for _, there in decode_photos(numbered(path), jobs=1, side=side):
            assert isinstance(there, DecodedPhoto)
            assert np.array_equal(here.image.rgb, there.image.rgb)
            assert here.image.scale == there.image.scale
            told = (there.sha256, there.width, there.height, there.taken_at, there.notes)
            assert told == (here.sha256, here.width, here.height, here.taken_at, here.notes)


def test_nothing_to_do() -> None:
    assert outcomes(numbered()) == {}
    assert children() == []


def test_problems_arrive_as_they_were_raised(tmp_path: Path, library: list[Path]) -> None:
    (tmp_path / "text").write_text("Dear diary")
    (tmp_path / "empty.jpg").touch()
    found = outcomes(numbered(tmp_path / "text", tmp_path / "empty.jpg", tmp_path / "gone.jpg", library[0]))
    assert isinstance(found[0], NotAPhoto)
    assert isinstance(found[1], PhotoError)
    assert isinstance(found[2], PhotoError)
    assert (found[1].code, found[2].code) == ("empty", "vanished")
    assert found[3] == expected(library[0])


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_worker_that_dies_costs_one_photo(library: list[Path], jobs: int) -> None:
    found = outcomes(numbered(library[0], Deadly(b"x"), library[1], Deadly(b"y"), *library[2:4]), jobs)
    assert crashed(found.pop(1))
    assert crashed(found.pop(3))
    assert list(found.values()) == [expected(path) for path in library[:4]] or jobs == 2
    assert sorted(map(str, found.values())) == sorted(expected(path) for path in library[:4])


def test_a_worker_that_hangs_is_given_up(library: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    spawn, spawned = decode_pool._spawn, list[object]()

    def patiently(*arguments: Any) -> Any:
        spawned.append(arguments)
        monkeypatch.setattr(decode_pool, "TIMEOUT", 120.0)  # a worker may start slowly
        return spawn(*arguments)

    monkeypatch.setattr(decode_pool, "_spawn", patiently)
    found = {}
    for number, outcome in decode_photos(numbered(library[0], Endless(b"x"), *library[1:3]), jobs=1, side=400):
        found[number] = outcome.code if isinstance(outcome, PhotoError) else "decoded"
        if number == 0:
            monkeypatch.setattr(decode_pool, "TIMEOUT", 0.5)
        if isinstance(outcome, PhotoError):
            assert "given up" in outcome.message
    assert found == {0: "decoded", 1: CRASHED, 2: "decoded", 3: "decoded"}
    assert len(spawned) == 2  # it is not tried again: that would take as long
    assert children() == []


def test_an_idle_worker_that_died_costs_nothing(library: list[Path]) -> None:
    def killing() -> Iterator[tuple[int, bytes]]:
        first, second, third = numbered(*library[:3])
        yield first
        for number, end in ((second, signal.SIGKILL), (third, signal.SIGKILL)):
            for child in children():
                os.kill(child, end)
                os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
            yield number

    assert outcomes(killing(), jobs=1) == {number: expected(library[number]) for number in range(3)}


def test_workers_leave_ctrl_c_to_their_owner(library: list[Path]) -> None:
    def interrupting() -> Iterator[tuple[int, bytes]]:
        first, second = numbered(*library[:2])
        yield first
        [child] = children()
        for end in (signal.SIGINT, signal.SIGTERM):
            os.kill(child, end)
        time.sleep(0.1)
        yield second
        assert children() == [child]

    assert outcomes(interrupting(), jobs=1) == {number: expected(library[number]) for number in range(2)}
    assert signal.pthread_sigmask(signal.SIG_BLOCK, set()) == set()  # the owner's own are as before


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files can't be listed")
def test_nothing_is_left_behind_when_the_caller_stops(library: list[Path]) -> None:
    def held() -> tuple[set[str], set[str]]:
        """Names of shared memory, and open files that have none."""
        descriptors = Path("/proc/self/fd")
        open_files = {str(one.readlink()) for one in descriptors.iterdir() if one.is_symlink()}
        return set(os.listdir("/dev/shm")), {name for name in open_files if "deleted" in name}

    before, during = held(), None
    with pytest.raises(KeyboardInterrupt):
        for _ in decode_photos(numbered(*library), jobs=2, side=400):
            during = held()
            raise KeyboardInterrupt
    assert children() == []
    assert during is not None
    assert during[0] == before[0]  # nothing is left of it even if this process is killed
    assert during[1] > before[1]
    assert held() == before


def test_little_shared_memory_is_enough(library: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    usage = collections.namedtuple("usage", "total used free")
    slot = 3 * 400**2
    monkeypatch.setattr(decode_pool, "_SHARED", os.fspath(library[0].parent))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, decode_pool._SPARE + 2 * slot))
    assert len(outcomes(numbered(*library), jobs=6)) == 8
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, decode_pool._SPARE + 2 * slot - 1))
    with pytest.raises(DiskFullError, match="shm-size"):
        outcomes(numbered(*library), jobs=6)


def test_an_index_run_with_a_deadly_photo(store: Store, photos: Path, tmp_path: Path) -> None:
    for name, colour in (("a.png", RED), ("deadly.png", GREEN), ("z.png", BLUE)):
        draw(photos / name, (40, 40, colour))

    def deadly(photos: Iterable[tuple[K, bytes]], *, jobs: int, side: int) -> Generator[tuple[K, Outcome], None, None]:
        return decode_photos(
            ((key, Deadly(path) if b"deadly" in path else path) for key, path in photos), jobs=jobs, side=side
        )

    told, engines = Told(), FakeEngines(decode=deadly)
    done = engines.index(store, [photos], settings(jobs=2), told)
    assert (done.photos, done.problems) == (2, 1)
    assert [(problem.path, problem.code) for problem in told.problems] == [(b"deadly.png", "crashed")]
    assert dict(store.rows("SELECT path, state FROM file")) == {
        b"a.png": "done",
        b"deadly.png": "quarantined",
        b"z.png": "done",
    }
    assert engines.index(store, [photos], settings(), Told()).unchanged == 3  # not opened again
    engines.decode = decode_photos
    assert engines.index(store, [photos], settings(), Told(), retry=True).problems == 0
    assert list(problems.listed(store)) == []
    with open_store(tmp_path / "other.db", create=True) as other:
        FakeEngines().index(other, [photos], settings(), Told())
        assert state(other) == state(store)  # as if nothing had happened, and as decoded in this process
