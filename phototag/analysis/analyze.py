"""Looking: the faces of photos that need not be in any library, found as `index` finds them; nothing is stored."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from phototag.analysis.decode_pool import Crash, Task, decoded
from phototag.analysis.face_analyzer import Eye, Seen
from phototag.config import Settings
from phototag.display import path_text, printable
from phototag.errors import PhotoError, PhototagError, UsageError
from phototag.types import DecodedPhoto, PhotoFile, Problem


def opened(settings: Settings, photos: int) -> Eye:
    """Engines for so many photos. Raises UsageError, WeightsError."""
    return Eye.open(replace(settings, jobs=max(1, min(settings.jobs, photos))))


def looked_at(eye: Eye, photos: Sequence[bytes], settings: Settings) -> Iterator[tuple[int, Seen | Problem]]:
    """What is on each photo, by its row, in any order; a photo that can't be used is a problem."""
    files = [PhotoFile(path, 0, 0) for path in photos]
    tasks = (Task(row, file, os.path.abspath(file.path)) for row, file in enumerate(files))
    waiting: deque[tuple[int, Future[Seen]]] = deque()
    outcomes = decoded(tasks, jobs=min(settings.jobs, len(photos)), side=_side(settings))
    with closing(outcomes):
        for task, outcome in outcomes:
            if isinstance(outcome, DecodedPhoto):
                image = replace(outcome.image, rgb=outcome.image.rgb.copy())  # its memory is used again
                waiting.append((task.photo, eye.look(replace(outcome, image=image))))
            else:
                yield task.photo, _unusable(task.file.path, outcome)
            while len(waiting) > 2 * eye.threads:
                yield _settled(*waiting.popleft(), photos)
        while waiting:
            yield _settled(*waiting.popleft(), photos)


def look(eye: Eye, photos: Sequence[Path], settings: Settings) -> list[Seen]:
    """What is on each of a few photos. Raises UsageError for the first that can't be used."""
    paths = [os.fsencode(photo) for photo in photos]
    found = dict(looked_at(eye, paths, settings))
    seen = []
    for row, path in enumerate(paths):
        outcome = found[row]
        if isinstance(outcome, Problem):
            raise UsageError(f"{path_text(path)} can't be used ({outcome.message}): name another photo")
        seen.append(outcome)
    return seen


def _side(settings: Settings) -> int:
    """As for a library: decoded to no less than three quarters of what faces are sought in."""
    return max(settings.detail_side, settings.image_side * 4 // 3)


def _settled(row: int, seen: Future[Seen], photos: Sequence[bytes]) -> tuple[int, Seen | Problem]:
    try:
        return row, seen.result()
    except PhototagError:
        raise
    except Exception as error:
        message = f"an engine failed on it ({type(error).__name__}: {printable(str(error))[:200]})"
        return row, Problem(photos[row], "faces", "engine-failed", message)


def _unusable(path: bytes, outcome: PhotoError | Crash) -> Problem:
    code = outcome.code if isinstance(outcome, PhotoError) else "crashed"
    return Problem(path, "decode", code, outcome.message)
