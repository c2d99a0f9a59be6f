"""Index: for each new or changed photo of the roots decode, detect, align, embed, store."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from phototag.config import Settings
from phototag.display import path_text
from phototag.errors import LibraryOfflineError, PhotoError, UsageError
from phototag.imaging.decode import NotAPhoto
from phototag.progress import Progress
from phototag.store import engines, faces, libraries, photos, problems
from phototag.store.connect import Store
from phototag.store.libraries import Library
from phototag.types import PhotoFile, Problem
from phototag.workflows.decoding import Crash, Outcome, Task, decoded
from phototag.workflows.eye import Eye, Seen
from phototag.workflows.scan import require_online, scan

#: A transaction is closed after so many seconds even if it is small.
_COMMIT_SECONDS = 2.0


@dataclass(slots=True)
class Indexed:
    """What an index run did; `problems` counts those standing in the visited roots, also from earlier runs."""

    photos: int = 0
    faces: int = 0
    unchanged: int = 0
    missing: int = 0
    problems: int = 0
    offline: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Touched:
    """The content is what it was; only size or time stamp differ."""


@dataclass(frozen=True, slots=True)
class _Twin:
    """Another photo (missing: this is it, moved) has the same content."""

    photo: int
    missing: bool


_Result = Seen | _Touched | _Twin | PhotoError | Crash


def index(
    store: Store,
    roots: Sequence[Path],
    settings: Settings,
    progress: Progress,
    *,
    accept_missing: bool = False,
    follow: bool = False,
    retry: bool = False,
) -> Indexed:
    """Bring the database up to date with the folders `roots` (with all known ones if none are named).

    Never deletes a photo, face, decision or person, and never writes into a root. What is finished is
    committed in small transactions, so that a run may be killed at any point. `accept_missing`: believe
    it when much of a root is gone at once. `retry`: open files again that could not be used before.

    A root that is offline is left as it is, said in `Indexed.offline`, and doesn't keep the others from
    being done. Raises UsageError, WeightsError and errors of the store.
    """
    wanted = _libraries(store, roots)
    done = Indexed()
    eye = None
    for library in wanted:
        try:
            require_online(library)
            eye = eye or Eye.open(settings)
            run = _Run(store, library, settings, eye, progress, done)
            run.go(accept_missing=accept_missing, follow=follow, retry=retry)
            libraries.set_state(store, library, "online")
        except LibraryOfflineError as error:
            libraries.set_state(store, library, "offline")
            done.offline.append(str(error))
    return done


def _libraries(store: Store, roots: Sequence[Path]) -> list[Library]:
    """The libraries meant by `roots`: a folder inside a known root means that root."""
    known = {library.root: library for library in libraries.every(store)}
    if not roots:
        if not known:
            raise UsageError("no folder is indexed yet: name one, as in `phototag run ~/Pictures`")
        return list(known.values())
    wanted = []
    for root in roots:
        path = os.path.abspath(os.fsencode(root))  # bytes: names need not be UTF-8
        home = next((other for other in known if (path + b"/").startswith(other.rstrip(b"/") + b"/")), None)
        if home is not None:
            wanted.append(known[home])
        elif Path(os.fsdecode(path)).is_dir():
            wanted.append(libraries.add(store, path))
        else:
            raise UsageError(f"{path_text(path)} is not a folder: name the folder that holds your photos")
    return list(dict.fromkeys(wanted))


class _Run:
    """One library's run, with what is finished but not committed yet."""

    def __init__(
        self, store: Store, library: Library, settings: Settings, eye: Eye, progress: Progress, done: Indexed
    ) -> None:
        self.store, self.library, self.settings = store, library, settings
        self.eye, self.progress, self.done = eye, progress, done
        self.detector = engines.register(store, eye.detector.info)
        self.embedder = engines.register(store, eye.embedder.info)
        self.begun: set[int] = set()
        self.finished: list[tuple[Task, _Result]] = []
        self.committed = time.monotonic()

    def go(self, *, accept_missing: bool, follow: bool, retry: bool) -> None:
        found = scan(
            self.store, self.library, self.detector, self.embedder, self.progress,
            accept_missing=accept_missing, follow=follow, retry=retry,
        )  # fmt: skip
        for problem in found.denied:
            self.progress.problem(problem)
        self.done.missing += found.missing
        self.done.unchanged += found.unchanged
        if found.todo:
            self.progress.start(f"Indexing {path_text(self.library.root)}", len(found.todo))
            try:
                self.look_at(found.todo)
            finally:
                # Also on Ctrl-C: what is finished is kept, what was only begun is as if untouched.
                self.commit()
                photos.forgive(self.store, self.begun)
            self.progress.finish()
        self.done.problems += problems.count(self.store, self.library.id)

    def look_at(self, todo: Sequence[PhotoFile]) -> None:
        outcomes = decoded(
            self.tasks(todo),
            jobs=min(self.settings.jobs, len(todo)),
            image_side=self.settings.image_side,
            detail_side=self.settings.detail_side,
        )
        with closing(outcomes):
            for task, outcome in outcomes:
                self.finished.append((task, self.result(task, outcome)))
                self.progress.advance()
                late = time.monotonic() - self.committed > _COMMIT_SECONDS
                if late or len(self.finished) >= self.settings.batch_photos:
                    self.commit()

    def tasks(self, todo: Sequence[PhotoFile]) -> Iterator[Task]:
        """Tasks, each noted in the database as attempted before its file is opened."""
        for start in range(0, len(todo), self.settings.batch_photos):
            files = todo[start : start + self.settings.batch_photos]
            ids = photos.begin(self.store, self.library.id, files)
            self.begun.update(ids)
            for photo, file in zip(ids, files, strict=True):
                yield Task(photo, file, os.path.join(self.library.root, file.path))

    def result(self, task: Task, outcome: Outcome) -> _Result:
        """What a photo turns out to be; networks run only for content that nobody saw yet."""
        if isinstance(outcome, PhotoError | Crash):
            return outcome
        if photos.is_seen(self.store, task.photo, outcome.sha256, self.detector, self.embedder):
            return _Touched()
        twin = photos.twin(self.store, task.photo, outcome.sha256, self.detector, self.embedder)
        if twin is not None and not any(isinstance(r, _Twin) and r.photo == twin[0] for _, r in self.finished):
            return _Twin(*twin)
        return self.eye.look(outcome)

    def commit(self) -> None:
        """Store everything finished, in one transaction."""
        if not self.finished:
            return
        with self.store.write():
            for task, result in self.finished:
                self.put(task, result)
        for task, result in self.finished:
            problem = _problem(task, result)
            if problem is not None:
                self.progress.problem(problem)
            elif not isinstance(result, NotAPhoto):
                self.done.photos += 1
                self.done.faces += len(result.faces) if isinstance(result, Seen) else 0
        self.begun -= {task.photo for task, _ in self.finished}
        self.finished.clear()
        self.committed = time.monotonic()

    def put(self, task: Task, result: _Result) -> None:
        problems.clear(self.store, self.library.id, task.file.path)
        problem = _problem(task, result)
        if problem is not None:
            photos.fail(self.store, task.photo, task.file, quarantined=isinstance(result, Crash))
            problems.record(self.store, self.library.id, problem)
        elif isinstance(result, Seen):
            faces.replace(self.store, task.photo, self.detector, self.embedder, result.faces, result.preview)
            photos.finish(self.store, task.photo, task.file, result.photo)
        elif isinstance(result, _Twin) and result.missing:
            photos.move(self.store, result.photo, task.photo, task.file)
        elif isinstance(result, _Twin):
            faces.copy(self.store, result.photo, task.photo)
            photos.touch(self.store, task.photo, task.file)
        elif isinstance(result, _Touched):
            photos.touch(self.store, task.photo, task.file)
        else:
            photos.forget(self.store, task.photo)


def _problem(task: Task, result: _Result) -> Problem | None:
    if isinstance(result, Crash):
        return Problem(task.file.path, "decode", "crashed", result.message)
    if isinstance(result, PhotoError) and not isinstance(result, NotAPhoto):
        return Problem(task.file.path, "decode", result.code, result.message)
    return None
