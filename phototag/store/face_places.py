"""Faces as places in a photo: how they are stored, found again, kept and passed over.

Another detector that finds a face at the same place updates the row and keeps its id, so that every decision about it
stays. What isn't found again is marked not present, or kept without an engine if a human named, ignored or added it;
nothing is deleted. A *forgotten* face is that of a person whose data was dropped for good: what is found at its place
is passed over. The *subject* of a face is the face, on the earliest version of an edited photo, that it shows again;
mostly itself. Decisions are about subjects: what is said of one version holds for all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from phototag.store.connect import Store
from phototag.store.embeddings import blob, require_unit
from phototag.types import Box, NewFace

#: Two boxes in one photo that overlap at least so much are one face.
SAME_PLACE_IOU = 0.4
#: What overlaps so much with a forgotten face, and is no other known one, is that face.
_FORGOTTEN_IOU = 0.2


def replace(
    store: Store,
    photo: int,
    detector: int,
    embedder: int,
    found: Sequence[NewFace],
    preview: bytes | None,
) -> None:
    """Store what a detector found in a photo (inside a write transaction)."""
    for face in found:
        require_unit(face.vector)
    not_found = {face: box for face, (box, _) in known_places(store, photo).items()}
    again = same_places(not_found, [face.box for face in found])
    passed_over = _passed_over(store, photo, found, again)
    for row, face in enumerate(found):
        if row not in passed_over:
            face_id = _put(store, photo, detector if face.found else None, face, again.get(row))
            not_found.pop(face_id, None)
            _put_crop_and_embedding(store, face_id, embedder, face)
            if row in again and face.subject is not None:
                _set_earlier_face(store, face_id, face.subject)
    for face_id in not_found:
        store.run(
            """
            UPDATE face
            SET engine = NULL, present = present AND EXISTS (SELECT 1 FROM kept_face k WHERE k.face = face.subject)
            WHERE id = :face
            """,
            face=face_id,
        )
    store.run("DELETE FROM detection WHERE photo = :photo", photo=photo)  # what others found is no longer there
    store.run(
        "INSERT INTO detection (photo, engine, faces) VALUES (:photo, :engine, :faces)",
        photo=photo,
        engine=detector,
        faces=len(found),
    )
    if store.value("SELECT 1 FROM face WHERE photo = :photo AND present", photo=photo) is None:
        store.run("DELETE FROM preview WHERE photo = :photo", photo=photo)
    elif preview is not None:
        store.run("INSERT OR REPLACE INTO preview (photo, jpeg) VALUES (:photo, :jpeg)", photo=photo, jpeg=preview)


def _passed_over(store: Store, photo: int, found: Sequence[NewFace], again: Mapping[int, int]) -> set[int]:
    """The rows of `found` that are forgotten faces, or show one in an edited version of its photo.

    The places of the latter are forgotten from now on, too. `again`: row → the known face that it is.
    """
    forgotten = {
        face: Box(*box)
        for face, *box in store.rows("SELECT id, x, y, w, h FROM face WHERE photo = :photo AND forgotten", photo=photo)
    }
    new = [row for row in range(len(found)) if row not in again]
    near = same_places(forgotten, [found[row].box for row in new], least=_FORGOTTEN_IOU)
    rows = {row for row, face in again.items() if face in forgotten} | {new[index] for index in near}
    for row in new:
        subject = found[row].subject
        if subject is not None and store.value("SELECT forgotten FROM face WHERE id = :face", face=subject):
            face = _set_subject(store, add_place(store, photo, found[row].box), subject)
            store.run("UPDATE face SET forgotten = 1 WHERE id = :face", face=face)
            rows.add(row)
    return rows


def same_places(known: Mapping[int, Box], found: Sequence[Box], *, least: float = SAME_PLACE_IOU) -> dict[int, int]:
    """Row of each found box → the known face that it is: pairs that overlap most first, no face twice."""
    overlaps = sorted(
        (
            (-overlap, face, row)
            for face, box in known.items()
            for row, other in enumerate(found)
            if (overlap := box.iou(other)) >= least
        ),
    )
    places: dict[int, int] = {}
    taken: set[int] = set()
    for _, face, row in overlaps:
        if row not in places and face not in taken:
            places[row] = face
            taken.add(face)
    return places


def add(store: Store, photo: int, embedder: int, face: NewFace, preview: bytes, known: int | None = None) -> int:
    """Store a face that a human added and no detector finds; returns its id (inside a write transaction).

    `known`: the face that was there once, and is present again.
    """
    require_unit(face.vector)
    face_id = _put(store, photo, None, face, known)
    _put_crop_and_embedding(store, face_id, embedder, face)
    store.run("INSERT OR IGNORE INTO preview (photo, jpeg) VALUES (:photo, :jpeg)", photo=photo, jpeg=preview)
    return face_id


def add_place(store: Store, photo: int, box: Box) -> int:
    """Store a place that a decision is about though no face is seen there (inside a write transaction).

    A detector that finds a face there will find this one. Returns the face's id.
    """
    row = store.run(
        """
        INSERT INTO face (photo, x, y, w, h, score, quality, present)
        VALUES (:photo, :x, :y, :w, :h, 0, 0, 0)
        """,
        photo=photo,
        x=box.x,
        y=box.y,
        w=box.w,
        h=box.h,
    )
    return _set_subject(store, int(row.lastrowid or 0), None)


def known_places(store: Store, photo: int) -> dict[int, tuple[Box, bool]]:
    """Every face ever known in a photo → its box, and whether it is present."""
    return {
        face: (Box(x, y, w, h), bool(present))
        for face, x, y, w, h, present in store.rows(
            "SELECT id, x, y, w, h, present FROM face WHERE photo = :photo ORDER BY id", photo=photo
        )
    }


def update_presence(store: Store, subjects: Iterable[int], added: Iterable[int]) -> None:
    """After decisions about these faces were undone or redone (inside a write transaction).

    Faces that a human named, ignored or added are present again; those that were present only because a human had
    `added` them are not.
    """
    for subject in subjects:
        store.run(
            """
            UPDATE face SET present = 1
            WHERE subject = :subject AND NOT (present OR forgotten)
              AND EXISTS (SELECT 1 FROM kept_face k WHERE k.face = face.subject)
            """,
            subject=subject,
        )
    for subject in added:
        store.run(
            """
            UPDATE face SET present = 0
            WHERE subject = :subject AND engine IS NULL
              AND NOT EXISTS (SELECT 1 FROM kept_face k WHERE k.face = face.subject)
            """,
            subject=subject,
        )


def _put(store: Store, photo: int, detector: int | None, face: NewFace, known: int | None) -> int:
    """Store a face, or where a known one is now, which has to be embedded again; returns its id."""
    values = {
        "photo": photo,
        "engine": detector,
        "x": face.box.x,
        "y": face.box.y,
        "w": face.box.w,
        "h": face.box.h,
        "landmarks": json.dumps(face.landmarks),
        "score": face.score,
        "quality": face.quality,
    }
    if known is None:
        row = store.run(
            """
            INSERT INTO face (photo, engine, x, y, w, h, landmarks, score, quality)
            VALUES (:photo, :engine, :x, :y, :w, :h, :landmarks, :score, :quality)
            """,
            values,
        )
        return _set_subject(store, int(row.lastrowid or 0), face.subject)
    store.run(
        """
        UPDATE face
        SET engine = :engine, x = :x, y = :y, w = :w, h = :h, landmarks = :landmarks, score = :score,
            quality = :quality, present = 1
        WHERE id = :face
        """,
        {**values, "face": known},
    )
    store.run("DELETE FROM embedding WHERE face = :face", face=known)
    return known


def _set_subject(store: Store, face: int, earlier: int | None) -> int:
    """The face shows `earlier` again, or nobody seen before; returns the face."""
    store.run(
        "UPDATE face SET subject = coalesce((SELECT subject FROM face WHERE id = :earlier), id) WHERE id = :face",
        face=face,
        earlier=earlier,
    )
    return face


def _set_earlier_face(store: Store, face: int, earlier: int) -> None:
    """A known face about which no decision was ever made, and its versions, show an earlier face again."""
    store.run(
        """
        UPDATE face SET subject = (SELECT subject FROM face WHERE id = :earlier)
        WHERE subject = (SELECT subject FROM face WHERE id = :face)
          AND NOT EXISTS (SELECT 1 FROM decided_face d WHERE d.face = face.subject)
        """,
        face=face,
        earlier=earlier,
    )


def _put_crop_and_embedding(store: Store, face_id: int, embedder: int, face: NewFace) -> None:
    store.run(
        "INSERT OR REPLACE INTO crop (face, jpeg, x, y, side, turn) VALUES (:face, :jpeg, :x, :y, :side, :turn)",
        face=face_id,
        jpeg=face.jpeg,
        x=face.region.x,
        y=face.region.y,
        side=face.region.w,
        turn=face.turn,
    )
    store.run(
        "INSERT INTO embedding (face, engine, dim, vector) VALUES (:face, :engine, :dim, :vector)",
        face=face_id,
        engine=embedder,
        dim=len(face.vector),
        vector=blob(face.vector),
    )
