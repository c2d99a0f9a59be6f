"""What an answer changes: the faces and people that it is about, before and after."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from phototag.store import history, people, person_updates
from phototag.store.connect import Store


@dataclass(frozen=True, slots=True)
class Affected:
    """The subjects and people (ids) that an answer is about, and the rows of the journal that it undoes."""

    faces: tuple[int, ...]
    people: tuple[int, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FaceState:
    """A face's label (`verb`, and the name of the `person`), and whether it is `present` on a photo."""

    verb: str | None
    person: str | None
    present: bool


@dataclass(frozen=True, slots=True)
class PersonState:
    """A person's name, and whether it stands for somebody; `into`: the name of whom they were merged into."""

    name: str
    there: bool
    into: str
    hidden: bool


@dataclass(frozen=True, slots=True)
class AffectedState:
    """What stands of some faces and people; `rejected`: face and name; `pairs`: verb and two faces."""

    faces: dict[int, FaceState]
    rejected: frozenset[tuple[int, str]]
    pairs: frozenset[tuple[str, int, int]]
    people: dict[int, PersonState]


def affected(store: Store, answer: int) -> Affected:
    """What an answer is about, or what it undoes or redoes."""
    return Affected(
        tuple(subjects(store, answer)),
        tuple(sorted(person_updates.affected(store, answer))),
        tuple(
            store.column(
                "SELECT undoes FROM decision WHERE answer = :answer AND undoes IS NOT NULL ORDER BY undoes",
                answer=answer,
            )
        ),
    )


def subjects(store: Store, answer: int) -> list[int]:
    """The faces that an answer, or what it undoes or redoes, is about, as subjects."""
    rows = history.root_rows(store, answer)
    return sorted({face for row in rows for face in (row.face, row.other_face) if face is not None})


def state_of(store: Store, affected: Affected) -> AffectedState:
    """What stands of them now."""
    names = dict(store.rows("SELECT id, name FROM person"))
    rejected = set()
    pairs = set()
    for face in affected.faces:
        for person in store.column("SELECT person FROM rejection WHERE face = :face", face=face):
            current = people.resolve(store, person)
            rejected.add((face, current.name if current else names[person]))
        for verb, other in store.rows(
            """
            SELECT verb, other_face
            FROM standing
            WHERE face = :face AND verb IN ('same', 'different') AND other_face IS NOT NULL
            """,
            face=face,
        ):
            pairs.add((verb, face, other))
    return AffectedState(
        {face: _face(store, face) for face in affected.faces},
        frozenset(rejected),
        frozenset(pairs),
        {person: _person(store, person) for person in affected.people},
    )


def _face(store: Store, subject: int) -> FaceState:
    present = store.value("SELECT 1 FROM face WHERE subject = :subject AND present", subject=subject) is not None
    for verb, person in store.rows(
        """
        SELECT l.verb, p.name
        FROM label l LEFT JOIN person p ON p.id = l.person
        WHERE l.face = :subject
        """,
        subject=subject,
    ):
        return FaceState(verb, person, present)
    return FaceState(None, None, present)


def _person(store: Store, person: int) -> PersonState:
    name, gone, merged, hidden = next(
        store.rows("SELECT name, gone, merged, hidden FROM person WHERE id = :person", person=person)
    )
    current = people.resolve(store, person)
    into = current.name if merged is not None and current else ""
    return PersonState(name, not gone and merged is None, into, bool(hidden))


def example_faces(store: Store, subjects: Iterable[int], limit: int) -> list[int]:
    """Faces to look at, one a subject, as far as there are crops of them."""
    found: list[int] = []
    for subject in subjects:
        if len(found) == limit:
            break
        face = store.value(
            """
            SELECT f.id
            FROM face f JOIN crop c ON c.face = f.id
            WHERE f.subject = :subject
            ORDER BY f.present DESC, f.id
            LIMIT 1
            """,
            subject=subject,
        )
        if face is not None:
            found.append(face)
    return found
