"""Scan: compare a root with what is known of it, settle what can be settled without opening a photo."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
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

#: A root that lost more than this share of its photos at once is taken for half-mounted …
_LOSS = 0.2
#: … unless no more than this many are gone.
_FEW = 10
#: So often may a run die with a photo in its hands before the photo is given up.
_PATIENCE = 8
#: Time stamps as far as SQLite's integers reach (the year 2262); file systems know later ones.
_LAST_MOMENT = 2**63 - 1
_GIVEN_UP = f"phototag stopped short {_PATIENCE} times with it in hand, and passes it over"


@dataclass(frozen=True, slots=True)
class Scan:
    """What a walk found: files to open, those that a run died with, and how the rest was settled."""

    todo: tuple[PhotoFile, ...]
    tried: tuple[PhotoFile, ...]
    unchanged: int
    missing: int
    denied: tuple[Problem, ...]


def require_online(library: Library) -> None:
    """Raise LibraryOfflineError if the root is absent, unreadable or suddenly empty."""
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


def scan(
    store: Store,
    library: Library,
    detector: int,
    embedder: int,
    progress: Progress,
    *,
    accept_missing: bool,
    follow: bool,
    retry: bool,
) -> Scan:
    """Walk a root and note what is missing, what came back and what can't be read.

    What lies in another root inside this one is that root's. Raises LibraryOfflineError when the root is
    offline, or lost so much at once that a drive must be half-mounted; nothing was changed then.
    """
    require_online(library)
    denied: list[Problem] = []
    met: dict[bytes, PhotoFile] = {}
    progress.start(f"Looking through {path_text(library.root)}", None)
    for file in walk(library.root, follow=follow, on_problem=denied.append):
        met[file.path] = replace(
            file, mtime_ns=min(file.mtime_ns, _LAST_MOMENT), ctime_ns=min(file.ctime_ns or 0, _LAST_MOMENT)
        )
        progress.advance()
    progress.finish()

    known = files.known(store, library.id, detector, embedder)
    inside = tuple(
        os.path.relpath(other.root, library.root) + b"/"
        for other in libraries.every(store)
        if other.id != library.id and library.holds(other.root)
    )
    met = {path: file for path, file in met.items() if path in known or not path.startswith(inside)}
    wanted: dict[int, list[PhotoFile]] = {}  # by attempts
    for path, file in met.items():
        if _to_open(file, known.get(path), retry=retry):
            wanted.setdefault(known[path].attempts if path in known else 0, []).append(file)
    todo = wanted.pop(0, [])
    # Least often tried first; of equals now the first leads, now the last, lest one drags its followers along.
    tried = [file for attempts in sorted(wanted) for file in wanted[attempts][:: 1 if attempts % 2 else -1]]
    vanished = [
        path for path, row in known.items() if path not in met and row.state != "missing" and not _beneath(path, denied)
    ]
    # A moved file is as long as it was; other newcomers say nothing about what is gone.
    newcomers = Counter(file.size for file in todo if file.path not in known)
    moved = Counter(known[path].size for path in vanished) & newcomers
    lost = len(vanished) - moved.total()
    if lost > max(_FEW, _LOSS * len(known)) and not accept_missing:
        raise LibraryOfflineError(
            f"{lost:,} of {len(known):,} photos are gone from {path_text(library.root)}: nothing was changed; mount "
            "what is missing, or run the same command with --accept-missing if you removed them yourself"
        )
    files.mark_missing(store, [known[path].id for path in vanished])
    files.mark_found(store, [known[path].id for path in met if path in known and known[path].state == "missing"])
    unopened = {*met} - {file.path for file in [*todo, *tried]}
    unnoted = [(known[path].id, met[path]) for path in unopened if path in known and known[path].ctime_ns is None]
    if unnoted:
        files.record_times(store, unnoted)
    with store.write():
        problems.clear_stage(store, library.id, "walk")
        for problem in denied:
            problems.record(store, library.id, problem)
        for path in vanished:
            problems.clear(store, library.id, path)
        for path, file in met.items():
            if _given_up(file, known.get(path), retry=retry):
                files.fail(store, known[path].id, file, quarantined=True)
                problems.record(store, library.id, Problem(path, "index", "crashed", _GIVEN_UP))
    return Scan(tuple(todo), tuple(tried), len(met) - len(todo) - len(tried), len(vanished), tuple(denied))


def _to_open(file: PhotoFile, row: KnownFile | None, *, retry: bool) -> bool:
    """Whether a file must be opened: new, changed, unfinished, or not yet seen by the current engines."""
    if row is None or not row.matches(file):
        return True
    if row.state == "new":
        return not _given_up(file, row, retry=retry)
    if row.state in ("failed", "quarantined"):
        return retry
    return not row.analyzed


def _given_up(file: PhotoFile, row: KnownFile | None, *, retry: bool) -> bool:
    """Whether a file, unchanged since, was in hand each time that so many runs died or an engine failed."""
    return row is not None and row.state == "new" and row.attempts >= _PATIENCE and row.matches(file) and not retry


def _beneath(path: bytes, denied: Iterable[Problem]) -> bool:
    """Whether a path lies under a folder that could not be read, so that nobody knows if it is there."""
    return any(path == problem.path or path.startswith(problem.path + b"/") or not problem.path for problem in denied)
