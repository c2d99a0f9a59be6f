"""Opening the database safely, and the one way to write to it.

Nothing but SQLite opens the database or its log, and nothing but this file makes SQLite do so: POSIX locks belong to a
process, and closing any descriptor of a file drops all that it has there. A connection that lost its locks so goes on
writing to a log that another program believes abandoned, and deletes (https://sqlite.org/howtocorrupt.html, 2.2).
SQLite keeps a descriptor until the process has no lock on that file; `open`, `shutil` and others don't.
"""

from __future__ import annotations

import errno
import glob
import os
import re
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from shutil import rmtree
from typing import Any

from sqlite_utils import Database

from phototag.errors import (
    DatabaseDamagedError,
    DatabaseLockedError,
    DatabaseUnavailableError,
    NotOurDatabaseError,
    PhototagError,
    UsageError,
)
from phototag.store import layout, trouble
from phototag.store.schema import APPLICATION_ID, MIGRATIONS

#: How long a writer waits for another process's (short) transactions, in seconds.
BUSY_SECONDS = 30.0
#: How long a database is looked through after an error, in seconds.
_EXAMINE_SECONDS = 60.0
#: The SQLite that first knew RETURNING (March 2021), the youngest thing that our statements need.
OLDEST_SQLITE = (3, 35, 0)
#: How often a database that is written meanwhile is copied.
_COPIES = 5
#: The smallest page of SQLite, in bytes.
_SMALLEST = 512
#: The low byte of SQLite's codes of errors that the disk reported.
_SQLITE_IOERR = 10
#: What a database may have beside it: a write-ahead log, or the journal of a transaction that was broken off.
_LOGS = ("-wal", "-journal")


class Store:
    """An open phototag database.

    Reads go through `rows` and `value`; every write happens inside `with store.write():`, one
    `BEGIN IMMEDIATE` transaction (a deferred one would fail at once under a second writer).
    SQLite's errors leave here as phototag's, each a sentence with its exit code.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection
        self._place = path.resolve()
        self._file = _identity(self._place)
        self._writing = False
        self.db = Database(connection, recursive_triggers=False, execute_plugins=False)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.connection.close()

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Any]:
        """The rows of a query as tuples, streamed."""
        with self._sentences():
            yield from self.connection.execute(sql, parameters)

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The first column of the first row, or None."""
        with self._sentences():
            row = self.connection.execute(sql, parameters).fetchone()
        return row[0] if row else None

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Execute one statement of a write transaction."""
        return self.connection.execute(sql, parameters)

    @contextmanager
    def write(self) -> Iterator[None]:
        """One write transaction: all of the block or none of it; inside another one a part of that.

        Raises PhototagError.
        """
        if self._writing:
            yield
            return
        with self._sentences():
            try:
                self.connection.execute("BEGIN IMMEDIATE")
                self._writing = True
                self._require_place()
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise
            finally:
                self._writing = False

    def wipe(self) -> bool:
        """Leave no byte of what was deleted in the file or its log; False if another program keeps it from that."""
        with self._sentences():
            try:
                self.connection.execute("PRAGMA temp_store = FILE")
                self.connection.execute("VACUUM")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
                return False
            finally:
                self.connection.execute("PRAGMA temp_store = MEMORY")
            return not self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]

    def backups(self) -> list[Path]:
        """The copies that were made beside the database before its tables were changed."""
        return sorted(self.path.parent.glob(f"{glob.escape(self.path.name)}.before-*"))

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A part of a write transaction that only tries something: what it writes is undone at its end."""
        with self._sentences():
            self.connection.execute("SAVEPOINT attempt")
            try:
                yield
            finally:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK TO attempt")
                    self.connection.execute("RELEASE attempt")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Reads inside see one state of the database, whatever others write meanwhile."""
        with self._sentences():
            self.connection.execute("BEGIN")
            try:
                yield
            finally:
                self.connection.execute("ROLLBACK")

    def _require_place(self) -> None:
        """What is written to a file that was replaced or removed, nobody would ever see."""
        if _identity(self._place) != self._file:
            raise DatabaseUnavailableError(
                f"{self.path} was moved, removed or replaced while it was open, so nothing was saved: put it back, or "
                "end this program and start it again"
            )

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        with _sentences(self.path):
            yield


def open_store(path: Path, *, create: bool = False, any_thread: bool = False) -> Store:
    """Open the database at `path` for reading and writing, up to date; `create` makes a new one.

    `any_thread`: threads may take turns with it (one at a time), else it belongs to this one.

    Raises UsageError (absent, not writable, or this Python's SQLite is too old), NotOurDatabaseError,
    SchemaTooNewError, DatabaseUnavailableError, DatabaseDamagedError, DiskFullError.
    """
    _require_sqlite()
    with _sentences(path):
        if not _is_fresh(path):
            _refuse_others(path)
        elif create:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _make(path)
        else:
            raise _absent(path)
        store = Store(path, _connected(path, "rw", any_thread=any_thread))
    try:
        with _sentences(path):
            _log_ahead(store.connection, path)
        _migrate(store)
    except BaseException:
        store.close()
        raise
    return store


def open_reader(path: Path) -> Store:
    """Open the database at `path` for reading only, also from a read-only folder or medium.

    Raises UsageError (absent, or this Python's SQLite is too old), NotOurDatabaseError, SchemaTooNewError,
    DatabaseUnavailableError, DatabaseDamagedError.
    """
    _require_sqlite()
    with _sentences(path):
        if _is_fresh(path):
            raise _absent(path)
        _refuse_others(path)
        try:
            store = Store(path, _connected(path, "ro"))
        except sqlite3.OperationalError:
            if trouble.is_writable(path):
                raise
            # A write-ahead log needs a shared-memory file beside it, which a read-only folder
            # can't get. `immutable=1` misreads a live log, so a private copy is read instead.
            store = Store(path, _copied(path))
    try:
        with _sentences(path):
            if not MIGRATIONS.pending(store.db):
                return store
    except BaseException:
        store.close()
        raise
    store.close()
    return open_store(path)


@contextmanager
def _sentences(path: Path) -> Iterator[None]:
    """SQLite's and the system's errors about a database leave as ours."""
    try:
        yield
    except sqlite3.ProgrammingError:  # our own mistake, not the database's state
        raise
    except (OSError, sqlite3.DatabaseError) as error:
        told = trouble.in_words(path, error, BUSY_SECONDS, _examine)
        if told is None:
            raise
        raise told from error


def _require_sqlite() -> None:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        wanted = ".".join(map(str, OLDEST_SQLITE))
        raise UsageError(
            f"this Python's SQLite is {sqlite3.sqlite_version}, and phototag needs {wanted} or newer; no database was "
            "touched: use a newer Python, such as one from python.org, conda or uv"
        )


def _is_fresh(path: Path) -> bool:
    try:
        status = path.stat()
    except FileNotFoundError:
        return True
    return path.is_file() and status.st_size == 0


def _absent(path: Path) -> UsageError:
    return UsageError(f"there is no database at {path} yet: `phototag run FOLDER` makes one")


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file lies at a path."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _make(path: Path) -> None:
    """Put an empty file there that is for its owner's eyes only, unless somebody just did.

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
            _connect(path, "rwc").close()
            with suppress(OSError):
                os.chmod(path, 0o600)


# --- connections ---


def _connect(path: Path, mode: str, *, any_thread: bool = False, alone: bool = False) -> sqlite3.Connection:
    """A connection: `mode` is SQLite's (ro, rw, rwc), or "immutable": as the file is, with no lock and no log.

    `alone`: nobody else may use the database meanwhile, so its log is read without shared memory.
    """
    how = "immutable=1" if mode == "immutable" else f"mode={mode}"
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?{how}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=not any_thread,
    )
    try:
        if alone:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.execute("PRAGMA recursive_triggers = ON")  # REPLACE, too, meets the journal's triggers
        connection.execute("PRAGMA temp_store = MEMORY")
        if mode.startswith("rw"):
            # FULL: a name that was answered survives a power cut, not only a crash.
            connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def _connected(path: Path, mode: str, *, any_thread: bool = False) -> sqlite3.Connection:
    """A connection to a database that is ours."""
    try:
        return _checked(path, _connect(path, mode, any_thread=any_thread))
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or not trouble.is_writable(path) or _can_log_ahead(path.parent):
            raise
    _leave_log(path)
    return _checked(path, _connect(path, mode, any_thread=any_thread))


def _checked(path: Path, connection: sqlite3.Connection) -> sqlite3.Connection:
    """The connection, if the tables of its database are ours."""
    try:
        layout.require_ours(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _log_ahead(connection: sqlite3.Connection, path: Path) -> None:
    """Switch to a write-ahead log where there can be one; SQLite doesn't wait its turn for that by itself."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal" and _can_log_ahead(path.parent):
                connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _can_log_ahead(folder: Path) -> bool:
    """Whether a write-ahead log works there: it needs memory that processes share, which network shares lack."""
    return _shares_memory(str(folder.resolve()), folder.stat().st_dev)


@cache
def _shares_memory(folder: str, _device: int) -> bool:
    with (
        tempfile.TemporaryDirectory(prefix=".phototag-", dir=folder) as scratch,
        closing(sqlite3.connect(Path(scratch) / "trial.db", isolation_level=None)) as trial,
    ):
        trial.execute("CREATE TABLE without (log)")  # a disk that fails altogether says nothing about logs
        try:
            mode = trial.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            trial.execute("CREATE TABLE ahead (log)")
        except sqlite3.OperationalError:
            return False
    return bool(mode == "wal")


def _leave_log(path: Path) -> None:
    """Turn a database with a write-ahead log into one without, where processes can't share the log.

    It is used alone for that moment; its readers and writers will wait for one another then.
    """
    with closing(_checked(path, _connect(path, "rw", alone=True))) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


def _copied(path: Path) -> sqlite3.Connection:
    """A private copy, which can be read only."""
    folder = tempfile.mkdtemp(prefix="phototag-")
    try:
        copy = Path(folder) / "copy.db"
        _copy(path.resolve(), copy)
        connection = _checked(path, _connect(copy, "rw"))
        connection.execute("PRAGMA query_only = ON")
        return connection
    finally:
        rmtree(folder, ignore_errors=True)  # POSIX keeps the open files readable


def _copy(source: Path, target: Path) -> None:
    """Copy a database and its log in a process of its own, whose descriptors aren't ours, again if it was written."""
    for _ in range(_COPIES):
        before = _state(source)
        for end, *_ in before:
            done = subprocess.run(
                ["cp", "--", f"{source}{end}", f"{target}{end}"], capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise OSError(errno.EIO, done.stderr.strip())
        if _state(source) == before:
            return
        for end in _LOGS:
            Path(f"{target}{end}").unlink(missing_ok=True)
    raise DatabaseLockedError(f"{source} is written by another program all the time: run the command again later")


# --- what is refused ---


def _refuse_others(path: Path) -> None:
    """Turn away what is no phototag database, a newer one's or a changed one, without changing a byte of it."""
    if not path.is_file():
        raise NotOurDatabaseError(f"{path} is not a file: choose another place with --db")
    mark = _mark(path)
    if mark not in (None, 0, APPLICATION_ID):
        raise NotOurDatabaseError(
            f"{path} belongs to another program; it was left untouched: choose another file with --db"
        )
    if mark is None or not _glanced(path, marked=mark == APPLICATION_ID):
        raise NotOurDatabaseError(
            f"{path} is not a phototag database; it was left untouched: choose another file with --db"
        )


def _mark(path: Path) -> int | None:
    """Whose database the file says it is; None if it is none."""
    if path.stat().st_size < _SMALLEST:  # SQLite takes a file of one byte for an empty one
        return None
    try:
        with closing(_connect(path, "immutable")) as connection:
            return int(connection.execute("PRAGMA application_id").fetchone()[0])
    except sqlite3.DatabaseError as error:
        if "not a database" in str(error):
            return None
        if not trouble.is_readable(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES)) from error
        raise


def _glanced(path: Path, *, marked: bool) -> bool:
    """Whether the database is ours, or still empty: a new one's tables and mark may be only in its log.

    Raises SchemaTooNewError, DatabaseDamagedError (changed by another program). What this look can't tell of a marked
    file, opening it will.
    """
    # Reading a log leaves files beside the database; where there is no log nobody is writing, and none are needed.
    before = _state(path)
    try:
        with closing(_connect(path, "ro" if len(before) > 1 else "immutable")) as connection:
            connection.execute("BEGIN")  # one sight of it: another process may be making it just now
            mark = connection.execute("PRAGMA application_id").fetchone()[0]
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if mark == APPLICATION_ID:
                layout.require_ours(connection, path)
    except (sqlite3.DatabaseError, PhototagError) as error:
        if isinstance(error, sqlite3.DatabaseError) and "locked" in str(error):
            raise
        if len(before) == 1 and _state(path) != before:  # somebody began to write while the file was read as it lies
            return _glanced(path, marked=marked)
        if isinstance(error, PhototagError):
            raise
        return marked
    return bool(mark == APPLICATION_ID or tables == 0)


def _state(path: Path) -> list[tuple[str, int, int]]:
    """Size and time of a database and of each log that it has."""
    path, found = path.resolve(), []
    for end in ("", *_LOGS):
        with suppress(FileNotFoundError):
            status = os.stat(f"{path}{end}")
            found.append((end, status.st_size, status.st_mtime_ns))
    return found


def _examine(path: Path) -> str | None:
    """What is wrong with a database, in SQLite's words: "" if nothing is, None if that can't be told now.

    Raises DatabaseDamagedError, SchemaTooNewError for tables that aren't ours.
    """
    until = time.monotonic() + _EXAMINE_SECONDS
    try:
        with closing(_connect(path, "ro")) as connection:
            connection.set_progress_handler(lambda: time.monotonic() > until, 100_000)
            found = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
            layout.require_ours(connection, path)
    except sqlite3.DatabaseError as error:
        damage = any(word in str(error) for word in ("malformed", "not a database", "decode to UTF-8"))
        return str(error) if damage else None
    unread = re.search(r"error code=(\d+)", found)
    if unread and int(unread[1]) & 0xFF == _SQLITE_IOERR:  # a page that the disk doesn't give
        return None
    return "" if found == "ok" else found.replace("\n", " ")


# --- migrations ---


def _migrate(store: Store) -> None:
    with store._sentences():
        if not MIGRATIONS.pending(store.db):
            return
    # Tables are built anew: dropping one must not take along, or be refused by, what refers to it.
    store.connection.execute("PRAGMA foreign_keys = OFF")
    with store.write():  # a second process waits here, then finds nothing pending
        pending = MIGRATIONS.pending(store.db)
        if pending and MIGRATIONS.applied(store.db):
            _back_up(store.path, pending[0].name)
        MIGRATIONS.apply(store.db)
        if store.value("SELECT 1 FROM pragma_foreign_key_check"):
            raise DatabaseDamagedError(f"{store.path} is damaged: rows of it refer to others that are gone")
    store.connection.execute("PRAGMA foreign_keys = ON")
    with store._sentences():  # so that the file itself, not only its log, says whose it is
        store.connection.execute("PRAGMA wal_checkpoint")


def _back_up(path: Path, name: str) -> None:
    """Copy what is committed (another connection's write transaction may be open) beside the database."""
    whole = path.with_name(f"{path.name}.before-{name}")
    part = whole.with_name(whole.name + ".part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    with closing(_connect(path, "ro")) as source, closing(sqlite3.connect(part)) as copy:
        source.backup(copy)
    os.replace(part, whole)
