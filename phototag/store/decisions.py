"""The journal: every decision is a row that is never changed or deleted; what stands now is derived from it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from phototag.errors import UsageError
from phototag.store import groups, people, person_updates
from phototag.store.connect import Store
from phototag.store.moments import now
from phototag.types import Origin, Verb


@dataclass(frozen=True, slots=True)
class Decision:
    """One row to write: about which face (and person, or other face), or about which people.

    `merge`: `person` is in truth `other_person`; `split`: `other_person` (None: nobody known) was taken for `person`;
    `different`: of two faces, or two people. `name`: the new one of a `rename`.
    """

    verb: Verb
    face: int | None = None
    person: int | None = None
    other_face: int | None = None
    undoes: int | None = None
    other_person: int | None = None
    name: str | None = None


def record(store: Store, decisions: Sequence[Decision], origin: Origin, *, undo: int | None = None) -> int:
    """Write one answer, which may decide about many faces (inside a write transaction); returns its number.

    A person who loses their last face by it is gone, and one who gets a face is back (for undone answers,
    `history.undo` sees to that). Raises UsageError if one who is back has a name that belongs to somebody else by now,
    or if the answer is about somebody who was forgotten for good. `undo`: the number of an undo, just written, of which
    these decisions are a part.
    """
    answer = undo or int(store.value("SELECT coalesce(max(answer), 0) + 1 FROM decision"))
    at = now()
    store.run_many(
        """
        INSERT INTO decision (at, origin, answer, verb, face, other_face, person, other_person, undoes, name)
        VALUES (
            :at, :origin, :answer, :verb,
            coalesce((SELECT subject FROM face WHERE id = :face), :face),
            coalesce((SELECT subject FROM face WHERE id = :other_face), :other_face),
            :person, :other_person, :undoes, :name
        )
        """,
        [
            {
                "at": at,
                "origin": origin,
                "answer": answer,
                "verb": decision.verb,
                "face": decision.face,
                "other_face": decision.other_face,
                "person": decision.person,
                "other_person": decision.other_person,
                "undoes": decision.undoes,
                "name": decision.name,
            }
            for decision in decisions
        ],
    )
    if any(decision.verb == "undo" for decision in decisions):
        _update_undone(store, answer)
    elif undo is None:
        person_updates.update_gone(store, answer)
    require_remembered(store)
    return answer


def _update_undone(store: Store, answer: int) -> None:
    """Update the table `undone` after an undo: a row is undone if an undo that isn't undone undoes it.

    Undos come after what they undo, so the latest rows are updated first.
    """
    rows = store.column(
        """
        WITH RECURSIVE down(id) AS (
            SELECT undoes FROM decision WHERE answer = :answer AND undoes IS NOT NULL
            UNION
            SELECT d.undoes FROM down JOIN decision d ON d.id = down.id WHERE d.undoes IS NOT NULL
        )
        SELECT id FROM down ORDER BY id DESC
        """,
        answer=answer,
    )
    for row in rows:
        store.run("DELETE FROM undone WHERE decision = :row", row=row)
        store.run(
            """
            INSERT INTO undone (decision)
            SELECT :row WHERE EXISTS (SELECT 1 FROM journal u WHERE u.undoes = :row AND u.stands)
            """,
            row=row,
        )


def require_remembered(store: Store) -> None:
    """Raises UsageError if any decision stands about a person, or a face, whose data was dropped for good."""
    if store.value(
        """
        SELECT 1 FROM person p JOIN standing s ON s.person = p.id WHERE p.forgotten
        UNION ALL
        SELECT 1 FROM person p JOIN standing s ON s.other_person = p.id WHERE p.forgotten
        UNION ALL
        SELECT 1 FROM face f JOIN standing s ON s.face = f.id WHERE f.forgotten
        UNION ALL
        SELECT 1 FROM face f JOIN standing s ON s.other_face = f.id WHERE f.forgotten
        """
    ):
        raise UsageError(
            "this speaks of somebody who was forgotten for good, which nothing brings back: nothing was saved"
        )


def latest(store: Store) -> int:
    """The number of the last decision; 0 before the first."""
    return int(store.value("SELECT coalesce(max(id), 0) FROM decision"))


def version_token(store: Store) -> tuple[int, str]:
    """Changes with every answer, undo and clustering, and when photos go away or come back."""
    missing = store.value("SELECT count(*) FROM file WHERE state = 'missing'")
    return latest(store), f"{groups.version_token(store)} {missing}"


# --- what stands of faces ---


def labels(store: Store) -> dict[int, tuple[str, int | None]]:
    """Face → (verb, person) of every label: what a human said a face is."""
    return {
        face: (verb, person)
        for face, verb, person in store.rows(
            "SELECT f.id, l.verb, l.person FROM label l JOIN face f ON f.subject = l.face"
        )
    }


def counts(store: Store) -> dict[str, int]:
    """Labels by verb, of faces on photos that are there."""
    return dict(
        store.rows(
            """
            SELECT l.verb, count(*)
            FROM label l
            WHERE EXISTS (
                SELECT 1 FROM face f JOIN file q ON q.photo = f.photo
                WHERE f.subject = l.face AND f.present AND q.state <> 'missing'
            )
            GROUP BY l.verb
            """
        )
    )


def reviewed(store: Store) -> list[int]:
    """Faces that a human named, or looked at again, in the review pages."""
    return store.column(
        """
        SELECT f.id
        FROM label l JOIN face f ON f.subject = l.face
        WHERE l.verb = 'is' AND l.origin = 'reviewed'
        """
    )


def rejected(store: Store) -> Iterator[tuple[int, int]]:
    """(face, person) pairs of which a human said that they don't belong together."""
    yield from store.rows(
        """
        SELECT DISTINCT f.id, s.person
        FROM standing s JOIN face f ON f.subject = s.face
        WHERE s.verb = 'is-not'
        """
    )


def constraints(store: Store) -> Iterator[Decision]:
    """The standing decisions on who is who (`is`, `is-not`, `same`, `different`), the latest first.

    Without those that a later decision about the very same face and person replaced.
    """
    for verb, face, person, other_face in store.rows(
        """
        SELECT s.verb, f.id, s.person, o.id
        FROM standing s
        JOIN face f ON f.subject = s.face
        LEFT JOIN face o ON o.subject = s.other_face
        WHERE (s.verb IN ('same', 'different') AND s.other_face IS NOT NULL)
           OR (s.verb = 'is' AND EXISTS (SELECT 1 FROM label l WHERE l.decision = s.id))
           OR (s.verb = 'is-not' AND EXISTS (SELECT 1 FROM rejection r WHERE r.id = s.id))
        ORDER BY s.id DESC, f.id, o.id
        """
    ):
        yield Decision(verb, face, person, other_face)


@dataclass(frozen=True, slots=True)
class FaceDecision:
    """A decision that stands about a face, when and where it was made; `person`: of `is` and `is-not`."""

    face: int
    verb: Verb
    person: int | None
    at: str
    origin: Origin


def face_decisions(store: Store) -> Iterator[FaceDecision]:
    """The decisions that stand about single faces, by face, each once, as it was made last."""
    for row in store.records(
        """
        WITH said AS (
            SELECT face, verb, person, at, origin, decision FROM label
            UNION ALL
            SELECT face, verb, person, at, origin, id FROM standing WHERE verb = 'a-face'
            UNION ALL
            SELECT r.face, r.verb, r.person, r.at, r.origin, r.id
            FROM rejection r
            WHERE NOT EXISTS (SELECT 1 FROM label l WHERE l.face = r.face AND l.person = r.person)
        )
        SELECT f.id AS face, said.verb, said.person, said.at, said.origin, max(said.decision) AS decision
        FROM said JOIN face f ON f.subject = said.face
        GROUP BY f.id, said.verb, said.person
        ORDER BY f.id, decision
        """
    ):
        yield FaceDecision(row["face"], row["verb"], row["person"], row["at"], row["origin"])


def pair_decisions(store: Store) -> dict[tuple[int, int], tuple[Verb, str, Origin]]:
    """Pairs of faces, the lower id first → `same` or `different`, when and where that was said last."""
    return {
        (min(face, other), max(face, other)): (verb, at, origin)
        for verb, at, origin, face, other in store.rows(
            """
            SELECT s.verb, s.at, s.origin, f.id, o.id
            FROM standing s
            JOIN face f ON f.subject = s.face
            JOIN face o ON o.subject = s.other_face
            WHERE s.verb IN ('same', 'different')
            ORDER BY s.id
            """
        )
    }


def subjects_of(store: Store, person: int, verb: Literal["is", "is-not"]) -> list[int]:
    """The subjects of which it stands that they are this person, or that they aren't."""
    if verb == "is":
        return store.column("SELECT face FROM label WHERE person = :person ORDER BY face", person=person)
    return store.column(
        """
        SELECT DISTINCT s.face
        FROM standing s
        WHERE s.person = :person AND s.verb = 'is-not'
          AND NOT EXISTS (SELECT 1 FROM label l WHERE l.face = s.face AND l.person = s.person)
        ORDER BY s.face
        """,
        person=person,
    )


# --- what stands of people ---


def people_pair_decisions(store: Store) -> Iterator[tuple[int, int, str, Origin]]:
    """Pairs of people who are two, when and where that was said."""
    yield from store.rows(
        """
        SELECT person, other_person, at, origin
        FROM standing
        WHERE verb IN ('different', 'split') AND other_person IS NOT NULL
        ORDER BY id
        """
    )


def different_people(store: Store) -> set[tuple[int, int]]:
    """Pairs of people, the lower id first, of whom a human said that they are two; after all merges."""
    merged = people.resolve_merges(store)
    pairs = (
        {merged[one], merged[other]}
        for one, other, _, _ in people_pair_decisions(store)
        if one in merged and other in merged
    )
    return {(min(pair), max(pair)) for pair in pairs if len(pair) == 2}


def shown_people(store: Store) -> set[int]:
    """People of whom it stands that the album is to show them."""
    return set(
        store.column(
            """
            SELECT s.person
            FROM standing s
            WHERE s.verb IN ('hide', 'show')
            GROUP BY s.person
            HAVING max(CASE s.verb WHEN 'show' THEN s.id END) = max(s.id)
            """
        )
    )


def people_changed_since(store: Store, number: int, people: Collection[int]) -> bool:
    """Whether anything was decided or undone after decision `number` about any of these people as a whole."""
    rows = store.rows(
        """
        WITH RECURSIVE about(id) AS (
            SELECT coalesce(undoes, id) FROM decision WHERE id > :number
            UNION
            SELECT d.undoes FROM about JOIN decision d ON d.id = about.id WHERE d.undoes IS NOT NULL
        )
        SELECT d.person, d.other_person
        FROM about JOIN decision d ON d.id = about.id
        WHERE d.verb IN ('rename', 'hide', 'show', 'merge', 'split', 'different')
        """,
        number=number,
    )
    return any(person in people or other in people for person, other in rows)
