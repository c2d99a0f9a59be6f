"""Library roots."""

from __future__ import annotations

from dataclasses import dataclass

from phototag.display import path_text
from phototag.store.connect import Store


@dataclass(frozen=True, slots=True)
class Library:
    """A root folder that was indexed; `root` is absolute."""

    id: int
    root: bytes
    state: str
    photos: int = 0

    def holds(self, path: bytes) -> bool:
        """Whether an absolute path is the root, or lies below it."""
        return (path + b"/").startswith(self.root.rstrip(b"/") + b"/")


def add(store: Store, root: bytes) -> Library:
    """The library at `root`, made if it is new."""
    with store.write():
        store.run(
            "INSERT INTO library (root, root_text) VALUES (?, ?) ON CONFLICT (root) DO NOTHING",
            (root, path_text(root)),
        )
    return next(library for library in every(store) if library.root == root)


def every(store: Store) -> list[Library]:
    """All libraries, with the number of photos that aren't missing."""
    return [
        Library(*row)
        for row in store.rows(
            "SELECT l.id, l.root, l.state, (SELECT count(*) FROM file q WHERE q.library = l.id"
            " AND q.state <> 'missing') FROM library l ORDER BY l.root"
        )
    ]


def move(store: Store, library: Library, root: bytes) -> None:
    """The library lies at another root from now on; its photos keep their paths in it."""
    with store.write():
        store.run(
            "UPDATE library SET root = ?, root_text = ?, state = 'online' WHERE id = ?",
            (root, path_text(root), library.id),
        )
        # Copied or mounted anew, every inode is another one: only sizes and modification times tell now.
        store.run("UPDATE file SET ctime_ns = NULL WHERE library = ?", (library.id,))


def set_state(store: Store, library: Library, state: str) -> None:
    """Note whether the root is online; nothing else about it changes."""
    with store.write():
        store.run("UPDATE library SET state = ? WHERE id = ? AND state <> ?", (state, library.id, state))
