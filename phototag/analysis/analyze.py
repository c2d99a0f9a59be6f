"""Analyze: decode photos and find the faces on them, as many at a time as there are decoders and engines.

Every job that finds faces does it here: index, verify, identify, evaluate, training, and the Python API.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar, overload

from phototag.analysis.decode_pool import workers_for
from phototag.analysis.face_analyzer import FaceAnalyzer, FaceFinder
from phototag.analysis.face_pipeline import FacePipeline, PhotoAnalysis
from phototag.config import Settings
from phototag.display import path_text, printable
from phototag.errors import PhotoError, PhototagError, UsageError
from phototag.types import DecodedPhoto, Problem

K = TypeVar("K", bound=Hashable)

#: Code of the problem with a photo on which an engine failed, though it may work on others.
ENGINE_FAILED = "engine-failed"


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A photo that needs no analysis: the same content was analyzed before, at this path or another."""

    sha256: str


Result: TypeAlias = PhotoAnalysis | Duplicate | Problem
#: Says how the faces of a decoded photo are found, or why it isn't analyzed.
Route: TypeAlias = Callable[[K, DecodedPhoto], FaceFinder | Duplicate | Problem]


@overload
def analyze(
    photos: Iterable[tuple[K, bytes]], analyzer: FaceAnalyzer, *, jobs: int, side: int
) -> Generator[tuple[K, PhotoAnalysis | Problem], None, None]: ...


@overload
def analyze(
    photos: Iterable[tuple[K, bytes]],
    analyzer: FaceAnalyzer,
    *,
    jobs: int,
    side: int,
    route: Route[K],
    queue: AnalysisQueue[K] | None = None,
) -> Generator[tuple[K, Result], None, None]: ...


def analyze(
    photos: Iterable[tuple[K, bytes]],
    analyzer: FaceAnalyzer,
    *,
    jobs: int,
    side: int,
    route: Route[K] | None = None,
    queue: AnalysisQueue[K] | None = None,
) -> Generator[tuple[K, Result], None, None]:
    """Analyze photos, given as pairs of any key and an absolute path; yield each with its key, in any order.

    `jobs`, `side`: see `decode_pool.decode_photos`. `route`: called for each photo once it is decoded, and once
    earlier photos of the same content have been yielded. `queue`: holds the photos under way, for a caller who wants
    them even after an exception.
    """
    queue = queue or AnalysisQueue(analyzer)
    decoded = analyzer.decode(((photo, photo[1]) for photo in photos), jobs=jobs, side=side)
    with closing(decoded):
        for (key, path), outcome in decoded:
            if isinstance(outcome, PhotoError):
                yield key, Problem(path, "decode", outcome.code, outcome.message)
                continue
            if outcome.sha256 in queue:
                yield from queue.drain(0)
            find = route(key, outcome) if route else FacePipeline.analyze
            if isinstance(find, Duplicate | Problem):
                yield key, find
            else:
                queue.submit(key, path, outcome, find)
                yield from queue.drain(analyzer.threads)  # so that every thread finds its next photo waiting
    yield from queue.drain(0)


class AnalysisQueue(Generic[K]):
    """Photos that are being analyzed, first in, first out."""

    def __init__(self, analyzer: FaceAnalyzer) -> None:
        self._analyzer = analyzer
        self._pending: deque[tuple[K, bytes, str, Future[PhotoAnalysis]]] = deque()

    def __contains__(self, sha256: str) -> bool:
        return any(pending == sha256 for _, _, pending, _ in self._pending)

    def submit(self, key: K, path: bytes, photo: DecodedPhoto, find: FaceFinder) -> None:
        """Begin to analyze a photo, of whose pixels a copy is made."""
        image = replace(photo.image, rgb=photo.image.rgb.copy())
        future = self._analyzer.submit(replace(photo, image=image), find)
        self._pending.append((key, path, photo.sha256, future))

    def drain(self, limit: int) -> Iterator[tuple[K, PhotoAnalysis | Problem]]:
        """Wait for photos, and yield them, until at most `limit` are left."""
        while len(self._pending) > limit:
            key, path, _, future = self._pending.popleft()
            yield key, _result(path, future)


def _result(path: bytes, analysis: Future[PhotoAnalysis]) -> PhotoAnalysis | Problem:
    try:
        return analysis.result()
    except PhototagError:
        raise
    except Exception as error:
        message = f"an engine failed on it ({type(error).__name__}: {printable(str(error))[:200]})"
        return Problem(path, "faces", ENGINE_FAILED, message)


def analyze_named(photos: Sequence[Path], analyzer: FaceAnalyzer, settings: Settings) -> list[PhotoAnalysis]:
    """Analyze a few photos. Raises UsageError for the first that can't be used."""
    paths = [os.fsencode(photo) for photo in photos]
    jobs = workers_for(len(paths), settings.jobs)
    results = dict(analyze(enumerate(paths), analyzer, jobs=jobs, side=settings.decode_side))
    analyses = []
    for row, path in enumerate(paths):
        result = results[row]
        if isinstance(result, Problem):
            raise UsageError(f"{path_text(path)} can't be used ({result.message}): name another photo")
        analyses.append(result)
    return analyses
