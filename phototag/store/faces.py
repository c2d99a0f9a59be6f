"""Faces, their crops, and who they are.

A face is a *place in a photo*: another detector that finds a face at the same place updates the row and keeps its id,
so that every decision about it stays. What isn't found again is marked not present, or kept without an engine if a
human decided about it; nothing is deleted. A *forgotten* face is that of a person whose data was dropped for good: what
is found at its place is passed over. The *subject* of a face is the face, on the earliest version of an edited photo,
that it shows again; mostly itself. Decisions are about subjects: what is said of one version holds for all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from phototag.store.connect import Store
from phototag.store.embeddings import blob, require_unit
from phototag.store.photos import EVERY_PLACE, LAST_PATH, PATH, PLACE, path_of
from phototag.types import Box, Face, NewFace, StoredCrop

#: Two boxes in one photo that overlap at least so much are one face.
SAME_PLACE_IOU = 0.4
#: What overlaps so much with a forgotten face, and is no other known one, is that face.
_NEAR_IOU = 0.2

#: Faces that could be a person's, found by index (the view `identity` can't be): takes the person twice.
CLAIMED = (
    "SELECT s.id FROM label l JOIN face s ON s.subject = l.face WHERE l.verb = 'is' AND l.person = ?"
    " UNION ALL SELECT face FROM guess WHERE person = ?"
)

#: A face that a human named, or of whom nobody need know who it is; of which anything was ever said; and that stays
#: though no detector finds it.
_NAMED = "EXISTS (SELECT 1 FROM label l WHERE l.face = face.subject AND l.verb IN ('is', 'dont-care'))"
SPOKEN = (
    "EXISTS (SELECT 1 FROM decision d WHERE d.face = face.subject UNION ALL SELECT 1 FROM decision d"
    " WHERE d.other_face = face.subject)"
)
KEPT = f"({_NAMED} OR EXISTS (SELECT 1 FROM standing s WHERE s.face = face.subject AND s.verb = 'a-face'))"


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
    old = {face: box for face, (box, _) in places(store, photo).items()}
    again = same_places(old, [face.box for face in found])
    passed_over = _passed_over(store, photo, found, again)
    for row, face in enumerate(found):
        if row not in passed_over:
            face_id = _put(store, photo, detector if face.found else None, face, again.get(row))
            old.pop(face_id, None)
            _put_looks(store, face_id, embedder, face)
            if row in again and face.subject is not None:
                _adopt(store, face_id, face.subject)
    for face_id in old:
        store.run(f"UPDATE face SET engine = NULL, present = present AND {KEPT} WHERE id = ?", (face_id,))
    store.run("DELETE FROM detection WHERE photo = ?", (photo,))  # what others found is no longer there
    store.run(
        "INSERT INTO detection (photo, engine, faces) VALUES (?, ?, ?)",
        (photo, detector, len(found)),
    )
    if store.value("SELECT 1 FROM face WHERE photo = ? AND present", (photo,)) is None:
        store.run("DELETE FROM preview WHERE photo = ?", (photo,))
    elif preview is not None:
        store.run("INSERT OR REPLACE INTO preview (photo, jpeg) VALUES (?, ?)", (photo, preview))


def _passed_over(store: Store, photo: int, found: Sequence[NewFace], again: Mapping[int, int]) -> set[int]:
    """Of the faces found (by row) those that are forgotten ones, or show these in an edited version of their photo,
    whose places are forgotten from now on, too. `again`: which known face each is."""
    gone = {
        row[0]: Box(*row[1:])
        for row in store.rows("SELECT id, x, y, w, h FROM face WHERE photo = ? AND forgotten", (photo,))
    }
    strangers = [row for row in range(len(found)) if row not in again]
    near = same_places(gone, [found[row].box for row in strangers], least=_NEAR_IOU)
    rows = {row for row, face in again.items() if face in gone} | {strangers[index] for index in near}
    for row in strangers:
        subject = found[row].subject
        if subject is not None and store.value("SELECT forgotten FROM face WHERE id = ?", (subject,)):
            face = _with_subject(store, add_place(store, photo, found[row].box), subject)
            store.run("UPDATE face SET forgotten = 1 WHERE id = ?", (face,))
            rows.add(row)
    return rows


def same_places(known: Mapping[int, Box], found: Sequence[Box], *, least: float = SAME_PLACE_IOU) -> dict[int, int]:
    """Which known face (by id) each found box (by row) is: pairs that overlap most first, nobody twice."""
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
    """Store a face that a human showed and no detector finds; returns its id (inside a write transaction).

    `known`: the face that was there once, and is present again.
    """
    require_unit(face.vector)
    face_id = _put(store, photo, None, face, known)
    _put_looks(store, face_id, embedder, face)
    store.run("INSERT OR IGNORE INTO preview (photo, jpeg) VALUES (?, ?)", (photo, preview))
    return face_id


def add_place(store: Store, photo: int, box: Box) -> int:
    """Remember a place of which something was said, though nothing is seen there; a detector that finds a face there
    will find this one (inside a write transaction). Returns the face's id."""
    row = store.run(
        "INSERT INTO face (photo, x, y, w, h, score, quality, present) VALUES (?, ?, ?, ?, ?, 0, 0, 0)",
        (photo, box.x, box.y, box.w, box.h),
    )
    return _with_subject(store, int(row.lastrowid or 0), None)


def places(store: Store, photo: int) -> dict[int, tuple[Box, bool]]:
    """Every face ever known in a photo → where, and whether it is present."""
    return {
        row[0]: (Box(*row[1:5]), bool(row[5]))
        for row in store.rows("SELECT id, x, y, w, h, present FROM face WHERE photo = ? ORDER BY id", (photo,))
    }


def update_presence(store: Store, subjects: Iterable[int], shown: Iterable[int]) -> None:
    """After something said of these faces was undone or redone (inside a write transaction): what a human named or
    showed is present again; those that were only there because a human had `shown` them are not."""
    for face in subjects:
        store.run(f"UPDATE face SET present = 1 WHERE subject = ? AND NOT (present OR forgotten) AND {KEPT}", (face,))
    for face in shown:
        store.run(f"UPDATE face SET present = 0 WHERE subject = ? AND engine IS NULL AND NOT {KEPT}", (face,))


def _put(store: Store, photo: int, detector: int | None, face: NewFace, known: int | None) -> int:
    """Where a face is, of a known one anew, which has to be embedded again; returns its id."""
    box = face.box
    values = (detector, box.x, box.y, box.w, box.h, json.dumps(face.landmarks), face.score, face.quality)
    if known is None:
        row = store.run(
            "INSERT INTO face (engine, x, y, w, h, landmarks, score, quality, photo)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*values, photo),
        )
        return _with_subject(store, int(row.lastrowid or 0), face.subject)
    store.run(
        "UPDATE face SET engine = ?, x = ?, y = ?, w = ?, h = ?, landmarks = ?, score = ?, quality = ?,"
        " present = 1 WHERE id = ?",
        (*values, known),
    )
    store.run("DELETE FROM embedding WHERE face = ?", (known,))
    return known


def _with_subject(store: Store, face: int, subject: int | None) -> int:
    store.run(
        "UPDATE face SET subject = coalesce((SELECT subject FROM face WHERE id = ?), id) WHERE id = ?", (subject, face)
    )
    return face


def _adopt(store: Store, face: int, earlier: int) -> None:
    """A known face of which nothing was ever said, and its versions, show an earlier face again."""
    store.run(
        "UPDATE face SET subject = (SELECT subject FROM face WHERE id = ?) WHERE subject = (SELECT subject FROM face"
        f" WHERE id = ?) AND NOT {SPOKEN}",
        (earlier, face),
    )


def _put_looks(store: Store, face_id: int, embedder: int, face: NewFace) -> None:
    store.run(
        "INSERT OR REPLACE INTO crop (face, jpeg, x, y, side, turn) VALUES (?, ?, ?, ?, ?, ?)",
        (face_id, face.jpeg, face.region.x, face.region.y, face.region.w, face.turn),
    )
    store.run(
        "INSERT INTO embedding (face, engine, dim, vector) VALUES (?, ?, ?, ?)",
        (face_id, embedder, len(face.vector), blob(face.vector)),
    )


@dataclass(frozen=True, slots=True)
class DecidedFace:
    """A face of which a human said something, and the photo that it is on. `sha256`: None if that can't be known now.

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
    """Faces that the journal speaks of, present or not, by photo path, from left to right.

    Of a photo that has no place any more only those that no version of it that has one shows.
    """
    for row in store.rows(
        "WITH said AS (SELECT face AS subject FROM decision UNION SELECT other_face FROM decision),"
        " lies AS (SELECT DISTINCT photo FROM file WHERE photo IS NOT NULL)"
        f" SELECT f.id, f.x, f.y, f.w, f.h, p.id, p.sha256, {LAST_PATH} AS path, p.width, p.height"
        " FROM face f JOIN photo p ON p.id = f.photo"
        " WHERE f.subject IN said AND (p.id IN lies OR NOT EXISTS (SELECT 1 FROM face v WHERE v.subject = f.subject"
        " AND v.present AND v.photo IN lies)) ORDER BY path, f.x, f.y, f.id"
    ):
        yield DecidedFace(row[0], Box(*row[1:5]), *row[5:])


def stored_crop(store: Store, face: int) -> StoredCrop:
    """A face as it was cut out when it was indexed."""
    for row in store.rows(
        "SELECT c.jpeg, c.x, c.y, c.side, f.x, f.y, f.w, f.h, f.landmarks, c.turn FROM face f JOIN crop c"
        " ON c.face = f.id WHERE f.id = ?",
        (face,),
    ):
        landmarks = tuple((float(x), float(y)) for x, y in json.loads(row[8]))
        return StoredCrop(face, row[0], Box(row[1], row[2], row[3], row[3]), Box(*row[4:8]), landmarks, row[9])
    raise KeyError(face)


def crop(store: Store, face: int) -> bytes | None:
    """The face's small picture (JPEG)."""
    value = store.value("SELECT jpeg FROM crop WHERE face = ?", (face,))
    return None if value is None else bytes(value)


def forgotten(store: Store) -> set[int]:
    """The faces of people who were forgotten."""
    return {row[0] for row in store.rows("SELECT id FROM face WHERE forgotten")}


def of_somebody_forgotten(store: Store, photo: int) -> bool:
    """Whether a photo shows somebody who was forgotten."""
    return store.value("SELECT 1 FROM face WHERE photo = ? AND forgotten", (photo,)) is not None


def without_crop(store: Store, sha256: str) -> list[Box]:
    """Where the faces are that stay in the photo of this content though no detector finds them, and whose pictures
    were dropped with the photo."""
    return [
        Box(*row)
        for row in store.rows(
            "SELECT x, y, w, h FROM face JOIN photo p ON p.id = face.photo WHERE p.sha256 = ? AND NOT forgotten"
            f" AND {KEPT} AND NOT EXISTS (SELECT 1 FROM crop c WHERE c.face = face.id) ORDER BY face.id",
            (sha256,),
        )
    ]


def of_photo(store: Store, photo: int) -> list[Face]:
    """The present faces of a photo that nobody called 'not a face', largest first."""
    return [
        Face(row[0], photo, Box(*row[1:5]), row[5], row[6])
        for row in store.rows(
            "SELECT f.id, f.x, f.y, f.w, f.h, f.score, f.quality FROM face f JOIN identity i ON i.face = f.id"
            " WHERE f.photo = ? ORDER BY f.w * f.h DESC, f.id",
            (photo,),
        )
    ]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a face can be looked at: its photo's absolute path, and its box."""

    face: int
    photo: bytes
    box: Box


def place(store: Store, face: int) -> Place:
    """Where a face is."""
    for photo, *box in store.rows("SELECT photo, x, y, w, h FROM face WHERE id = ?", (face,)):
        return Place(face, path_of(store, photo), Box(*box))
    raise KeyError(face)


@dataclass(frozen=True, slots=True)
class Identified:
    """A face and all that is known of who it is; `path` is absolute."""

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
    wanted = [
        ("i.photo = ?", photo),
        ("i.person = ?", person),
        (f"i.face IN ({CLAIMED})", person),
        ("m.cluster = ?", cluster),
    ]
    conditions = " AND ".join(text for text, value in wanted if value is not None) or "1"
    order = "p.taken_at IS NULL, p.taken_at, f.id" if person is not None else "l.root, q.path, f.x, f.id"
    for row in store.rows(
        f"SELECT f.id, f.photo, {PATH}, f.x, f.y, f.w, f.h, f.quality, m.cluster,"
        " i.person, who.name,"
        " i.source, i.probability, p.taken_at FROM identity i JOIN face f ON f.id = i.face"
        f" JOIN photo p ON p.id = f.photo {EVERY_PLACE if every_place else PLACE}"
        " LEFT JOIN person who ON who.id = i.person"
        " LEFT JOIN cluster_member m ON m.face = f.id AND i.verb IS NULL"
        f" WHERE {conditions} ORDER BY {order}",
        [value for text, value in wanted if value is not None for _ in range(text.count("?"))],
    ):
        yield Identified(row[0], row[1], row[2], Box(*row[3:7]), *row[7:])


def of_person(store: Store, person: int) -> list[int]:
    """The present faces of a person, named by a human or the machine."""
    return [
        row[0]
        for row in store.rows(
            f"SELECT face FROM identity WHERE person = ? AND face IN ({CLAIMED}) ORDER BY face", (person,) * 3
        )
    ]


def photo_and_date(store: Store, face: int) -> tuple[int, str | None]:
    """The photo that a face is on, and when that was taken (ISO 8601), if known."""
    for photo, taken_at in store.rows(
        "SELECT f.photo, p.taken_at FROM face f JOIN photo p ON p.id = f.photo WHERE f.id = ?", (face,)
    ):
        return int(photo), taken_at
    raise KeyError(face)


def exists(store: Store, face: int) -> bool:
    """Whether a face is there, and a human didn't call it no face."""
    return store.value("SELECT 1 FROM identity WHERE face = ?", (face,)) is not None


def count(store: Store) -> int:
    """Present faces, without those that a human called no face."""
    return int(store.value("SELECT count(*) FROM identity"))
