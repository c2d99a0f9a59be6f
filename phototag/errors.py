"""Errors that end a run: each class has one exit code, each error a message and, where known, a remedy."""

from __future__ import annotations

from collections.abc import Callable

from phototag.remedies import Remedy


class PhototagError(Exception):
    """An error that ends the run; its message is fit to print. `exit_code`: the process's status.

    The message says what happened, to which file, and what was kept. It names no command: `remedy` says what the user
    can do, and whoever shows the error puts that into words.
    """

    exit_code = 1

    def __init__(self, message: str, remedy: Remedy | None = None) -> None:
        super().__init__(message)
        self.remedy = remedy


def explain(error: Exception, hint: Callable[[Remedy], str]) -> str:
    """What happened and, where it is known, what to do. `hint`: puts a remedy into the words of whoever shows it."""
    if not isinstance(error, PhototagError):
        return f"a bug in phototag ({type(error).__name__}: {error})"
    return f"{error}: {hint(error.remedy)}" if error.remedy else str(error)


class UsageError(PhototagError):
    """The command was asked for something that makes no sense; nothing was changed."""

    exit_code = 2


class NotOurDatabaseError(PhototagError):
    """The database path holds something else than a phototag database."""

    exit_code = 10


class DatabaseUnavailableError(PhototagError):
    """The database can't be used just now, yet nothing is wrong with it: its disk failed, or its file is elsewhere."""

    exit_code = 11


class DatabaseLockedError(DatabaseUnavailableError):
    """Another process holds the database for longer than we wait."""


class SchemaTooNewError(PhototagError):
    """The database was written by a newer phototag."""

    exit_code = 12


class DatabaseDamagedError(PhototagError):
    """SQLite or our own checks found the database inconsistent, or another program changed its tables."""

    exit_code = 13


class DiskFullError(PhototagError):
    """A volume ran out of space; what was committed before is kept."""

    exit_code = 14


class LibraryOfflineError(PhototagError):
    """A library root is absent or suddenly empty; nothing about it was changed."""

    exit_code = 15


class WeightsError(PhototagError):
    """A network's weights are missing, or aren't the bytes that we trust."""

    exit_code = 16


class TooLittleDataError(PhototagError):
    """The job needs more photos, faces or names than there are."""

    exit_code = 17


class StoppedError(PhototagError):
    """Ctrl-C (130) or SIGTERM (143); everything finished so far is saved."""

    exit_code = 130

    def __init__(self, message: str, exit_code: int = 130) -> None:
        super().__init__(message)
        self.exit_code = exit_code


#: Exit code of a run that finished although some files had problems.
DONE_WITH_PROBLEMS = 3


class PhotoError(Exception):
    """One file can't be used: recorded as a `Problem`, while the run goes on.

    `code` is a short word for machines (`truncated`, `empty`, `denied`, …), the text is for people.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def __reduce__(self) -> tuple[type[PhotoError], tuple[str, str]]:
        # Crosses a process boundary from the decode workers.
        return type(self), (self.code, self.message)
