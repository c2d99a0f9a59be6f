"""Locks are kept: nothing but SQLite opens the database or its log, and nothing but one file makes SQLite do so."""

from __future__ import annotations

import ast
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

import phototag
from phototag.errors import DatabaseUnavailableError
from phototag.store import connection, ownership, people
from phototag.store.connect import Store, open_reader, open_store
from tests.support.databases import clean

PACKAGE = Path(phototag.__file__).parent
#: What opens files, or copies them.
OPENERS = {"open", "fdopen", "read_bytes", "read_text", "write_bytes", "write_text", "copy", "copy2", "copyfile"}
OPENERS |= {"copytree", "move", "mmap", "memmap", "fromfile", "NamedTemporaryFile", "mkstemp", "sendfile", "truncate"}

WRITE = """
import sys
from pathlib import Path
from phototag.store import people
from phototag.store.connect import open_store
with open_store(Path(sys.argv[1])) as store, store.write():
    people.ensure(store, sys.argv[2])
"""


def name(store: Store, text: str) -> None:
    with store.write():
        people.ensure(store, text)


def elsewhere(path: Path, text: str) -> None:
    """Another program saves a name, and closes the database as if it were the last that has it open."""
    subprocess.run([sys.executable, "-c", WRITE, path, text], check=True, timeout=60)


def names(path: Path) -> list[str]:
    """What a third program sees."""
    query = "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute('SELECT name FROM person'), sep='\\n')"
    told = subprocess.run([sys.executable, "-c", query, path], check=True, capture_output=True, text=True).stdout
    return [ast.literal_eval(line)[0] for line in told.splitlines()]


def glance(path: Path) -> None:
    ownership.require_ours(path)


def back_up(path: Path) -> None:
    connection.back_up(path, path.with_name(f"{path.name}.before-0000-test"))


def examine(path: Path) -> None:
    assert ownership.check(path) == ""


def write(path: Path) -> None:
    open_store(path).close()


def read(path: Path) -> None:
    open_reader(path).close()


def make(path: Path) -> None:
    connection.create(path)


LOOKS = [write, read, glance, back_up, examine, make]


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.__name__)
def test_what_is_saved_after_another_look_at_the_database_is_seen_by_all(
    store: Store, look: Callable[[Path], None]
) -> None:
    name(store, "One")
    look(store.path)
    elsewhere(store.path, "Two")
    name(store, "Three")
    assert names(store.path) == ["One", "Two", "Three"]
    assert clean(store)


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="this system doesn't list locks")
@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.__name__)
def test_no_look_drops_a_lock(store: Store, look: Callable[[Path], None]) -> None:
    name(store, "One")
    held = locks(store.path)
    assert {file for file, *_ in held} == {"", "-shm"}
    look(store.path)
    assert locks(store.path) == held


def locks(path: Path) -> list[tuple[str, ...]]:
    """What this process has locked of a database: the file, the kind, first and last byte.

    The system makes the list while it is read: locks of other processes that come or go can make it repeat or skip
    rows. So it counts once it was read twice alike.
    """
    before, now = None, listed_locks(path)
    while before != now:
        before, now = now, listed_locks(path)
    return now


def listed_locks(path: Path) -> list[tuple[str, ...]]:
    files = {str(os.stat(f"{path}{end}").st_ino): end for end in ("", "-shm")}
    rows = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return sorted(
        (files[row[5].split(":")[2]], row[3], *row[6:])
        for row in rows
        if row[4] == str(os.getpid()) and row[5].split(":")[2] in files
    )


def test_a_database_that_was_replaced_while_it_was_open_gets_no_answers(store: Store) -> None:
    name(store, "One")
    backup = store.path.with_name("backup.db")
    with closing(sqlite3.connect(backup)) as copy:
        store.connection.backup(copy)
    whole = store.path.with_name("aside.db")
    os.rename(store.path, whole)
    for end in ("-wal", "-shm"):
        os.rename(f"{store.path}{end}", f"{whole}{end}")
    with pytest.raises(DatabaseUnavailableError, match="was moved, removed or replaced") as caught:
        name(store, "Two")
    assert caught.value.exit_code == 11
    os.rename(backup, store.path)
    with pytest.raises(DatabaseUnavailableError, match="nothing was saved"):
        name(store, "Two")
    with open_store(store.path) as restored:
        assert people.names(restored) == ["One"]


# --- what the code may do ---


def calls() -> Iterator[tuple[Path, ast.Call, str, str]]:
    """Each call in the package: its file, itself, what it is called on, and its name."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                on, _, called = ast.unparse(node.func).rpartition(".")
                yield path.relative_to(PACKAGE), node, on, called


def test_only_one_file_opens_databases_and_only_by_sqlite() -> None:
    here = Path("store", "connection.py")
    for path, call, on, called in calls():
        if on == "sqlite3" and called == "connect":
            in_memory = [ast.unparse(argument) for argument in call.args] == ["':memory:'"]
            assert path == here or in_memory, path
        if path.parts[0] == "store":
            assert called not in OPENERS, ast.unparse(call)
        if called == "Database":
            assert call.args and ast.unparse(call.args[0]) == "connection", path  # never a path


def test_nothing_else_is_given_the_database_to_open() -> None:
    for path, call, on, called in calls():
        if called in OPENERS:
            given = {ast.unparse(part) for part in (*call.args, *(word.value for word in call.keywords))} | {on}
            database = {text for text in given if text in ("db", "store.path") or text.endswith((".db", "store.path"))}
            assert not database, (path, ast.unparse(call))


def test_processes_are_spawned_never_forked() -> None:
    """A child of a fork would share connections, and SQLite can't have that."""
    for path, call, on, called in calls():
        assert called not in ("fork", "forkpty", "Process", "ProcessPoolExecutor") or on == "context", path
        if called in ("get_context", "set_start_method"):
            assert [ast.unparse(argument) for argument in call.args] in (["'spawn'"], ["'forkserver'"]), path
