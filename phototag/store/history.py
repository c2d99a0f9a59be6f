"""History: what was answered, when, and how it is undone and redone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Row

from phototag.store import decisions, face_places, models, person_updates
from phototag.store.connect import Store
from phototag.store.decisions import Decision
from phototag.store.implied import ImpliedDecisions
from phototag.store.moments import utc
from phototag.types import Origin, Verb


@dataclass(frozen=True, slots=True)
class Part:
    """What an answer said, of how many faces, about whom; `name`: the new one, of a rename (`person`: the one before).

    `undoes`: of an `undo`, the answer that it undid. If that is an undo itself, `of` is the answer that it all goes
    back to, and `redo` says whether it was redone. If it has a `person`, they were forgotten for good.
    """

    verb: Verb
    faces: int
    person: str | None
    other_person: str | None
    name: str | None
    undoes: int | None
    of: int | None = None
    redo: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its number, when it was given (ISO 8601, UTC), where, what it said.

    `stands`: if any of it does; else `undone_by`: the last undo that undid it, and stands.
    """

    number: int
    at: str
    origin: Origin
    stands: bool
    undone_by: int | None
    parts: tuple[Part, ...]

    @property
    def is_undo(self) -> bool:
        return any(part.verb == "undo" for part in self.parts)


def answers(store: Store, *, limit: int | None = None, number: int | None = None) -> Iterator[Answer]:
    """The answers, the latest first: all, the last ones, or the one of this number."""
    last: Answer | None = None
    for row in store.records(
        """
        SELECT d.answer, min(d.at) AS at, d.origin, max(d.stands) AS stands,
            max((SELECT max(u.answer) FROM journal u WHERE u.undoes = d.id AND u.stands)) AS undone_by,
            min(d.id) AS row, d.verb, count(d.face) AS faces,
            CASE d.verb
                WHEN 'rename' THEN coalesce(
                    (
                        SELECT r.name FROM decision r
                        WHERE r.person = d.person AND r.verb = 'rename' AND r.id < d.id
                        ORDER BY r.id DESC LIMIT 1
                    ),
                    p.given
                )
                ELSE p.name
            END AS person,
            o.name AS other_person, d.name, t.answer AS undoes
        FROM journal d
        LEFT JOIN person p ON p.id = d.person
        LEFT JOIN person o ON o.id = d.other_person
        LEFT JOIN decision t ON t.id = d.undoes
        WHERE d.answer BETWEEN :first AND :last
        GROUP BY d.answer, d.verb, d.person, d.other_person, d.name, t.answer
        ORDER BY d.answer DESC, min(d.id)
        """,
        _range(store, limit, number),
    ):
        parts: tuple[Part, ...] = (_part(store, row),)
        stands, undone_by = bool(row["stands"]), row["undone_by"]
        if last is not None and last.number == row["answer"]:
            stands, undone_by = last.stands or stands, max(last.undone_by or 0, undone_by or 0) or None
            parts = (*last.parts, *parts)
        elif last is not None:
            yield last
        last = Answer(row["answer"], row["at"], row["origin"], stands, undone_by, parts)
    if last is not None:
        yield last


def _range(store: Store, limit: int | None, number: int | None) -> dict[str, int]:
    """The first and the last answer that are wanted."""
    newest = int(store.value("SELECT coalesce(max(answer), 0) FROM decision"))
    if number is not None:
        return {"first": number, "last": number}
    return {"first": 0 if limit is None else newest - limit + 1, "last": newest}


def _part(store: Store, row: Row) -> Part:
    of, redo = None, False
    if row["undoes"] is not None:
        for answer, steps in store.rows(
            """
            WITH RECURSIVE down(id, answer, undoes, steps) AS (
                SELECT id, answer, undoes, 0 FROM decision WHERE id = :row
                UNION ALL
                SELECT d.id, d.answer, d.undoes, steps + 1 FROM down JOIN decision d ON d.id = down.undoes
            )
            SELECT answer, steps FROM down WHERE undoes IS NULL
            """,
            row=row["row"],
        ):
            of, redo = answer, steps % 2 == 0
    return Part(
        row["verb"], row["faces"], row["person"], row["other_person"], row["name"], row["undoes"], of=of, redo=redo
    )


def last_undoable(store: Store) -> int | None:
    """The last answer that can be undone: an undo as well as any other, but not that somebody was forgotten for good,
    and nothing that this undid."""
    value = store.value(
        "SELECT max(d.answer) FROM journal d WHERE NOT (d.verb = 'undo' AND d.person IS NOT NULL) AND d.stands"
    )
    return None if value is None else int(value)


def exists(store: Store, answer: int) -> bool:
    """Whether there is an answer of this number."""
    return store.value("SELECT 1 FROM decision WHERE answer = :answer", answer=answer) is not None


def stands(store: Store, answer: int) -> bool:
    """Whether any of an answer stands."""
    return store.value("SELECT 1 FROM journal d WHERE d.answer = :answer AND d.stands", answer=answer) is not None


def undoable_since(store: Store, when: datetime) -> list[int]:
    """The answers since a moment (with its time zone) that have to be undone for things to be as they were then."""
    given = store.column("SELECT DISTINCT answer FROM decision WHERE at >= :at ORDER BY answer", at=utc(when))
    return sorted({answer for answer, _ in _undoable(store, given)})


@dataclass(frozen=True, slots=True)
class JournalRow:
    """A row of the journal that isn't an undo."""

    id: int
    stands: bool
    verb: Verb
    face: int | None
    other_face: int | None
    person: int | None
    other_person: int | None


def root_rows(store: Store, answer: int) -> list[JournalRow]:
    """The rows of an answer that aren't undos, and those that it undoes or redoes in the end."""
    return [
        JournalRow(**row)
        for row in store.records(
            """
            WITH RECURSIVE down(id) AS (
                SELECT id FROM decision WHERE answer = :answer
                UNION
                SELECT d.undoes FROM down JOIN decision d ON d.id = down.id WHERE d.undoes IS NOT NULL
            )
            SELECT d.id, d.stands, d.verb, d.face, d.other_face, d.person, d.other_person
            FROM down JOIN journal d ON d.id = down.id
            WHERE d.undoes IS NULL
            ORDER BY d.id
            """,
            answer=answer,
        )
    ]


def _undoable(store: Store, answers: Iterable[int]) -> list[tuple[int, int]]:
    """(answer, row) of all that stands of these answers, but for undos of one another: both are undone anyway."""
    return list(
        store.rows(
            """
            WITH these(answer) AS (SELECT value FROM json_each(:answers))
            SELECT d.answer, d.id
            FROM journal d
            WHERE d.answer IN these AND d.stands
              AND NOT EXISTS (SELECT 1 FROM decision t WHERE t.id = d.undoes AND t.answer IN these)
            ORDER BY d.id
            """,
            answers=json.dumps(sorted(set(answers))),
        )
    )


def undo(store: Store, *answers: int, origin: Origin = "typed") -> int:
    """Undo all that these answers decided, as one answer (inside a write transaction); returns how many decisions.

    If one of them is an undo, what it undid stands again, in its old place among the answers. Decisions that a merge
    implied go, and come back, with the decisions that they repeat.

    Raises UsageError if somebody would get a name back that is another's by now, two people would each be merged into
    the other, or it is about somebody who was forgotten for good.
    """
    rows = [row for _, row in _undoable(store, answers)]
    if not rows:
        return 0
    number = decisions.record(store, [Decision("undo", undoes=row) for row in rows], origin)
    rows += _update_implied(store, number, origin)
    roots = root_rows(store, number)
    face_places.update_presence(
        store,
        {row.face for row in roots if row.face is not None},
        {row.face for row in roots if row.face is not None and row.verb == "a-face"},
    )
    people = person_updates.affected(store, number)
    person_updates.refresh(store, people)
    if people:
        models.drop_stale_guesses(store)
    return len(rows)


def _update_implied(store: Store, number: int, origin: Origin) -> list[int]:
    """Undo, as part of an undo, the implied decisions that lost their reason by it, and add those that are missing.

    Returns the rows that are undone.
    """
    roots = root_rows(store, number)
    implied = ImpliedDecisions(store, [row.id for row in roots if not row.stands])
    faces = {row.face for row in roots if row.face is not None}
    merges = [row for row in roots if row.verb == "merge"]
    faces |= implied.faces(who for row in merges for who in (row.person, row.other_person) if who is not None)
    unfounded: list[int] = []
    missing: list[Decision] = []
    for face in sorted(faces):
        rows, new = implied.of(face)
        unfounded += rows
        missing += new
    if unfounded:
        decisions.record(store, [Decision("undo", undoes=row) for row in unfounded], origin, undo=number)
    if missing:
        decisions.record(store, missing, origin, undo=number)
    return unfounded
