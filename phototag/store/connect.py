"""Opening the database safely, and the one way to write to it."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

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
from phototag.store.schema import APPLICATION_ID, MIGRATIONS

#: How long a writer waits for another process's (short) transactions, in seconds.
BUSY_SECONDS = 30.0
#: The SQLite that first knew RETURNING (March 2021), the youngest thing that our statements need.
OLDEST_SQLITE = (3, 35, 0)


class Store:
    """An open phototag database.

    Reads go through `rows` and `value`; every write happens inside `with store.write():`, one
    `BEGIN IMMEDIATE` transaction (a deferred one would fail at once under a second writer).
    SQLite's errors leave here as phototag's, each a sentence with its exit code.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection
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
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise
            finally:
                self._writing = False

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Reads inside see one state of the database, whatever others write meanwhile."""
        with self._sentences():
            self.connection.execute("BEGIN")
            try:
                yield
            finally:
                self.connection.execute("ROLLBACK")

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:  # our own mistake, not the database's state
            raise
        except sqlite3.DatabaseError as error:
            raise _sentence(self.path, error) from error


def open_store(path: Path, *, create: bool = False, any_thread: bool = False) -> Store:
    """Open the database at `path` for reading and writing, up to date; `create` makes a new one.

    `any_thread`: threads may take turns with it (one at a time), else it belongs to this one.

    Raises UsageError (absent, not writable, or this Python's SQLite is too old), NotOurDatabaseError,
    SchemaTooNewError, DatabaseLockedError, DatabaseDamagedError, DiskFullError.
    """
    _require_sqlite()
    try:
        if not _is_fresh(path):
            _refuse_others(path)
        elif create:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
        else:
            raise _absent(path)
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=not any_thread)
        store = Store(path, connection)
    except (OSError, sqlite3.DatabaseError) as error:
        raise _sentence(path, error) from error
    try:
        with store._sentences():
            _configure(store.connection)
            _log_ahead(store.connection)
        _migrate(store)
    except BaseException:
        store.close()
        raise
    return store


def open_reader(path: Path) -> Store:
    """Open the database at `path` for reading only, also from a read-only folder or medium.

    Raises UsageError (absent, or this Python's SQLite is too old), NotOurDatabaseError, SchemaTooNewError,
    DatabaseDamagedError.
    """
    _require_sqlite()
    try:
        if _is_fresh(path):
            raise _absent(path)
        _refuse_others(path)
        store = Store(path, _connect_reader(path))
    except (OSError, sqlite3.DatabaseError) as error:
        raise _sentence(path, error) from error
    try:
        with store._sentences():
            _refuse_newer(store)
            if not MIGRATIONS.pending(store.db):
                return store
    except BaseException:
        store.close()
        raise
    store.close()
    return open_store(path)


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


def _connect_reader(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS, isolation_level=None
    )
    try:
        _configure(connection)
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        connection.close()
        if "unable to open" in str(error) or "readonly" in str(error):
            # A write-ahead log needs a shared-memory file beside it, which a read-only folder
            # can't get. `immutable=1` misreads a live log, so a private copy is read instead.
            return _copied(path)
        raise
    return connection


def _copied(path: Path) -> sqlite3.Connection:
    folder = Path(tempfile.mkdtemp(prefix="phototag-"))
    try:
        for suffix in ("", "-wal"):
            source = path.with_name(path.name + suffix)
            if source.exists():
                shutil.copyfile(source, folder / ("copy.db" + suffix))
        connection = sqlite3.connect(folder / "copy.db", isolation_level=None)
        _configure(connection)
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return connection
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # POSIX keeps the open files readable


def _configure(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA recursive_triggers = ON")  # REPLACE, too, meets the journal's triggers
    # FULL: a name that was answered survives a power cut, not only a crash.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA temp_store = MEMORY")


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Switch to a write-ahead log; SQLite doesn't wait its turn for that by itself."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _refuse_others(path: Path) -> None:
    """Turn away what is no phototag database, or a newer one's, without changing a byte of it."""
    if not path.is_file():
        raise NotOurDatabaseError(f"{path} is not a file: choose another place with --db")
    with path.open("rb") as file:
        header = file.read(100)
    identity = int.from_bytes(header[68:72], "big")
    if header[:16] == b"SQLite format 3\0" and identity not in (0, APPLICATION_ID):
        raise NotOurDatabaseError(
            f"{path} belongs to another program; it was left untouched: choose another file with --db"
        )
    if header[:16] != b"SQLite format 3\0" or not _glanced(path, marked=identity == APPLICATION_ID):
        raise NotOurDatabaseError(
            f"{path} is not a phototag database; it was left untouched: choose another file with --db"
        )


def _glanced(path: Path, *, marked: bool) -> bool:
    """Whether the database is ours, or still empty: a new one's tables and mark may be only in its log.

    Raises SchemaTooNewError. What this look can't tell of a marked file, opening it will.
    """
    # Reading a log leaves files beside the database; where there is no log nobody is writing, and none are needed.
    live = any(path.with_name(path.name + suffix).exists() for suffix in ("-wal", "-journal"))
    try:
        connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?{'mode=ro' if live else 'immutable=1'}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
        )
        with closing(connection):
            connection.execute("BEGIN")  # one sight of it: another process may be making it just now
            mark = connection.execute("PRAGMA application_id").fetchone()[0]
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if mark == APPLICATION_ID:
                _refuse_newer(Store(path, connection))
    except sqlite3.DatabaseError as error:
        if "locked" in str(error):
            raise
        return marked
    return bool(mark == APPLICATION_ID or tables == 0)


def _refuse_newer(store: Store) -> None:
    known = {migration.name for migration in MIGRATIONS._migrations}
    newer = sorted({migration.name for migration in MIGRATIONS.applied(store.db)} - known)
    if newer:
        raise SchemaTooNewError(
            f"{store.path} was written by a newer phototag (it has {newer[-1]}); it was left untouched: "
            "upgrade with `pip install --upgrade phototag`"
        )


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
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(part)) as copy:
        source.backup(copy)
    os.replace(part, whole)


def _unwritable(path: Path, error: OSError) -> PhototagError:
    if error.errno == errno.ENOSPC:
        return _disk_full(path)
    return UsageError(f"{path} can't be opened ({error.strerror}): choose another place with --db")


def _disk_full(path: Path) -> DiskFullError:
    folder = path.parent
    return DiskFullError(
        f"disk full on {folder} ({shutil.disk_usage(folder).free:,} B free): what was saved before is kept; "
        "free space and run the same command again"
    )


def _sentence(path: Path, error: Exception) -> PhototagError:
    """SQLite's error as one of ours."""
    text = str(error)
    if isinstance(error, OSError):
        return _unwritable(path, error)
    if isinstance(error, sqlite3.IntegrityError):
        return PhototagError(f"{path} refused a change that would break its rules ({text}); nothing was changed")
    if "locked" in text or "busy" in text:
        return DatabaseLockedError(
            f"{path} is in use by another program for over {BUSY_SECONDS:.0f} s; nothing was changed: "
            "run the command again when it has finished"
        )
    if "disk is full" in text:
        return _disk_full(path)
    if "readonly" in text or "unable to open" in text:
        return UsageError(f"{path} can't be written (read-only): choose another place with --db")
    if "not a database" in text:
        return NotOurDatabaseError(f"{path} is not a phototag database: choose another file with --db")
    return DatabaseDamagedError(
        f"{path} is damaged ({text}); nothing was changed: restore a backup (look for {path.name}.before-* beside it)"
    )
