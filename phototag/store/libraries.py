"""Library roots."""

from __future__ import annotations

from dataclasses import dataclass

from phototag.display import path_text
from phototag.store.connect import Store


@dataclass(frozen=True, slots=True)
class Library:
    """A root folder that was indexed; `root` is absolute. `photos`: files that aren't missing."""

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
            "INSERT INTO library (root, root_text) VALUES (:root, :root_text) ON CONFLICT (root) DO NOTHING",
            root=root,
            root_text=path_text(root),
        )
    return next(library for library in every(store) if library.root == root)


def every(store: Store) -> list[Library]:
    """All libraries, with the number of files that aren't missing."""
    return [
        Library(**row)
        for row in store.records(
            """
            SELECT l.id, l.root, l.state,
                (SELECT count(*) FROM file q WHERE q.library = l.id AND q.state <> 'missing') AS photos
            FROM library l
            ORDER BY l.root
            """
        )
    ]


def move(store: Store, library: Library, root: bytes) -> None:
    """The library lies at another root from now on; its files keep their paths in it."""
    with store.write():
        store.run(
            "UPDATE library SET root = :root, root_text = :root_text, state = 'online' WHERE id = :library",
            library=library.id,
            root=root,
            root_text=path_text(root),
        )
        # Copied or mounted anew, every inode is another one: only sizes and modification times tell now.
        store.run("UPDATE file SET ctime_ns = NULL WHERE library = :library", library=library.id)


def set_state(store: Store, library: Library, state: str) -> None:
    """Note whether the root is online; nothing else about it changes."""
    with store.write():
        store.run(
            "UPDATE library SET state = :state WHERE id = :library AND state <> :state", library=library.id, state=state
        )
