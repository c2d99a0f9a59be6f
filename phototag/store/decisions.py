"""The journal: every human decision is a row that is never changed or deleted; what holds now is derived."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Literal

from phototag.errors import UsageError
from phototag.store import groups, people
from phototag.store.connect import Store
from phototag.types import Origin, Verb

#: Whether a row `d` of the journal stands, an undo as well: no undo that stands undoes it.
IN_FORCE = "NOT EXISTS (SELECT 1 FROM withdrawn w WHERE w.decision = d.id)"
#: Whether an `is-not` that stands, `s`, still holds: nobody said of the very same face and person later that it is.
STILL_NOT = (
    "NOT EXISTS (SELECT 1 FROM standing t WHERE t.face = s.face AND t.verb = 'is' AND t.person = s.person"
    " AND t.id > s.id)"
)


@dataclass(frozen=True, slots=True)
class Decision:
    """One row to write: what was said of which face (and person, or other face), or of which people.

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

    Whose last face it takes is gone, and who gets one is back (of what undoes other answers, `history.undo` says
    who). Raises UsageError if one who is back has a name that belongs to somebody else by now, or if it speaks
    of somebody who was forgotten for good. `undo`: the number of an undo, just written, of which these are a part.
    """
    answer = undo or int(store.value("SELECT coalesce(max(answer), 0) + 1 FROM decision"))
    at = datetime.now(timezone.utc).isoformat(timespec="seconds")
    store.connection.executemany(
        "INSERT INTO decision (at, origin, answer, verb, face, person, other_face, undoes, other_person, name)"
        " VALUES (?1, ?2, ?3, ?4, coalesce((SELECT subject FROM face WHERE id = ?5), ?5), ?6,"
        " coalesce((SELECT subject FROM face WHERE id = ?7), ?7), ?8, ?9, ?10)",
        [
            (at, origin, answer, d.verb, d.face, d.person, d.other_face, d.undoes, d.other_person, d.name)
            for d in decisions
        ],
    )
    if any(decision.verb == "undo" for decision in decisions):
        _withdraw(store, answer)
    elif undo is None:
        people.update_gone(store, answer)
    require_remembered(store)
    return answer


def _withdraw(store: Store, answer: int) -> None:
    """Keep `withdrawn` after an undo: a row of the journal is withdrawn if anything that isn't withdrawn undoes it.

    That comes after it, so the latest are looked at first.
    """
    chains = store.rows(
        "WITH RECURSIVE down(id) AS (SELECT undoes FROM decision WHERE answer = ? AND undoes IS NOT NULL"
        " UNION SELECT d.undoes FROM down JOIN decision d ON d.id = down.id WHERE d.undoes IS NOT NULL)"
        " SELECT id FROM down ORDER BY id DESC",
        (answer,),
    )
    for (row,) in list(chains):
        store.run("DELETE FROM withdrawn WHERE decision = ?", (row,))
        store.run(
            "INSERT INTO withdrawn SELECT ?1 WHERE EXISTS (SELECT 1 FROM decision u WHERE u.undoes = ?1"
            " AND NOT EXISTS (SELECT 1 FROM withdrawn w WHERE w.decision = u.id))",
            (row,),
        )


def require_remembered(store: Store) -> None:
    """Raises UsageError if anything stands of a person, or of a face, whose data was dropped for good."""
    if store.value(
        "SELECT 1 FROM person p JOIN standing s ON s.person = p.id WHERE p.forgotten"
        " UNION ALL SELECT 1 FROM person p JOIN standing s ON s.other_person = p.id WHERE p.forgotten"
        " UNION ALL SELECT 1 FROM face f JOIN standing s ON s.face = f.id WHERE f.forgotten"
        " UNION ALL SELECT 1 FROM face f JOIN standing s ON s.other_face = f.id WHERE f.forgotten"
    ):
        raise UsageError(
            "this speaks of somebody who was forgotten for good, which nothing brings back: nothing was saved"
        )


def rejected(store: Store) -> Iterator[tuple[int, int]]:
    """(face, person) pairs of which a human said that they don't belong together."""
    yield from store.rows(
        "SELECT DISTINCT f.id, s.person FROM standing s JOIN face f ON f.subject = s.face WHERE s.verb = 'is-not'"
    )


def constraints(store: Store) -> Iterator[Decision]:
    """What stands of who is who (`is`, `is-not`, `same`, `different`), the latest first.

    An answer that a later one about the very same face and person took back isn't among them.
    """
    for verb, face, person, other in store.rows(
        "SELECT s.verb, f.id, s.person, o.id FROM standing s JOIN face f ON f.subject = s.face"
        " LEFT JOIN face o ON o.subject = s.other_face WHERE"
        " (s.verb IN ('same', 'different') AND s.face IS NOT NULL AND s.other_face IS NOT NULL)"
        " OR (s.verb = 'is' AND EXISTS (SELECT 1 FROM label l WHERE l.decision = s.id))"
        f" OR (s.verb = 'is-not' AND {STILL_NOT}) ORDER BY s.id DESC, f.id, o.id"
    ):
        yield Decision(verb, face, person, other)


@dataclass(frozen=True, slots=True)
class FaceDecision:
    """What stands of a face: said of it when and where; `person`: of `is` and `is-not`."""

    face: int
    verb: Verb
    person: int | None
    at: str
    origin: Origin


def face_decisions(store: Store) -> Iterator[FaceDecision]:
    """All that stands of single faces, by face, each thing once, as it was said last."""
    for row in store.rows(
        "SELECT f.id, said.verb, said.person, said.at, said.origin, max(said.decision) FROM ("
        "SELECT face, verb, person, at, origin, decision FROM label"
        " UNION ALL SELECT face, verb, person, at, origin, id FROM standing WHERE verb = 'a-face'"
        " UNION ALL SELECT s.face, s.verb, s.person, s.at, s.origin, s.id FROM standing s WHERE s.verb = 'is-not'"
        " AND NOT EXISTS (SELECT 1 FROM label l WHERE l.face = s.face AND l.person = s.person)"
        f" AND {STILL_NOT}) said JOIN face f ON f.subject = said.face GROUP BY f.id, said.verb, said.person"
        " ORDER BY f.id, max(said.decision)"
    ):
        yield FaceDecision(*row[:5])


def pair_decisions(store: Store) -> dict[tuple[int, int], tuple[Verb, str, Origin]]:
    """Pairs of faces, the lower id first: whether they are the `same` or `different`, said when and where last."""
    return {
        (min(pair), max(pair)): (verb, at, origin)
        for verb, at, origin, *pair in store.rows(
            "SELECT s.verb, s.at, s.origin, f.id, o.id FROM standing s JOIN face f ON f.subject = s.face"
            " JOIN face o ON o.subject = s.other_face WHERE s.verb IN ('same', 'different') ORDER BY s.id"
        )
    }


def people_pair_decisions(store: Store) -> Iterator[tuple[int, int, str, Origin]]:
    """Pairs of people who are two, said when and where."""
    yield from store.rows(
        "SELECT person, other_person, at, origin FROM standing WHERE verb IN ('different', 'split')"
        " AND other_person IS NOT NULL ORDER BY id"
    )


def shown_people(store: Store) -> set[int]:
    """People of whom it stands that the album is to show them."""
    return {
        row[0]
        for row in store.rows(
            "SELECT s.person FROM standing s WHERE s.verb IN ('hide', 'show') GROUP BY s.person"
            " HAVING max(CASE s.verb WHEN 'show' THEN s.id END) = max(s.id)"
        )
    }


def subjects_of(store: Store, person: int, verb: Literal["is", "is-not"]) -> list[int]:
    """The subjects of which it stands that they are this person, or that they aren't."""
    if verb == "is":
        return [row[0] for row in store.rows("SELECT face FROM label WHERE person = ? ORDER BY face", (person,))]
    return [
        row[0]
        for row in store.rows(
            "SELECT DISTINCT s.face FROM standing s WHERE s.person = ? AND s.verb = 'is-not' AND NOT EXISTS (SELECT 1"
            " FROM label l WHERE l.face = s.face AND l.person = s.person) ORDER BY s.face",
            (person,),
        )
    ]


def latest(store: Store) -> int:
    """The number of the last decision; 0 before the first."""
    return int(store.value("SELECT coalesce(max(id), 0) FROM decision"))


def people_changed_since(store: Store, number: int, people: Collection[int]) -> bool:
    """Whether anything was said or undone after decision `number` of these people as a whole."""
    rows = store.rows(
        "WITH RECURSIVE about(id) AS (SELECT coalesce(undoes, id) FROM decision WHERE id > ?"
        " UNION SELECT d.undoes FROM about JOIN decision d ON d.id = about.id WHERE d.undoes IS NOT NULL)"
        " SELECT d.person, d.other_person FROM about JOIN decision d ON d.id = about.id"
        " WHERE d.verb IN ('rename', 'hide', 'show', 'merge', 'split', 'different')",
        (number,),
    )
    return any(person in people or other in people for person, other in rows)


def different_people(store: Store) -> set[tuple[int, int]]:
    """Pairs of people, the lower id first, of whom a human said that they are two; merged ones as whom they are."""
    merged = people.resolve_merges(store)
    pairs = (
        {merged[one], merged[other]}
        for one, other, _, _ in people_pair_decisions(store)
        if one in merged and other in merged
    )
    return {(min(pair), max(pair)) for pair in pairs if len(pair) == 2}


def version_token(store: Store) -> tuple[int, str]:
    """Another one whenever anything was said, taken back or grouped anew, or photos went away or came back."""
    missing = store.value("SELECT count(*) FROM file WHERE state = 'missing'")
    return latest(store), f"{groups.version_token(store)} {missing}"


def reviewed(store: Store) -> list[int]:
    """Faces whose names a human gave, or looked at again, in a review."""
    return [
        row[0]
        for row in store.rows(
            "SELECT f.id FROM label l JOIN face f ON f.subject = l.face WHERE l.verb = 'is' AND l.origin = 'reviewed'"
        )
    ]


def counts(store: Store) -> dict[str, int]:
    """FaceDecision labels by verb, of faces on photos that are there."""
    return dict(
        store.rows(
            "SELECT l.verb, count(*) FROM label l WHERE EXISTS (SELECT 1 FROM face f JOIN file q ON q.photo = f.photo"
            " WHERE f.subject = l.face AND f.present AND q.state <> 'missing') GROUP BY l.verb"
        )
    )


def labels(store: Store) -> dict[int, tuple[str, int | None]]:
    """Face id → (verb, person id) of everything that a human labelled."""
    return {
        row[0]: (row[1], row[2])
        for row in store.rows("SELECT f.id, l.verb, l.person FROM label l JOIN face f ON f.subject = l.face")
    }
