"""What tags and groups were derived from, to know when they have to be derived anew."""

from __future__ import annotations

from typing import Literal, TypeAlias

from phototag.store.connect import Store

Derived: TypeAlias = Literal["tags", "groups"]
#: The last decision, the last face, and the number of present faces.
VersionToken: TypeAlias = tuple[int, int, int]


def version_token(store: Store) -> VersionToken:
    """Changes with every answer and undo, and when faces come or go."""
    [(decision, face, faces)] = store.rows(
        """
        SELECT
            (SELECT coalesce(max(id), 0) FROM decision),
            (SELECT coalesce(max(id), 0) FROM face),
            (SELECT count(*) FROM face f JOIN present_photo p ON p.id = f.photo WHERE f.present)
        """
    )
    return decision, face, faces


def outdated(store: Store, what: Derived) -> bool:
    """Whether they were derived from something else than what there is now, or never."""
    derived_from = next(store.rows("SELECT decision, face, faces FROM derived WHERE what = :what", what=what), None)
    return derived_from != version_token(store)


def record(store: Store, what: Derived, token: VersionToken) -> None:
    """Note that they were derived from what had this version token (inside a write transaction)."""
    decision, face, faces = token
    store.run(
        "INSERT OR REPLACE INTO derived (what, decision, face, faces) VALUES (:what, :decision, :face, :faces)",
        what=what,
        decision=decision,
        face=face,
        faces=faces,
    )
