"""History: what was answered, when, and how it is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from phototag.store import decisions, faces, models, people
from phototag.store.connect import Store
from phototag.store.decisions import Decision
from phototag.types import Origin, Verb


@dataclass(frozen=True, slots=True)
class Part:
    """What an answer said, of how many faces, about whom; `name`: the new one, of a rename (`person`: the one before).

    `undoes`: of an `undo`, the answer that it undid. If that was an undo itself, something was done again, or undone
    again: `of` is the answer that it all goes back to, and `redo` whether that was brought back.
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
    """One answer: its number, when it was given (ISO 8601, UTC), where, what it said; `stands`: if any of it does,
    else `undone_by`: the answer that undid it last."""

    number: int
    at: str
    origin: Origin
    stands: bool
    undone_by: int | None
    parts: tuple[Part, ...]


def answers(store: Store, *, limit: int | None = None, number: int | None = None) -> Iterator[Answer]:
    """The answers, the latest first: all, the last ones, or the one of this number."""
    found: list[Answer] = []
    wanted = "" if limit is None else f"WHERE d.answer > (SELECT max(answer) FROM decision) - {int(limit)}"
    if number is not None:
        wanted = f"WHERE d.answer = {int(number)}"
    for answer, at, origin, stands, undone_by, example, *part in store.rows(
        "SELECT d.answer, min(d.at), d.origin, max(NOT EXISTS (SELECT 1 FROM withdrawn w WHERE w.decision = d.id)),"
        " max((SELECT max(u.answer) FROM decision u WHERE u.undoes = d.id"
        " AND NOT EXISTS (SELECT 1 FROM withdrawn w WHERE w.decision = u.id))), min(d.id),"
        " d.verb, count(d.face), CASE d.verb WHEN 'rename' THEN coalesce((SELECT r.name FROM decision r"
        " WHERE r.person = d.person AND r.verb = 'rename' AND r.id < d.id ORDER BY r.id DESC LIMIT 1), p.given)"
        " ELSE p.name END, o.name, d.name, t.answer FROM decision d LEFT JOIN person p ON p.id = d.person"
        " LEFT JOIN person o ON o.id = d.other_person LEFT JOIN decision t ON t.id = d.undoes"
        f" {wanted} GROUP BY d.answer, d.verb, d.person, d.other_person, d.name, t.answer"
        " ORDER BY d.answer DESC, min(d.id)"
    ):
        whole = _part(store, example, *part)
        if found and found[-1].number == answer:
            last = found.pop()
            stands, undone_by = last.stands or bool(stands), max(last.undone_by or 0, undone_by or 0) or None
            parts = (*last.parts, whole)
        else:
            yield from found
            stands, parts = bool(stands), (whole,)
        found = [Answer(answer, at, origin, stands, None if stands else undone_by, parts)]
    yield from found


def _part(store: Store, row: int, *told: Any) -> Part:
    of, redo = _goes_back_to(store, row) if told[-1] is not None else (None, False)
    return replace(Part(*told), of=of, redo=redo)


def _goes_back_to(store: Store, undo: int) -> tuple[int, bool]:
    """The answer that an undo (a row of the journal), and those that it undid, goes back to, and whether it brought
    that back."""
    for answer, steps in store.rows(
        "WITH RECURSIVE down(id, answer, undoes, steps) AS (SELECT id, answer, undoes, 0 FROM decision WHERE id = ?"
        " UNION ALL SELECT d.id, d.answer, d.undoes, steps + 1 FROM down JOIN decision d ON d.id = down.undoes)"
        " SELECT answer, steps FROM down WHERE undoes IS NULL",
        (undo,),
    ):
        return answer, steps % 2 == 0
    raise KeyError(undo)


def last(store: Store) -> int | None:
    """The last answer that stands, or of which anything does; an undo is one, too."""
    value = store.value(
        "SELECT max(answer) FROM decision d WHERE NOT EXISTS (SELECT 1 FROM withdrawn w WHERE w.decision = d.id)"
    )
    return None if value is None else int(value)


def exists(store: Store, answer: int) -> bool:
    """Whether there is an answer of this number."""
    return store.value("SELECT 1 FROM decision WHERE answer = ?", (answer,)) is not None


def stands(store: Store, answer: int) -> bool:
    """Whether any of an answer stands."""
    return bool(
        store.value(
            "SELECT 1 FROM decision d WHERE d.answer = ?"
            " AND NOT EXISTS (SELECT 1 FROM withdrawn w WHERE w.decision = d.id)",
            (answer,),
        )
    )


def since(store: Store, at: str) -> list[int]:
    """The answers given at or after a time (ISO 8601, UTC) of which anything still stands."""
    return [row[0] for row in store.rows("SELECT DISTINCT answer FROM standing WHERE at >= ? ORDER BY answer", (at,))]


#: What stands of an answer, and what merges repeated of it, unless another answer had said the same before.
_UNDONE = """
WITH RECURSIVE back(id) AS (
    SELECT d.id FROM decision d WHERE d.answer = ?
        AND NOT EXISTS (SELECT 1 FROM withdrawn w WHERE w.decision = d.id)
    UNION
    SELECT again.id FROM back JOIN decision d ON d.id = back.id AND d.verb IN ('is', 'is-not')
    JOIN decision m ON m.person = d.person AND m.verb = 'merge' AND m.id > d.id
    JOIN standing again ON again.face = d.face AND again.answer = m.answer AND again.verb = d.verb
        AND again.person = m.other_person
    WHERE NOT EXISTS (
        SELECT 1 FROM standing o WHERE o.face = d.face AND o.person = d.person AND o.verb = d.verb
        AND o.answer <> d.answer AND o.id < m.id
    )
)
SELECT id FROM back"""

#: What undos, and undos of undos, are about in the end.
_ABOUT = """
WITH RECURSIVE down(id, undoes) AS (
    SELECT id, undoes FROM decision WHERE id = ?
    UNION SELECT d.id, d.undoes FROM down JOIN decision d ON d.id = down.undoes
)
SELECT d.verb, d.face, d.person, d.other_person FROM down JOIN decision d ON d.id = down.id WHERE d.undoes IS NULL"""


def rows(store: Store, *answers: int) -> list[int]:
    """The rows of the journal that undoing these answers would undo.

    What a merge said again of somebody's faces goes with what it was said for.
    """
    return sorted({row for answer in answers for (row,) in store.rows(_UNDONE, (answer,))})


def undo(store: Store, *answers: int, origin: Origin = "typed") -> int:
    """Undo all that stands of these answers, as one (inside a write transaction); returns how many decisions.

    What an undo had undone holds again, at its old place among the answers.

    Raises UsageError if somebody would get a name back that is another's by now.
    """
    undone = rows(store, *answers)
    if not undone:
        return 0
    decisions.record(store, [Decision("undo", undoes=row) for row in undone], origin)
    about = [said for row in undone for said in store.rows(_ABOUT, (row,))]
    faces.settle(store, {face for _, face, _, _ in about if face is not None})
    whom = {person for said in about for person in said[2:] if person is not None}
    people.refresh(store, whom)
    for verb, _, person, other in about:
        if verb == "merge" and people.now(store, person) == people.now(store, other):
            models.hand_over(store, person, other)
    models.forget_tags(store)
    return len(undone)
