"""History: what was answered, when, and how it is undone and redone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from phototag.store import decisions, faces, models, people
from phototag.store.connect import Store
from phototag.store.decisions import IN_FORCE, Decision
from phototag.store.repeats import Repeats
from phototag.types import Origin, Verb


@dataclass(frozen=True, slots=True)
class Part:
    """What an answer said, of how many faces, about whom; `name`: the new one, of a rename (`person`: the one before).

    `undoes`: of an `undo`, the answer that it undid. If that is an undo itself, `of` is the answer that it all goes
    back to, and `redo` says whether it was brought back. If it has a `person`, they were forgotten for good.
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
    found: list[Answer] = []
    wanted = "" if limit is None else f"WHERE d.answer > (SELECT max(answer) FROM decision) - {int(limit)}"
    if number is not None:
        wanted = f"WHERE d.answer = {int(number)}"
    for answer, at, origin, stands, undone_by, row, *told in store.rows(
        f"SELECT d.answer, min(d.at), d.origin, max({IN_FORCE}),"
        " max((SELECT max(u.answer) FROM decision u WHERE u.undoes = d.id"
        " AND NOT EXISTS (SELECT 1 FROM withdrawn w WHERE w.decision = u.id))), min(d.id),"
        " d.verb, count(d.face), CASE d.verb WHEN 'rename' THEN coalesce((SELECT r.name FROM decision r"
        " WHERE r.person = d.person AND r.verb = 'rename' AND r.id < d.id ORDER BY r.id DESC LIMIT 1), p.given)"
        " ELSE p.name END, o.name, d.name, t.answer FROM decision d LEFT JOIN person p ON p.id = d.person"
        " LEFT JOIN person o ON o.id = d.other_person LEFT JOIN decision t ON t.id = d.undoes"
        f" {wanted} GROUP BY d.answer, d.verb, d.person, d.other_person, d.name, t.answer"
        " ORDER BY d.answer DESC, min(d.id)"
    ):
        parts: tuple[Part, ...] = (_part(store, row, told),)
        if found and found[-1].number == answer:
            last = found.pop()
            stands, undone_by = last.stands or stands, max(last.undone_by or 0, undone_by or 0) or None
            parts = (*last.parts, *parts)
        else:
            yield from found
        found = [Answer(answer, at, origin, bool(stands), undone_by, parts)]
    yield from found


def _part(store: Store, row: int, told: list[Any]) -> Part:
    part = Part(*told)
    if part.undoes is None:
        return part
    for answer, steps in store.rows(
        "WITH RECURSIVE down(id, answer, undoes, steps) AS (SELECT id, answer, undoes, 0 FROM decision WHERE id = ?"
        " UNION ALL SELECT d.id, d.answer, d.undoes, steps + 1 FROM down JOIN decision d ON d.id = down.undoes)"
        " SELECT answer, steps FROM down WHERE undoes IS NULL",
        (row,),
    ):
        part = replace(part, of=answer, redo=steps % 2 == 0)
    return part


def last_undoable(store: Store) -> int | None:
    """The last answer that can be undone: an undo as well as any other, but not that somebody was forgotten for good,
    and nothing that this took back."""
    value = store.value(
        f"SELECT max(d.answer) FROM decision d WHERE NOT (d.verb = 'undo' AND d.person IS NOT NULL) AND {IN_FORCE}"
    )
    return None if value is None else int(value)


def exists(store: Store, answer: int) -> bool:
    """Whether there is an answer of this number."""
    return store.value("SELECT 1 FROM decision WHERE answer = ?", (answer,)) is not None


def stands(store: Store, answer: int) -> bool:
    """Whether any of an answer stands."""
    return store.value(f"SELECT 1 FROM decision d WHERE d.answer = ? AND {IN_FORCE}", (answer,)) is not None


def undoable_since(store: Store, at: str) -> list[int]:
    """The answers since a time (ISO 8601, UTC) that have to be undone for things to be as they were then."""
    given = [row[0] for row in store.rows("SELECT DISTINCT answer FROM decision WHERE at >= ? ORDER BY answer", (at,))]
    return sorted({answer for answer, _ in _undoable(store, given)})


#: The rows of an answer (the first parameter), and those that they undo, and so on.
_DOWN = (
    "down(id) AS (SELECT id FROM decision WHERE answer = ?"
    " UNION SELECT d.undoes FROM down JOIN decision d ON d.id = down.id WHERE d.undoes IS NOT NULL)"
)


@dataclass(frozen=True, slots=True)
class Said:
    """A row of the journal that isn't an undo."""

    id: int
    stands: bool
    verb: Verb
    face: int | None
    other_face: int | None
    person: int | None
    other_person: int | None


def root_rows(store: Store, answer: int) -> list[Said]:
    """What an answer says itself, and what it undoes or redoes in the end."""
    return [
        Said(row[0], bool(row[1]), *row[2:])
        for row in store.rows(
            f"WITH RECURSIVE {_DOWN} SELECT d.id, {IN_FORCE}, d.verb, d.face, d.other_face, d.person,"
            " d.other_person FROM down JOIN decision d ON d.id = down.id WHERE d.undoes IS NULL ORDER BY d.id",
            (answer,),
        )
    ]


def _undoable(store: Store, answers: Iterable[int]) -> list[tuple[int, int]]:
    """(answer, row) of all that stands of these answers, but for undos of one another: both are undone anyway."""
    return list(
        store.rows(
            "WITH them(answer) AS (SELECT value FROM json_each(?))"
            f" SELECT d.answer, d.id FROM decision d WHERE d.answer IN them AND {IN_FORCE}"
            " AND NOT EXISTS (SELECT 1 FROM decision t WHERE t.id = d.undoes AND t.answer IN them) ORDER BY d.id",
            (json.dumps(sorted(set(answers))),),
        )
    )


def undo(store: Store, *answers: int, origin: Origin = "typed") -> int:
    """Undo all that these answers decided, as one (inside a write transaction); returns how many decisions.

    Of an undo: what it undid holds again, in its old place among the answers. What a merge said again of somebody's
    faces goes, and comes back, with what it was said for.

    Raises UsageError if somebody would get a name back that is another's by now, two people were one each way round, or
    it speaks of somebody who was forgotten for good.
    """
    rows = [row for _, row in _undoable(store, answers)]
    if not rows:
        return 0
    number = decisions.record(store, [Decision("undo", undoes=row) for row in rows], origin)
    rows += _settle_repeats(store, number, origin)
    whole = root_rows(store, number)
    faces.update_presence(
        store,
        {said.face for said in whole if said.face is not None},
        {said.face for said in whole if said.face is not None and said.verb == "a-face"},
    )
    about = people.affected(store, number)
    people.refresh(store, about)
    if about:
        models.drop_stale_guesses(store)
    return len(rows)


def _settle_repeats(store: Store, number: int, origin: Origin) -> list[int]:
    """Undo with an undo what lost its reason by it, and say again of whom faces are whose person was merged meanwhile;
    returns the rows that are undone."""
    whole = root_rows(store, number)
    repeats = Repeats(store, [said.id for said in whole if not said.stands])
    about = {said.face for said in whole if said.face is not None}
    merged = [said for said in whole if said.verb == "merge"]
    about |= repeats.faces(who for said in merged for who in (said.person, said.other_person) if who is not None)
    gone, again = [], []
    for face in sorted(about):
        rows, said_again = repeats.of(face)
        gone += rows
        again += said_again
    if gone:
        decisions.record(store, [Decision("undo", undoes=row) for row in gone], origin, undo=number)
    if again:
        decisions.record(store, again, origin, undo=number)
    return gone
