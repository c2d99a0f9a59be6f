"""History: what was answered, when, and how it is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from phototag.store import decisions, faces, models, people
from phototag.store.connect import Store
from phototag.store.decisions import Decision
from phototag.types import Origin, Verb


@dataclass(frozen=True, slots=True)
class Part:
    """What an answer said, of how many faces, about whom; `name`: the new one, of a rename (`person`: the one before).

    `undoes`: of an `undo`, the answer that it took back; if that has a `person`, they were forgotten for good.
    """

    verb: Verb
    faces: int
    person: str | None
    other_person: str | None
    name: str | None
    undoes: int | None


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its number, when it was given (ISO 8601, UTC), where, what it said; `stands`: if any of it does."""

    number: int
    at: str
    origin: Origin
    stands: bool
    parts: tuple[Part, ...]


def answers(store: Store, *, limit: int | None = None) -> Iterator[Answer]:
    """The answers, the latest first."""
    found: list[Answer] = []
    wanted = "" if limit is None else f"WHERE d.answer > (SELECT max(answer) FROM decision) - {int(limit)}"
    for number, at, origin, stands, *part in store.rows(
        "SELECT d.answer, min(d.at), d.origin, max(d.verb <> 'undo' AND NOT EXISTS"
        " (SELECT 1 FROM decision u WHERE u.undoes = d.id)),"
        " d.verb, count(d.face), CASE d.verb WHEN 'rename' THEN coalesce((SELECT r.name FROM decision r"
        " WHERE r.person = d.person AND r.verb = 'rename' AND r.id < d.id ORDER BY r.id DESC LIMIT 1), p.given)"
        " ELSE p.name END, o.name, d.name, t.answer FROM decision d LEFT JOIN person p ON p.id = d.person"
        " LEFT JOIN person o ON o.id = d.other_person LEFT JOIN decision t ON t.id = d.undoes"
        f" {wanted} GROUP BY d.answer, d.verb, d.person, d.other_person, d.name, t.answer"
        " ORDER BY d.answer DESC, min(d.id)"
    ):
        if found and found[-1].number == number:
            last = found.pop()
            found.append(Answer(number, at, origin, last.stands or bool(stands), (*last.parts, Part(*part))))
        else:
            yield from found
            found = [Answer(number, at, origin, bool(stands), (Part(*part),))]
    yield from found


def last(store: Store) -> int | None:
    """The latest answer of which anything still stands."""
    value = store.value("SELECT max(answer) FROM standing")
    return None if value is None else int(value)


def exists(store: Store, answer: int) -> bool:
    """Whether there is an answer of this number that isn't itself an undo."""
    return store.value("SELECT 1 FROM decision WHERE answer = ? AND verb <> 'undo'", (answer,)) is not None


def stands(store: Store, answer: int) -> bool:
    """Whether any of an answer still stands."""
    return store.value("SELECT 1 FROM standing WHERE answer = ?", (answer,)) is not None


def about(store: Store, answer: int) -> set[int]:
    """The people (ids) of whom an answer speaks, merged ones as whom they are now."""
    return {
        person
        for (person,) in store.rows(
            "WITH RECURSIVE who(id) AS (SELECT person FROM decision WHERE answer = ?"
            " UNION SELECT other_person FROM decision WHERE answer = ?"
            " UNION SELECT p.merged FROM who JOIN person p ON p.id = who.id)"
            " SELECT id FROM who WHERE id IS NOT NULL",
            (answer, answer),
        )
    }


def since(store: Store, at: str) -> list[int]:
    """The answers given at or after a time (ISO 8601, UTC) of which anything still stands."""
    return [row[0] for row in store.rows("SELECT DISTINCT answer FROM standing WHERE at >= ? ORDER BY answer", (at,))]


#: What stands of an answer, and what merges repeated of it, unless another answer had said the same before.
_TAKEN_BACK = """
WITH RECURSIVE back(id) AS (
    SELECT id FROM standing WHERE answer = ?
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
SELECT d.id, d.face, d.verb FROM decision d WHERE d.id IN back ORDER BY d.id"""


def undo(store: Store, *answers: int, origin: Origin = "typed") -> int:
    """Take back all that these answers decided, as one (inside a write transaction); returns how many decisions.

    What a merge said again of somebody's faces goes with what it was said for.

    Raises UsageError if somebody would get a name back that is another's by now, or was forgotten for good.
    """
    standing = list({row[0]: row for answer in answers for row in store.rows(_TAKEN_BACK, (answer,))}.values())
    if standing:
        answer = decisions.record(store, [Decision("undo", undoes=row[0]) for row in standing], origin)
        faces.settle(
            store,
            {row[1] for row in standing if row[1] is not None},
            shown={row[1] for row in standing if row[2] == "a-face"},
        )
        about = people.touched(store, answer)
        people.refresh(store, about)
        decisions.require_remembered(store)
        if about:
            models.forget_tags(store)
    return len(standing)
