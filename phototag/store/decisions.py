"""The journal: every human decision is a row that is never changed or deleted; what holds now is derived."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from heapq import heapify, heappop, heappush
from typing import Literal

from phototag.store import people
from phototag.store.connect import Store
from phototag.types import Origin, Verb


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


def record(store: Store, decisions: Sequence[Decision], origin: Origin) -> int:
    """Write one answer, which may decide about many faces (inside a write transaction); returns its number."""
    answer = int(store.value("SELECT coalesce(max(answer), 0) + 1 FROM decision"))
    at = datetime.now(timezone.utc).isoformat(timespec="seconds")
    store.connection.executemany(
        "INSERT INTO decision (at, origin, answer, verb, face, person, other_face, undoes, other_person, name)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (at, origin, answer, d.verb, d.face, d.person, d.other_face, d.undoes, d.other_person, d.name)
            for d in decisions
        ],
    )
    _withdraw(store, {d.undoes for d in decisions if d.undoes is not None})
    return answer


def _withdraw(store: Store, undone: Iterable[int]) -> None:
    """Say anew of decisions whether they are undone, and of those that they undo in turn.

    A decision is undone if anything that stands undoes it. That comes after it: the latest goes first.
    """
    queued = set(undone)
    waiting = [-decision for decision in queued]
    heapify(waiting)
    while waiting:
        decision = -heappop(waiting)
        store.run("DELETE FROM withdrawn WHERE decision = ?", (decision,))
        store.run(
            "INSERT INTO withdrawn SELECT ? WHERE EXISTS (SELECT 1 FROM decision u WHERE u.undoes = ?"
            " AND NOT EXISTS (SELECT 1 FROM withdrawn w WHERE w.decision = u.id))",
            (decision, decision),
        )
        further = store.value("SELECT undoes FROM decision WHERE id = ?", (decision,))
        if further is not None and further not in queued:
            queued.add(further)
            heappush(waiting, -further)


def latest(store: Store) -> int:
    """The number of the last row of the journal, 0 if it is empty."""
    return int(store.value("SELECT coalesce(max(id), 0) FROM decision"))


def rejected(store: Store) -> Iterator[tuple[int, int]]:
    """(face, person) pairs of which a human said that they don't belong together."""
    yield from store.rows("SELECT DISTINCT face, person FROM standing WHERE verb = 'is-not'")


def statements(store: Store) -> Iterator[Decision]:
    """What stands of who is who (`is`, `is-not`, `same`, `different`), the latest first.

    An answer that a later one about the very same face and person took back isn't among them.
    """
    for verb, face, person, other in store.rows(
        "SELECT s.verb, s.face, s.person, s.other_face FROM standing s WHERE"
        " (s.verb IN ('same', 'different') AND s.face IS NOT NULL AND s.other_face IS NOT NULL)"
        " OR (s.verb = 'is' AND EXISTS (SELECT 1 FROM label l WHERE l.decision = s.id))"
        " OR (s.verb = 'is-not' AND NOT EXISTS (SELECT 1 FROM standing t WHERE t.face = s.face AND t.verb = 'is'"
        " AND t.person = s.person AND t.id > s.id)) ORDER BY s.id DESC"
    ):
        yield Decision(verb, face, person, other)


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands of a face: said of it when and where; `person`: of `is` and `is-not`."""

    face: int
    verb: Verb
    person: int | None
    at: str
    origin: Origin


def of_faces(store: Store) -> Iterator[Standing]:
    """All that stands of single faces, by face, each thing once, as it was said last."""
    for row in store.rows(
        "SELECT face, verb, person, at, origin, max(decision) FROM ("
        "SELECT face, verb, person, at, origin, decision FROM label"
        " UNION ALL SELECT face, verb, person, at, origin, id FROM standing WHERE verb = 'a-face'"
        " UNION ALL SELECT s.face, s.verb, s.person, s.at, s.origin, s.id FROM standing s WHERE s.verb = 'is-not'"
        " AND NOT EXISTS (SELECT 1 FROM label l WHERE l.face = s.face AND l.person = s.person)"
        " AND NOT EXISTS (SELECT 1 FROM standing t WHERE t.face = s.face AND t.verb = 'is' AND t.person = s.person"
        " AND t.id > s.id)) GROUP BY face, verb, person ORDER BY face, max(decision)"
    ):
        yield Standing(*row[:5])


def of_pairs(store: Store) -> dict[tuple[int, int], tuple[Verb, str, Origin]]:
    """Pairs of faces, the lower id first: whether they are the `same` or `different`, said when and where last."""
    return {
        (min(pair), max(pair)): (verb, at, origin)
        for verb, at, origin, *pair in store.rows(
            "SELECT verb, at, origin, face, other_face FROM standing WHERE verb IN ('same', 'different')"
            " AND face IS NOT NULL AND other_face IS NOT NULL ORDER BY id"
        )
    }


def of_two_people(store: Store) -> Iterator[tuple[int, int, str, Origin]]:
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


def of_person(store: Store, person: int, verb: Literal["is", "is-not"]) -> list[int]:
    """The faces of which it stands that they are this person, or that they aren't."""
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


def different_people(store: Store) -> set[tuple[int, int]]:
    """Pairs of people, the lower id first, of whom a human said that they are two; merged ones as whom they are."""
    meant = people.meant(store)
    said = ({meant[one], meant[other]} for one, other, _, _ in of_two_people(store) if one in meant and other in meant)
    return {(min(pair), max(pair)) for pair in said if len(pair) == 2}


def stamp(store: Store) -> tuple[int, str]:
    """Another one whenever anything was said, taken back or grouped anew."""
    grouped = store.value("SELECT at || ' ' || next_number FROM clustering")
    return latest(store), str(grouped)


def reviewed(store: Store) -> list[int]:
    """Faces whose names a human gave, or looked at again, in a review."""
    return [row[0] for row in store.rows("SELECT face FROM label WHERE verb = 'is' AND origin = 'reviewed'")]


def counts(store: Store) -> dict[str, int]:
    """Standing labels by verb."""
    return dict(store.rows("SELECT verb, count(*) FROM label GROUP BY verb"))


def labels(store: Store) -> dict[int, tuple[str, int | None]]:
    """Face id → (verb, person id) of everything that a human labelled."""
    return {row[0]: (row[1], row[2]) for row in store.rows("SELECT face, verb, person FROM label")}
