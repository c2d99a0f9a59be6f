"""Whether a file is a phototag database, told without changing a byte of it."""

from __future__ import annotations

import errno
import os
import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from phototag.errors import NotOurDatabaseError, PhototagError
from phototag.store import layout, sqlite_errors
from phototag.store.connection import connect, files_state
from phototag.store.migrations import APPLICATION_ID

#: The smallest page of SQLite, in bytes.
_SMALLEST_PAGE = 512
#: How long a database is checked after an error, in seconds.
_CHECK_SECONDS = 60.0
#: The low byte of SQLite's codes of errors that the disk reported.
_SQLITE_IOERR = 10


def is_absent(path: Path) -> bool:
    """Whether there is no file, or an empty one."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return True
    return path.is_file() and status.st_size == 0


def file_identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of the file at a path."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def require_ours(path: Path) -> None:
    """Raises NotOurDatabaseError, SchemaTooNewError, or DatabaseDamagedError (changed by another program)."""
    if not path.is_file():
        raise NotOurDatabaseError(f"{path} is not a file: choose another place with --db")
    application = _application_id(path)
    if application not in (None, 0, APPLICATION_ID):
        raise NotOurDatabaseError(
            f"{path} belongs to another program; it was left untouched: choose another file with --db"
        )
    if application is None or not _is_ours_or_empty(path, marked=application == APPLICATION_ID):
        raise NotOurDatabaseError(
            f"{path} is not a phototag database; it was left untouched: choose another file with --db"
        )


def _application_id(path: Path) -> int | None:
    """The application id in the file's header; None if it isn't a SQLite database."""
    if path.stat().st_size < _SMALLEST_PAGE:  # SQLite takes a file of one byte for an empty one
        return None
    try:
        with closing(connect(path, "immutable")) as connection:
            return int(connection.execute("PRAGMA application_id").fetchone()[0])
    except sqlite3.DatabaseError as error:
        if "not a database" in str(error):
            return None
        if not sqlite_errors.is_readable(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES)) from error
        raise


def _is_ours_or_empty(path: Path, *, marked: bool) -> bool:
    """Whether the database is ours, or still empty: a new one's tables and application id may be only in its log.

    `marked`: the file itself has our application id; then errors that this check can't explain are left to opening it.
    Raises SchemaTooNewError, DatabaseDamagedError (changed by another program).
    """
    # Reading a log leaves files beside the database; where there is no log nobody is writing, and none are needed.
    before = files_state(path)
    try:
        with closing(connect(path, "ro" if len(before) > 1 else "immutable")) as connection:
            connection.execute("BEGIN")  # one snapshot: another process may be making it just now
            application = connection.execute("PRAGMA application_id").fetchone()[0]
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if application == APPLICATION_ID:
                layout.require_ours(connection, path)
    except (sqlite3.DatabaseError, PhototagError) as error:
        if isinstance(error, sqlite3.DatabaseError) and "locked" in str(error):
            raise
        if len(before) == 1 and files_state(path) != before:  # somebody began to write while the file was read
            return _is_ours_or_empty(path, marked=marked)
        if isinstance(error, PhototagError):
            raise
        return marked
    return bool(application == APPLICATION_ID or tables == 0)


def check(path: Path) -> str | None:
    """What is wrong with a database, in SQLite's words: "" if nothing is, None if that can't be told now.

    Raises DatabaseDamagedError, SchemaTooNewError for tables that aren't ours.
    """
    until = time.monotonic() + _CHECK_SECONDS
    try:
        with closing(connect(path, "ro")) as connection:
            connection.set_progress_handler(lambda: time.monotonic() > until, 100_000)
            # Else a page of the schema that can't be read counts as damage.
            connection.execute("PRAGMA writable_schema = ON")
            found = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
            unread = re.search(r"error code=(\d+)", found)
            if unread and int(unread[1]) & 0xFF == _SQLITE_IOERR:
                return None
            connection.execute("PRAGMA writable_schema = OFF")
            layout.require_ours(connection, path)
    except sqlite3.DatabaseError as error:
        damage = any(word in str(error) for word in ("malformed", "not a database", "decode to UTF-8"))
        return str(error) if damage else None
    return "" if found == "ok" else found.replace("\n", " ")
