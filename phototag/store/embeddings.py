"""Embeddings: what embedders make of faces, as vectors of unit length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from phototag.errors import DatabaseDamagedError
from phototag.store.connect import Store
from phototag.store.photos import KNOWN, PRESENT
from phototag.types import Vectors


def without_embedding(store: Store, embedder: int) -> list[int]:
    """The present faces that an embedder has not seen yet."""
    return [
        row[0]
        for row in store.rows(
            "SELECT f.id FROM face f JOIN crop c ON c.face = f.id WHERE f.present AND NOT EXISTS"
            " (SELECT 1 FROM embedding e WHERE e.face = f.id AND e.engine = ?) ORDER BY f.id",
            (embedder,),
        )
    ]


def require_unit(vector: Vectors) -> None:
    """Raises ValueError for what can't be an embedding."""
    if not np.isfinite(vector).all() or not 0.999 <= float(np.linalg.norm(vector)) <= 1.001:
        raise ValueError("an embedding must be finite and of unit length")


def blob(vector: Vectors) -> bytes:
    """A vector as the database keeps it: little-endian float32."""
    return np.ascontiguousarray(vector, dtype="<f4").tobytes()


def add_embeddings(store: Store, embedder: int, ids: Sequence[int], vectors: Vectors) -> None:
    """Store what another embedder makes of known faces, but for those forgotten meanwhile, in one transaction."""
    with store.write():
        for face, vector in zip(ids, vectors, strict=True):
            require_unit(vector)
            store.run(
                "INSERT OR REPLACE INTO embedding (face, engine, dim, vector)"
                " SELECT ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM crop WHERE face = ?)",
                (face, embedder, len(vector), blob(vector), face),
            )


def vectors(store: Store, embedder: int, *, where: str = "unlabelled") -> tuple[list[int], Vectors]:
    """Ids and (n, dim) embeddings of one embedder's present faces, in id order.

    `where`: `unlabelled` (no standing label of any kind), `all` (but for what is not a face), or `found` (by a
    detector, whatever was said of them). Faces of photos that are away are left out.
    """
    condition = {
        "unlabelled": "l.face IS NULL",
        "all": "coalesce(l.verb, '') <> 'not-a-face'",
        "found": "f.engine IS NOT NULL",
    }[where]
    ids: list[int] = []
    blobs: list[bytes] = []
    for face, vector in store.rows(
        "SELECT e.face, e.vector FROM embedding e JOIN face f ON f.id = e.face AND f.present"
        f" JOIN photo p ON p.id = f.photo AND {PRESENT} LEFT JOIN label l ON l.face = f.subject"
        f" WHERE e.engine = ? AND {condition} ORDER BY e.face",
        (embedder,),
    ):
        ids.append(face)
        blobs.append(vector)
    return ids, _array(blobs, store, embedder)


def labelled(store: Store, embedder: int, *, least: float = 0.0) -> tuple[list[int], list[int], Vectors]:
    """Face ids, person ids and (n, dim) embeddings of the faces that a human named.

    `least`: only faces of so much quality, but all faces of a person who has none so good.
    """
    faces: list[int] = []
    people: list[int] = []
    blobs: list[bytes] = []
    for face, person, vector in store.rows(
        "SELECT face, person, vector FROM (SELECT e.face, l.person, e.vector, f.quality,"
        " max(f.quality) OVER (PARTITION BY l.person) AS best FROM label l JOIN face f ON f.subject = l.face"
        f" AND f.present JOIN photo p ON p.id = f.photo AND {KNOWN}"
        " JOIN embedding e ON e.face = f.id AND e.engine = ? WHERE l.verb = 'is')"
        " WHERE quality >= ? OR best < ? ORDER BY face",
        (embedder, least, least),
    ):
        faces.append(face)
        people.append(person)
        blobs.append(vector)
    return faces, people, _array(blobs, store, embedder)


def count_labelled(store: Store, embedder: int) -> int:
    """How many faces that a human named an embedder has seen."""
    return int(
        store.value(
            "SELECT count(*) FROM label l JOIN face f ON f.subject = l.face AND f.present"
            f" JOIN photo p ON p.id = f.photo AND {KNOWN} JOIN embedding e ON e.face = f.id AND e.engine = ?"
            " WHERE l.verb = 'is'",
            (embedder,),
        )
    )


def _array(blobs: list[bytes], store: Store, embedder: int) -> Vectors:
    """Raises DatabaseDamagedError for vectors that this embedder can't have made."""
    dim = int(store.value("SELECT dim FROM engine WHERE id = ?", (embedder,)) or 0)
    if any(len(blob) != 4 * dim for blob in blobs):
        raise DatabaseDamagedError(f"{store.path} is damaged: it holds faces' vectors of a wrong length")
    vectors = np.frombuffer(b"".join(blobs), dtype="<f4").reshape(len(blobs), dim).astype(np.float32)
    if not np.isfinite(vectors).all():
        raise DatabaseDamagedError(f"{store.path} is damaged: it holds faces' vectors that are no numbers")
    return vectors
