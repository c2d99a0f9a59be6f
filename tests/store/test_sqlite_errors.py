"""Disks that fail and file systems that lack something are told from damage, and nothing that was saved is lost."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from phototag.errors import (
    DatabaseDamagedError,
    DatabaseLockedError,
    DatabaseUnavailableError,
    NotOurDatabaseError,
    PhototagError,
)
from phototag.store import people, sqlite_errors
from phototag.store.connect import Store, open_store
from tests.support import failing_disk
from tests.support.databases import clean

ROOT = Path(__file__).parents[2]
injectable = pytest.mark.skipif(not failing_disk.available(), reason="SQLite's system calls can't be replaced here")

BEGIN = """
import os, sys
from contextlib import suppress
from pathlib import Path
from phototag.errors import PhototagError
from phototag.store import people
from phototag.store.connect import open_reader, open_store
from tests.support import failing_disk
path = Path(sys.argv[1])
def name(store, text):
    with store.write():
        people.ensure(store, text)
"""


# SQLite's calls can't come back to an interpreter that has ended.
END = "\nsys.stdout.flush(); os._exit(0)"


def run(code: str, path: Path) -> list[str]:
    """The lines that a program prints."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + code + END, path], capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("error", "found", "kind", "code", "words"),
    [
        ("disk I/O error", "", DatabaseUnavailableError, 11, "isn't damaged"),
        ("disk I/O error", None, DatabaseUnavailableError, 11, "reported an error"),
        ("disk I/O error", "Tree 5: page 9 is never used", DatabaseDamagedError, 13, "page 9"),
        ("file is not a database", "", DatabaseUnavailableError, 11, "isn't damaged"),
        ("file is not a database", "file is not a database", NotOurDatabaseError, 10, "another file with --db"),
        ("database disk image is malformed", "", DatabaseUnavailableError, 11, "isn't damaged"),
        ("database disk image is malformed", "malformed", DatabaseDamagedError, 13, "restore a backup"),
        ("unable to open database file", "", DatabaseUnavailableError, 11, "run the same command again"),
        ("locking protocol", "", DatabaseLockedError, 11, "in use"),
        ("Could not decode to UTF-8 column 'name'", "", DatabaseDamagedError, 13, "restore a backup"),
    ],
)
def test_a_look_at_the_whole_database_decides(
    store: Store, error: str, found: str | None, kind: type[PhototagError], code: int, words: str
) -> None:
    told = sqlite_errors.translate(store.path, sqlite3.OperationalError(error), 30, lambda path: found)
    assert isinstance(told, kind) and told.exit_code == code
    assert words in str(told)


def test_a_mistake_of_ours_in_a_sound_database_is_no_damage(store: Store) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such column"):
        store.value("SELECT shoe_size FROM person")


def test_a_database_that_is_gone_is_said_to_be_gone(store: Store) -> None:
    store.close()
    store.path.rename(store.path.with_name("aside"))
    told = sqlite_errors.translate(
        store.path, sqlite3.OperationalError("unable to open database file"), 30, lambda path: None
    )
    assert isinstance(told, DatabaseUnavailableError)
    assert "no longer there" in str(told)


@injectable
@pytest.mark.parametrize("call", ["pwrite", "pread", "ftruncate", "open"])
def test_a_disk_that_fails_for_a_while_loses_nothing(store: Store, call: str) -> None:
    with store.write():
        people.ensure(store, "Before")
    store.close()
    lines = run(
        f"""
bad = False
failing_disk.fail({call!r}, when=lambda *_: bad)
store = open_store(path)
for number in range(30):
    bad = number % 3 == 1
    try:
        name(store, f"Number {{number}}")
        with open_store(path) as other:
            people.names(other)
        if not bad:
            print("saved", number)
    except PhototagError as error:
        print(error.exit_code, error)
        store.close()
        bad = False
        store = open_store(path)
bad = False
""",
        store.path,
    )
    saved = {f"Number {line.split()[1]}" for line in lines if line.startswith("saved")}
    troubles = [line for line in lines if not line.startswith("saved")]
    assert len(saved) == 20
    assert all(line.startswith("11 ") and "damaged;" not in line.split("isn't")[0] for line in troubles), troubles
    with open_store(store.path) as again:
        assert clean(again)
        assert {"Before", *saved} <= set(people.names(again))


@injectable
@pytest.mark.parametrize("opener", ["open_store", "open_reader"])
def test_a_disk_that_cannot_read_some_of_the_database_is_no_damage(store: Store, opener: str) -> None:
    with store.write():
        for number in range(2000):
            people.ensure(store, f"Number {number} of many")
    store.close()
    half = store.path.stat().st_size // 2
    told = run(
        f"""
failing_disk.fail("pread", when=lambda file, to, size, at, *_: at >= {half})
try:
    with {opener}(path) as store:
        people.names(store)
except PhototagError as error:
    print(error.exit_code, error)
""",
        store.path,
    )
    assert len(told) == 1 and told[0].startswith("11 ") and "check the disk" in told[0], told
    assert "damaged" not in told[0] and "backup" not in told[0]


# --- file systems without memory that processes share ---


@injectable
def test_without_shared_memory_a_new_database_works(tmp_path: Path) -> None:
    lines = run(
        """
failing_disk.without_shared_memory()
assert not failing_disk.works(path.parent)
with open_store(path, create=True) as store:
    name(store, "One")
    with open_store(path) as other:
        name(other, "Two")
    with open_reader(path) as reader, reader.snapshot():
        print(store.value("PRAGMA journal_mode"), people.names(reader))
""",
        tmp_path / "phototag.db",
    )
    assert lines == ["delete ['One', 'Two']"]
    assert [file.name for file in tmp_path.glob("phototag.db*")] == ["phototag.db"]


@injectable
@pytest.mark.parametrize("opener", ["open_store", "open_reader"])
def test_without_shared_memory_a_log_that_is_there_is_read_first(tmp_path: Path, opener: str) -> None:
    """A database that was moved to a share, after a run that was killed."""
    path = tmp_path / "phototag.db"
    run("store = open_store(path, create=True); name(store, 'Logged'); os._exit(0)", path)
    assert path.with_name("phototag.db-wal").stat().st_size
    lines = run(
        f"""
failing_disk.without_shared_memory()
for _ in range(2):
    with {opener}(path) as store:
        print(people.names(store), store.value("PRAGMA journal_mode"))
with open_store(path) as store:
    name(store, "More")
""",
        path,
    )
    assert lines == ["['Logged'] delete"] * 2
    with open_store(path) as store:  # back on a disk
        assert people.names(store) == ["Logged", "More"]
        assert store.value("PRAGMA journal_mode") == "wal"
        assert clean(store)


@injectable
def test_without_shared_memory_writers_wait_for_one_another(tmp_path: Path) -> None:
    path = tmp_path / "phototag.db"
    with open_store(path, create=True):
        pass
    code = (
        BEGIN
        + """
failing_disk.without_shared_memory()
for number in range(20):
    with open_store(path) as store:
        name(store, f"{sys.argv[2]} {number}")
        people.names(store)
"""
    )
    both = [
        subprocess.Popen([sys.executable, "-c", code, path, who], env={**os.environ, "PYTHONPATH": str(ROOT)})
        for who in ("Ada", "Ben")
    ]
    assert [one.wait(timeout=120) for one in both] == [0, 0]
    with open_store(path) as store:
        assert len(people.names(store)) == 40
        assert clean(store)
