"""An open database: reading, the one way to write, and opening it up to date."""

from __future__ import annotations

import glob
import logging
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from sqlite_utils import Database

from phototag.errors import DatabaseDamagedError, DatabaseUnavailableError, UsageError
from phototag.remedies import MakeDatabase
from phototag.store import connection as connections
from phototag.store import ownership, sqlite_errors
from phototag.store.migrations import MIGRATIONS

_log = logging.getLogger(__name__)

#: The SQLite that first knew RETURNING (March 2021), the youngest thing that our statements need.
OLDEST_SQLITE = (3, 35, 0)

#: Values for a statement's `?`, or by name for its `:name`.
Parameters: TypeAlias = Sequence[Any] | Mapping[str, Any]


class Store:
    """An open phototag database.

    Queries: `rows`, `records`, `record`, `column`, `value`. Every write happens inside `with store.write():`, one
    `BEGIN IMMEDIATE` transaction (a deferred one would fail at once under a second writer). A statement's parameters
    are given by name (`:photo`, as the keyword `photo`) or by position (`?`). SQLite's errors leave here as phototag's,
    each a sentence with its exit code.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection
        self._resolved = path.resolve()
        self._file = ownership.file_identity(self._resolved)
        self._writing = False
        self.db = Database(connection, recursive_triggers=False, execute_plugins=False)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.connection.close()

    # --- reading ---

    def rows(self, sql: str, parameters: Parameters = (), /, **named: Any) -> Iterator[Any]:
        """The rows of a query as tuples, streamed."""
        with self._translated_errors():
            yield from self.connection.execute(sql, named or parameters)

    def records(self, sql: str, parameters: Parameters = (), /, **named: Any) -> Iterator[sqlite3.Row]:
        """The rows of a query by column name, streamed: `row["path"]`, or `Class(**row)`."""
        with self._translated_errors():
            cursor = self.connection.cursor()
            cursor.row_factory = sqlite3.Row
            yield from cursor.execute(sql, named or parameters)

    def record(self, sql: str, parameters: Parameters = (), /, **named: Any) -> sqlite3.Row | None:
        """The first row of a query by column name, or None."""
        return next(self.records(sql, parameters, **named), None)

    def column(self, sql: str, parameters: Parameters = (), /, **named: Any) -> list[Any]:
        """The first column of a query's rows."""
        return [row[0] for row in self.rows(sql, parameters, **named)]

    def value(self, sql: str, parameters: Parameters = (), /, **named: Any) -> Any:
        """The first column of the first row, or None."""
        with self._translated_errors():
            row = self.connection.execute(sql, named or parameters).fetchone()
        return row[0] if row else None

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Reads inside see one state of the database, whatever others write meanwhile."""
        with self._translated_errors():
            self.connection.execute("BEGIN")
            try:
                yield
            finally:
                self.connection.execute("ROLLBACK")

    # --- writing ---

    def run(self, sql: str, parameters: Parameters = (), /, **named: Any) -> sqlite3.Cursor:
        """Execute one statement (inside a write transaction)."""
        return self.connection.execute(sql, named or parameters)

    def run_many(self, sql: str, parameters: Iterable[Parameters]) -> None:
        """Execute a statement once for each set of parameters (inside a write transaction)."""
        self.connection.executemany(sql, parameters)

    @contextmanager
    def write(self) -> Iterator[None]:
        """One write transaction: all of the block or none of it; inside another one a part of that.

        Raises PhototagError.
        """
        if self._writing:
            yield
            return
        with self._translated_errors():
            try:
                self.connection.execute("BEGIN IMMEDIATE")
                self._writing = True
                began, rows = time.monotonic(), self.connection.total_changes
                self._require_same_file()
                yield
                self.connection.execute("COMMIT")
                rows = self.connection.total_changes - rows
                _log.debug("committed %d changed rows in %.3f s", rows, time.monotonic() - began)
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise
            finally:
                self._writing = False

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A part of a write transaction that is only tried: what it writes is undone at its end."""
        with self._translated_errors():
            self.connection.execute("SAVEPOINT attempt")
            try:
                yield
            finally:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK TO attempt")
                    self.connection.execute("RELEASE attempt")

    def wipe(self) -> bool:
        """Leave no byte of what was deleted in the file or its log; False if another program prevents that."""
        with self._translated_errors():
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

    def _require_same_file(self) -> None:
        """Nobody would ever see what is written to a file that was replaced or removed."""
        if ownership.file_identity(self._resolved) != self._file:
            raise DatabaseUnavailableError(
                f"{self.path} was moved, removed or replaced while it was open, so nothing was saved: put it back, or "
                "end this program and start it again"
            )

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        with _translated_errors(self.path):
            yield


@contextmanager
def _translated_errors(path: Path) -> Iterator[None]:
    """SQLite's and the system's errors about a database leave as phototag's."""
    try:
        yield
    except sqlite3.ProgrammingError:  # our own mistake, not the database's state
        raise
    except (OSError, sqlite3.DatabaseError) as error:
        translated = sqlite_errors.translate(path, error, connections.BUSY_SECONDS, ownership.check)
        if translated is None:
            raise
        raise translated from error


# --- opening ---


def open_store(path: Path, *, create: bool = False, any_thread: bool = False) -> Store:
    """Open the database at `path` for reading and writing, up to date; `create` makes a new one.

    `any_thread`: threads may take turns with it (one at a time), else it belongs to this one.

    Raises UsageError (absent, not writable, or this Python's SQLite is too old), NotOurDatabaseError,
    SchemaTooNewError, DatabaseUnavailableError, DatabaseDamagedError, DiskFullError.
    """
    _require_sqlite()
    with _translated_errors(path):
        if not ownership.is_absent(path):
            ownership.require_ours(path)
        elif create:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            connections.create(path)
        else:
            raise _absent(path)
        store = Store(path, connections.connect_to_ours(path, "rw", any_thread=any_thread))
    try:
        with _translated_errors(path):
            connections.use_wal(store.connection, path)
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
    with _translated_errors(path):
        if ownership.is_absent(path):
            raise _absent(path)
        ownership.require_ours(path)
        try:
            store = Store(path, connections.connect_to_ours(path, "ro"))
        except sqlite3.OperationalError:
            if sqlite_errors.is_writable(path):
                raise
            # A write-ahead log needs a shared-memory file beside it, which a read-only folder
            # can't get. `immutable=1` misreads a live log, so a private copy is read instead.
            store = Store(path, connections.connect_to_copy(path))
    try:
        with _translated_errors(path):
            if not MIGRATIONS.pending(store.db):
                return store
    except BaseException:
        store.close()
        raise
    store.close()
    return open_store(path)


def _migrate(store: Store) -> None:
    """Apply the migrations that are pending, after a backup."""
    with _translated_errors(store.path):
        if not MIGRATIONS.pending(store.db):
            return
    # Tables are built anew: dropping one must not take along, or be refused by, what refers to it.
    store.connection.execute("PRAGMA foreign_keys = OFF")
    with store.write():  # a second process waits here, then finds nothing pending
        pending = MIGRATIONS.pending(store.db)
        if pending and MIGRATIONS.applied(store.db):
            connections.back_up(store.path, store.path.with_name(f"{store.path.name}.before-{pending[0].name}"))
        MIGRATIONS.apply(store.db)
        if store.value("SELECT 1 FROM pragma_foreign_key_check"):
            raise DatabaseDamagedError(f"{store.path} is damaged: rows of it refer to others that are gone")
    store.connection.execute("PRAGMA foreign_keys = ON")
    with _translated_errors(store.path):  # so that the file itself, not only its log, has our application id
        store.connection.execute("PRAGMA wal_checkpoint")


def sqlite_version() -> str:
    """The version of SQLite that this Python has."""
    return sqlite3.sqlite_version


def _require_sqlite() -> None:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        wanted = ".".join(map(str, OLDEST_SQLITE))
        raise UsageError(
            f"this Python's SQLite is {sqlite3.sqlite_version}, and phototag needs {wanted} or newer; no database was "
            "touched: use a newer Python, such as one from python.org, conda or uv"
        )


def _absent(path: Path) -> UsageError:
    return UsageError(f"there is no database at {path} yet", MakeDatabase())
