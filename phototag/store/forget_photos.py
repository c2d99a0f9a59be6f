"""Forgetting photos whose places are given up.

Answers stay in the journal. Of a forgotten photo stay its content's SHA-256, and the places of the faces that decisions
are about: when it is indexed again, they have their names again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from phototag.store import groups, models
from phototag.store.connect import Store
from phototag.store.erase import delete, erase_faces, overwrite_deleted
from phototag.store.libraries import Library


@dataclass(frozen=True, slots=True)
class Places:
    """Places to give up, and the photos that lie nowhere else; `former`: where photos were before other content came.

    `roots`: libraries of which nothing is left. `faces`: present ones, `named`: those of them that a human named.
    """

    files: frozenset[int]
    former: frozenset[int]
    roots: tuple[Library, ...]
    photos: frozenset[int]
    faces: int
    named: int


def missing_places(store: Store, before: str | None = None) -> Places:
    """What is away or deleted, since `before` (ISO 8601, UTC) if that is given."""
    until = before or "9"
    photos = set(
        store.column(
            """
            SELECT p.id
            FROM away_photo p
            WHERE :until >= coalesce(
                (
                    SELECT max(since)
                    FROM (
                        SELECT q.missing_since AS since FROM file q WHERE q.photo = p.id
                        UNION ALL
                        SELECT o.since FROM former o WHERE o.photo = p.id
                    )
                ),
                ''
            )
            """,
            until=until,
        )
    )
    photos |= _earlier_versions(store, photos)
    files = {
        number
        for number, photo in store.rows(
            """
            SELECT id, photo FROM file
            WHERE state = 'missing' AND (photo IS NOT NULL OR missing_since <= :until)
            """,
            until=until,
        )
        if photo is None or photo in photos
    }
    return _places(store, files, set(), (), photos)


def places_below(store: Store, folder: bytes, libraries: Iterable[Library]) -> Places:
    """What lies in a folder (an absolute path), or lay there before it was moved or replaced."""
    files: set[int] = set()
    former: set[int] = set()
    roots = []
    photos: set[int | None] = set()
    for library in libraries:
        inside = b""
        if (library.root.rstrip(b"/") + b"/").startswith(folder.rstrip(b"/") + b"/"):
            roots.append(library)
        elif library.holds(folder):
            inside = folder[len(library.root.rstrip(b"/")) + 1 :].rstrip(b"/") + b"/"
        else:
            continue
        for table, rows in (("file", files), ("former", former)):
            for number, photo in store.rows(
                f"""
                SELECT id, photo FROM {table}
                WHERE library = :library AND substr(path, 1, length(:inside)) = :inside
                """,
                library=library.id,
                inside=inside,
            ):
                rows.add(number)
                photos.add(photo)
    lost = {photo for photo in photos if photo is not None and not _lies_elsewhere(store, photo, files)}
    return _places(store, files, former, tuple(roots), lost | _earlier_versions(store, lost))


def _lies_elsewhere(store: Store, photo: int, files: set[int]) -> bool:
    """Whether a photo has a place that isn't among these files."""
    return not files.issuperset(store.column("SELECT id FROM file WHERE photo = :photo", photo=photo))


def _earlier_versions(store: Store, photos: set[int]) -> set[int]:
    """Photos that were there only as earlier versions of these."""
    found: set[int] = set()
    before = list(
        store.rows(
            """
            SELECT photo, successor FROM former o
            WHERE successor IS NOT NULL AND NOT EXISTS (SELECT 1 FROM file q WHERE q.photo = o.photo)
            """
        )
    )
    while True:
        gone = photos | found
        kept = {photo for photo, successor in before if successor not in gone}
        new = {photo for photo, successor in before if successor in gone} - kept - gone
        if not new:
            return found
        found |= new


def _places(store: Store, files: set[int], former: set[int], roots: tuple[Library, ...], photos: set[int]) -> Places:
    former = former | {
        number
        for number, photo, successor in store.rows("SELECT id, photo, successor FROM former")
        if photo in photos and (successor is None or successor in photos)
    }
    faces = named = 0
    for photo in photos:
        for verb in store.column(
            """
            SELECT l.verb
            FROM face f LEFT JOIN label l ON l.face = f.subject
            WHERE f.photo = :photo AND f.present AND coalesce(l.verb, '') <> 'not-a-face'
            """,
            photo=photo,
        ):
            faces += 1
            named += verb == "is"
    return Places(frozenset(files), frozenset(former), roots, frozenset(photos), faces, named)


def drop_places(store: Store, places: Places) -> None:
    """Give these places up, and drop the photos that lie nowhere else (inside a write transaction)."""
    overwrite_deleted(store)
    delete(store, "former", "id", places.former)
    store.run_many(
        "DELETE FROM problem WHERE (library, path) IN (SELECT library, path FROM file WHERE id = ?)",
        [(number,) for number in places.files],
    )
    delete(store, "file", "id", places.files)
    erase_faces(
        store,
        [
            face
            for photo in places.photos
            for face in store.column("SELECT id FROM face WHERE photo = :photo", photo=photo)
        ],
    )
    for table in ("detection", "preview"):
        delete(store, table, "photo", places.photos)
    store.run_many("UPDATE photo SET taken_at = NULL WHERE id = ?", [(photo,) for photo in places.photos])
    _sweep(store)
    delete(store, "library", "id", [library.id for library in places.roots])
    if places.photos:  # the model was trained on faces that are gone, and another program may be about to tag by it
        models.drop(store)
    groups.change_version_token(store)


def _sweep(store: Store) -> None:
    """Delete the faces and photos that no place and no answer leads to any more.

    The latest rows stay, so that no number is ever given twice.
    """
    store.run(
        """
        DELETE FROM face
        WHERE id < (SELECT max(id) FROM face)
          AND NOT forgotten
          AND id NOT IN (SELECT face FROM decided_face)
          AND subject NOT IN (SELECT face FROM decided_face)
          AND NOT EXISTS (SELECT 1 FROM face o WHERE o.subject = face.id AND o.id <> face.id)
          AND NOT EXISTS (SELECT 1 FROM file q WHERE q.photo = face.photo)
          AND NOT EXISTS (SELECT 1 FROM former o WHERE o.photo = face.photo)
        """
    )
    store.run(
        """
        DELETE FROM photo
        WHERE id < (SELECT max(id) FROM photo)
          AND NOT EXISTS (SELECT 1 FROM face f WHERE f.photo = photo.id)
          AND NOT EXISTS (SELECT 1 FROM file q WHERE q.photo = photo.id)
          AND NOT EXISTS (SELECT 1 FROM former o WHERE o.photo = photo.id OR o.successor = photo.id)
        """
    )
