"""Opening, refusing and sharing the database file."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlite_utils import Database

from phototag.errors import (
    DatabaseDamagedError,
    DatabaseLockedError,
    DiskFullError,
    NotOurDatabaseError,
    PhototagError,
    SchemaTooNewError,
    UsageError,
)
from phototag.store import connection, people
from phototag.store.connect import Store, open_reader, open_store
from phototag.store.migrations import MIGRATIONS
from tests.support.databases import add_face, add_photo, clean, say, unit, who


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def name(store: Store, text: str) -> None:
    with store.write():
        people.ensure(store, text)


# --- writing together ---


def test_a_second_writer_waits_and_neither_loses_anything(store: Store) -> None:
    begun, order = threading.Event(), list[str]()

    def second() -> None:
        with open_store(store.path) as other:
            begun.wait(10)
            name(other, "Second")
            order.append("second")

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(second)
        with store.write():
            people.ensure(store, "First")
            begun.set()
            time.sleep(0.2)
            order.append("first")
        waiting.result(10)
    assert order == ["first", "second"]
    assert people.names(store) == ["First", "Second"]


def test_a_read_followed_by_a_write_survives_another_writer(store: Store) -> None:
    # The read would pin a snapshot under a deferred transaction, and the write fail at once.
    with open_store(store.path) as other, store.write():
        assert people.names(store) == []
        assert people.names(other) == []
        people.ensure(store, "A")
    with open_store(store.path) as other:
        name(other, "B")
    assert people.names(store) == ["A", "B"]


def test_two_writers_interleaved_lose_nothing(store: Store) -> None:
    def write(who: int) -> None:
        with open_store(store.path) as mine:
            for number in range(40):
                name(mine, f"{who} {number}")

    with ThreadPoolExecutor() as pool:
        list(pool.map(write, range(2)))
    assert len(people.names(store)) == 80
    assert clean(store)


def test_a_lock_that_stays_is_a_sentence(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.1)
    with open_store(store.path) as other, store.write():
        with pytest.raises(DatabaseLockedError, match="in use by another program") as caught:
            name(other, "Late")
        assert caught.value.exit_code == 11
    assert people.names(store) == []


def test_a_failed_transaction_leaves_nothing_and_the_store_usable(store: Store) -> None:
    with pytest.raises(RuntimeError), store.write():
        people.ensure(store, "Half")
        raise RuntimeError
    with pytest.raises(KeyboardInterrupt), store.write():
        people.ensure(store, "Half")
        raise KeyboardInterrupt
    name(store, "Whole")
    assert people.names(store) == ["Whole"]


def test_a_snapshot_sees_one_state(store: Store) -> None:
    name(store, "Before")
    with open_store(store.path) as other, store.snapshot():
        assert people.names(store) == ["Before"]
        name(other, "Meanwhile")
        assert people.names(store) == ["Before"]
    assert people.names(store) == ["Before", "Meanwhile"]


CREATE = """
import sys, time
from pathlib import Path
from phototag.store import people
from phototag.store.connect import open_store
while time.time() < float(sys.argv[2]):
    pass
with open_store(Path(sys.argv[1]), create=True) as store, store.write():
    people.ensure(store, sys.argv[3])
"""


def test_two_processes_create_one_new_database(tmp_path: Path) -> None:
    start = time.time() + 1.0
    for round_ in range(2):
        path = tmp_path / f"{round_}.db"
        runs = [
            subprocess.Popen([sys.executable, "-c", CREATE, path, str(start), who], stderr=subprocess.PIPE, text=True)
            for who in ("Ada", "Ben", "Cy")
        ]
        for run in runs:
            _, errors = run.communicate(timeout=60)
            assert run.returncode == 0, errors
        with open_store(path) as store:
            assert people.names(store) == ["Ada", "Ben", "Cy"]
            assert store.value("SELECT count(*) FROM _sqlite_migrations") == len(MIGRATIONS._migrations)
        start = time.time() + 0.7


def test_a_crowd_creates_one_new_database(tmp_path: Path) -> None:
    # Threads meet more closely than processes: the switch to a write-ahead log doesn't wait by itself.
    for round_ in range(10):
        barrier = threading.Barrier(4)

        def create(who: int, path: Path = tmp_path / f"{round_}.db", barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            with open_store(path, create=True) as store:
                name(store, f"{who}")

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(create, range(4)))
        with open_store(tmp_path / f"{round_}.db") as store:
            assert len(people.names(store)) == 4


# --- what is not ours ---


def foreign(path: Path, *, wal: bool, tables: bool = True, mark: int = 0) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA journal_mode = {'wal' if wal else 'delete'}")
    connection.execute(f"PRAGMA application_id = {mark}")
    if tables:
        connection.execute("CREATE TABLE bookmarks (url)")
    connection.close()


@pytest.mark.parametrize("opener", [open_store, open_reader, lambda path: open_store(path, create=True)])
@pytest.mark.parametrize("kind", ["random", "text", "short", "sqlite", "sqlite-wal", "marked", "header-only"])
def test_foreign_files_are_refused_untouched(tmp_path: Path, kind: str, opener: object) -> None:
    path = tmp_path / "other.db"
    if kind.startswith("sqlite") or kind == "marked":
        foreign(path, wal=kind == "sqlite-wal", mark=0x0F055112 if kind == "marked" else 0)
    else:
        path.write_bytes(
            {
                "random": os.urandom(5000),
                "text": b"Dear diary,\n" * 40,
                "short": b"x",
                "header-only": b"SQLite format 3\0" + os.urandom(8000),
            }[kind]
        )
    before = digest(path)
    with pytest.raises(NotOurDatabaseError) as caught:
        opener(path)  # type: ignore[operator]
    assert caught.value.exit_code == 10
    assert "untouched" in str(caught.value)
    assert digest(path) == before
    assert os.listdir(tmp_path) == ["other.db"]  # no log or lock beside somebody else's file


def test_a_folder_is_not_a_database(tmp_path: Path) -> None:
    for opener in (open_store, open_reader):
        with pytest.raises(NotOurDatabaseError, match="not a file"):
            opener(tmp_path)


def test_an_absent_database_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    for path in (tmp_path / "none.db", tmp_path / "empty.db"):
        for opener in (open_store, open_reader):
            with pytest.raises(UsageError, match="no database at"):
                opener(path)
    assert not (tmp_path / "none.db").exists()


def test_an_empty_file_and_an_empty_database_become_ours(tmp_path: Path) -> None:
    (tmp_path / "a.db").touch()
    foreign(tmp_path / "b.db", wal=False, tables=False)
    for file in ("a.db", "b.db"):
        with open_store(tmp_path / file, create=True) as store:
            name(store, "Ada")
            assert people.names(store) == ["Ada"]


@pytest.mark.parametrize("opener", [open_store, open_reader])
@pytest.mark.parametrize("log", ["wal", "delete", "live"])
def test_a_newer_database_is_refused_untouched(store: Store, opener: object, log: str) -> None:
    with store.write():
        store.run(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('phototag', '9999-far', '')"
        )
    if log != "live":
        store.run(f"PRAGMA journal_mode = {log}")
        store.close()
    before = digest(store.path)
    with pytest.raises(SchemaTooNewError, match="9999-far") as caught:
        opener(store.path)  # type: ignore[operator]
    assert caught.value.exit_code == 12
    assert digest(store.path) == before
    store.close()


def test_a_damaged_database_is_a_sentence(store: Store) -> None:
    for number in range(200):
        add_photo(store, b"%d.jpg" % number)
    store.close()
    whole = store.path.read_bytes()
    store.path.write_bytes(whole[:4096] + os.urandom(len(whole) - 4096))
    for opener in (open_store, open_reader):
        with pytest.raises(DatabaseDamagedError) as caught, opener(store.path) as damaged:
            list(damaged.rows("SELECT * FROM photo"))
        assert caught.value.exit_code == 13


@pytest.mark.parametrize("opener", [open_store, open_reader, lambda path: open_store(path, create=True)])
def test_an_sqlite_without_returning_is_refused(
    store: Store, opener: Callable[[Path], Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.close()
    before = digest(store.path)
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    monkeypatch.setattr(sqlite3, "sqlite_version", "3.34.1")
    for path in (store.path, tmp_path / "new.db"):
        with pytest.raises(UsageError, match=r"is 3\.34\.1, and phototag needs 3\.35\.0") as caught:
            opener(path)
        assert caught.value.exit_code == 2
    assert digest(store.path) == before
    assert not (tmp_path / "new.db").exists()
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 35, 0))
    opener(store.path).close()


def test_bugs_are_not_called_damage(store: Store) -> None:
    store.close()
    with pytest.raises(sqlite3.ProgrammingError):
        store.value("SELECT 1")


def test_files_are_private(tmp_path: Path) -> None:
    with open_store(tmp_path / "new" / "phototag.db", create=True) as store:
        name(store, "Ada")
        assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
        for file in (tmp_path / "new").iterdir():
            assert file.stat().st_mode & 0o077 == 0, file


# --- read-only places, full disks ---

UNPRIVILEGED = """
import os, sys, tempfile
from pathlib import Path
from phototag.store import people
from phototag.store.connect import open_reader, open_store
from phototag.errors import PhototagError
path = Path(sys.argv[1])
if os.geteuid() == 0:
    os.seteuid(65534)
with open_reader(path) as store:
    print(people.names(store))
try:
    with open_store(path) as store, store.write():
        people.ensure(store, "Eve")
except PhototagError as error:
    print(error.exit_code, error)
"""


@pytest.mark.parametrize("crashed", [False, True], ids=["closed", "with a log"])
def test_a_read_only_folder_can_be_read(tmp_path: Path, crashed: bool) -> None:
    folder = tmp_path / "medium"
    path = folder / "phototag.db"
    with open_store(path, create=True) as store:
        name(store, "Ada")
        if crashed:  # what a killed run leaves: names that are only in the log
            logged = {file.name: file.read_bytes() for file in folder.iterdir() if not file.name.endswith("-shm")}
    if crashed:
        for logged_file, content in logged.items():
            (folder / logged_file).write_bytes(content)
    for file in folder.iterdir():
        file.chmod(0o444)
    folder.chmod(0o555)
    for parent in folder.parents:  # pytest's folders are private
        if parent != Path(tempfile.gettempdir()) and parent.is_relative_to(tempfile.gettempdir()):
            parent.chmod(0o755)
    try:
        result = subprocess.run(
            [sys.executable, "-c", UNPRIVILEGED, path], capture_output=True, text=True, timeout=60, check=False
        )
    finally:
        folder.chmod(0o755)
    assert result.stderr == ""
    read, refused = result.stdout.splitlines()
    assert read == "['Ada']"
    assert refused.startswith("2 ")
    assert "choose another place with --db" in refused


def test_a_reader_cannot_write(store: Store) -> None:
    with open_reader(store.path) as reader, pytest.raises(UsageError, match="read-only"):
        name(reader, "Eve")


def test_a_full_disk_leaves_nothing_half_written(store: Store) -> None:
    add_photo(store, b"before.jpg")
    pages = store.value("PRAGMA page_count")
    for room in range(0, 12, 2):
        store.run(f"PRAGMA max_page_count = {pages + room}")
        before = store.value("SELECT count(*) FROM person")
        with pytest.raises(DiskFullError, match=r"disk full on .* B free") as caught, store.write():
            for number in range(5000):
                people.ensure(store, f"{room} {number}")
        assert caught.value.exit_code == 14
        assert store.value("SELECT count(*) FROM person") == before
    store.run("PRAGMA max_page_count = 1000000")
    assert clean(store)
    name(store, "After")


def test_no_space_for_a_new_file_is_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "touch", full)
    with pytest.raises(DiskFullError):
        open_store(tmp_path / "new.db", create=True)


# --- migrations ---


@pytest.fixture
def second_migration() -> Iterator[None]:
    """A later version of phototag, which adds a column."""

    @MIGRATIONS(name="0002-test")
    def _second(db: Database) -> None:
        db.conn.execute("ALTER TABLE person ADD COLUMN nickname TEXT")
        if db.conn.execute("SELECT 1 FROM person WHERE name = 'Break'").fetchone():
            raise RuntimeError("migration failed")

    yield
    MIGRATIONS._migrations.pop()


def test_a_later_migration_is_made_after_a_backup(store: Store, request: pytest.FixtureRequest) -> None:
    name(store, "Ada")
    store.close()
    request.getfixturevalue("second_migration")
    with open_store(store.path) as newer:
        assert newer.value("SELECT count(nickname) FROM person") == 0
        assert people.names(newer) == ["Ada"]
    backup = store.path.with_name(store.path.name + ".before-0002-test")
    assert backup.stat().st_mode & 0o077 == 0
    old = sqlite3.connect(backup)
    assert old.execute("SELECT id, name, name_key FROM person").fetchall() == [(1, "Ada", "ada")]
    assert old.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    old.close()
    before = digest(backup)
    open_store(store.path).close()
    assert digest(backup) == before  # made once


def test_readers_of_an_old_database_bring_it_up_to_date(store: Store, request: pytest.FixtureRequest) -> None:
    store.close()
    request.getfixturevalue("second_migration")
    with open_reader(store.path) as newer:
        assert newer.value("SELECT count(nickname) FROM person") == 0


def test_a_failed_migration_changes_nothing(store: Store, request: pytest.FixtureRequest) -> None:
    name(store, "Break")
    store.close()
    request.getfixturevalue("second_migration")
    with pytest.raises(RuntimeError):
        open_store(store.path)
    plain = sqlite3.connect(store.path)
    applied = [row[0] for row in plain.execute("SELECT name FROM _sqlite_migrations")]
    assert applied == [
        "0001-first",
        "0002-lasting-groups",
        "0003-arrivals",
        "0004-reach",
        "0005-people",
        "0006-content",
        "0008-name-keys",
        "0009-redo",
        "0010-forget",
        "0011-looks",
        "0012-views",
    ]
    assert "nickname" not in [row[1] for row in plain.execute("PRAGMA table_info(person)")]
    plain.close()


def test_two_processes_migrate_once(store: Store, request: pytest.FixtureRequest) -> None:
    for number in range(50):
        name(store, f"{number}")
    store.close()
    request.getfixturevalue("second_migration")
    barrier = threading.Barrier(4)

    def migrate(_: int) -> None:
        barrier.wait()
        open_store(store.path).close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate, range(4)))
    old = sqlite3.connect(store.path.with_name(store.path.name + ".before-0002-test"))
    columns = [row[1] for row in old.execute("PRAGMA table_info(person)")]
    assert "name" in columns and "nickname" not in columns  # the state before, not one after
    old.close()


# --- what SQLite itself refuses ---


def test_what_humans_decided_about_cannot_be_deleted(store: Store) -> None:
    face = add_face(store, b"a.jpg", unit(1))
    say(store, "is", face, "Ada")
    for table in ("photo", "face", "person", "library"):
        with pytest.raises(PhototagError, match="refused a change"), store.write():
            store.run(f"DELETE FROM {table}")
    assert who(store) == {face: ("Ada", "human")}


def test_decisions_are_never_changed_or_deleted(store: Store) -> None:
    face = add_face(store, b"a.jpg", unit(1))
    say(store, "is", face, "Ada")
    rows = list(store.rows("SELECT * FROM decision"))
    for sql in (
        "UPDATE decision SET person = NULL",
        "DELETE FROM decision",
        "REPLACE INTO decision SELECT * FROM decision",
    ):
        with pytest.raises(PhototagError, match="refused"), store.write():
            store.run(sql)
    assert list(store.rows("SELECT * FROM decision")) == rows


def test_sqlite_refuses_a_vector_of_a_wrong_length(store: Store) -> None:
    face = add_face(store, b"a.jpg", unit(1))
    with pytest.raises(PhototagError, match="refused"), store.write():
        store.run("UPDATE embedding SET vector = ? WHERE face = ?", (b"\0" * 31, face))
    with pytest.raises(PhototagError, match="refused"), store.write():
        store.run("UPDATE embedding SET dim = 9 WHERE face = ?", (face,))
