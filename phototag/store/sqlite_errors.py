"""Translates errors of SQLite and the disk into phototag's, each a sentence that says what to do."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from phototag import atomic
from phototag.errors import (
    DatabaseDamagedError,
    DatabaseLockedError,
    DatabaseUnavailableError,
    DiskFullError,
    NotOurDatabaseError,
    PhototagError,
    UsageError,
)

#: Error numbers of a disk or a network share that failed.
_DISK_FAILURES = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN, errno.EHOSTDOWN, errno.ENODEV, errno.ENOLCK}

#: Returns what is wrong with a database: "" if nothing is, None if that can't be told now. Raises PhototagError for
#: one that another program changed.
Check = Callable[[Path], "str | None"]


def translate(path: Path, error: OSError | sqlite3.Error, waited: float, check: Check) -> PhototagError | None:
    """The error as one of phototag's; None if the database is sound, so that the mistake is in our own code.

    `waited`: for how many seconds another program was waited for. `check`: called when the error alone doesn't tell
    whether the database is damaged.
    """
    text = str(error)
    if isinstance(error, OSError):
        return _from_system(path, error)
    if isinstance(error, sqlite3.IntegrityError):
        return PhototagError(f"{path} refused a change that would break its rules ({text}); nothing was changed")
    if "locked" in text or "busy" in text or "locking protocol" in text:
        return DatabaseLockedError(
            f"{path} is in use by another program for over {waited:.0f} s; nothing was changed: "
            "run the command again when it has finished"
        )
    if "disk is full" in text:
        return disk_full(path)
    if "readonly" in text or ("unable to open" in text and os.path.exists(path) and not is_writable(path)):
        return UsageError(f"{path} can't be written (read-only): choose another place with --db")
    if "decode to UTF-8" in text:  # Python's own finding, which SQLite doesn't look for
        return _damaged(path, text)
    return _from_check(path, text, check)


def _from_check(path: Path, text: str, check: Check) -> PhototagError | None:
    """The disk may have failed for a moment, or the file may be damaged: a check of the whole file decides."""
    try:
        found = check(path)
    except PhototagError as error:
        return error
    if found:
        if "not a database" in found:
            return NotOurDatabaseError(f"{path} is not a phototag database: choose another file with --db")
        return _damaged(path, found)
    if found is None or any(word in text for word in ("I/O", "unable to open", "malformed", "not a database")):
        return unavailable(path, text, sound=found is not None)
    return None


def unavailable(path: Path, text: str, *, sound: bool = True) -> DatabaseUnavailableError:
    """The error for a disk at fault, not the database; `sound`: the whole database was checked."""
    if not os.path.exists(path):
        return DatabaseUnavailableError(
            f"{path} is no longer there ({text}): was its drive or network share taken away? What was saved before is "
            "kept on it: bring it back and run the same command again"
        )
    if not sound:
        return DatabaseUnavailableError(
            f"the disk or network share that holds {path} reported an error ({text}), and the database couldn't be "
            "looked through; nothing was changed: check the disk or the network, then run the same command again"
        )
    return DatabaseUnavailableError(
        f"the disk or network share that holds {path} reported an error ({text}); the database isn't damaged, and what "
        "was saved before is kept: run the same command again"
    )


def disk_full(path: Path) -> DiskFullError:
    """The error for a full disk under the database."""
    return atomic.disk_full(path.parent, "what was saved before is kept")


def is_writable(path: Path) -> bool:
    """Whether the database and files beside it may be written."""
    effective = os.access in os.supports_effective_ids
    return all(os.access(place, os.W_OK, effective_ids=effective) for place in (path, path.parent))


def is_readable(path: Path) -> bool:
    return os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids)


def _from_system(path: Path, error: OSError) -> PhototagError:
    if atomic.is_disk_full(error):
        return disk_full(path)
    if error.errno in _DISK_FAILURES:
        return unavailable(path, error.strerror or str(error))
    return UsageError(f"{path} can't be opened ({error.strerror}): choose another place with --db")


def _damaged(path: Path, text: str) -> DatabaseDamagedError:
    return DatabaseDamagedError(
        f"{path} is damaged ({text}); nothing was changed: restore a backup (look for {path.name}.before-* beside it)"
    )
