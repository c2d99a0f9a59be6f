"""Runs that break off: nothing half, nothing lost, and the next run ends where an unbroken one does."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from phototag.analysis.decode_pool import K, Outcome
from phototag.errors import DatabaseDamagedError, DiskFullError
from phototag.store import faces, libraries
from phototag.store.connect import Store, open_store
from phototag.workflows.library.index import Indexed
from phototag.workflows.naming.name import name_faces
from tests.support import fakes
from tests.support.databases import clean
from tests.support.fakes import BLUE, GREEN, RED, FakeEngines, Told, draw, in_process, state

COLOURS = (RED, GREEN, BLUE)


@pytest.fixture
def dozen(photos: Path) -> Path:
    """Twelve files of every sort: faces, none, copies, broken ones, no photo."""
    for number in range(6):
        squares = [(40 + 80 * face, 40, COLOURS[face]) for face in range(number % 4)]
        draw(photos / f"{number:02}.png", *squares, shade=number)
    draw(photos / "sub" / "06.jpg", (40, 40, RED), (200, 40, BLUE))
    for copy in ("07.png", "sub/08.png"):
        shutil.copyfile(photos / "03.png", photos / copy)
    (photos / "09.jpg").write_bytes((photos / "sub" / "06.jpg").read_bytes()[:700])
    (photos / "10.jpg").touch()
    (photos / "11").write_text("no photo")
    return photos


@pytest.fixture
def unbroken(dozen: Path, same_engines: FakeEngines, tmp_path: Path) -> list[tuple[Any, ...]]:
    """What one whole run brings about."""
    with open_store(tmp_path / "unbroken.db", create=True) as other:
        done = same_engines.index(other, [dozen], fakes.settings(), Told())
        assert (done.photos, done.problems) == (9, 2)
        same_engines.detector.calls = 0
        return state(other)


def renew(store: Store) -> Store:
    """An empty database in the place of a used one."""
    store.close()
    for suffix in ("", "-wal", "-shm"):
        Path(f"{store.path}{suffix}").unlink(missing_ok=True)
    return open_store(store.path, create=True)


def broken_off_everywhere(
    store: Store,
    dozen: Path,
    arm: Callable[[int], Any],
    unbroken: list[tuple[Any, ...]],
    same_engines: FakeEngines,
    **switches: bool,
) -> int:
    """Break a run off at the 1st, 2nd, 3rd … chance until one passes; each is followed by a whole one.

    `arm` breaks the run of that number and gives what undoes that, for the next.
    """
    number = 1
    while number < 60:
        store = renew(store)
        broke = False
        disarm = arm(number)
        try:
            same_engines.index(store, [dozen], fakes.settings(batch_photos=3), Told())
        except (KeyboardInterrupt, RuntimeError, DiskFullError, DatabaseDamagedError):
            broke = True
        disarm(store)
        assert clean(store)
        done = store.value(
            "SELECT count(*) FROM file p WHERE state = 'done'"
            " AND NOT EXISTS (SELECT 1 FROM detection WHERE photo = p.photo)"
        )
        assert done == 0  # done means: looked at, and all of it stored
        same_engines.index(store, [dozen], fakes.settings(), Told(), **switches)
        assert state(store) == unbroken, number
        assert clean(store)
        if not broke:
            break
        number += 1
    store.close()
    return number


def test_stopped_at_every_step(
    store: Store, dozen: Path, unbroken: list[tuple[Any, ...]], same_engines: FakeEngines
) -> None:
    number = 0
    while True:
        number += 1
        store = renew(store)

        def stop(step: int, at: int = number) -> None:
            if step == at:
                raise KeyboardInterrupt

        told = Told(during=stop)
        broke = False
        try:
            same_engines.index(store, [dozen], fakes.settings(batch_photos=3), told)
        except KeyboardInterrupt:
            broke = True
        assert clean(store)
        assert store.value("SELECT count(*) FROM file WHERE state = 'new' AND attempts > 0") == 0
        finished = store.value("SELECT count(*) FROM file WHERE state <> 'new'")
        if broke:  # what was finished is saved
            assert finished >= told.steps - 1 - 1  # but for the file that is no photo
        told = Told()
        same_engines.index(store, [dozen], fakes.settings(), told)
        assert state(store) == unbroken, number
        assert told.steps <= 12 - finished
        if not broke:
            break
    assert number == 12 + 2 + 1  # each file, each problem


@pytest.mark.parametrize("lasting", [False, True])
def test_every_commit_may_fail(
    store: Store,
    dozen: Path,
    unbroken: list[tuple[Any, ...]],
    monkeypatch: pytest.MonkeyPatch,
    lasting: bool,
    same_engines: FakeEngines,
) -> None:
    class Full:
        """A connection whose disk is full at a commit (for good, or just then)."""

        def __init__(self, connection: sqlite3.Connection, at: int) -> None:
            self.connection, self.at, self.commits = connection, at, 0

        def __getattr__(self, name: str) -> Any:
            return getattr(self.connection, name)

        def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
            if sql == "COMMIT":
                self.commits += 1
                if self.commits == self.at or (lasting and self.commits > self.at):
                    raise sqlite3.OperationalError("database or disk is full")
            return self.connection.execute(sql, parameters)

    real = libraries.add

    def arm(number: int) -> Callable[[Store], None]:
        def add(opened: Store, root: bytes) -> Any:
            if not isinstance(opened.connection, Full):
                opened.connection = Full(opened.connection, number)  # type: ignore[assignment]
            return real(opened, root)

        monkeypatch.setattr(libraries, "add", add)
        monkeypatch.setattr(Told, "problem", lambda *_: None)

        def disarm(opened: Store) -> None:
            monkeypatch.setattr(libraries, "add", real)
            if isinstance(opened.connection, Full):
                opened.connection = opened.connection.connection

        return disarm

    assert broken_off_everywhere(store, dozen, arm, unbroken, same_engines) > 12


def test_stopped_right_after_every_commit(
    store: Store, dozen: Path, monkeypatch: pytest.MonkeyPatch, same_engines: FakeEngines
) -> None:
    """What was begun and not opened is as if untouched, wherever Ctrl-C is heard."""

    class Heard:
        """A connection after one of whose commits Ctrl-C is heard."""

        def __init__(self, connection: sqlite3.Connection, at: int) -> None:
            self.connection, self.left = connection, at

        def __getattr__(self, name: str) -> Any:
            return getattr(self.connection, name)

        def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
            cursor = self.connection.execute(sql, parameters)
            if sql == "COMMIT":
                self.left -= 1
                if self.left == 0:
                    raise KeyboardInterrupt
            return cursor

    number, broke = 0, True
    while broke:
        number += 1
        store = renew(store)
        connection = store.connection
        store.connection = Heard(connection, number)  # type: ignore[assignment]
        try:
            same_engines.index(store, [dozen], fakes.settings(batch_photos=3), Told())
            broke = False
        except KeyboardInterrupt:
            pass
        store.connection = connection
        assert store.value("SELECT coalesce(sum(attempts), 0) FROM file WHERE state = 'new'") == 0, number
        assert clean(store)
    assert number > 12
    store.close()


def test_every_inference_may_fail(
    store: Store, dozen: Path, unbroken: list[tuple[Any, ...]], same_engines: FakeEngines
) -> None:
    def arm(number: int) -> Callable[[Store], None]:
        same_engines.detector.calls = 0

        def during(call: int) -> None:
            if call == number:
                raise KeyboardInterrupt

        same_engines.detector.during = during
        return lambda _: setattr(same_engines.detector, "during", lambda call: None)

    assert broken_off_everywhere(store, dozen, arm, unbroken, same_engines) == 8  # seven sights: copies cost nothing


def test_every_inference_may_stumble(
    store: Store, dozen: Path, unbroken: list[tuple[Any, ...]], same_engines: FakeEngines
) -> None:
    for number in range(1, 8):
        store = renew(store)
        same_engines.detector.calls = 0

        def during(call: int, at: int = number) -> None:
            if call == at:
                raise MemoryError

        same_engines.detector.during = during
        done = same_engines.index(store, [dozen], fakes.settings(batch_photos=3), Told())
        assert (done.photos, done.problems) == (8, 3)
        same_engines.detector.during = lambda call: None
        done = same_engines.index(store, [dozen], fakes.settings(), Told())
        assert (done.photos, done.problems) == (1, 2)
        assert state(store) == unbroken
    store.close()


@pytest.mark.parametrize("ahead", [0, 2])
@pytest.mark.parametrize("seconds", range(1, 8))
def test_a_time_budget_that_ends_in_the_middle(
    store: Store,
    dozen: Path,
    unbroken: list[tuple[Any, ...]],
    same_engines: FakeEngines,
    clock: fakes.Clock,
    monkeypatch: pytest.MonkeyPatch,
    seconds: int,
    ahead: int,
) -> None:
    same_engines.decode = partial(in_process, ahead=ahead)
    same_engines.detector.during = clock.tick  # each inference takes a second
    told = Told()
    done = same_engines.index(store, [dozen], fakes.settings(batch_photos=3), told, budget=seconds - 0.5)
    assert seconds <= same_engines.detector.calls <= seconds + ahead + 1  # what is on its way is finished
    assert done.left == 12 - told.steps
    assert done.left or same_engines.detector.calls == 7
    assert store.value("SELECT count(*) FROM file WHERE state <> 'new'") in (12 - done.left, 11 - done.left)
    assert store.value("SELECT coalesce(sum(attempts), 0) FROM file") == 0
    assert clean(store)
    again = same_engines.index(store, [dozen], fakes.settings(), Told(), budget=100)
    assert (again.left, same_engines.detector.calls) == (0, 7)
    assert again.photos == 9 - done.photos
    assert state(store) == unbroken


def test_every_decode_may_fail(
    store: Store, dozen: Path, unbroken: list[tuple[Any, ...]], same_engines: FakeEngines
) -> None:
    def arm(number: int) -> Callable[[Store], None]:
        def decode(photos: Iterable[tuple[K, bytes]], **how: int) -> Generator[tuple[K, Outcome], None, None]:
            for count, outcome in enumerate(in_process(photos, ahead=2, **how), 1):
                if count == number:
                    raise RuntimeError("no processes left")
                yield outcome

        same_engines.decode = decode
        return lambda _: setattr(same_engines, "decode", in_process)

    assert broken_off_everywhere(store, dozen, arm, unbroken, same_engines) == 13


# --- whole processes ---

RUN = """
import sys, time
from phototag.analysis.decode_pool import decode_photos
from phototag.analysis.engine_provider import InstalledEngines
from phototag.cli import main
from tests.support import fakes

engines = fakes.FakeEngines(reopened=False, decode=decode_photos)
InstalledEngines.open = lambda self, settings, photos=None: engines.open(settings)
InstalledEngines.installed = lambda self, kind, name: True
wait = float(sys.argv.pop(1))

def during(call):
    if call == 3:
        print("third", flush=True)
    if call >= 3:
        time.sleep(wait)

engines.detector.during = during
main.main(["index", *sys.argv[1:]])
"""


def start(store: Path, photos: Path, wait: float = 0.0) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "PHOTOTAG_IMAGE_SIDE": "400",
        "PHOTOTAG_DETAIL_SIDE": "400",
        "PHOTOTAG_BATCH_PHOTOS": "4",
    }
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(wait), "--db", str(store), "--jobs", "2", str(photos)],
        cwd=Path(__file__).parents[2],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize(
    ("end", "code", "kill"),
    [
        pytest.param(signal.SIGINT, 130, os.killpg, id="Ctrl-C reaches the workers, too"),
        pytest.param(signal.SIGTERM, 143, os.killpg, id="a service is stopped"),
        pytest.param(signal.SIGTERM, 143, os.kill, id="a process is stopped"),
    ],
)
def test_a_stopped_process(
    store: Store,
    dozen: Path,
    unbroken: list[tuple[Any, ...]],
    end: signal.Signals,
    code: int,
    kill: Callable[[int, int], None],
    same_engines: FakeEngines,
) -> None:
    process = start(store.path, dozen, wait=0.3)
    assert process.stdout
    assert process.stdout.readline() == "third\n"
    kill(process.pid, end)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert "everything finished so far is saved" in errors
    assert "Traceback" not in errors
    assert "ignored" not in errors  # no destructor complains
    assert "leaked" not in errors
    assert 2 <= store.value("SELECT count(*) FROM file WHERE state = 'done'") < 9
    assert store.value("SELECT sum(attempts) FROM file") == 0
    assert store.value("SELECT count(*) FROM file WHERE state = 'quarantined'") == 0
    assert clean(store)
    index_here(store, dozen, same_engines)
    assert state(store) == unbroken


def index_here(store: Store, photos: Path, same_engines: FakeEngines) -> Indexed:
    return same_engines.index(store, [photos], fakes.settings(), Told())


def finish(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 3, errors  # done, two files had problems


def test_two_runs_at_once_agree(store: Store, dozen: Path, unbroken: list[tuple[Any, ...]]) -> None:
    finish(start(store.path, dozen), start(store.path, dozen))
    assert state(store) == unbroken
    assert clean(store)


def test_moves_under_two_runs_at_once(store: Store, dozen: Path, same_engines: FakeEngines) -> None:
    index_here(store, dozen, same_engines)
    for face in list(faces.identified(store)):
        name_faces(store, [face.id], f"{os.path.basename(os.fsdecode(face.path))} {face.box.x:.0f}")
    labels = dict(store.rows("SELECT face, person FROM label"))
    (dozen / "sub").rename(dozen / "moved")
    (dozen / "03.png").rename(dozen / "moved" / "03.png")
    shutil.copyfile(dozen / "02.png", dozen / "copy.png")
    finish(start(store.path, dozen), start(store.path, dozen))
    assert dict(store.rows("SELECT face, person FROM label")) == labels
    assert store.value("SELECT count(*) FROM face") == len(labels)  # also the copy's
    assert store.value("SELECT count(*) FROM file WHERE state = 'missing'") == 0
    assert clean(store)


def test_names_given_while_a_run_goes_on(store: Store, dozen: Path, same_engines: FakeEngines) -> None:
    index_here(store, dozen, same_engines)
    ids = [face.id for face in faces.identified(store)]
    for number in range(30):
        draw(dozen / f"more {number}.png", (40, 40, RED), shade=100 + number)
    process = start(store.path, dozen)
    said = 0
    while process.poll() is None and said < 300:
        name_faces(store, [ids[said % len(ids)]], f"Name {said}")
        said += 1
        time.sleep(0.005)
    finish(process)
    assert said > 5
    assert store.value("SELECT count(*) FROM decision") == said
    assert store.value("SELECT count(*) FROM face") == len(ids) + 30
    assert clean(store)
