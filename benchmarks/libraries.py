"""Libraries that benchmarks measure on: photos indexed by the commands' own jobs, and their main faces."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from phototag import config
from phototag.analysis.main_face import main_face
from phototag.progress import Silent
from phototag.store import faces
from phototag.store.connect import Store, open_store
from phototag.workflows.library.index import index


@dataclass(frozen=True)
class MainFace:
    """The main face of one photo. `person`: the name shown on it, if any."""

    path: Path
    face: int
    person: str | None


@contextmanager
def indexed(*roots: Path, db: Path | None = None) -> Iterator[Store]:
    """A library of these folders, indexed with the default engines; in `db`, or gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        settings = replace(config.load(), db=db or Path(folder) / "benchmark.db")
        with open_store(settings.db, create=True) as store:
            index(store, roots, settings, Silent())
            yield store


def main_faces(store: Store, below: Path) -> list[MainFace]:
    """The main face of every photo below a folder that shows one, in the order of their paths."""
    by_photo: dict[int, list[faces.Identified]] = {}
    for face in faces.identified(store):
        if below in Path(os.fsdecode(face.path)).parents:
            by_photo.setdefault(face.photo_id, []).append(face)
    sizes = {
        photo: (width, height)
        for photo, width, height in store.rows("SELECT id, width, height FROM photo WHERE width IS NOT NULL")
    }
    found = []
    for photo, shown in by_photo.items():
        main = main_face(faces.of_photo(store, photo), *sizes[photo])
        face = next(face for face in shown if face.id == main.id)
        found.append(MainFace(Path(os.fsdecode(face.path)), face.id, face.person))
    return sorted(found, key=lambda face: str(face.path))
