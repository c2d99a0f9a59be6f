"""A tree of photos with a folder for each person: one face a photo, remembered so that it need not be sought again."""

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

#: Photos looked at before what was found is kept.
_KEEP_EVERY = 500


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
    """The main face of each photo, from the cache where it was found before. Raises TooLittleDataError without any."""
    cache = _Cache(analyzer.detector.info, analyzer.embedder.info, settings)
    sums = {path: _sha256(path) for path in photos}
    unseen = [path for path in photos if (known := sums[path]) is None or known not in cache.rows]
    problems: list[Problem] = []
    progress.start("Looking at photos", len(photos))
    progress.advance(len(photos) - len(unseen))
    jobs = workers_for(len(unseen), settings.jobs)
    try:
        results = analyze(enumerate(unseen), analyzer, jobs=jobs, side=settings.decode_side)
        for number, (row, result) in enumerate(results, 1):
            if isinstance(result, Problem):
                if result.code != NOT_A_PHOTO:
                    problems.append(result)
                    progress.problem(result)
            else:
                photo = result.photo
                face = main_face(result.faces, photo.width, photo.height) if result.faces else None
                sums[unseen[row]] = photo.sha256
                cache.rows[photo.sha256] = None if face is None else (face.vector, face.box)
            progress.advance()
            if number % _KEEP_EVERY == 0:
                cache.keep()
    finally:
        if unseen:
            cache.keep()
    progress.finish()
    seen = [(path, cache.rows[known]) for path in photos if (known := sums[path]) is not None and known in cache.rows]
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
    """What was found on photos, by their SHA-256: None, or a face's vector and box. Each pair of engines has a file."""

    def __init__(self, detector: EngineInfo, embedder: EngineInfo, settings: Settings) -> None:
        told = [__version__, asdict(detector), asdict(embedder), settings.image_side, settings.detail_side]
        key = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        self._path = cache_folder() / f"faces-{embedder.name}-{key[:16]}.npz"
        self._dim = embedder.dim
        self.rows: dict[str, tuple[Vectors, Box] | None] = self._read()

    def keep(self) -> None:
        """Write everything down; a cache folder that can't be written costs time, nothing else."""
        rows = {**self._read(), **self.rows}  # what another run wrote meanwhile stays
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
        # Damaged archives raise many kinds of exceptions; all of it can be made again.
        except Exception:
            return {}


def _rows(
    sums: npt.NDArray[np.bytes_],
    has_face: npt.NDArray[np.bool_],
    vectors: Vectors,
    boxes: npt.NDArray[np.float64],
    dim: int,
) -> dict[str, tuple[Vectors, Box] | None]:
    """Raises ValueError for arrays that don't fit together, or vectors that can't be an embedder's."""
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
    """The file's, or None if it can't be read, which is told when it is opened again."""
    try:
        with open(path, "rb") as file:
            whole = hashlib.sha256()
            while piece := file.read(1 << 20):
                whole.update(piece)
            return whole.hexdigest()
    except OSError:
        return None
