"""Unplaced names: labels of a photo's earlier versions whose faces the edited photo doesn't show any more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from phototag.store.connect import Store
from phototag.store.face_places import add_place
from phototag.types import Box, Vectors


@dataclass(frozen=True, slots=True, eq=False)
class EarlierFace:
    """A face with decisions on an earlier version of a photo; `kept`: it stays even if no detector finds it."""

    id: int
    subject: int
    box: Box
    vector: Vectors | None
    kept: bool


def earlier_faces(store: Store, photo: int, embedder: int) -> list[EarlierFace]:
    """The faces of a photo that an edited version of it may show again."""
    return [
        EarlierFace(
            row["id"],
            row["subject"],
            Box(row["x"], row["y"], row["w"], row["h"]),
            None if row["vector"] is None else np.frombuffer(row["vector"], "<f4"),
            bool(row["kept"]),
        )
        for row in store.records(
            """
            SELECT f.id, f.subject, f.x, f.y, f.w, f.h, e.vector,
                EXISTS (SELECT 1 FROM kept_face k WHERE k.face = f.subject) AS kept
            FROM face f LEFT JOIN embedding e ON e.face = f.id AND e.engine = :embedder
            WHERE f.photo = :photo AND EXISTS (SELECT 1 FROM decided_face d WHERE d.face = f.subject)
            ORDER BY f.id
            """,
            photo=photo,
            embedder=embedder,
        )
    ]


def undecided_faces(store: Store, photo: int, embedder: int) -> list[tuple[Box, Vectors]]:
    """Boxes and embeddings of a photo's present faces about which no decision was ever made."""
    return [
        (Box(*box), np.frombuffer(vector, "<f4"))
        for *box, vector in store.rows(
            """
            SELECT f.x, f.y, f.w, f.h, e.vector
            FROM face f JOIN embedding e ON e.face = f.id AND e.engine = :embedder
            WHERE f.photo = :photo AND f.present
              AND NOT EXISTS (SELECT 1 FROM decided_face d WHERE d.face = f.subject)
            ORDER BY f.id
            """,
            photo=photo,
            embedder=embedder,
        )
    ]


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A person who was named on an earlier version of a photo, and whom no face of the edited photo is labelled with.

    `photo`: path of the edited photo. `face`: the face on the earlier version. `unnamed`: faces of the edited photo
    that have no label.
    """

    person: str
    photo: bytes
    face: int
    photo_id: int
    unnamed: tuple[int, ...] = ()


#: Decisions that somebody isn't on a photo need a face: a pixel in the corner, where no detector finds one.
_CORNER = Box(0, 0, 1, 1)


def absence_place(store: Store, photo: int) -> int:
    """The face (id) for decisions that somebody isn't on a photo at all (inside a write transaction)."""
    known = store.value(
        "SELECT id FROM face WHERE photo = :photo AND NOT present AND x = 0 AND y = 0 AND w <= 1 AND h <= 1",
        photo=photo,
    )
    return add_place(store, photo, _CORNER) if known is None else int(known)


#: Names of earlier versions that no face of the edited photo has; `:photo`: of this photo only, NULL for all.
_UNPLACED = """
WITH version AS MATERIALIZED (SELECT before, now FROM photo_version)
SELECT who.name AS person, at.full_path AS path, max(f.id) AS face, p.id AS photo,
    (SELECT group_concat(i.face) FROM identity i WHERE i.photo = p.id AND i.verb IS NULL) AS unnamed
FROM version v
JOIN photo p ON p.id = v.now
JOIN photo_place at ON at.photo = p.id
JOIN face f ON f.photo = v.before
JOIN label l ON l.face = f.subject AND l.verb = 'is'
JOIN person who ON who.id = l.person
WHERE at.state <> 'missing' AND coalesce(p.id = :photo, TRUE)
  -- no version that is present shows the face
  AND NOT EXISTS (
      SELECT 1 FROM face k JOIN file o ON o.photo = k.photo WHERE k.subject = f.subject AND k.present
  )
  -- no other face of the photo is the person
  AND NOT EXISTS (
      SELECT 1 FROM face k JOIN label m ON m.face = k.subject
      WHERE k.photo = p.id AND k.present AND m.person = l.person
  )
  -- nobody said that the person isn't on the photo, or on a version before (see `absence_place`)
  AND NOT EXISTS (
      SELECT 1 FROM face o
      JOIN standing n ON n.face = o.subject AND n.verb = 'is-not' AND n.person = l.person
      WHERE NOT o.present AND o.x = 0 AND o.y = 0 AND o.w <= 1 AND o.h <= 1
        AND (
            o.photo = p.id
            OR EXISTS (SELECT 1 FROM version u WHERE u.before = o.photo AND u.now = p.id)
        )
  )
GROUP BY p.id, who.id, f.subject
ORDER BY path, person, max(f.id)
"""


def unplaced(store: Store, photo: int | None = None) -> list[Unplaced]:
    """Names whose faces were lost when their photos were edited, by path; optionally of one photo.

    Left out are people who are labelled on another face of the photo, and those of whom a human said that they aren't
    on the photo or on an earlier version.
    """
    return [
        Unplaced(
            row["person"],
            row["path"],
            row["face"],
            row["photo"],
            tuple(sorted(map(int, row["unnamed"].split(",")))) if row["unnamed"] else (),
        )
        for row in store.records(_UNPLACED, photo=photo)
    ]
