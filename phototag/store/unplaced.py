"""Unplaced names: who is to be found on an edited photo, and whose face no version of it shows any more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from phototag.store.connect import Store
from phototag.store.faces import KEPT, SPOKEN, add_place
from phototag.store.photos import PATH, PLACE
from phototag.types import Box, Vectors


@dataclass(frozen=True, slots=True, eq=False)
class EarlierFace:
    """A face of an earlier version of a photo, of which a human once said something; `named`: who it is stands."""

    id: int
    subject: int
    box: Box
    vector: Vectors | None
    named: bool


def earlier_faces(store: Store, photo: int, embedder: int) -> list[EarlierFace]:
    """The faces of a photo that an edited version of it may show again."""
    return [
        EarlierFace(
            row[0], row[1], Box(*row[2:6]), None if row[6] is None else np.frombuffer(row[6], "<f4"), bool(row[7])
        )
        for row in store.rows(
            f"SELECT face.id, face.subject, x, y, w, h, e.vector, {KEPT}"
            " FROM face LEFT JOIN embedding e ON e.face = face.id AND e.engine = ?"
            f" WHERE face.photo = ? AND {SPOKEN} ORDER BY face.id",
            (embedder, photo),
        )
    ]


def undecided_faces(store: Store, photo: int, embedder: int) -> list[tuple[Box, Vectors]]:
    """Where a photo's present faces are of which nothing was ever said, and their looks."""
    return [
        (Box(*row[:4]), np.frombuffer(row[4], "<f4"))
        for row in store.rows(
            "SELECT face.x, face.y, face.w, face.h, e.vector FROM face JOIN embedding e ON e.face = face.id"
            f" AND e.engine = ? WHERE face.photo = ? AND face.present AND NOT {SPOKEN} ORDER BY face.id",
            (embedder, photo),
        )
    ]


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A name that was given to a face of a photo, and that no face of the edited photo has any more.

    `photo`: where the edited photo lies; `face`: the face on an earlier version; `unnamed`: faces on the edited photo
    of which nobody said who they are.
    """

    person: str
    photo: bytes
    face: int
    photo_id: int
    unnamed: tuple[int, ...] = ()


#: Where it is noted that somebody isn't on a photo: a pixel in its corner, where no detector finds a face.
_WHOLE = Box(0, 0, 1, 1)
_IS_WHOLE = "NOT o.present AND o.x = 0 AND o.y = 0 AND o.w <= 1 AND o.h <= 1"
_ABSENT = (
    "EXISTS (SELECT 1 FROM face o JOIN standing n ON n.face = o.subject AND n.verb = 'is-not' AND n.person = s.person"
    " WHERE (o.photo = p.id OR EXISTS (SELECT 1 FROM version u WHERE u.before = o.photo AND u.now = p.id))"
    f" AND {_IS_WHOLE})"
)


def absence_place(store: Store, photo: int) -> int:
    """The place of which is said who isn't on a photo at all (inside a write transaction)."""
    known = store.value("SELECT id FROM face o WHERE photo = ? AND " + _IS_WHOLE, (photo,))
    return add_place(store, photo, _WHOLE) if known is None else int(known)


def unplaced(store: Store, photo: int | None = None) -> list[Unplaced]:
    """Names whose faces could not be found again when their photos were edited, by path; optionally of one photo.

    A name is placed by a face of that person on the photo, and isn't asked for if they are said not to be on it, or not
    on a version before.
    """
    return [
        Unplaced(person, path, face, number, tuple(sorted(map(int, unnamed.split(",")))) if unnamed else ())
        for person, path, face, number, unnamed in store.rows(
            "WITH RECURSIVE version(before, now) AS (SELECT photo, successor FROM former WHERE successor IS NOT NULL"
            " UNION SELECT v.before, o.successor FROM version v JOIN former o ON o.photo = v.now"
            " WHERE o.successor IS NOT NULL)"
            f" SELECT w.name, {PATH} AS path, max(f.id), p.id, (SELECT group_concat(i.face) FROM identity i"
            f" WHERE i.photo = p.id AND i.verb IS NULL) FROM version v JOIN photo p ON p.id = v.now {PLACE}"
            " JOIN face f ON f.photo = v.before JOIN label s ON s.face = f.subject AND s.verb = 'is'"
            " JOIN person w ON w.id = s.person WHERE q.state <> 'missing' AND coalesce(p.id = ?, TRUE)"
            " AND NOT EXISTS (SELECT 1 FROM face k JOIN file o ON o.photo = k.photo WHERE k.subject = f.subject"
            " AND k.present)"
            " AND NOT EXISTS (SELECT 1 FROM face k JOIN label m ON m.face = k.subject WHERE k.photo = p.id"
            f" AND k.present AND m.person = s.person) AND NOT {_ABSENT}"
            " GROUP BY p.id, w.id, f.subject ORDER BY path, w.name, max(f.id)",
            (photo,),
        )
    ]
