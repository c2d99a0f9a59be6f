"""Forgetting: photos whose places are given up, and all that is known of a person.

What was said stays in the journal, which is never changed but for a forgotten person's names. Of a forgotten photo stay
its content's SHA-256, and the places of the faces of which anything was said: when it is indexed again, they have their
names again. Of a forgotten person stay a number and the places of their faces, which are passed over from then on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from phototag.store import decisions, models, people
from phototag.store.connect import Store
from phototag.store.decisions import Decision
from phototag.store.libraries import Library
from phototag.store.photos import AWAY

#: Faces of which anything was ever said, whether it stands or not.
_TOLD = (
    "(SELECT face FROM decision WHERE face IS NOT NULL UNION"
    " SELECT other_face FROM decision WHERE other_face IS NOT NULL)"
)
#: What a face looks like, and whatever was worked out from that.
_LOOKS = ("crop", "embedding", "guess", "cluster_member")

#: The subjects of faces that the machine takes for a person, and no human said anything against it.
_TAGGED = (
    "SELECT DISTINCT f.subject FROM guess g JOIN face f ON f.id = g.face WHERE g.person = ?"
    " AND NOT EXISTS (SELECT 1 FROM label l WHERE l.face = f.subject) AND NOT EXISTS (SELECT 1 FROM standing s"
    " WHERE s.face = f.subject AND s.person = g.person AND s.verb = 'is-not')"
)


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
    photos = {
        row[0]
        for row in store.rows(
            f"SELECT p.id FROM photo p WHERE {AWAY} AND ? >= coalesce((SELECT max(since) FROM ("
            "SELECT q.missing_since AS since FROM file q WHERE q.photo = p.id"
            " UNION ALL SELECT o.since FROM former o WHERE o.photo = p.id)), '')",
            (until,),
        )
    }
    photos |= _earlier(store, photos)
    files = {
        number
        for number, photo in store.rows(
            "SELECT id, photo FROM file WHERE state = 'missing' AND (photo IS NOT NULL OR missing_since <= ?)", (until,)
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
                f"SELECT id, photo FROM {table} WHERE library = ? AND substr(path, 1, ?) = ?",
                (library.id, len(inside), inside),
            ):
                rows.add(number)
                photos.add(photo)
    lost = {photo for photo in photos if photo is not None and not _elsewhere(store, photo, files)}
    return _places(store, files, former, tuple(roots), lost | _earlier(store, lost))


def _elsewhere(store: Store, photo: int, files: set[int]) -> bool:
    """Whether a photo has a place that isn't among these files."""
    return any(number not in files for (number,) in store.rows("SELECT id FROM file WHERE photo = ?", (photo,)))


def _earlier(store: Store, photos: set[int]) -> set[int]:
    """Photos that were there only as earlier versions of these."""
    found: set[int] = set()
    before = list(
        store.rows(
            "SELECT photo, successor FROM former o WHERE successor IS NOT NULL"
            " AND NOT EXISTS (SELECT 1 FROM file q WHERE q.photo = o.photo)"
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
    found = named = 0
    for photo in photos:
        for (verb,) in store.rows(
            "SELECT l.verb FROM face f LEFT JOIN label l ON l.face = f.subject WHERE f.photo = ? AND f.present"
            " AND coalesce(l.verb, '') <> 'not-a-face'",
            (photo,),
        ):
            found += 1
            named += verb == "is"
    return Places(frozenset(files), frozenset(former), roots, frozenset(photos), found, named)


def drop_places(store: Store, places: Places) -> None:
    """Give these places up, and drop the photos that lie nowhere else (inside a write transaction)."""
    _overwrite(store)
    _delete(store, "former", "id", places.former)
    store.connection.executemany(
        "DELETE FROM problem WHERE (library, path) IN (SELECT library, path FROM file WHERE id = ?)",
        [(number,) for number in places.files],
    )
    _delete(store, "file", "id", places.files)
    lost = [face for photo in places.photos for (face,) in store.rows("SELECT id FROM face WHERE photo = ?", (photo,))]
    _drop_looks(store, lost)
    for table in ("detection", "preview"):
        _delete(store, table, "photo", places.photos)
    store.connection.executemany("UPDATE photo SET taken_at = NULL WHERE id = ?", [(photo,) for photo in places.photos])
    _sweep(store)
    _delete(store, "library", "id", [library.id for library in places.roots])
    if places.photos:  # what was learnt of faces that are gone, and what another program is about to tag by it
        models.drop(store)
    _groups_changed(store)


def _drop_looks(store: Store, ids: Iterable[int]) -> None:
    ids = list(ids)
    for table in _LOOKS:
        _delete(store, table, "face", ids)
    store.connection.executemany(
        "UPDATE face SET present = 0, engine = NULL, landmarks = '[]' WHERE id = ?", [(face,) for face in ids]
    )


def _sweep(store: Store) -> None:
    """Delete what no place and no answer leads to any more. The latest rows stay: no number is ever another's."""
    store.run(
        "DELETE FROM face WHERE id < (SELECT max(id) FROM face) AND NOT forgotten"
        f" AND id NOT IN {_TOLD}"
        f" AND subject NOT IN {_TOLD}"
        " AND NOT EXISTS (SELECT 1 FROM face o WHERE o.subject = face.id AND o.id <> face.id)"
        " AND NOT EXISTS (SELECT 1 FROM file q WHERE q.photo = face.photo)"
        " AND NOT EXISTS (SELECT 1 FROM former o WHERE o.photo = face.photo)"
    )
    store.run(
        "DELETE FROM photo WHERE id < (SELECT max(id) FROM photo)"
        " AND NOT EXISTS (SELECT 1 FROM face f WHERE f.photo = photo.id)"
        " AND NOT EXISTS (SELECT 1 FROM file q WHERE q.photo = photo.id)"
        " AND NOT EXISTS (SELECT 1 FROM former o WHERE o.photo = photo.id OR o.successor = photo.id)"
    )


def _delete(store: Store, table: str, column: str, values: Iterable[int]) -> None:
    store.connection.executemany(f"DELETE FROM {table} WHERE {column} = ?", [(value,) for value in values])


def _overwrite(store: Store) -> None:
    """What is deleted is overwritten at once, should the file not be wiped afterwards."""
    store.run("PRAGMA secure_delete = ON")


def _groups_changed(store: Store) -> None:
    """Whoever asks about groups reads them anew (`decisions.version_token`)."""
    store.run("UPDATE clustering SET next_number = next_number + 1")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a person: their numbers (of those merged into them, and of names that only their faces had, by
    mistake, too), and the subjects of their faces, `named` by a human or `tagged` by the machine, with their photos."""

    people: tuple[int, ...]
    named: tuple[int, ...]
    tagged: tuple[int, ...]
    photos: frozenset[int]


def person_data(store: Store, person: int) -> Known:
    """All that is known of a person."""
    whole = tuple(
        row[0]
        for row in store.rows(
            "WITH RECURSIVE they(id) AS (SELECT ? UNION SELECT p.id FROM they JOIN person p ON p.merged = they.id)"
            " SELECT id FROM they ORDER BY id",
            (person,),
        )
    )
    named = [face for one in whole for face in decisions.subjects_of(store, one, "is")]
    tagged = {row[0] for one in whole for row in store.rows(_TAGGED, (one,))}
    seen = {
        row[0] for face in named for row in store.rows("SELECT photo FROM face WHERE subject = ? AND present", (face,))
    }
    return Known((*whole, *_mistaken(store, named)), tuple(named), tuple(sorted(tagged)), frozenset(seen))


def _mistaken(store: Store, subjects: Iterable[int]) -> list[int]:
    """People who are gone, and whose name no other faces than these ever had."""
    own = set(subjects)
    named = {
        row[0]
        for face in own
        for row in store.rows(
            "SELECT d.person FROM decision d JOIN person p ON p.id = d.person"
            " WHERE d.face = ? AND d.verb = 'is' AND p.gone AND p.merged IS NULL AND NOT p.forgotten",
            (face,),
        )
    }
    faces = "SELECT face FROM decision WHERE person = ? AND verb = 'is'"
    return sorted(person for person in named if own.issuperset(row[0] for row in store.rows(faces, (person,))))


def drop_person(store: Store, person: int, *, tagged: bool = False) -> Known:
    """Drop all that is known of a person, of faces that the machine `tagged` only if that is wanted (inside a write
    transaction).

    Nothing that was said of them, or of their faces, stands any more, and nothing brings it back.
    """
    _overwrite(store)
    gone = person_data(store, person)
    subjects = [*gone.named, *(gone.tagged if tagged else ())]
    said = _said(store, gone.people, subjects)
    if said:
        answer = decisions.record(store, [Decision("undo", undoes=row, person=person) for row in said], "typed")
        people.refresh(store, people.affected(store, answer))
    looks = [row[0] for face in subjects for row in store.rows("SELECT id FROM face WHERE subject = ?", (face,))]
    _drop_looks(store, looks)
    store.connection.executemany("UPDATE face SET forgotten = 1 WHERE id = ?", [(face,) for face in looks])
    models.drop(store)  # its arrays were made of these faces, too
    for one in gone.people:
        called = f"person {one}"
        store.run(
            "UPDATE person SET name = ?, given = ?, name_key = char(10) || id, hidden = 0, merged = NULL, gone = 1,"
            " forgotten = 1 WHERE id = ?",
            (called, called, one),
        )
        store.run("UPDATE decision SET name = NULL WHERE person = ? AND name IS NOT NULL", (one,))
    _groups_changed(store)
    return gone


def _said(store: Store, gone: Iterable[int], subjects: Iterable[int]) -> list[int]:
    """All that stands of these people, or of their faces."""
    rows: set[int] = set()
    for columns, values in ((("person", "other_person"), gone), (("face", "other_face"), subjects)):
        for column in columns:
            for value in values:
                rows |= {row[0] for row in store.rows(f"SELECT id FROM standing WHERE {column} = ?", (value,))}
    return sorted(rows)


def paths_with(store: Store, names: Iterable[str]) -> int:
    """How many paths, of files or of folders that are indexed, hold one of these names."""
    keys = [name.casefold() for name in names]
    return sum(
        any(key in path.casefold() for key in keys)
        for (path,) in store.rows(
            "SELECT l.root_text || '/' || q.path_text FROM file q JOIN library l ON l.id = q.library"
            " UNION SELECT l.root_text || '/' || q.path_text FROM problem q JOIN library l ON l.id = q.library"
            " UNION SELECT l.root_text || '/' || CAST(q.path AS TEXT) FROM former q JOIN library l ON l.id = q.library"
        )
    )
