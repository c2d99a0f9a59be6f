"""Deleting for good: rows, and what faces look like."""

from __future__ import annotations

from collections.abc import Iterable

from phototag.store.connect import Store

#: A face's crop and embeddings, and whatever was computed from them.
_DERIVED_FROM_FACES = ("crop", "embedding", "guess", "cluster_member")


def overwrite_deleted(store: Store) -> None:
    """From now on deleted bytes are overwritten at once, in case the file can't be wiped afterwards."""
    store.run("PRAGMA secure_delete = ON")


def delete(store: Store, table: str, column: str, values: Iterable[int]) -> None:
    """Delete the rows with these values (inside a write transaction)."""
    store.run_many(f"DELETE FROM {table} WHERE {column} = ?", [(value,) for value in values])


def erase_faces(store: Store, ids: Iterable[int]) -> None:
    """Delete all that tells what these faces look like; their places stay (inside a write transaction)."""
    ids = list(ids)
    for table in _DERIVED_FROM_FACES:
        delete(store, table, "face", ids)
    store.run_many("UPDATE face SET present = 0, engine = NULL, landmarks = '[]' WHERE id = ?", [(i,) for i in ids])
