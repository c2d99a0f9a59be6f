"""Index: bring the database up to date with folders of photos: plan, analyze, commit."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from phototag.analysis.analyze import AnalysisQueue, Duplicate, analyze
from phototag.analysis.engine_provider import INSTALLED, EngineProvider
from phototag.analysis.face_analyzer import FaceAnalyzer, FaceFinder
from phototag.analysis.face_pipeline import FacePipeline
from phototag.config import Settings
from phototag.display import path_text
from phototag.errors import LibraryOfflineError, UsageError
from phototag.progress import Progress
from phototag.remedies import NameFolder
from phototag.store import engines as engine_rows
from phototag.store import faces, libraries, photos, problems
from phototag.store.connect import Store
from phototag.store.libraries import Library
from phototag.types import DecodedPhoto, PhotoFile, Problem
from phototag.workflows.library.commit import NOT_READ, Committer, OpenedFile
from phototag.workflows.library.engines_in_use import EngineIds, library_settings
from phototag.workflows.library.plan import PlanOptions, plan, require_online
from phototag.workflows.library.reembed import reembed
from phototag.workflows.library.versions import earlier_versions, find_again, overwritten_versions, same_distance


@dataclass(slots=True)
class Indexed:
    """What an index run did.

    `photos`: files that were indexed. `copies`: those that hold a known photo, whose faces are known. `faces`: found on
    the other files. `problems`: all that stand in the visited libraries, also from earlier runs. `reembedded`: known
    faces that another embedder has now seen. `left`, `faces_left`: photos, and known faces that wait for another
    embedder, which a time budget left for the next run. `offline`: a sentence for each library that is offline.
    """

    photos: int = 0
    copies: int = 0
    faces: int = 0
    reembedded: int = 0
    unchanged: int = 0
    missing: int = 0
    problems: int = 0
    left: int = 0
    faces_left: int = 0
    offline: list[str] = field(default_factory=list)


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
    engines: EngineProvider = INSTALLED,
) -> Indexed:
    """Bring the database up to date with the folders `roots`, or with all known libraries if none are named.

    Never deletes a photo, face, decision or person, and only reads the folders. Results are committed in small
    transactions, so that a run may be killed at any time. `accept_missing`, `follow`, `retry`: see `PlanOptions`.
    `budget`: nothing more is begun after so many seconds; `Indexed` says what is left for the next run.

    A library that is offline is left as it is, and the others are indexed. Raises UsageError, WeightsError and errors
    of the store.
    """
    wanted = _libraries(store, roots)
    done = Indexed()
    deadline = math.inf if budget is None else time.monotonic() + budget
    settings = library_settings(store, settings, engines)
    analyzer = engines.open(settings)
    known = reembed(store, analyzer, progress, deadline)  # also faces of photos that are away
    done.reembedded, done.faces_left = known.faces, known.left
    if known.left:
        deadline = -math.inf  # photos are analyzed only with the embedder in use
    ids = EngineIds(engine_rows.register(store, analyzer.detector.info), known.embedder)
    run = _Run(store, settings, analyzer, ids, progress, deadline)
    options = PlanOptions(accept_missing, follow, retry)
    for library in wanted:
        try:
            require_online(library)
            run.index(library, options, done)
            libraries.set_state(store, library, "online")
        except LibraryOfflineError as error:
            libraries.set_state(store, library, "offline")
            done.offline.append(str(error))
    return done


def _libraries(store: Store, roots: Sequence[Path]) -> list[Library]:
    """The libraries that `roots` mean: a folder inside a known library means that one, and a library also those
    inside it. Raises UsageError for what is no folder."""
    known = libraries.every(store)
    if not roots:
        if not known:
            raise UsageError("no folder is indexed yet", NameFolder())
        return known
    wanted: list[Library] = []
    for root in roots:
        path = os.path.abspath(os.fsencode(root))  # bytes: names need not be UTF-8
        around = [library for library in known if library.holds(path)]
        home = max(around, key=lambda library: len(library.root), default=None)
        if home is None or (os.path.isdir(home.root) and not os.path.isdir(path)):
            if not os.path.isdir(path):
                raise UsageError(f"{path_text(path)} is not a folder: name the folder that holds your photos")
            home = libraries.add(store, path)
            known.append(home)
        wanted += [library for library in known if home.holds(library.root)]
    return list(dict.fromkeys(wanted))


@dataclass(frozen=True, slots=True)
class _Run:
    """What the libraries of one index run share; nothing is begun after `deadline` (of `time.monotonic`)."""

    store: Store
    settings: Settings
    analyzer: FaceAnalyzer
    engines: EngineIds
    progress: Progress
    deadline: float

    def index(self, library: Library, options: PlanOptions, done: Indexed) -> None:
        """Index one library, and add what was done to `done`. Raises LibraryOfflineError."""
        planned = plan(self.store, library, self.engines, options, self.progress)
        for problem in planned.denied:
            self.progress.problem(problem)
        done.missing += planned.missing
        done.unchanged += planned.unchanged
        if planned.new or planned.retried:
            self.progress.start(f"Indexing {path_text(library.root)}", len(planned.new) + len(planned.retried))
            committer = Committer(self.store, library, self.engines, self.progress)
            job = _LibraryJob(self, library, committer, done)
            try:
                job.analyze(planned.new, self.settings.jobs, self.settings.batch_photos)
                job.analyze(planned.retried, 1, 1)  # one by one, so that it is soon known which of them is deadly
            finally:  # also on Ctrl-C: what is finished is kept, and what was only begun is as if untouched
                committer.close()
                done.photos += committer.photos
                done.copies += committer.copies
                done.faces += committer.faces
            self.progress.finish()
        done.problems += problems.count(self.store, library.id)


@dataclass(frozen=True, slots=True)
class _LibraryJob:
    """The files of one library that must be opened."""

    run: _Run
    library: Library
    committer: Committer
    done: Indexed

    def analyze(self, found: Sequence[PhotoFile], jobs: int, batch: int) -> None:
        """Open and analyze files with so many decoders, and commit the results in batches."""
        if not found:
            return
        queue: AnalysisQueue[OpenedFile] = AnalysisQueue(self.run.analyzer)
        results = analyze(
            self._begin(found, batch),
            self.run.analyzer,
            jobs=min(jobs, len(found)),
            side=self.run.settings.decode_side,
            route=self._route,
            queue=queue,
        )
        try:
            with closing(results):
                for file, result in results:
                    if isinstance(result, Problem) and result.code in NOT_READ:
                        require_online(replace(self.library, photos=1))  # the drive may be gone, not just this file
                    self.committer.add(file, result)
                    self.committer.commit_if_due(batch)
        finally:
            for file, result in queue.drain(0):
                self.committer.add(file, result)

    def _begin(self, found: Sequence[PhotoFile], batch: int) -> Iterator[tuple[OpenedFile, bytes]]:
        """The files with their absolute paths; each one's attempt is in the database before it is opened."""
        for start in range(0, len(found), batch):
            for number, file in enumerate(self.committer.begin(found[start : start + batch]), start):
                if time.monotonic() > self.run.deadline:
                    self.done.left += len(found) - number
                    return
                yield file, os.path.join(self.library.root, file.file.path)

    def _route(self, file: OpenedFile, photo: DecodedPhoto) -> FaceFinder | Duplicate:
        """How to find the faces of a photo: in none that was analyzed before, unless it came to where a version of it
        was; together with those of earlier versions, if there are any."""
        store, embedder = self.run.store, self.run.engines.embedder
        self.committer.commit_content(photo.sha256)
        if photos.analyzed(store, photo.sha256, self.run.engines.detector, embedder) is not None:
            threshold = same_distance(self.run.analyzer.embedder.info)
            versions = overwritten_versions(store, file.id, photo, embedder, threshold)
            if not versions:
                return Duplicate(photo.sha256)
        else:
            versions = earlier_versions(store, file.id, photo.sha256, embedder)
        kept = faces.without_crop(store, photo.sha256)
        return partial(find_again, versions, kept) if versions or kept else FacePipeline.analyze
