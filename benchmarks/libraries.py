"""Libraries that benchmarks measure on: photos indexed by the commands' own jobs, and their main faces."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from phototag import config
from phototag.analysis.main_face import main_face
from phototag.progress import Silent
from phototag.store import embeddings, engines, faces, libraries
from phototag.store.connect import Store, open_store
from phototag.types import EngineInfo, Thresholds, Vectors
from phototag.workflows.engines import add as add_engine
from phototag.workflows.library.engines_in_use import current_embedder
from phototag.workflows.library.index import index

_MODELS = {"yunet": "yunet_n_dynamic.onnx", "mobilefacenet": "mobilefacenet.onnx"}


@dataclass(frozen=True)
class MainFace:
    """The main face of one photo. `person`: the name shown on it, if any."""

    path: Path
    face: int
    person: str | None


@dataclass(frozen=True, eq=False)
class NamedFaces:
    """Faces whose person is known: ids in the library, names, (n, dim) embeddings, and the embedder's thresholds."""

    ids: list[int]
    names: list[str]
    vectors: Vectors
    thresholds: Thresholds


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


def lfw_dev(store: Store, data: Path) -> NamedFaces:
    """The main faces of lfw-dev in a library that holds it, each named after its folder."""
    embedder = current_embedder(store)
    ids, vectors = embeddings.vectors(store, embedder, where="all")
    row = {face: number for number, face in enumerate(ids)}
    chosen = main_faces(store, data / "lfw-dev")
    return NamedFaces(
        [main.face for main in chosen],
        [main.path.parent.name for main in chosen],
        vectors[[row[main.face] for main in chosen]],
        engines.thresholds(store, embedder),
    )


@contextmanager
def copied(store: Store) -> Iterator[Store]:
    """A copy of a library's database, gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.db"
        store.run("VACUUM INTO ?", (str(copy),))
        with open_store(copy) as opened:
            yield opened


@contextmanager
def add_models(data: Path, *names: str) -> Iterator[Path]:
    """An engines folder, gone afterwards, with engines of the catalogue from `models` in the data; it is put in the
    environment, so that commands find it, too."""
    before = os.environ.get("PHOTOTAG_ENGINES")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PHOTOTAG_ENGINES"] = folder
        try:
            for name in names:
                add_engine(name, data / "models" / _MODELS[name], None, None)
            yield Path(folder)
        finally:
            if before is None:
                del os.environ["PHOTOTAG_ENGINES"]
            else:
                os.environ["PHOTOTAG_ENGINES"] = before


@contextmanager
def simulated(
    vectors: Vectors,
    photo: npt.NDArray[np.int64],
    thresholds: Thresholds,
    quality: float = 0.8,
    jpeg: bytes | None = None,
) -> Iterator[tuple[Store, list[int]]]:
    """A library of simulated faces, and their ids in the order of the vectors.

    `photo`: the photo of each face; `jpeg`: the crop of every face and the preview of every photo; else there are none.
    """
    info = EngineInfo("embedder", "simulated", "", dim=vectors.shape[1], thresholds=thresholds)
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "simulated.db", create=True) as store:
        root = libraries.add(store, b"/simulated").id
        embedder = engines.register(store, info)
        photos = [(int(one) + 1, int(one)) for one in np.unique(photo)]
        with store.write():
            store.connection.executemany(
                "INSERT INTO photo (id, sha256, width, height) VALUES (?, ?, 5200, 200)",
                [(key, f"{one:064}") for key, one in photos],
            )
            store.connection.executemany(
                "INSERT INTO file (library, path, path_text, size, mtime_ns, photo, state)"
                " VALUES (?, ?, ?, 1, 1, ?, 'done')",
                [(root, b"%d.jpg" % one, f"{one}.jpg", key) for key, one in photos],
            )
            store.connection.executemany(
                "INSERT INTO face (id, subject, photo, x, y, w, h, score, quality)"
                " VALUES (?, ?, ?, ?, 10, 90, 90, 1, ?)",
                [(face + 1, face + 1, int(one) + 1, 100 * (face % 50), quality) for face, one in enumerate(photo)],
            )
            store.connection.executemany(
                "INSERT INTO embedding (face, engine, dim, vector) VALUES (?, ?, ?, ?)",
                [
                    (face + 1, embedder, vector.size, vector.astype("<f4").tobytes())
                    for face, vector in enumerate(vectors)
                ],
            )
        yield store, list(range(1, len(vectors) + 1))
