"""Small databases made directly: a library, engines, photos with faces, names."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
from sqlite_utils import Database

from phototag.store import decisions, engines, face_places, faces, files, history, libraries, people, photos
from phototag.store.connect import Store
from phototag.store.decisions import Decision
from phototag.store.migrations import MIGRATIONS
from phototag.types import Box, DecodedPhoto, EngineInfo, Image, NewFace, PhotoFile, Thresholds, Vectors

THRESHOLDS = Thresholds(same=0.4, split=0.36, join=0.33, midpoint=0.4, slope=20.0)
DETECTOR = EngineInfo("detector", "squares", "d" * 64)
EMBEDDER = EngineInfo("embedder", "colours", "e" * 64, dim=8, chip_size=16, alignment="cut", thresholds=THRESHOLDS)


def unit(*values: float) -> Vectors:
    """The unit vector of 8 numbers in the direction of `values`, filled up with zeros."""
    vector = np.zeros(8, np.float32)
    vector[: len(values)] = values
    return vector / np.linalg.norm(vector)


def new_face(box: Box, vector: Vectors) -> NewFace:
    return NewFace(box, (), 0.9, 0.5, b"jpeg of " + vector.tobytes()[:4], Box(box.x, box.y, box.w, box.w), vector)


def add_photo(
    store: Store,
    path: bytes,
    found: Sequence[tuple[Box, Vectors]] = (),
    *,
    root: bytes = b"/photos",
    content: bytes | None = None,
    taken_at: str | None = None,
    version: bool = False,
) -> int:
    """A finished photo, its content told by its path unless given; returns its id. `version`: of what lay there."""
    library = libraries.add(store, root)
    detector, embedder = engines.register(store, DETECTOR), engines.register(store, EMBEDDER)
    file = PhotoFile(path, 1000, 5)
    with store.write():
        [place] = files.begin(store, library.id, [file])
        photo = photos.add(store, decoded(content or path, taken_at))
        face_places.replace(
            store, photo, detector, embedder, [new_face(*face) for face in found], b"small" if found else None
        )
        files.finish(store, place, file, photo, version=version)
    return photo


def decoded(content: bytes, taken_at: str | None = None) -> DecodedPhoto:
    nothing = Image(np.zeros((0, 0, 3), np.uint8), 1.0)
    return DecodedPhoto(hashlib.sha256(content).hexdigest(), 400, 300, taken_at, nothing, ())


def add_face(store: Store, path: bytes, vector: Vectors) -> int:
    """A photo with one face; returns the face's id."""
    photo = add_photo(store, path, [(Box(10, 10, 50, 50), vector)])
    return int(store.value("SELECT id FROM face WHERE photo = ?", (photo,)))


def say(store: Store, verb: str, face: int, name: str | None = None) -> int:
    """Write down one answer; returns its number."""
    with store.write():
        person = people.ensure(store, name).id if name else None
        return decisions.record(store, [Decision(verb, face, person)], "typed")  # type: ignore[arg-type]


def step_back(store: Store) -> int:
    """Undo the latest answer of which anything stands and that isn't an undo; returns how many decisions."""
    with store.write():
        answer = store.value("SELECT max(answer) FROM standing")
        return history.undo(store, answer) if answer else 0


def who(store: Store) -> dict[int, tuple[str | None, str | None]]:
    """Face → (name, source) of every face that counts."""
    return {face.id: (face.person, face.source) for face in faces.identified(store)}


def clean(store: Store) -> bool:
    """Whether SQLite finds nothing wrong, and what is withdrawn follows from the journal."""
    sound = store.value("PRAGMA integrity_check") == "ok" and not list(store.rows("PRAGMA foreign_key_check"))
    return sound and set(store.rows("SELECT decision FROM undone")) == {(row,) for row in withdrawn(store)}


def withdrawn(store: Store) -> set[int]:
    """Rows of the journal that an undo undoes which isn't undone itself, by the journal alone."""
    undos: dict[int, list[int]] = {}
    for row, undoes in store.rows("SELECT id, undoes FROM decision WHERE undoes IS NOT NULL"):
        assert row > undoes
        undos.setdefault(undoes, []).append(row)

    def undone(row: int) -> bool:
        return not all(undone(undo) for undo in undos.get(row, ()))

    return {row for row in undos if undone(row)}


@contextmanager
def old_database(path: Path, before: str) -> Iterator[sqlite3.Connection]:
    """A database as it was before the migration `before` came."""
    with closing(sqlite3.connect(path)) as connection:
        MIGRATIONS.apply(Database(connection), stop_before=before)
        yield connection
        connection.commit()
