"""A tree of photos with a folder for each person: the main face of each photo, cached between runs."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from phototag import __version__, atomic
from phototag.analysis.analyze import analyze
from phototag.analysis.decode_pool import workers_for
from phototag.analysis.face_analyzer import FaceAnalyzer
from phototag.analysis.main_face import main_face
from phototag.config import Settings, cache_folder
from phototag.display import path_text
from phototag.errors import TooLittleDataError, UsageError
from phototag.imaging.photo_file import NOT_A_PHOTO
from phototag.imaging.walk import walk
from phototag.progress import Progress
from phototag.types import Box, EngineInfo, Problem, Vectors

#: Photos that are analyzed between two writes of the cache.
_SAVE_EVERY = 500


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """The main face of each photo, in the order of paths: `photos` as bytes, `people` by their folders' names.

    `vectors` (n, dim) and `boxes` (in the photo's pixels) of those faces. `faceless`: photos without one; `problems`:
    those that can't be used.
    """

    photos: tuple[bytes, ...]
    people: tuple[str, ...]
    vectors: Vectors
    boxes: tuple[Box, ...]
    faceless: tuple[bytes, ...]
    problems: tuple[Problem, ...]


def photos_below(folder: Path, progress: Progress) -> list[bytes]:
    """The absolute paths of all files in folders below `folder` that could be photos. Raises UsageError."""
    base = os.path.abspath(os.fsencode(folder))
    if not os.path.isdir(base):
        raise UsageError(f"{path_text(base)} is not a folder: name one with a folder of photos for each person")
    found = [file for file in walk(base, on_problem=progress.problem) if b"/" in file.path]
    if not found:
        raise TooLittleDataError(
            f"{path_text(base)} has no folders with photos: make one for each person, as in Ada/1.jpg"
        )
    return [os.path.join(base, file.path) for file in sorted(found, key=lambda file: file.path)]


def read_tree(photos: Sequence[bytes], analyzer: FaceAnalyzer, settings: Settings, progress: Progress) -> Tree:
    """Find the main face of each photo, or take it from the cache. Raises TooLittleDataError if there is no face."""
    cache = _Cache(analyzer.detector.info, analyzer.embedder.info, settings)
    hashes = {path: _sha256(path) for path in photos}
    uncached = [path for path in photos if (known := hashes[path]) is None or known not in cache.rows]
    problems: list[Problem] = []
    progress.start("Looking at photos", len(photos))
    progress.advance(len(photos) - len(uncached))
    jobs = workers_for(len(uncached), settings.jobs)
    try:
        results = analyze(enumerate(uncached), analyzer, jobs=jobs, side=settings.decode_side)
        for number, (row, result) in enumerate(results, 1):
            if isinstance(result, Problem):
                if result.code != NOT_A_PHOTO:
                    problems.append(result)
                    progress.problem(result)
            else:
                photo = result.photo
                face = main_face(result.faces, photo.width, photo.height) if result.faces else None
                hashes[uncached[row]] = photo.sha256
                cache.rows[photo.sha256] = None if face is None else (face.vector, face.box)
            progress.advance()
            if number % _SAVE_EVERY == 0:
                cache.save()
    finally:
        if uncached:
            cache.save()
    progress.finish()
    seen = [(path, cache.rows[known]) for path in photos if (known := hashes[path]) is not None and known in cache.rows]
    found = [(path, *face) for path, face in seen if face is not None]
    if not found:
        raise TooLittleDataError("no face was found on any of these photos: look closer with a larger --detail")
    return Tree(
        tuple(path for path, _, _ in found),
        tuple(person_of(path) for path, _, _ in found),
        np.stack([vector for _, vector, _ in found]),
        tuple(box for _, _, box in found),
        tuple(path for path, face in seen if face is None),
        tuple(problems),
    )


def person_of(photo: bytes) -> str:
    """The name of the folder that a photo is in."""
    return os.fsdecode(os.path.basename(os.path.dirname(photo)))


class _Cache:
    """The main faces of analyzed photos, by SHA-256: vector and box, or None for no face.

    There is a file for each combination of program version, engines and settings.
    """

    def __init__(self, detector: EngineInfo, embedder: EngineInfo, settings: Settings) -> None:
        made_by = [__version__, asdict(detector), asdict(embedder), settings.image_side, settings.detail_side]
        key = hashlib.sha256(json.dumps(made_by, sort_keys=True).encode()).hexdigest()
        self._path = cache_folder() / f"faces-{embedder.name}-{key[:16]}.npz"
        self._dim = embedder.dim
        self.rows: dict[str, tuple[Vectors, Box] | None] = self._read()

    def save(self) -> None:
        """Write the cache. If its folder can't be written, the next run analyzes the photos again."""
        rows = {**self._read(), **self.rows}  # keep what another run wrote meanwhile
        found = [row for row in rows.values() if row is not None]
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with atomic.replacing(self._path) as file:
                np.savez(
                    file,
                    sums=np.array(list(rows), "S64"),
                    faces=np.array([row is not None for row in rows.values()], np.bool_),
                    vectors=np.array([vector for vector, _ in found], np.float32).reshape(-1, self._dim),
                    boxes=np.array([(box.x, box.y, box.w, box.h) for _, box in found]).reshape(-1, 4),
                )
        except OSError:
            pass

    def _read(self) -> dict[str, tuple[Vectors, Box] | None]:
        try:
            with np.load(self._path, allow_pickle=False) as kept:
                sums, has_face, vectors, boxes = (kept[name] for name in ("sums", "faces", "vectors", "boxes"))
            return _rows(sums, has_face, vectors, boxes, self._dim)
        # A damaged archive may raise almost any exception; the cache is then made again.
        except Exception:
            return {}


def _rows(
    sums: npt.NDArray[np.bytes_],
    has_face: npt.NDArray[np.bool_],
    vectors: Vectors,
    boxes: npt.NDArray[np.float64],
    dim: int,
) -> dict[str, tuple[Vectors, Box] | None]:
    """The cache's rows from its arrays. Raises ValueError unless they fit together and the vectors are unit vectors."""
    lengths = np.linalg.norm(vectors, axis=1)
    if (
        vectors.shape != (int(has_face.sum()), dim)
        or not (np.abs(lengths - 1) < 1e-3).all()
        or len(sums) != len(has_face)
    ):
        raise ValueError("a damaged cache")
    faces = iter(zip(vectors.astype(np.float32), (Box(*map(float, box)) for box in boxes), strict=True))
    return {known.decode(): next(faces) if face else None for known, face in zip(sums, has_face, strict=True)}


def _sha256(path: bytes) -> str | None:
    """The SHA-256 of a file, or None if it can't be read; that is reported when the photo is analyzed."""
    try:
        with open(path, "rb") as file:
            whole = hashlib.sha256()
            while piece := file.read(1 << 20):
                whole.update(piece)
            return whole.hexdigest()
    except OSError:
        return None
