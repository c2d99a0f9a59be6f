"""What is in a database after an index run, for tests to look at."""

from __future__ import annotations

import os

from phototag.store import faces
from phototag.store.connect import Store
from phototag.workflows.naming.name import name_faces


def names(store: Store) -> dict[str, list[str | None]]:
    """Photo's name → who is in it, from left to right."""
    found: dict[str, list[str | None]] = {}
    for face in faces.identified(store):
        found.setdefault(os.path.basename(os.fsdecode(face.path)), []).append(face.person)
    return found


def name_all(store: Store) -> None:
    """Each face gets a name of its own."""
    for face in list(faces.identified(store)):
        name_faces(store, [face.id], f"{os.path.basename(os.fsdecode(face.path))} {face.box.x:.0f}")


def states(store: Store) -> dict[str, str]:
    return {os.fsdecode(row[0]): row[1] for row in store.rows("SELECT path, state FROM file")}
