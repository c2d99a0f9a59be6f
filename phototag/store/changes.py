"""What an answer changes: the faces and people that it touches, before and after."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from phototag.store import history, people
from phototag.store.connect import Store
from phototag.store.decisions import STILL_NOT


@dataclass(frozen=True, slots=True)
class Touched:
    """The subjects and people (ids) that an answer touches, and the rows of the journal that it undoes."""

    faces: tuple[int, ...]
    people: tuple[int, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FaceState:
    """What a human says of a face; `person`: the name, `present`: whether it is seen in a photo."""

    verb: str | None
    person: str | None
    present: bool


@dataclass(frozen=True, slots=True)
class PersonState:
    """A person's name, whether it stands for somebody; `into`: the name of whom they were merged into."""

    name: str
    there: bool
    into: str
    hidden: bool


@dataclass(frozen=True, slots=True)
class State:
    """What stands of some faces and people; `rejected`: face and name; `pairs`: verb and two faces."""

    faces: dict[int, FaceState]
    rejected: frozenset[tuple[int, str]]
    pairs: frozenset[tuple[str, int, int]]
    people: dict[int, PersonState]


def touched(store: Store, answer: int) -> Touched:
    """What an answer speaks of, or what it undoes or redoes."""
    undone = store.rows(
        "SELECT undoes FROM decision WHERE answer = ? AND undoes IS NOT NULL ORDER BY undoes", (answer,)
    )
    return Touched(
        tuple(subjects(store, answer)), tuple(sorted(people.affected(store, answer))), tuple(row for (row,) in undone)
    )


def subjects(store: Store, answer: int) -> list[int]:
    """The faces that an answer speaks of, or what it undoes or redoes, as subjects."""
    whole = history.root_rows(store, answer)
    return sorted({face for said in whole for face in (said.face, said.other_face) if face is not None})


def state(store: Store, of: Touched) -> State:
    """How it stands with them."""
    names = {row[0]: row[1] for row in store.rows("SELECT id, name FROM person")}
    rejected = set()
    pairs = set()
    for face in of.faces:
        for verb, person, other in store.rows(
            "SELECT verb, person, other_face FROM standing s WHERE face = ? AND verb IN ('is-not', 'same', 'different')"
            f" AND (verb <> 'is-not' OR {STILL_NOT})",
            (face,),
        ):
            if verb == "is-not":
                now = people.resolve(store, person)
                rejected.add((face, now.name if now else names[person]))
            elif other is not None:
                pairs.add((verb, face, other))
    return State(
        {face: _face(store, face) for face in of.faces},
        frozenset(rejected),
        frozenset(pairs),
        {person: _person(store, person) for person in of.people},
    )


def _face(store: Store, subject: int) -> FaceState:
    verb, person, present = next(
        store.rows(
            "SELECT l.verb, w.name, EXISTS (SELECT 1 FROM face f WHERE f.subject = ?1 AND f.present)"
            " FROM (SELECT 1) LEFT JOIN label l ON l.face = ?1 LEFT JOIN person w ON w.id = l.person",
            (subject,),
        )
    )
    return FaceState(verb, person, bool(present))


def _person(store: Store, person: int) -> PersonState:
    name, gone, merged, hidden = next(
        store.rows("SELECT name, gone, merged, hidden FROM person WHERE id = ?", (person,))
    )
    now = people.resolve(store, person)
    into = now.name if merged is not None and now else ""
    return PersonState(name, not gone and merged is None, into, bool(hidden))


def looks(store: Store, of: Iterable[int], limit: int) -> list[int]:
    """Faces to look at, one a subject, as far as there are pictures of them."""
    found: list[int] = []
    for subject in of:
        if len(found) == limit:
            break
        for (face,) in store.rows(
            "SELECT f.id FROM face f JOIN crop c ON c.face = f.id WHERE f.subject = ?"
            " ORDER BY f.present DESC, f.id LIMIT 1",
            (subject,),
        ):
            found.append(face)
    return found
