"""Commit: write down what was found on photos, in small transactions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from phototag.analysis.analyze import ENGINE_FAILED, Duplicate, Result
from phototag.analysis.decode_pool import CRASHED
from phototag.analysis.face_pipeline import PhotoAnalysis
from phototag.imaging.photo_file import NOT_A_PHOTO
from phototag.progress import Progress
from phototag.store import face_places, files, photos, problems
from phototag.store.connect import Store
from phototag.store.libraries import Library
from phototag.types import PhotoFile, Problem
from phototag.workflows.library.engines_in_use import EngineIds

#: A transaction is committed after so many seconds even if it is small.
_COMMIT_SECONDS = 2.0
#: Codes of problems that may go away by themselves: such a file is opened again by the next run.
NOT_READ = frozenset({"denied", "vanished", "unreadable", "changed"})


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A file that an index run opens, with its id in the database."""

    id: int
    file: PhotoFile


class Committer:
    """Writes the results of one library: `begin` before files are opened, `add` and `commit` afterwards, `close` last.

    A run that dies with a file open leaves that file's attempt in the database, so that it is soon known which file is
    deadly. `photos`: files committed so far; `copies`: those that hold a known photo; `faces`: on the other files.
    """

    def __init__(self, store: Store, library: Library, engines: EngineIds, progress: Progress) -> None:
        self.photos = self.copies = self.faces = 0
        self._store, self._library, self._engines, self._progress = store, library, engines, progress
        self._begun: set[int] = set()
        self._results: list[tuple[OpenedFile, Result]] = []
        self._last_commit = time.monotonic()

    def begin(self, found: Sequence[PhotoFile]) -> list[OpenedFile]:
        """Count an attempt for each of these files, which are about to be opened."""
        with self._store.write():
            ids = files.begin(self._store, self._library.id, found)
            self._begun.update(ids)  # before the commit, so that an interruption right after it resets them
        return [OpenedFile(number, file) for number, file in zip(ids, found, strict=True)]

    def add(self, file: OpenedFile, result: Result) -> None:
        """Take a result, which the next commit writes."""
        if isinstance(result, Problem):
            result = replace(result, path=file.file.path)
        self._results.append((file, result))
        self._progress.advance()

    def commit_if_due(self, batch: int) -> None:
        """Commit a full batch, or a smaller one if the last commit was a while ago."""
        if len(self._results) >= batch or time.monotonic() - self._last_commit > _COMMIT_SECONDS:
            self.commit()

    def commit_content(self, sha256: str) -> None:
        """Commit if a photo of this content was added since the last commit."""
        if any(isinstance(result, PhotoAnalysis) and result.photo.sha256 == sha256 for _, result in self._results):
            self.commit()

    def commit(self) -> None:
        """Write all results in one transaction, then report their problems."""
        if not self._results:
            return
        with self._store.write():
            for file, result in self._results:
                self._write(file, result)
        results, self._results = self._results, []
        self._begun -= {file.id for file, _ in results}
        self._last_commit = time.monotonic()
        for _, result in results:
            match result:
                case PhotoAnalysis():
                    self.photos += 1
                    self.faces += len(result.faces)
                case Duplicate():
                    self.photos += 1
                    self.copies += 1
                case Problem() if result.code != NOT_A_PHOTO:
                    self._progress.problem(result)

    def close(self) -> None:
        """Commit, and reset the attempts of files that were begun and have no result."""
        self.commit()
        with self._store.write():
            files.reset_attempts(self._store, self._begun)

    def _write(self, file: OpenedFile, result: Result) -> None:
        match result:
            case PhotoAnalysis():
                self._clear_problems(file)
                self._write_analysis(file, result)
            case Duplicate():
                self._clear_problems(file)
                photo = photos.analyzed(self._store, result.sha256, self._engines.detector, self._engines.embedder)
                if photo is not None:  # otherwise another run changed it meanwhile, and the next run opens the file
                    files.finish(self._store, file.id, file.file, photo)
            case Problem(code=code) if code == NOT_A_PHOTO:
                self._clear_problems(file)
                files.drop(self._store, file.id, file.file)
            case Problem():
                self._write_problem(file, result)

    def _clear_problems(self, file: OpenedFile, but: str | None = None) -> None:
        problems.clear(self._store, self._library.id, file.file.path, but=but)

    def _write_analysis(self, file: OpenedFile, analysis: PhotoAnalysis) -> None:
        is_new = photos.find(self._store, analysis.photo.sha256) is None
        shows_earlier_faces = any(face.subject is not None for face in analysis.faces)
        photo = photos.add(self._store, analysis.photo)
        face_places.replace(
            self._store, photo, self._engines.detector, self._engines.embedder, analysis.faces, analysis.preview
        )
        files.finish(self._store, file.id, file.file, photo, version=is_new or shows_earlier_faces)

    def _write_problem(self, file: OpenedFile, problem: Problem) -> None:
        self._clear_problems(file, but=problem.stage)
        problems.record(self._store, self._library.id, problem)
        if problem.code in NOT_READ:
            files.reset_attempts(self._store, [file.id])
        elif problem.code != ENGINE_FAILED:  # whose attempt stays, so that a file on which engines fail is given up
            files.fail(self._store, file.id, file.file, quarantined=problem.code == CRASHED)
