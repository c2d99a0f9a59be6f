"""Photos: contents, told by their SHA-256; whatever was found in a photo, or said of it, belongs to its content.

Where a photo lies is another matter (`store.files`): it has one place, several, or none any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from phototag.store.connect import Store
from phototag.types import DecodedPhoto

#: A photo `p` that a detector looked at last, and whose faces an embedder all saw; takes both ids. A face
#: that is only kept, because a human decided about it, has no engine.
SEEN = (
    "EXISTS (SELECT 1 FROM detection d WHERE d.photo = p.id AND d.engine = ?)"
    " AND NOT EXISTS (SELECT 1 FROM face f WHERE f.photo = p.id AND f.present AND f.engine IS NOT NULL"
    " AND NOT EXISTS (SELECT 1 FROM embedding e WHERE e.face = f.id AND e.engine = ?))"
)
#: A photo `p` that lies somewhere.
PRESENT = "EXISTS (SELECT 1 FROM file q WHERE q.photo = p.id AND q.state <> 'missing')"
#: A photo `p` that lies somewhere, or did when its folder was last looked through: not one that was edited since.
KNOWN = "EXISTS (SELECT 1 FROM file q WHERE q.photo = p.id)"
#: A photo `p` that is away or deleted: no file has it any more, nor an edited version of it.
AWAY = (
    f"NOT {PRESENT} AND (EXISTS (SELECT 1 FROM file q WHERE q.photo = p.id)"
    " OR EXISTS (SELECT 1 FROM former o WHERE o.photo = p.id) AND NOT EXISTS (SELECT 1 FROM former o"
    " WHERE o.photo = p.id AND o.successor IS NOT NULL))"
)
#: Joins the place `q` of a photo `p` (a file that is there before one that is missing), and its library `l`.
PLACE = (
    "JOIN file q ON q.id = (SELECT o.id FROM file o WHERE o.photo = p.id ORDER BY o.state = 'missing', o.id LIMIT 1)"
    " JOIN library l ON l.id = q.library"
)
#: The same for all places where it is.
EVERY_PLACE = "JOIN file q ON q.photo = p.id AND q.state <> 'missing' JOIN library l ON l.id = q.library"
#: The absolute path of that place.
PATH = "CAST(l.root || X'2F' || q.path AS BLOB)"

#: Where a photo `p` lies, or was last seen (an absolute path); empty for one that never lay anywhere.
LAST_PATH = (
    f"coalesce((SELECT {PATH} FROM file q JOIN library l ON l.id = q.library WHERE q.photo = p.id"
    " ORDER BY q.state = 'missing', q.id LIMIT 1),"
    f" (SELECT {PATH} FROM former q JOIN library l ON l.id = q.library WHERE q.photo = p.id"
    " ORDER BY q.id DESC LIMIT 1), X'')"
)


def analyzed(store: Store, sha256: str, detector: int, embedder: int) -> int | None:
    """The photo of this content, if both engines saw it."""
    value = store.value(f"SELECT p.id FROM photo p WHERE p.sha256 = ? AND {SEEN}", (sha256, detector, embedder))
    return None if value is None else int(value)


def find(store: Store, sha256: str) -> int | None:
    """The photo of this content."""
    value = store.value("SELECT id FROM photo WHERE sha256 = ?", (sha256,))
    return None if value is None else int(value)


def add(store: Store, decoded: DecodedPhoto) -> int:
    """The photo of this content, made if it is new (inside a write transaction)."""
    store.run(
        "INSERT INTO photo (sha256, width, height, taken_at) VALUES (?, ?, ?, ?) ON CONFLICT (sha256) DO UPDATE"
        " SET width = excluded.width, height = excluded.height, taken_at = excluded.taken_at",
        (decoded.sha256, decoded.width, decoded.height, decoded.taken_at),
    )
    found = find(store, decoded.sha256)
    assert found is not None
    return found


def size(store: Store, photo: int) -> tuple[int, int] | None:
    """The photo's upright width and height, if known."""
    for width, height in store.rows("SELECT width, height FROM photo WHERE id = ? AND width IS NOT NULL", (photo,)):
        return int(width), int(height)
    return None


def sha256(store: Store, photo: int) -> str | None:
    """What the photo's content is known to be."""
    value = store.value("SELECT sha256 FROM photo WHERE id = ?", (photo,))
    return None if value is None else str(value)


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """A photo as the report shows it."""

    id: int
    root: bytes
    path: bytes
    width: int
    height: int
    taken_at: str | None


_STORED = f"SELECT p.id, l.root, q.path, p.width, p.height, p.taken_at FROM photo p {PLACE}"


def with_faces(store: Store) -> Iterator[StoredPhoto]:
    """Photos that have a face, by date taken (undated last), then path."""
    for row in store.rows(
        f"{_STORED} WHERE EXISTS (SELECT 1 FROM identity i WHERE i.photo = p.id)"
        " ORDER BY p.taken_at IS NULL, p.taken_at, l.root, q.path"
    ):
        yield StoredPhoto(*row)


def get(store: Store, photo: int) -> StoredPhoto | None:
    """One photo that was read and lies somewhere, whether it has faces or not; None if there is none of this id."""
    for row in store.rows(f"{_STORED} WHERE p.id = ? AND p.width IS NOT NULL AND {PRESENT}", (photo,)):
        return StoredPhoto(*row)
    return None


def count(store: Store) -> int:
    """Photos that lie somewhere; equal files are one."""
    return int(store.value("SELECT count(DISTINCT photo) FROM file WHERE photo IS NOT NULL AND state <> 'missing'"))


def count_away(store: Store) -> int:
    """Photos that are away or deleted: no file has them any more, nor an edited version of them."""
    return int(store.value(f"SELECT count(*) FROM photo p WHERE {AWAY}"))


def preview(store: Store, photo: int) -> bytes | None:
    """The photo's small picture (JPEG)."""
    value = store.value("SELECT jpeg FROM preview WHERE photo = ?", (photo,))
    return None if value is None else bytes(value)


def path_of(store: Store, photo: int) -> bytes:
    """The absolute path of a photo, or where it was last seen."""
    for (path,) in store.rows(f"SELECT {LAST_PATH} FROM photo p WHERE p.id = ?", (photo,)):
        if path:
            return bytes(path)
    raise KeyError(photo)


@dataclass(frozen=True, slots=True)
class LocatedPhoto:
    """A photo and where it lies; `path` is absolute, `width` and `height` upright."""

    id: int
    path: bytes
    width: int
    height: int
    sha256: str


_COPY = f"SELECT p.id, {PATH}, p.width, p.height, p.sha256 FROM photo p {PLACE}"


def of_content(store: Store, sha256: str) -> LocatedPhoto | None:
    """The photo of this content, if a file has it, or had it when its folder was last looked through."""
    for row in store.rows(f"{_COPY} WHERE p.sha256 = ? AND p.width IS NOT NULL", (sha256,)):
        return LocatedPhoto(*row)
    return None


def locate(store: Store, photo: int) -> LocatedPhoto | None:
    """A photo and where it lies, if it was read and lies somewhere."""
    for row in store.rows(f"{_COPY} WHERE p.id = ? AND p.width IS NOT NULL", (photo,)):
        return LocatedPhoto(*row)
    return None


def at(store: Store, library: int, path: bytes) -> LocatedPhoto | None:
    """The photo at a path relative to a library's root, if its content is known."""
    for row in store.rows(
        f"SELECT p.id, {PATH}, p.width, p.height, p.sha256 FROM file q JOIN library l ON l.id = q.library"
        " JOIN photo p ON p.id = q.photo WHERE p.sha256 IS NOT NULL AND q.library = ? AND q.path = ?",
        (library, path),
    ):
        return LocatedPhoto(*row)
    return None


def done(store: Store, library: int) -> Iterator[tuple[int, bytes, int, int]]:
    """Photo, path, width and height of a library's finished files, by path."""
    yield from store.rows(
        "SELECT p.id, q.path, p.width, p.height FROM file q JOIN photo p ON p.id = q.photo"
        " WHERE q.library = ? AND q.state = 'done' ORDER BY q.path",
        (library,),
    )
