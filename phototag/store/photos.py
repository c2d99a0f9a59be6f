"""Photos: what is known of each file, and the states that it passes through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from phototag.display import path_text
from phototag.store.connect import Store
from phototag.types import DecodedPhoto, PhotoFile


@dataclass(frozen=True, slots=True)
class Known:
    """What the database knows of a file before it is opened again."""

    id: int
    size: int
    mtime_ns: int
    state: str
    attempts: int
    seen: bool  #: by the current detector, and every face by the current embedder


#: A photo `p` that a detector looked at last, and whose faces an embedder all saw; takes both ids. A face
#: that is only kept, because a human decided about it, has no engine.
_SEEN = (
    "EXISTS (SELECT 1 FROM detection d WHERE d.photo = p.id AND d.engine = ?)"
    " AND NOT EXISTS (SELECT 1 FROM face f WHERE f.photo = p.id AND f.present AND f.engine IS NOT NULL"
    " AND NOT EXISTS (SELECT 1 FROM embedding e WHERE e.face = f.id AND e.engine = ?))"
)


def known(store: Store, library: int, detector: int, embedder: int) -> dict[bytes, Known]:
    """Every photo of a library by its path."""
    return {
        row[0]: Known(*row[1:])
        for row in store.rows(
            f"SELECT p.path, p.id, p.size, p.mtime_ns, p.state, p.attempts, {_SEEN} FROM photo p WHERE p.library = ?",
            (detector, embedder, library),
        )
    }


def is_seen(store: Store, photo: int, sha256: str, detector: int, embedder: int) -> bool:
    """Whether this very content of a photo was seen by both engines."""
    return (
        store.value(
            f"SELECT 1 FROM photo p WHERE p.id = ? AND p.sha256 = ? AND {_SEEN}", (photo, sha256, detector, embedder)
        )
        is not None
    )


def mark_missing(store: Store, ids: Iterable[int]) -> None:
    """These files are gone from an online root; everything about them is kept."""
    with store.write():
        store.connection.executemany("UPDATE photo SET state = 'missing' WHERE id = ?", [(i,) for i in ids])


def mark_found(store: Store, ids: Iterable[int]) -> None:
    """These missing files are back, unchanged."""
    with store.write():
        store.connection.executemany(
            "UPDATE photo SET state = CASE WHEN sha256 IS NULL THEN 'new' ELSE 'done' END WHERE id = ?",
            [(i,) for i in ids],
        )


def begin(store: Store, library: int, files: Sequence[PhotoFile]) -> list[int]:
    """Note, before they are opened, that these files will be; returns their ids (inside a write transaction).

    A file that takes the whole run down with it keeps its attempt, and is tried last at the next one.
    """
    return [
        store.run(
            "INSERT INTO photo (library, path, path_text, size, mtime_ns, attempts) VALUES (?, ?, ?, ?, ?, 1)"
            " ON CONFLICT (library, path) DO UPDATE SET attempts = attempts + 1 RETURNING id",
            (library, file.path, path_text(file.path), file.size, file.mtime_ns),
        ).fetchone()[0]
        for file in files
    ]


def forgive(store: Store, ids: Iterable[int]) -> None:
    """Take back the attempts of files that were not opened after all (inside a write transaction)."""
    store.connection.executemany("UPDATE photo SET attempts = max(attempts - 1, 0) WHERE id = ?", [(i,) for i in ids])


def sha256(store: Store, photo: int) -> str | None:
    """What the photo's content is known to be."""
    value = store.value("SELECT sha256 FROM photo WHERE id = ?", (photo,))
    return None if value is None else str(value)


def is_at(store: Store, photo: int, library: int, path: bytes) -> bool:
    """Whether a row is still that of this file: another run may have moved it meanwhile."""
    return store.value("SELECT 1 FROM photo WHERE (id, library, path) = (?, ?, ?)", (photo, library, path)) is not None


def forget(store: Store, photo: int, file: PhotoFile) -> None:
    """Drop the row of a file that turned out to be no photo; keep it if it once was (inside a write transaction)."""
    dropped = store.run(
        "DELETE FROM photo WHERE id = ? AND sha256 IS NULL AND NOT EXISTS (SELECT 1 FROM face WHERE photo = photo.id)",
        (photo,),
    )
    if not dropped.rowcount:
        fail(store, photo, file, quarantined=False)


def finish(store: Store, photo: int, file: PhotoFile, decoded: DecodedPhoto) -> None:
    """The photo is done (inside the write transaction that stored its faces)."""
    store.run(
        "UPDATE photo SET state = 'done', attempts = 0, size = ?, mtime_ns = ?, sha256 = ?, width = ?,"
        " height = ?, taken_at = ? WHERE id = ?",
        (file.size, file.mtime_ns, decoded.sha256, decoded.width, decoded.height, decoded.taken_at, photo),
    )


def touch(store: Store, photo: int, file: PhotoFile) -> None:
    """Same content, new size or time stamp on disk (inside a write transaction)."""
    store.run(
        "UPDATE photo SET state = 'done', attempts = 0, size = ?, mtime_ns = ? WHERE id = ?",
        (file.size, file.mtime_ns, photo),
    )


def fail(store: Store, photo: int, file: PhotoFile, *, quarantined: bool) -> None:
    """The photo can't be used as it is on disk now: its content is unknown (inside a write transaction)."""
    store.run(
        "UPDATE photo SET state = ?, attempts = 0, sha256 = NULL, size = ?, mtime_ns = ? WHERE id = ?",
        ("quarantined" if quarantined else "failed", file.size, file.mtime_ns, photo),
    )


def twin(store: Store, photo: int, sha256: str, detector: int, embedder: int) -> tuple[int, bool] | None:
    """Another photo with the same content that both engines saw: its id, and whether it is missing.

    None for a photo that has faces of its own already: their names must stay where they are.
    """
    for row in store.rows(
        "SELECT p.id, p.state = 'missing' FROM photo p WHERE p.sha256 = ? AND p.id <> ?"
        f" AND p.state IN ('done', 'missing') AND {_SEEN}"
        " AND NOT EXISTS (SELECT 1 FROM face WHERE photo = ?) ORDER BY p.state = 'missing' DESC, p.id LIMIT 1",
        (sha256, photo, detector, embedder, photo),
    ):
        return (row[0], bool(row[1]))
    return None


def move(store: Store, photo: int, newcomer: int, file: PhotoFile) -> None:
    """A missing photo turned up at the newcomer's path: it keeps its id, faces and names there.

    Inside a write transaction; the newcomer's row, which has no faces, goes.
    """
    library = store.value("SELECT library FROM photo WHERE id = ?", (newcomer,))
    store.run("DELETE FROM photo WHERE id = ?", (newcomer,))
    store.run(
        "UPDATE photo SET library = ?, path = ?, path_text = ?, size = ?, mtime_ns = ?, state = 'done',"
        " attempts = 0 WHERE id = ?",
        (library, file.path, path_text(file.path), file.size, file.mtime_ns, photo),
    )


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """A photo as the report shows it."""

    id: int
    root: bytes
    path: bytes
    width: int
    height: int
    taken_at: str | None


def with_faces(store: Store) -> Iterator[StoredPhoto]:
    """Photos that have a face, by date taken (undated last), then path."""
    for row in store.rows(
        "SELECT p.id, l.root, p.path, p.width, p.height, p.taken_at FROM photo p JOIN library l ON l.id = p.library"
        " WHERE EXISTS (SELECT 1 FROM identity i WHERE i.photo = p.id)"
        " ORDER BY p.taken_at IS NULL, p.taken_at, l.root, p.path"
    ):
        yield StoredPhoto(*row)


def get(store: Store, photo: int) -> StoredPhoto | None:
    """One photo that was read, whether it has faces or not; None if there is none of this id."""
    for row in store.rows(
        "SELECT p.id, l.root, p.path, p.width, p.height, p.taken_at FROM photo p JOIN library l ON l.id = p.library"
        " WHERE p.id = ? AND p.width IS NOT NULL",
        (photo,),
    ):
        return StoredPhoto(*row)
    return None


def counts(store: Store) -> dict[str, int]:
    """Photos by state."""
    return dict(store.rows("SELECT state, count(*) FROM photo GROUP BY state"))


def preview(store: Store, photo: int) -> bytes | None:
    """The photo's small picture (JPEG)."""
    value = store.value("SELECT jpeg FROM preview WHERE photo = ?", (photo,))
    return None if value is None else bytes(value)


def path_of(store: Store, photo: int) -> bytes:
    """The absolute path of a photo."""
    for root, path in store.rows(
        "SELECT l.root, p.path FROM photo p JOIN library l ON l.id = p.library WHERE p.id = ?", (photo,)
    ):
        return bytes(root) + b"/" + bytes(path)
    raise KeyError(photo)


@dataclass(frozen=True, slots=True)
class Copy:
    """A photo of some content; `path` is absolute, `width` and `height` upright."""

    id: int
    path: bytes
    width: int
    height: int
    sha256: str


_COPY = (
    "SELECT p.id, CAST(l.root || X'2F' || p.path AS BLOB), p.width, p.height, p.sha256 FROM photo p"
    " JOIN library l ON l.id = p.library WHERE p.sha256 IS NOT NULL AND p.width IS NOT NULL"
)


def copies(store: Store, sha256: str) -> list[Copy]:
    """The photos with this content; those that are missing only if all are."""
    for condition in ("p.state <> 'missing'", "1"):
        found = [Copy(*row) for row in store.rows(f"{_COPY} AND p.sha256 = ? AND {condition} ORDER BY p.id", (sha256,))]
        if found:
            return found
    return []


def at(store: Store, library: int, path: bytes) -> Copy | None:
    """The photo at a path relative to a library's root, if its content is known."""
    for row in store.rows(f"{_COPY} AND p.library = ? AND p.path = ?", (library, path)):
        return Copy(*row)
    return None


def sample(store: Store, library: int, most: int) -> list[tuple[bytes, str]]:
    """Relative paths and contents of so many photos of a library, spread over it."""
    return list(
        store.rows(
            "SELECT path, sha256 FROM (SELECT path, sha256, row_number() OVER (ORDER BY path) - 1 AS row,"
            " count(*) OVER () AS every FROM photo WHERE library = ? AND state = 'done')"
            " WHERE every <= ? OR row * ? / every <> (row - 1) * ? / every OR row = 0 LIMIT ?",
            (library, most, most, most, most),
        )
    )


def done(store: Store, library: int) -> Iterator[tuple[int, bytes, int, int]]:
    """Id, path, width and height of a library's finished photos, by path."""
    yield from store.rows(
        "SELECT id, path, width, height FROM photo WHERE library = ? AND state = 'done' ORDER BY path", (library,)
    )
