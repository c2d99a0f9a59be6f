"""Faces, their crops, and who they are. How faces are stored and found again: `store.face_places`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from sqlite3 import Row

from phototag.store.connect import Store
from phototag.store.photos import path_of
from phototag.types import Box, Face, StoredCrop


@dataclass(frozen=True, slots=True)
class DecidedFace:
    """A face about which a decision was made, and its photo. `sha256`: None if the content can't be known now.

    `path`: where the photo lies, or was last seen.
    """

    id: int
    box: Box
    photo: int
    sha256: str | None
    path: bytes
    width: int
    height: int


def decided(store: Store) -> Iterator[DecidedFace]:
    """Faces that the journal is about, present or not, by photo path, from left to right.

    Of a photo that has no place any more only those that no version of it that has one shows.
    """
    for row in store.records(
        """
        WITH decided AS (SELECT face AS subject FROM decided_face),
        lies AS (SELECT DISTINCT photo FROM file WHERE photo IS NOT NULL)
        SELECT f.id, f.x, f.y, f.w, f.h, p.id AS photo, p.sha256, at.full_path AS path, p.width, p.height
        FROM face f
        JOIN photo p ON p.id = f.photo
        JOIN photo_last_seen at ON at.photo = p.id
        WHERE f.subject IN decided
          AND (
              p.id IN lies
              OR NOT EXISTS (
                  SELECT 1 FROM face v WHERE v.subject = f.subject AND v.present AND v.photo IN lies
              )
          )
        ORDER BY path, f.x, f.y, f.id
        """
    ):
        yield DecidedFace(
            row["id"],
            _box(row),
            row["photo"],
            row["sha256"],
            row["path"],
            row["width"],
            row["height"],
        )


def stored_crop(store: Store, face: int) -> StoredCrop:
    """A face's crop, and where it and the face are in the photo. Raises KeyError if there is none."""
    row = store.record(
        """
        SELECT c.jpeg, c.x AS crop_x, c.y AS crop_y, c.side, c.turn, f.x, f.y, f.w, f.h, f.landmarks
        FROM face f JOIN crop c ON c.face = f.id
        WHERE f.id = :face
        """,
        face=face,
    )
    if row is None:
        raise KeyError(face)
    return StoredCrop(
        row["jpeg"],
        Box(row["crop_x"], row["crop_y"], row["side"], row["side"]),
        _box(row),
        tuple((float(x), float(y)) for x, y in json.loads(row["landmarks"])),
        row["turn"],
    )


def crop(store: Store, face: int) -> bytes | None:
    """The face's crop (JPEG)."""
    value = store.value("SELECT jpeg FROM crop WHERE face = :face", face=face)
    return None if value is None else bytes(value)


def without_crop(store: Store, sha256: str) -> list[Box]:
    """Boxes of faces that stay in the photo of this content though no detector finds them, and whose crops were dropped
    with the photo."""
    return [
        Box(**row)
        for row in store.records(
            """
            SELECT f.x, f.y, f.w, f.h
            FROM face f JOIN photo p ON p.id = f.photo
            WHERE p.sha256 = :sha256 AND NOT f.forgotten
              AND EXISTS (SELECT 1 FROM kept_face k WHERE k.face = f.subject)
              AND NOT EXISTS (SELECT 1 FROM crop c WHERE c.face = f.id)
            ORDER BY f.id
            """,
            sha256=sha256,
        )
    ]


def forgotten(store: Store) -> set[int]:
    """The faces of people who were forgotten."""
    return set(store.column("SELECT id FROM face WHERE forgotten"))


def of_somebody_forgotten(store: Store, photo: int) -> bool:
    """Whether a photo shows somebody who was forgotten."""
    return store.value("SELECT 1 FROM face WHERE photo = :photo AND forgotten", photo=photo) is not None


def of_photo(store: Store, photo: int) -> list[Face]:
    """The present faces of a photo that nobody called 'not a face', largest first."""
    return [
        Face(row["id"], photo, _box(row), row["score"], row["quality"])
        for row in store.records(
            """
            SELECT f.id, f.x, f.y, f.w, f.h, f.score, f.quality
            FROM face f JOIN identity i ON i.face = f.id
            WHERE f.photo = :photo
            ORDER BY f.w * f.h DESC, f.id
            """,
            photo=photo,
        )
    ]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a face can be seen: its photo's absolute path, and its box."""

    face: int
    photo: bytes
    box: Box


def place(store: Store, face: int) -> Place:
    """Where a face is. Raises KeyError if there is none of this id."""
    row = store.record("SELECT photo, x, y, w, h FROM face WHERE id = :face", face=face)
    if row is None:
        raise KeyError(face)
    return Place(face, path_of(store, row["photo"]), _box(row))


@dataclass(frozen=True, slots=True)
class Identified:
    """A face and all that is known of who it is; `path` is absolute, `cluster` the number of its group."""

    id: int
    photo_id: int
    path: bytes
    box: Box
    quality: float
    cluster: int | None
    person_id: int | None
    person: str | None
    source: str | None
    probability: float | None
    taken_at: str | None


def identified(
    store: Store,
    *,
    photo: int | None = None,
    person: int | None = None,
    cluster: int | None = None,
    every_place: bool = False,
) -> Iterator[Identified]:
    """Every present face, by photo path (of one person: by date); optionally of one photo, person or group.

    `every_place`: once for each file that holds its photo.
    """
    conditions = ["TRUE"]
    if photo is not None:
        conditions.append("i.photo = :photo")
    if person is not None:  # `person_face` is there to find the faces by an index
        conditions.append("i.person = :person AND i.face IN (SELECT face FROM person_face WHERE person = :person)")
    if cluster is not None:
        conditions.append("m.cluster = :cluster")
    for row in store.records(
        f"""
        SELECT f.id, f.photo, at.full_path, f.x, f.y, f.w, f.h, f.quality, m.cluster, i.person AS person_id,
            who.name AS person, i.source, i.probability, p.taken_at
        FROM identity i
        JOIN face f ON f.id = i.face
        JOIN photo p ON p.id = f.photo
        JOIN {"photo_every_place" if every_place else "photo_place"} at ON at.photo = p.id
        LEFT JOIN person who ON who.id = i.person
        LEFT JOIN cluster_member m ON m.face = f.id AND i.verb IS NULL
        WHERE {" AND ".join(conditions)}
        ORDER BY {"p.taken_at IS NULL, p.taken_at, f.id" if person is not None else "at.root, at.path, f.x, f.id"}
        """,
        photo=photo,
        person=person,
        cluster=cluster,
    ):
        yield Identified(
            id=row["id"],
            photo_id=row["photo"],
            path=row["full_path"],
            box=_box(row),
            quality=row["quality"],
            cluster=row["cluster"],
            person_id=row["person_id"],
            person=row["person"],
            source=row["source"],
            probability=row["probability"],
            taken_at=row["taken_at"],
        )


def of_person(store: Store, person: int) -> list[int]:
    """The present faces of a person, named by a human or the machine."""
    return store.column(
        """
        SELECT face FROM identity
        WHERE person = :person AND face IN (SELECT face FROM person_face WHERE person = :person)
        ORDER BY face
        """,
        person=person,
    )


def photo_and_date(store: Store, face: int) -> tuple[int, str | None]:
    """The photo that a face is on, and when that was taken (ISO 8601), if known. Raises KeyError."""
    for photo, taken_at in store.rows(
        "SELECT f.photo, p.taken_at FROM face f JOIN photo p ON p.id = f.photo WHERE f.id = :face", face=face
    ):
        return int(photo), taken_at
    raise KeyError(face)


def exists(store: Store, face: int) -> bool:
    """Whether a face is present, and no human called it no face."""
    return store.value("SELECT 1 FROM identity WHERE face = :face", face=face) is not None


def count(store: Store) -> int:
    """Present faces, without those that a human called no face."""
    return int(store.value("SELECT count(*) FROM identity"))


def _box(row: Row) -> Box:
    """The box in a row's columns `x`, `y`, `w`, `h`."""
    return Box(row["x"], row["y"], row["w"], row["h"])
