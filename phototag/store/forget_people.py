"""Forgetting a person: all that is known of them is dropped for good.

Answers stay in the journal, but for the person's names. Of the person stay a number and the places of their faces,
which are passed over from then on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from phototag.store import decisions, groups, models, person_updates
from phototag.store.connect import Store
from phototag.store.decisions import Decision
from phototag.store.erase import erase_faces, overwrite_deleted


@dataclass(frozen=True, slots=True)
class PersonData:
    """What is known of a person: their numbers, and the subjects of their faces.

    `people`: with those merged into them, and names that only their faces had, by mistake. `named`: by a human,
    `tagged`: by the machine. `photos`: of the named faces.
    """

    people: tuple[int, ...]
    named: tuple[int, ...]
    tagged: tuple[int, ...]
    photos: frozenset[int]


def person_data(store: Store, person: int) -> PersonData:
    """All that is known of a person."""
    merged = store.column(
        """
        WITH RECURSIVE they(id) AS (
            SELECT :person
            UNION
            SELECT p.id FROM they JOIN person p ON p.merged = they.id
        )
        SELECT id FROM they ORDER BY id
        """,
        person=person,
    )
    named = [face for one in merged for face in decisions.subjects_of(store, one, "is")]
    tagged = {face for one in merged for face in _tagged(store, one)}
    photos = {
        photo
        for subject in named
        for photo in store.column("SELECT photo FROM face WHERE subject = :subject AND present", subject=subject)
    }
    return PersonData((*merged, *_mistaken(store, named)), tuple(named), tuple(sorted(tagged)), frozenset(photos))


def _tagged(store: Store, person: int) -> list[int]:
    """The subjects of faces that the machine takes for a person, and no decision contradicts."""
    return store.column(
        """
        SELECT DISTINCT f.subject
        FROM guess g JOIN face f ON f.id = g.face
        WHERE g.person = :person
          AND NOT EXISTS (SELECT 1 FROM label l WHERE l.face = f.subject)
          AND NOT EXISTS (
              SELECT 1 FROM standing s WHERE s.face = f.subject AND s.person = g.person AND s.verb = 'is-not'
          )
        """,
        person=person,
    )


def _mistaken(store: Store, subjects: Iterable[int]) -> list[int]:
    """People who are gone, and whose name no other faces than these ever had."""
    own = set(subjects)
    gone = {
        person
        for subject in own
        for person in store.column(
            """
            SELECT d.person
            FROM decision d JOIN person p ON p.id = d.person
            WHERE d.face = :subject AND d.verb = 'is' AND p.gone AND p.merged IS NULL AND NOT p.forgotten
            """,
            subject=subject,
        )
    }
    named = "SELECT face FROM decision WHERE person = :person AND verb = 'is'"
    return sorted(person for person in gone if own.issuperset(store.column(named, person=person)))


def drop_person(store: Store, person: int, *, tagged: bool = False) -> PersonData:
    """Drop all that is known of a person (inside a write transaction); of `tagged` faces only if that is wanted.

    No decision about them, or their faces, stands any more, and nothing brings it back.
    """
    overwrite_deleted(store)
    known = person_data(store, person)
    subjects = [*known.named, *(known.tagged if tagged else ())]
    rows = _standing_rows(store, known.people, subjects)
    if rows:
        answer = decisions.record(store, [Decision("undo", undoes=row, person=person) for row in rows], "typed")
        person_updates.refresh(store, person_updates.affected(store, answer))
    faces = [
        face
        for subject in subjects
        for face in store.column("SELECT id FROM face WHERE subject = :subject", subject=subject)
    ]
    erase_faces(store, faces)
    store.run_many("UPDATE face SET forgotten = 1 WHERE id = ?", [(face,) for face in faces])
    models.drop(store)  # it was trained on these faces, too
    for one in known.people:
        store.run(
            """
            UPDATE person
            SET name = :name, given = :name, name_key = char(10) || id, hidden = 0, merged = NULL, gone = 1,
                forgotten = 1
            WHERE id = :person
            """,
            person=one,
            name=f"person {one}",
        )
        store.run("UPDATE decision SET name = NULL WHERE person = :person AND name IS NOT NULL", person=one)
    groups.change_version_token(store)
    return known


def _standing_rows(store: Store, people: Iterable[int], subjects: Iterable[int]) -> list[int]:
    """The rows of the journal that stand and are about these people, or these faces."""
    rows: set[int] = set()
    for person in people:
        rows |= set(store.column("SELECT id FROM standing WHERE person = :who OR other_person = :who", who=person))
    for subject in subjects:
        rows |= set(store.column("SELECT id FROM standing WHERE face = :face OR other_face = :face", face=subject))
    return sorted(rows)


def paths_with(store: Store, names: Iterable[str]) -> int:
    """How many paths, of files or of folders that are indexed, hold one of these names."""
    keys = [name.casefold() for name in names]
    paths = store.column(
        """
        SELECT l.root_text || '/' || q.path_text FROM file q JOIN library l ON l.id = q.library
        UNION
        SELECT l.root_text || '/' || q.path_text FROM problem q JOIN library l ON l.id = q.library
        UNION
        SELECT l.root_text || '/' || CAST(o.path AS TEXT) FROM former o JOIN library l ON l.id = o.library
        """
    )
    return sum(any(key in path.casefold() for key in keys) for path in paths)
