"""Keeps the rows of people as the journal says: their names, whom they were merged into, hidden, gone.

A person is *gone* once their name stands for nobody any more, because all answers about them were undone or replaced.
Names are unique by their key (`display.name_key`). A freed key ends with a line break, which no name has, and the
person's id.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from phototag.display import former_key, kept_name, name_key, numbered, printable
from phototag.errors import UsageError
from phototag.remedies import MergePeople
from phototag.store.connect import Store


def reserve_name(store: Store, person: int | None, name: str) -> None:
    """Free a name for a person (None: for a new one), inside a write transaction.

    Whoever is gone, or was merged into another, gives theirs up. Raises UsageError if somebody else has it.
    """
    for holder, gone, merged in store.rows(
        "SELECT id, gone, merged FROM person WHERE name_key = :key AND id IS NOT :person",
        key=name_key(name),
        person=person,
    ):
        if not gone and merged is None:
            raise UsageError(f"somebody else is called {printable(name)}", MergePeople())
        _free_name(store, holder)


def refresh(store: Store, people: Iterable[int]) -> None:
    """Update these people from the journal, unless they were forgotten (inside a write transaction).

    Raises UsageError if the name of one belongs to somebody else by now.
    """
    current: list[tuple[int, str]] = []
    for person in sorted(set(people)):
        row = store.record(
            """
            SELECT p.forgotten, p.given,
                (SELECT s.name FROM standing s WHERE s.person = p.id AND s.verb = 'rename' ORDER BY s.id DESC LIMIT 1)
                    AS renamed,
                (
                    SELECT s.other_person FROM standing s
                    WHERE s.person = p.id AND s.verb = 'merge'
                    ORDER BY s.id DESC LIMIT 1
                ) AS merged,
                (
                    SELECT s.verb = 'hide' FROM standing s
                    WHERE s.person = p.id AND s.verb IN ('hide', 'show')
                    ORDER BY s.id DESC LIMIT 1
                ) AS hidden,
                (
                    EXISTS (SELECT 1 FROM decision d WHERE d.person = p.id)
                    OR EXISTS (SELECT 1 FROM decision d WHERE d.other_person = p.id)
                ) AS decided,
                EXISTS (SELECT 1 FROM used_person u WHERE u.id = p.id) AS used
            FROM person p
            WHERE p.id = :person
            """,
            person=person,
        )
        if row is None or row["forgotten"]:
            continue
        store.run(
            "UPDATE person SET merged = :merged, hidden = :hidden, gone = :gone WHERE id = :person",
            person=person,
            merged=row["merged"],
            hidden=bool(row["hidden"]),
            gone=bool(row["decided"] and not row["used"]),
        )
        if row["merged"] is None and row["used"]:
            current.append((person, row["renamed"] or row["given"]))
    _give_names(store, current)


def _give_names(store: Store, current: Iterable[tuple[int, str]]) -> None:
    """Give people (who are current) the names that the journal says, which they may have handed on or traded."""
    current = list(current)
    for person, _ in current:
        _free_name(store, person)
    for person, decided in current:
        name = _numbered_if_taken(store, person, decided)
        reserve_name(store, person, name)
        store.run(
            "UPDATE person SET name = :name, name_key = :key WHERE id = :person",
            person=person,
            name=name,
            key=name_key(name),
        )
    _give_aliases_back(store)


def affected(store: Store, answer: int) -> set[int]:
    """People whom an answer, or what it undoes or redoes, is about, and who were ever named on its faces."""
    return set(
        store.column(
            """
            WITH RECURSIVE down(id) AS (
                SELECT id FROM decision WHERE answer = :answer
                UNION
                SELECT d.undoes FROM down JOIN decision d ON d.id = down.id WHERE d.undoes IS NOT NULL
            ),
            about AS (
                SELECT d.face, d.person, d.other_person AS other FROM down JOIN decision d ON d.id = down.id
            )
            SELECT person FROM about WHERE person IS NOT NULL
            UNION
            SELECT other FROM about WHERE other IS NOT NULL
            UNION
            SELECT d.person FROM about JOIN decision d ON d.face = about.face AND d.verb = 'is'
            """,
            answer=answer,
        )
    )


def update_gone(store: Store, answer: int) -> None:
    """After an answer (inside a write transaction): a name that stands for nobody any more is gone, or is back.

    Raises UsageError if one who is back has a name that belongs to somebody else by now.
    """
    changed = store.column(
        """
        SELECT p.id
        FROM person p
        WHERE p.id IN (SELECT value FROM json_each(:people)) AND NOT p.forgotten
          AND p.gone = EXISTS (SELECT 1 FROM used_person u WHERE u.id = p.id)
        """,
        people=json.dumps(sorted(affected(store, answer))),
    )
    if changed:
        refresh(store, changed)


def _numbered_if_taken(store: Store, person: int, name: str) -> str:
    """The name that the journal says, as it is kept; numbered if it is somebody else's only by today's comparison.

    Names are compared by more than case today: `Zoe`, and `Zoe` with a character that shows nothing, were two once.
    """
    kept = kept_name(name)
    for other in store.column(
        "SELECT name FROM current_person WHERE name_key = :key AND id <> :person", key=name_key(kept), person=person
    ):
        if former_key(name) != former_key(other):
            return numbered(kept, set(store.column("SELECT name_key FROM person WHERE id <> :person", person=person)))
    return kept


def _free_name(store: Store, person: int) -> None:
    store.run("UPDATE person SET name_key = name_key || char(10) || id WHERE id = :person", person=person)


def _give_aliases_back(store: Store) -> None:
    """Names that merged people gave up, and that nobody has any more, mean them again; of several the latest."""
    gave_up = "SELECT id, name FROM person WHERE merged IS NOT NULL AND instr(name_key, char(10)) ORDER BY id DESC"
    for person, name in list(store.rows(gave_up)):
        key = name_key(name)
        holder, gone = next(store.rows("SELECT id, gone FROM person WHERE name_key = :key", key=key), (None, True))
        if gone:
            if holder is not None:
                _free_name(store, holder)
            store.run("UPDATE person SET name_key = :key WHERE id = :person", key=key, person=person)
