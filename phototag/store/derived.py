"""What tags and groups were derived from, so that it is known when they have to be derived anew."""

from __future__ import annotations

from typing import Literal, TypeAlias

from phototag.store.connect import Store
from phototag.store.photos import PRESENT

What: TypeAlias = Literal["tags", "groups"]
#: The last decision, the last face, and how many faces are present.
VersionToken: TypeAlias = tuple[int, int, int]


def version_token(store: Store) -> VersionToken:
    """Another one whenever anything was said or undone, and when faces came or went."""
    [found] = store.rows(
        "SELECT (SELECT coalesce(max(id), 0) FROM decision), (SELECT coalesce(max(id), 0) FROM face),"
        f" (SELECT count(*) FROM face f JOIN photo p ON p.id = f.photo AND {PRESENT} WHERE f.present)"
    )
    return found[0], found[1], found[2]


def outdated(store: Store, what: What) -> bool:
    """Whether they follow from something else than what there is now, or were never derived."""
    derived_from = next(store.rows("SELECT decision, face, faces FROM derived WHERE what = ?", (what,)), None)
    return derived_from != version_token(store)


def record(store: Store, what: What, of: VersionToken) -> None:
    """They were derived from what had this stamp (inside a write transaction)."""
    store.run("INSERT OR REPLACE INTO derived (what, decision, face, faces) VALUES (?, ?, ?, ?)", (what, *of))
