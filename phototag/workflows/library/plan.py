"""Plan: compare a library with what the database knows of it, and list the files that must be opened.

Whatever needs no opened file is written at once: which files are missing, which came back, which can't be read.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from phototag.display import path_text
from phototag.errors import LibraryOfflineError
from phototag.imaging.walk import walk
from phototag.progress import Progress
from phototag.store import files, libraries, problems
from phototag.store.connect import Store
from phototag.store.files import KnownFile
from phototag.store.libraries import Library
from phototag.types import PhotoFile, Problem
from phototag.workflows.library.engines_in_use import EngineIds

#: A library that lost more than this share of its photos at once is taken to be half-mounted,
_LOSS = 0.2
#: unless no more than so many are missing.
_FEW = 10
#: A file is given up once so many runs ended early while they worked on it.
_MOST_ATTEMPTS = 8
#: The last time stamp that SQLite's integers can hold (in the year 2262); file systems have later ones.
_LAST_MOMENT = 2**63 - 1
_GIVEN_UP = f"phototag stopped short {_MOST_ATTEMPTS} times with it in hand, and passes it over"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with the files of a library.

    `new`: files to open. `retried`: files to open that an earlier run began and didn't finish, the least often tried
    first. `unchanged`, `missing`: how many files need nothing, and are newly missing. `denied`: folders that can't be
    read.
    """

    new: tuple[PhotoFile, ...]
    retried: tuple[PhotoFile, ...]
    unchanged: int
    missing: int
    denied: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """`accept_missing`: believe it when much of a library is missing at once. `follow`: follow symbolic links.
    `retry`: open files again that could not be used before."""

    accept_missing: bool = False
    follow: bool = False
    retry: bool = False


def require_online(library: Library) -> None:
    """Raise LibraryOfflineError if the library's folder is absent, unreadable or suddenly empty."""
    try:
        with os.scandir(library.root) as entries:
            empty = next(entries, None) is None
    except OSError as error:
        raise LibraryOfflineError(
            f"{path_text(library.root)} is offline ({error.strerror}): nothing about its photos was changed; "
            "connect it and run the same command again"
        ) from error
    if empty and library.photos:
        raise LibraryOfflineError(
            f"{path_text(library.root)} is suddenly empty: nothing about its {library.photos:,} photos was changed; "
            "mount it and run the same command again"
        )


def plan(store: Store, library: Library, engines: EngineIds, options: PlanOptions, progress: Progress) -> Plan:
    """Walk through a library; note what is missing, came back or can't be read; say which files to open.

    Photos that these engines have not analyzed yet must be opened. Raises LibraryOfflineError, with nothing changed, if
    the library is offline or lost so much at once that a drive must be half-mounted.
    """
    require_online(library)
    found, denied = _walk(library, options, progress)
    known = files.known(store, library.id, engines.detector, engines.embedder)
    found = _without_inner_libraries(store, library, found, known)
    missing = [
        path
        for path, row in known.items()
        if path not in found and row.state != "missing" and not _in_denied_folder(path, denied)
    ]
    by_attempts: dict[int, list[PhotoFile]] = {}
    for path, file in found.items():
        if _must_be_opened(file, known.get(path), options):
            by_attempts.setdefault(known[path].attempts if path in known else 0, []).append(file)
    new = by_attempts.pop(0, [])
    # Every other run goes through equally often tried files backwards, so that a deadly one at the front, which takes
    # the files after it along, isn't always at the front.
    retried = [file for tries in sorted(by_attempts) for file in by_attempts[tries][:: 1 if tries % 2 else -1]]
    if not options.accept_missing:
        _require_few_lost(library, known, missing, [file for file in new if file.path not in known])
    opened = {file.path for file in (*new, *retried)}
    _note_presence(store, known, missing, found, opened)
    _note_problems(store, library, known, denied, missing, found, options)
    return Plan(tuple(new), tuple(retried), len(found) - len(opened), len(missing), tuple(denied))


def _walk(library: Library, options: PlanOptions, progress: Progress) -> tuple[dict[bytes, PhotoFile], list[Problem]]:
    """The files of a library by path, and the folders that can't be read."""
    denied: list[Problem] = []
    found: dict[bytes, PhotoFile] = {}
    progress.start(f"Looking through {path_text(library.root)}", None)
    for file in walk(library.root, follow=options.follow, on_problem=denied.append):
        found[file.path] = replace(
            file, mtime_ns=min(file.mtime_ns, _LAST_MOMENT), ctime_ns=min(file.ctime_ns or 0, _LAST_MOMENT)
        )
        progress.advance()
    progress.finish()
    return found, denied


def _without_inner_libraries(
    store: Store, library: Library, found: Mapping[bytes, PhotoFile], known: Mapping[bytes, KnownFile]
) -> dict[bytes, PhotoFile]:
    """The files without those of another library inside this one, unless this one knows them already."""
    inner = tuple(
        os.path.relpath(other.root, library.root) + b"/"
        for other in libraries.every(store)
        if other.id != library.id and library.holds(other.root)
    )
    return {path: file for path, file in found.items() if path in known or not path.startswith(inner)}


def _require_few_lost(
    library: Library, known: Mapping[bytes, KnownFile], missing: Sequence[bytes], newcomers: Sequence[PhotoFile]
) -> None:
    """Raise LibraryOfflineError if much is missing. A missing file may have moved to a newcomer of the same size."""
    sizes = Counter(known[path].size for path in missing)
    lost = (sizes - Counter(file.size for file in newcomers)).total()
    if lost > max(_FEW, _LOSS * len(known)):
        raise LibraryOfflineError(
            f"{lost:,} of {len(known):,} photos are gone from {path_text(library.root)}: nothing was changed; mount "
            "what is missing, or run the same command with --accept-missing if you removed them yourself"
        )


def _note_presence(
    store: Store,
    known: Mapping[bytes, KnownFile],
    missing: Sequence[bytes],
    found: Mapping[bytes, PhotoFile],
    opened: Set[bytes],
) -> None:
    """Write down which files are missing and which came back, and the times of unopened files that have none yet."""
    files.mark_missing(store, [known[path].id for path in missing])
    back = [(path, row) for path in found if (row := known.get(path)) is not None]
    files.mark_found(store, [row.id for _, row in back if row.state == "missing"])
    times = [(row.id, found[path]) for path, row in back if row.ctime_ns is None and path not in opened]
    if times:
        files.record_times(store, times)


def _note_problems(
    store: Store,
    library: Library,
    known: Mapping[bytes, KnownFile],
    denied: Sequence[Problem],
    missing: Sequence[bytes],
    found: Mapping[bytes, PhotoFile],
    options: PlanOptions,
) -> None:
    """Write down the folders that can't be read and the files that are given up; missing files have no problems."""
    with store.write():
        problems.clear_stage(store, library.id, "walk")
        for problem in denied:
            problems.record(store, library.id, problem)
        for path in missing:
            problems.clear(store, library.id, path)
        for path, file in found.items():
            if _given_up(file, known.get(path), options):
                files.fail(store, known[path].id, file, quarantined=True)
                problems.record(store, library.id, Problem(path, "index", "crashed", _GIVEN_UP))


def _must_be_opened(file: PhotoFile, row: KnownFile | None, options: PlanOptions) -> bool:
    """Whether a file is new, changed, unfinished, or was not seen by the current engines."""
    if row is None or not row.matches(file):
        return True
    if row.state == "new":
        return not _given_up(file, row, options)
    if row.state in ("failed", "quarantined"):
        return options.retry
    return not row.analyzed


def _given_up(file: PhotoFile, row: KnownFile | None, options: PlanOptions) -> bool:
    """Whether too many runs ended early, or failed, with this file, which hasn't changed since."""
    unfinished = row is not None and row.state == "new" and row.attempts >= _MOST_ATTEMPTS and row.matches(file)
    return unfinished and not options.retry


def _in_denied_folder(path: bytes, denied: Iterable[Problem]) -> bool:
    """Whether a path lies in a folder that could not be read, so that nobody knows whether it is there."""
    return any(path == problem.path or path.startswith(problem.path + b"/") or not problem.path for problem in denied)
