"""Connections to a database file: how they are set up, and where they can use a write-ahead log.

Only SQLite may open the database or its log, and only through this file. POSIX locks belong to a process, and closing
any descriptor of a file drops all locks that the process has there. A connection that lost its locks so goes on writing
to a log that another program takes for abandoned, and deletes (https://sqlite.org/howtocorrupt.html, 2.2). SQLite keeps
a descriptor until the process has no lock on the file; `open`, `shutil` and others don't.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import tempfile
import time
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from shutil import rmtree

from phototag.errors import DatabaseLockedError
from phototag.store import layout, sqlite_errors

#: How long a writer waits for another process's (short) transactions, in seconds.
BUSY_SECONDS = 30.0
#: How often copying a database is tried while another program writes to it.
_COPY_ATTEMPTS = 5
#: What a database may have beside it: a write-ahead log, or the journal of a transaction that was broken off.
_LOGS = ("-wal", "-journal")


def connect(path: Path, mode: str, *, any_thread: bool = False, exclusive: bool = False) -> sqlite3.Connection:
    """A connection to whatever database is at `path`.

    `mode`: SQLite's (ro, rw, rwc), or "immutable": read the file as it is, without lock and log. `any_thread`: threads
    may take turns with it. `exclusive`: nobody else may use the database meanwhile, so its log is read without shared
    memory.
    """
    option = "immutable=1" if mode == "immutable" else f"mode={mode}"
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?{option}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=not any_thread,
    )
    try:
        if exclusive:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.execute("PRAGMA recursive_triggers = ON")  # so that REPLACE fires the journal's triggers, too
        connection.execute("PRAGMA temp_store = MEMORY")
        if mode.startswith("rw"):
            # FULL: an answer survives a power cut, not only a crash.
            connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_to_ours(path: Path, mode: str, *, any_thread: bool = False) -> sqlite3.Connection:
    """A connection to a phototag database; its write-ahead log is switched off for good where none can be used.

    Raises as `layout.require_ours`.
    """
    try:
        return _checked(path, connect(path, mode, any_thread=any_thread))
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or not sqlite_errors.is_writable(path) or _can_use_wal(path.parent):
            raise
    # Readers and writers will wait for one another from now on.
    with closing(_checked(path, connect(path, "rw", exclusive=True))) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    return _checked(path, connect(path, mode, any_thread=any_thread))


def connect_to_copy(path: Path) -> sqlite3.Connection:
    """A read-only connection to a private copy of a phototag database."""
    folder = tempfile.mkdtemp(prefix="phototag-")
    try:
        copy = Path(folder) / "copy.db"
        _copy(path.resolve(), copy)
        connection = _checked(path, connect(copy, "rw"))
        connection.execute("PRAGMA query_only = ON")
        return connection
    finally:
        rmtree(folder, ignore_errors=True)  # POSIX keeps the open files readable


def _checked(path: Path, connection: sqlite3.Connection) -> sqlite3.Connection:
    """The connection, if the tables of its database are ours."""
    try:
        layout.require_ours(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def create(path: Path) -> None:
    """Create an empty file that only its owner may read, unless somebody just did.

    It gets its name once it is closed: other threads may have the database open already.
    """
    with tempfile.TemporaryDirectory(prefix=".phototag-", dir=path.parent) as folder:
        new = Path(folder) / path.name
        new.touch(mode=0o600)
        try:
            os.link(new, path.resolve())
        except FileExistsError:
            return
        except OSError:  # a file system without hard links: SQLite makes the file
            connect(path, "rwc").close()
            with suppress(OSError):
                os.chmod(path, 0o600)


def back_up(path: Path, target: Path) -> None:
    """Copy what is committed to `target`; another connection's write transaction may be open."""
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    with closing(connect(path, "ro")) as source, closing(sqlite3.connect(part)) as copy:
        source.backup(copy)
    os.replace(part, target)


# --- the write-ahead log ---


def use_wal(connection: sqlite3.Connection, path: Path) -> None:
    """Switch to a write-ahead log where there can be one; SQLite doesn't wait its turn for that by itself."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal" and _can_use_wal(path.parent):
                connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _can_use_wal(folder: Path) -> bool:
    """Whether a write-ahead log works there: it needs memory that processes share, which network shares lack."""
    return _shares_memory(str(folder.resolve()), folder.stat().st_dev)


@cache
def _shares_memory(folder: str, _device: int) -> bool:
    with (
        tempfile.TemporaryDirectory(prefix=".phototag-", dir=folder) as scratch,
        closing(sqlite3.connect(Path(scratch) / "trial.db", isolation_level=None)) as trial,
    ):
        trial.execute("CREATE TABLE without (log)")  # fails on a broken disk, which says nothing about logs
        try:
            mode = trial.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            trial.execute("CREATE TABLE ahead (log)")
        except sqlite3.OperationalError:
            return False
    return bool(mode == "wal")


# --- the files ---


def files_state(path: Path) -> list[tuple[str, int, int]]:
    """(suffix, size, modification time) of a database and of each log that it has."""
    path, found = path.resolve(), []
    for suffix in ("", *_LOGS):
        with suppress(FileNotFoundError):
            status = os.stat(f"{path}{suffix}")
            found.append((suffix, status.st_size, status.st_mtime_ns))
    return found


def _copy(source: Path, target: Path) -> None:
    """Copy a database and its log, again if it was written meanwhile.

    In a process of its own, whose descriptors aren't ours.
    """
    for _ in range(_COPY_ATTEMPTS):
        before = files_state(source)
        for suffix, *_ in before:
            done = subprocess.run(
                ["cp", "--", f"{source}{suffix}", f"{target}{suffix}"], capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise OSError(errno.EIO, done.stderr.strip())
        if files_state(source) == before:
            return
        for suffix in _LOGS:
            Path(f"{target}{suffix}").unlink(missing_ok=True)
    raise DatabaseLockedError(f"{source} is written by another program all the time: run the command again later")
