"""Embeddings: what embedders make of faces, as vectors of unit length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

from phototag.errors import DatabaseDamagedError
from phototag.store.connect import Store
from phototag.types import Vectors

#: `unlabelled`: no label of any kind; `all`: but for what is not a face; `found`: by a detector, whatever the label.
Selection: TypeAlias = Literal["unlabelled", "all", "found"]
_CONDITIONS: dict[Selection, str] = {
    "unlabelled": "l.face IS NULL",
    "all": "coalesce(l.verb, '') <> 'not-a-face'",
    "found": "f.engine IS NOT NULL",
}


def without_embedding(store: Store, embedder: int) -> list[int]:
    """The present faces that an embedder has not seen yet."""
    return store.column(
        """
        SELECT f.id
        FROM face f JOIN crop c ON c.face = f.id
        WHERE f.present
          AND NOT EXISTS (SELECT 1 FROM embedding e WHERE e.face = f.id AND e.engine = :embedder)
        ORDER BY f.id
        """,
        embedder=embedder,
    )


def require_unit(vector: Vectors) -> None:
    """Raises ValueError for what can't be an embedding."""
    if not np.isfinite(vector).all() or not 0.999 <= float(np.linalg.norm(vector)) <= 1.001:
        raise ValueError("an embedding must be finite and of unit length")


def blob(vector: Vectors) -> bytes:
    """A vector as the database keeps it: little-endian float32."""
    return np.ascontiguousarray(vector, dtype="<f4").tobytes()


def add_embeddings(store: Store, embedder: int, ids: Sequence[int], vectors: Vectors) -> None:
    """Store another embedder's vectors of known faces, but for those forgotten meanwhile, in one transaction."""
    with store.write():
        for face, vector in zip(ids, vectors, strict=True):
            require_unit(vector)
            store.run(
                """
                INSERT OR REPLACE INTO embedding (face, engine, dim, vector)
                SELECT :face, :engine, :dim, :vector
                WHERE EXISTS (SELECT 1 FROM crop WHERE face = :face)
                """,
                face=face,
                engine=embedder,
                dim=len(vector),
                vector=blob(vector),
            )


def vectors(store: Store, embedder: int, *, where: Selection = "unlabelled") -> tuple[list[int], Vectors]:
    """Ids and (n, dim) embeddings of one embedder's present faces on present photos, in id order."""
    ids: list[int] = []
    blobs: list[bytes] = []
    for face, vector in store.rows(
        f"""
        SELECT e.face, e.vector
        FROM embedding e
        JOIN face f ON f.id = e.face AND f.present
        JOIN present_photo p ON p.id = f.photo
        LEFT JOIN label l ON l.face = f.subject
        WHERE e.engine = :embedder AND {_CONDITIONS[where]}
        ORDER BY e.face
        """,
        embedder=embedder,
    ):
        ids.append(face)
        blobs.append(vector)
    return ids, _array(blobs, store, embedder)


def labelled(store: Store, embedder: int, *, least: float = 0.0) -> tuple[list[int], list[int], Vectors]:
    """Face ids, person ids and (n, dim) embeddings of the faces that a human named.

    `least`: only faces of at least this quality, but all faces of a person who has none so good.
    """
    faces: list[int] = []
    people: list[int] = []
    blobs: list[bytes] = []
    for face, person, vector in store.rows(
        """
        SELECT face, person, vector
        FROM (
            SELECT e.face, l.person, e.vector, f.quality, max(f.quality) OVER (PARTITION BY l.person) AS best
            FROM label l
            JOIN face f ON f.subject = l.face AND f.present
            JOIN known_photo p ON p.id = f.photo
            JOIN embedding e ON e.face = f.id AND e.engine = :embedder
            WHERE l.verb = 'is'
        )
        WHERE quality >= :least OR best < :least
        ORDER BY face
        """,
        embedder=embedder,
        least=least,
    ):
        faces.append(face)
        people.append(person)
        blobs.append(vector)
    return faces, people, _array(blobs, store, embedder)


def count_labelled(store: Store, embedder: int) -> int:
    """How many faces that a human named an embedder has seen."""
    return int(
        store.value(
            """
            SELECT count(*)
            FROM label l
            JOIN face f ON f.subject = l.face AND f.present
            JOIN known_photo p ON p.id = f.photo
            JOIN embedding e ON e.face = f.id AND e.engine = :embedder
            WHERE l.verb = 'is'
            """,
            embedder=embedder,
        )
    )


def _array(blobs: list[bytes], store: Store, embedder: int) -> Vectors:
    """Raises DatabaseDamagedError for vectors that this embedder can't have made."""
    dim = int(store.value("SELECT dim FROM engine WHERE id = :embedder", embedder=embedder) or 0)
    if any(len(blob) != 4 * dim for blob in blobs):
        raise DatabaseDamagedError(f"{store.path} is damaged: it holds faces' vectors of a wrong length")
    vectors = np.frombuffer(b"".join(blobs), dtype="<f4").reshape(len(blobs), dim).astype(np.float32)
    if not np.isfinite(vectors).all():
        raise DatabaseDamagedError(f"{store.path} is damaged: it holds faces' vectors that are no numbers")
    return vectors
