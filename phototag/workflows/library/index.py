"""Index: for each new or changed photo of the roots decode, detect, align, embed, store."""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from phototag.analysis.decode_pool import Crash, Outcome, Task, decoded
from phototag.analysis.face_analyzer import Eye, Seen
from phototag.config import Settings
from phototag.display import path_text, printable
from phototag.errors import LibraryOfflineError, PhotoError, PhototagError, UsageError
from phototag.imaging.decode import NotAPhoto
from phototag.progress import Progress
from phototag.remedies import NameFolder
from phototag.store import engines, face_places, faces, files, libraries, photos, problems
from phototag.store.connect import Store
from phototag.store.libraries import Library
from phototag.types import DecodedPhoto, PhotoFile, Problem
from phototag.workflows.library.engines_in_use import chosen
from phototag.workflows.library.reembed import reembed
from phototag.workflows.library.scan import require_online, scan
from phototag.workflows.library.versions import Earlier, earlier, overwritten, same, seen_again

#: A transaction is closed after so many seconds even if it is small.
_COMMIT_SECONDS = 2.0
#: What says nothing about a file's content: such a file is opened again by the next run.
_NOT_READ = frozenset({"denied", "vanished", "unreadable", "changed"})


@dataclass(slots=True)
class Indexed:
    """What an index run did; `problems` counts those standing in the visited roots, also from earlier runs.

    `reembedded`: known faces that another embedder has now seen. `left`, `faces_left`: the photos, and the known faces
    for another embedder, that a time budget left for the next run.
    """

    photos: int = 0
    faces: int = 0
    reembedded: int = 0
    unchanged: int = 0
    missing: int = 0
    problems: int = 0
    left: int = 0
    faces_left: int = 0
    offline: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Known:
    """Both engines saw this content before: here, or at another place."""

    sha256: str


@dataclass(frozen=True, slots=True)
class _Stumble:
    """An engine failed on this photo, though not on others."""

    message: str


_Result = Seen | _Known | PhotoError | Crash | _Stumble


def index(
    store: Store,
    roots: Sequence[Path],
    settings: Settings,
    progress: Progress,
    *,
    accept_missing: bool = False,
    follow: bool = False,
    retry: bool = False,
    budget: float | None = None,
) -> Indexed:
    """Bring the database up to date with the folders `roots` (with all known ones if none are named).

    Never deletes a photo, face, decision or person, and never writes into a root. What is finished is
    committed in small transactions, so that a run may be killed at any point. `accept_missing`: believe
    it when much of a root is gone at once. `retry`: open files again that could not be used before.
    `budget`: after so many seconds nothing more is begun; `Indexed` says what is left for the next run.

    A root that is offline is left as it is, said in `Indexed.offline`, and doesn't keep the others from
    being done. Raises UsageError, WeightsError and errors of the store.
    """
    wanted = _libraries(store, roots)
    done = Indexed()
    deadline = math.inf if budget is None else time.monotonic() + budget
    settings = chosen(settings, store)
    eye = Eye.open(settings)
    known = reembed(store, eye, progress, deadline)  # also faces of photos that are away
    done.reembedded, done.faces_left = known.faces, known.left
    if known.left:
        deadline = -math.inf  # no photo is seen by an embedder that is not in use yet
    for library in wanted:
        try:
            require_online(library)
            run = _Run(store, library, settings, eye, known.embedder, progress, done, deadline)
            run.go(accept_missing=accept_missing, follow=follow, retry=retry)
            libraries.set_state(store, library, "online")
        except LibraryOfflineError as error:
            libraries.set_state(store, library, "offline")
            done.offline.append(str(error))
    return done


def _libraries(store: Store, roots: Sequence[Path]) -> list[Library]:
    """The libraries meant by `roots`: a folder inside a known root means that root; a root, also those inside it."""
    known = libraries.every(store)
    if not roots:
        if not known:
            raise UsageError("no folder is indexed yet", NameFolder())
        return known
    wanted: list[Library] = []
    for root in roots:
        path = os.path.abspath(os.fsencode(root))  # bytes: names need not be UTF-8
        homes = [library for library in known if library.holds(path)]
        home = max(homes, key=lambda library: len(library.root), default=None)
        if home is None or (os.path.isdir(home.root) and not os.path.isdir(path)):
            if not os.path.isdir(path):
                raise UsageError(f"{path_text(path)} is not a folder: name the folder that holds your photos")
            home = libraries.add(store, path)
            known.append(home)
        wanted += [library for library in known if home.holds(library.root)]
    return list(dict.fromkeys(wanted))


class _Run:
    """One library's run, with what is finished but not committed yet."""

    def __init__(
        self,
        store: Store,
        library: Library,
        settings: Settings,
        eye: Eye,
        embedder: int,
        progress: Progress,
        done: Indexed,
        deadline: float,
    ) -> None:
        self.store, self.library, self.settings = store, library, settings
        self.eye, self.progress, self.done, self.deadline = eye, progress, done, deadline
        self.detector = engines.register(store, eye.detector.info)
        self.embedder = embedder
        self.begun: set[int] = set()
        self.looked_at: deque[tuple[Task, Future[Seen]]] = deque()
        self.finished: list[tuple[Task, _Result]] = []
        self.under_way: set[str] = set()  # contents looked at but not committed
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
        if found.todo or found.tried:
            self.progress.start(f"Indexing {path_text(self.library.root)}", len(found.todo) + len(found.tried))
            try:
                self.look_at(found.todo, self.settings.jobs, self.settings.batch_photos)
                self.look_at(found.tried, 1, 1)  # one by one, so that the guilty file is soon known
            finally:
                # Also on Ctrl-C: what is finished is kept, what was only begun is as if untouched.
                self.settle(0)
                self.commit()
                with self.store.write():
                    files.reset_attempts(self.store, self.begun)
            self.progress.finish()
        self.done.problems += problems.count(self.store, self.library.id)

    def look_at(self, found: Sequence[PhotoFile], jobs: int, batch: int) -> None:
        if not found:
            return
        outcomes = decoded(
            self.tasks(found, batch),
            jobs=min(jobs, len(found)),
            side=self.settings.detail_side,
        )
        with closing(outcomes):
            for task, outcome in outcomes:
                self.take(task, outcome)
                self.settle(self.eye.threads)  # so that each thread finds its next photo waiting
                late = time.monotonic() - self.committed > _COMMIT_SECONDS
                if late or len(self.finished) >= batch:
                    self.commit()
            self.settle(0)

    def tasks(self, found: Sequence[PhotoFile], batch: int) -> Iterator[Task]:
        """Tasks, each noted in the database as attempted before its file is opened."""
        for start in range(0, len(found), batch):
            begun = found[start : start + batch]
            with self.store.write():
                ids = files.begin(self.store, self.library.id, begun)
                self.begun.update(ids)  # before the commit: whatever stops us after it, they are forgiven
            for number, (photo, file) in enumerate(zip(ids, begun, strict=True), start):
                if time.monotonic() > self.deadline:
                    self.done.left += len(found) - number
                    return
                yield Task(photo, file, os.path.join(self.library.root, file.path))

    def take(self, task: Task, outcome: Outcome) -> None:
        """What a photo turns out to be; what nobody saw yet is looked at, and what overwrote a version of itself."""
        if isinstance(outcome, DecodedPhoto) and outcome.sha256 in self.under_way:
            self.settle(0)  # so that a copy is known as one
            self.commit()
        result = self.known(task, outcome)
        versions = self.versions(task, outcome, result) if isinstance(outcome, DecodedPhoto) else []
        if isinstance(outcome, DecodedPhoto) and (result is None or versions):
            image = replace(outcome.image, rgb=outcome.image.rgb.copy())  # its memory is used again
            kept = faces.without_crop(self.store, outcome.sha256)
            look = partial(seen_again, versions, kept) if versions or kept else None
            self.looked_at.append((task, self.eye.look(replace(outcome, image=image), look)))
            self.under_way.add(outcome.sha256)
        elif result is not None:
            self.finish(task, result)

    def versions(self, task: Task, photo: DecodedPhoto, known: _Result | None) -> list[Earlier]:
        """What was at a file's place before, as far as the photo may show faces of which anything was said there."""
        if known is None:
            return earlier(self.store, task.photo, photo.sha256, self.embedder)
        return overwritten(self.store, task.photo, photo, self.embedder, same(self.eye.embedder))

    def settle(self, most: int) -> None:
        """Finish photos that are looked at until only so many are left."""
        while len(self.looked_at) > most:
            task, seen = self.looked_at.popleft()
            try:
                self.finish(task, seen.result())
            except PhototagError:
                raise
            except Exception as error:
                message = f"an engine failed on it ({type(error).__name__}: {printable(str(error))[:200]})"
                self.finish(task, _Stumble(message))

    def finish(self, task: Task, result: _Result) -> None:
        self.finished.append((task, result))
        self.progress.advance()

    def known(self, task: Task, outcome: Outcome) -> _Result | None:
        if isinstance(outcome, PhotoError | Crash):
            if isinstance(outcome, PhotoError) and outcome.code in _NOT_READ:
                require_online(replace(self.library, photos=1))  # the whole drive may be gone, not this file
            return outcome
        seen = photos.analyzed(self.store, outcome.sha256, self.detector, self.embedder)
        return None if seen is None else _Known(outcome.sha256)

    def commit(self) -> None:
        """Store everything finished, in one transaction."""
        if not self.finished:
            return
        with self.store.write():
            for task, result in self.finished:
                self.put(task, result)
        settled, self.finished = self.finished, []
        self.under_way -= {result.photo.sha256 for _, result in settled if isinstance(result, Seen)}
        self.begun -= {task.photo for task, _ in settled}
        self.committed = time.monotonic()
        for task, result in settled:
            problem = _problem(task, result)
            if problem is not None:
                self.progress.problem(problem)
            elif not isinstance(result, NotAPhoto):
                self.done.photos += 1
                self.done.faces += len(result.faces) if isinstance(result, Seen) else 0

    def put(self, task: Task, result: _Result) -> None:
        problem = _problem(task, result)
        problems.clear(self.store, self.library.id, task.file.path, but=problem.stage if problem else None)
        if problem is not None:
            problems.record(self.store, self.library.id, problem)
            if problem.code in _NOT_READ:
                files.reset_attempts(self.store, [task.photo])
            elif not isinstance(result, _Stumble):  # which keeps its attempt, and is tried again
                files.fail(self.store, task.photo, task.file, quarantined=isinstance(result, Crash))
        elif isinstance(result, Seen):
            self.put_faces(task, result)
        elif isinstance(result, _Known):
            photo = photos.analyzed(self.store, result.sha256, self.detector, self.embedder)
            if photo is not None:  # else another run changed it meanwhile: this file is tried again
                files.finish(self.store, task.photo, task.file, photo)
        else:
            files.drop(self.store, task.photo, task.file)

    def put_faces(self, task: Task, seen: Seen) -> None:
        new = photos.find(self.store, seen.photo.sha256) is None
        again = any(face.subject is not None for face in seen.faces)
        photo = photos.add(self.store, seen.photo)
        face_places.replace(self.store, photo, self.detector, self.embedder, seen.faces, seen.preview)
        files.finish(self.store, task.photo, task.file, photo, version=new or again)


def _problem(task: Task, result: _Result) -> Problem | None:
    if isinstance(result, Crash):
        return Problem(task.file.path, "decode", "crashed", result.message)
    if isinstance(result, _Stumble):
        return Problem(task.file.path, "faces", "engine-failed", result.message)
    if isinstance(result, PhotoError) and not isinstance(result, NotAPhoto):
        return Problem(task.file.path, "decode", result.code, result.message)
    return None
