"""Scan: compare a root with what is known of it, settle what can be settled without opening a photo."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from phototag.display import path_text
from phototag.errors import LibraryOfflineError
from phototag.imaging.walk import walk
from phototag.progress import Progress
from phototag.store import photos, problems
from phototag.store.connect import Store
from phototag.store.libraries import Library
from phototag.store.photos import Known
from phototag.types import PhotoFile, Problem

#: A root that lost more than this share of its photos at once is taken for half-mounted …
_LOSS = 0.2
#: … unless no more than this many are gone.
_FEW = 10
#: So often may a run die with a photo in its hands before the photo is given up.
_PATIENCE = 8


@dataclass(frozen=True, slots=True)
class Scan:
    """What a walk found: files to open (least often tried first), and how the rest was settled."""

    todo: tuple[PhotoFile, ...]
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

    Raises LibraryOfflineError when the root is offline, or lost so much at once that a drive must be
    half-mounted; nothing was changed then.
    """
    require_online(library)
    denied: list[Problem] = []
    met: dict[bytes, PhotoFile] = {}
    progress.start(f"Looking through {path_text(library.root)}", None)
    for file in walk(library.root, follow=follow, on_problem=denied.append):
        met[file.path] = file
        progress.advance()
    progress.finish()

    known = photos.known(store, library.id, detector, embedder)
    todo = [file for path, file in met.items() if _to_open(file, known.get(path), retry=retry)]
    todo.sort(key=lambda file: known[file.path].attempts if file.path in known else 0)
    vanished = [
        path for path, row in known.items() if path not in met and row.state != "missing" and not _beneath(path, denied)
    ]
    newcomers = sum(1 for file in todo if file.path not in known)
    lost = len(vanished) - newcomers  # a renamed folder is as many newcomers
    if lost > max(_FEW, _LOSS * len(known)) and not accept_missing:
        raise LibraryOfflineError(
            f"{lost:,} of {len(known):,} photos are gone from {path_text(library.root)}: nothing was changed; mount "
            "what is missing, or run the same command with --accept-missing if you removed them yourself"
        )
    photos.mark_missing(store, [known[path].id for path in vanished])
    photos.mark_found(store, [known[path].id for path in met if path in known and known[path].state == "missing"])
    with store.write():
        problems.clear_stage(store, library.id, "walk")
        for problem in denied:
            problems.record(store, library.id, problem)
        for path in vanished:
            problems.clear(store, library.id, path)
    return Scan(tuple(todo), len(met) - len(todo), len(vanished), tuple(denied))


def _to_open(file: PhotoFile, row: Known | None, *, retry: bool) -> bool:
    """Whether a file must be opened: new, changed, unfinished, or not yet seen by the current engines."""
    if row is None or (file.size, file.mtime_ns) != (row.size, row.mtime_ns):
        return True
    if row.state == "new":
        return row.attempts < _PATIENCE or retry
    if row.state in ("failed", "quarantined"):
        return retry
    return not row.seen


def _beneath(path: bytes, denied: Iterable[Problem]) -> bool:
    """Whether a path lies under a folder that could not be read, so that nobody knows if it is there."""
    return any(path == problem.path or path.startswith(problem.path + b"/") or not problem.path for problem in denied)
