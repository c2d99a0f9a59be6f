"""Opening the database safely, and the one way to write to it."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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


class Store:
    """An open phototag database.

    Reads go through `rows` and `value`; every write happens inside `with store.write():`, one
    `BEGIN IMMEDIATE` transaction (a deferred one would fail at once under a second writer).
    SQLite's errors leave here as phototag's, each a sentence with its exit code.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection
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
        """One write transaction: all of the block or none of it. Raises PhototagError."""
        with self._sentences():
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise

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
        except sqlite3.DatabaseError as error:
            raise _sentence(self.path, error) from error


def open_store(path: Path, *, create: bool = False) -> Store:
    """Open the database at `path` for reading and writing, up to date; `create` makes a new one.

    Raises UsageError (absent, or not writable), NotOurDatabaseError, SchemaTooNewError,
    DatabaseLockedError, DatabaseDamagedError, DiskFullError.
    """
    fresh = not path.exists() or path.stat().st_size == 0
    if fresh and not create:
        raise UsageError(f"there is no database at {path} yet: `phototag run FOLDER` makes one")
    try:
        if fresh:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
        else:
            _refuse_foreign(path)
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    except OSError as error:
        raise _unwritable(path, error) from error
    store = Store(path, connection)
    try:
        with store._sentences():
            _configure(connection)
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                connection.execute("PRAGMA journal_mode = WAL")
            _migrate(store)
    except BaseException:
        store.close()
        raise
    return store


def open_reader(path: Path) -> Store:
    """Open the database at `path` for reading only, also from a read-only folder or medium.

    Raises UsageError (absent), NotOurDatabaseError, SchemaTooNewError, DatabaseDamagedError.
    """
    if not path.exists() or path.stat().st_size == 0:
        raise UsageError(f"there is no database at {path} yet: `phototag run FOLDER` makes one")
    try:
        _refuse_foreign(path)
        store = _connect_reader(path)
    except (OSError, sqlite3.DatabaseError) as error:
        raise _sentence(path, error) from error
    if MIGRATIONS.pending(store.db):
        store.close()
        return open_store(path)
    return store


def _connect_reader(path: Path) -> Store:
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS, isolation_level=None
    )
    try:
        _configure(connection)
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        if getattr(error, "sqlite_errorname", "SQLITE_CANTOPEN").startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
            # A write-ahead log needs a shared-memory file beside it, which a read-only folder
            # can't get. `immutable=1` misreads a live log, so a private copy is read instead.
            return _copied(path)
        raise
    store = Store(path, connection)
    _refuse_newer(store)
    return store


def _copied(path: Path) -> Store:
    folder = Path(tempfile.mkdtemp(prefix="phototag-"))
    try:
        for suffix in ("", "-wal"):
            source = path.with_name(path.name + suffix)
            if source.exists():
                shutil.copyfile(source, folder / ("copy.db" + suffix))
        connection = sqlite3.connect(folder / "copy.db", isolation_level=None)
        _configure(connection)
        store = Store(path, connection)
        _refuse_newer(store)
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return store
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # POSIX keeps the open files readable


def _configure(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    # FULL: a name that was answered survives a power cut, not only a crash.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA temp_store = MEMORY")


def _refuse_foreign(path: Path) -> None:
    """Look at the file's header before SQLite touches it."""
    if not path.is_file():
        raise NotOurDatabaseError(f"{path} is not a file: choose another place with --db")
    with path.open("rb") as file:
        header = file.read(100)
    if header[:16] != b"SQLite format 3\0":
        raise NotOurDatabaseError(
            f"{path} is not a phototag database; it was left untouched: choose another file with --db"
        )
    identity = int.from_bytes(header[68:72], "big")
    if identity not in (0, APPLICATION_ID):
        raise NotOurDatabaseError(
            f"{path} belongs to another program; it was left untouched: choose another file with --db"
        )
    if identity == 0 and path.stat().st_size > 100 and not _still_empty(path):
        raise NotOurDatabaseError(
            f"{path} is not a phototag database; it was left untouched: choose another file with --db"
        )


def _still_empty(path: Path) -> bool:
    """Whether a database without our mark holds no tables, or has its first ones still in its log."""
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        mark = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    except sqlite3.DatabaseError:
        return False
    finally:
        connection.close()
    return bool(mark == APPLICATION_ID or tables == 0)


def _refuse_newer(store: Store) -> None:
    known = {migration.name for migration in MIGRATIONS._migrations}
    newer = sorted({migration.name for migration in MIGRATIONS.applied(store.db)} - known)
    if newer:
        store.close()
        raise SchemaTooNewError(
            f"{store.path} was written by a newer phototag (it has {newer[-1]}); it was left untouched: "
            "upgrade with `pip install --upgrade phototag`"
        )


def _migrate(store: Store) -> None:
    _refuse_newer(store)
    if not MIGRATIONS.pending(store.db):
        return
    if MIGRATIONS.applied(store.db):
        _back_up(store, MIGRATIONS.pending(store.db)[0].name)
    with store.write():  # a second process waits here, then finds nothing pending
        MIGRATIONS.apply(store.db)


def _back_up(store: Store, name: str) -> None:
    copy = sqlite3.connect(store.path.with_name(f"{store.path.name}.before-{name}"))
    try:
        store.connection.backup(copy)
    finally:
        copy.close()


def _unwritable(path: Path, error: OSError) -> PhototagError:
    if error.errno == 28:
        return _disk_full(path)
    return UsageError(f"{path} can't be written ({error.strerror}): choose another place with --db")


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
    if "locked" in text or "busy" in text:
        return DatabaseLockedError(
            f"{path} is in use by another program for over {BUSY_SECONDS:.0f} s; nothing was changed: "
            "run the command again when it has finished"
        )
    if "full" in text:
        return _disk_full(path)
    if "readonly" in text or "unable to open" in text:
        return UsageError(f"{path} can't be written (read-only): choose another place with --db")
    if "not a database" in text:
        return NotOurDatabaseError(f"{path} is not a phototag database: choose another file with --db")
    if isinstance(error, sqlite3.IntegrityError):
        return PhototagError(f"{path} refused a change that would break its rules ({text}); nothing was changed")
    return DatabaseDamagedError(
        f"{path} is damaged ({text}); nothing was changed: restore a backup (look for {path.name}.before-* beside it)"
    )
