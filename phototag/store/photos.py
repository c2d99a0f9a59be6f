"""Photos: contents, told by their SHA-256; whatever was found in a photo, or answered about it, belongs to its content.

Where a photo lies is another matter (`store.files`): it has one place, several, or none any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from phototag.store.connect import Store
from phototag.types import DecodedPhoto

#: Whether a photo `p` was analyzed: `:detector` searched it last, and `:embedder` has seen all faces that it found.
#: A face that is kept only because a human decided about it has no engine.
ANALYZED = """(
    EXISTS (SELECT 1 FROM detection d WHERE d.photo = p.id AND d.engine = :detector)
    AND NOT EXISTS (
        SELECT 1 FROM face f
        WHERE f.photo = p.id AND f.present AND f.engine IS NOT NULL
          AND NOT EXISTS (SELECT 1 FROM embedding e WHERE e.face = f.id AND e.engine = :embedder)
    )
)"""


def analyzed(store: Store, sha256: str, detector: int, embedder: int) -> int | None:
    """The photo of this content, if both engines have analyzed it."""
    value = store.value(
        f"SELECT p.id FROM photo p WHERE p.sha256 = :sha256 AND {ANALYZED}",
        sha256=sha256,
        detector=detector,
        embedder=embedder,
    )
    return None if value is None else int(value)


def find(store: Store, sha256: str) -> int | None:
    """The photo of this content."""
    value = store.value("SELECT id FROM photo WHERE sha256 = :sha256", sha256=sha256)
    return None if value is None else int(value)


def add(store: Store, decoded: DecodedPhoto) -> int:
    """The photo of this content, made if it is new (inside a write transaction)."""
    store.run(
        """
        INSERT INTO photo (sha256, width, height, taken_at)
        VALUES (:sha256, :width, :height, :taken_at)
        ON CONFLICT (sha256) DO UPDATE
        SET width = excluded.width, height = excluded.height, taken_at = excluded.taken_at
        """,
        sha256=decoded.sha256,
        width=decoded.width,
        height=decoded.height,
        taken_at=decoded.taken_at,
    )
    found = find(store, decoded.sha256)
    assert found is not None
    return found


def size(store: Store, photo: int) -> tuple[int, int] | None:
    """The photo's upright width and height, if known."""
    for width, height in store.rows(
        "SELECT width, height FROM photo WHERE id = :photo AND width IS NOT NULL", photo=photo
    ):
        return int(width), int(height)
    return None


def sha256(store: Store, photo: int) -> str | None:
    """What the photo's content is known to be."""
    value = store.value("SELECT sha256 FROM photo WHERE id = :photo", photo=photo)
    return None if value is None else str(value)


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """A photo as the album shows it; `path` is relative to `root`."""

    id: int
    root: bytes
    path: bytes
    width: int
    height: int
    taken_at: str | None


def with_faces(store: Store) -> Iterator[StoredPhoto]:
    """Photos that have a face, by date taken (undated last), then path."""
    for row in store.records(
        """
        SELECT p.id, at.root, at.path, p.width, p.height, p.taken_at
        FROM photo p JOIN photo_place at ON at.photo = p.id
        WHERE EXISTS (SELECT 1 FROM identity i WHERE i.photo = p.id)
        ORDER BY p.taken_at IS NULL, p.taken_at, at.root, at.path
        """
    ):
        yield StoredPhoto(**row)


def get(store: Store, photo: int) -> StoredPhoto | None:
    """A photo that was read and lies somewhere, whether it has faces or not; None if there is none of this id."""
    row = store.record(
        """
        SELECT p.id, at.root, at.path, p.width, p.height, p.taken_at
        FROM present_photo p JOIN photo_place at ON at.photo = p.id
        WHERE p.id = :photo AND p.width IS NOT NULL
        """,
        photo=photo,
    )
    return StoredPhoto(**row) if row else None


def count(store: Store) -> int:
    """Photos that lie somewhere; equal files are one."""
    return int(store.value("SELECT count(DISTINCT photo) FROM file WHERE photo IS NOT NULL AND state <> 'missing'"))


def count_away(store: Store) -> int:
    """Photos that are away or deleted: no file has them any more, nor an edited version of them."""
    return int(store.value("SELECT count(*) FROM away_photo"))


def preview(store: Store, photo: int) -> bytes | None:
    """The photo's preview (JPEG)."""
    value = store.value("SELECT jpeg FROM preview WHERE photo = :photo", photo=photo)
    return None if value is None else bytes(value)


def path_of(store: Store, photo: int) -> bytes:
    """The absolute path of a photo, or where it was last seen. Raises KeyError if it never lay anywhere."""
    path = store.value("SELECT full_path FROM photo_last_seen WHERE photo = :photo", photo=photo)
    if not path:
        raise KeyError(photo)
    return bytes(path)


@dataclass(frozen=True, slots=True)
class LocatedPhoto:
    """A photo and where it lies; `path` is absolute, `width` and `height` upright."""

    id: int
    path: bytes
    width: int
    height: int
    sha256: str


def of_content(store: Store, sha256: str) -> LocatedPhoto | None:
    """The photo of this content, if a file has it, or had it when its folder was last indexed."""
    row = store.record(
        """
        SELECT p.id, at.full_path AS path, p.width, p.height, p.sha256
        FROM photo p JOIN photo_place at ON at.photo = p.id
        WHERE p.sha256 = :sha256 AND p.width IS NOT NULL
        """,
        sha256=sha256,
    )
    return LocatedPhoto(**row) if row else None


def locate(store: Store, photo: int) -> LocatedPhoto | None:
    """A photo and where it lies, if it was read and lies somewhere."""
    row = store.record(
        """
        SELECT p.id, at.full_path AS path, p.width, p.height, p.sha256
        FROM photo p JOIN photo_place at ON at.photo = p.id
        WHERE p.id = :photo AND p.width IS NOT NULL
        """,
        photo=photo,
    )
    return LocatedPhoto(**row) if row else None


def at(store: Store, library: int, path: bytes) -> LocatedPhoto | None:
    """The photo at a path relative to a library's root, if its content is known."""
    row = store.record(
        """
        SELECT p.id, CAST(l.root || X'2F' || q.path AS BLOB) AS path, p.width, p.height, p.sha256
        FROM file q
        JOIN library l ON l.id = q.library
        JOIN photo p ON p.id = q.photo
        WHERE p.sha256 IS NOT NULL AND q.library = :library AND q.path = :path
        """,
        library=library,
        path=path,
    )
    return LocatedPhoto(**row) if row else None


def done(store: Store, library: int) -> Iterator[tuple[int, bytes, int, int]]:
    """Photo, path, width and height of a library's finished files, by path."""
    yield from store.rows(
        """
        SELECT p.id, q.path, p.width, p.height
        FROM file q JOIN photo p ON p.id = q.photo
        WHERE q.library = :library AND q.state = 'done'
        ORDER BY q.path
        """,
        library=library,
    )
