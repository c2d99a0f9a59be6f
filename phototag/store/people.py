"""People: whom the user named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from phototag.display import former_key, kept_name, name_key, numbered, person_name, printable
from phototag.errors import UsageError
from phototag.remedies import MergePeople
from phototag.store.connect import Store
from phototag.store.faces import CLAIMED
from phototag.store.migrations.m0008_name_keys import STANDS
from phototag.types import Person

#: A person `w` who is neither merged into another nor gone.
_HERE = "w.merged IS NULL AND NOT w.gone"
#: Whether anything was ever said of a person `p`.
_SAID = (
    "(EXISTS (SELECT 1 FROM decision d WHERE d.person = p.id)"
    " OR EXISTS (SELECT 1 FROM decision d WHERE d.other_person = p.id))"
)


def ensure(store: Store, name: str) -> Person:
    """The person of this name, made if new (inside a write transaction). Raises ValueError for no name.

    Whoever had the name, and of whom anything stands though no face is theirs any more, is back: their old answers
    may be brought back, too.
    """
    cleaned = person_name(name)
    known = find(store, cleaned) or _returned(store, cleaned)
    if known is None:
        reserve_name(store, None, cleaned)
        row = store.run(
            "INSERT INTO person (name, name_key, given) VALUES (?, ?, ?)", (cleaned, name_key(cleaned), cleaned)
        )
        return Person(int(row.lastrowid or 0), cleaned)
    return known


def _returned(store: Store, name: str) -> Person | None:
    for (person,) in store.rows(
        "SELECT p.id FROM person p WHERE p.name_key = ? AND p.gone AND p.merged IS NULL"
        " AND EXISTS (SELECT 1 FROM standing s WHERE s.person = p.id AND s.verb = 'is')",
        (name_key(name),),
    ):
        store.run("UPDATE person SET gone = 0 WHERE id = ?", (person,))
        return get(store, person)
    return None


def find(store: Store, name: str) -> Person | None:
    """The person of this name, however it is written; whoever was merged into somebody is that somebody.

    Raises ValueError for no name.
    """
    key = name_key(person_name(name))
    for (person,) in store.rows("SELECT id FROM person WHERE name_key = ?", (key,)):
        return resolve(store, person)
    return None


def reserve_name(store: Store, person: int | None, name: str) -> None:
    """Make a name free for a person (None: for a new one), inside a write transaction.

    Whoever is gone, or was merged into another, gives theirs up. Raises UsageError if somebody else has it.
    """
    for holder, gone, merged in store.rows(
        "SELECT id, gone, merged FROM person WHERE name_key = ? AND id IS NOT ?", (name_key(name), person)
    ):
        if not gone and merged is None:
            raise UsageError(f"somebody else is called {printable(name)}", MergePeople())
        _set_free(store, holder)


def refresh(store: Store, people: Iterable[int]) -> None:
    """Make of these people what the journal says now, unless they were forgotten (inside a write transaction).

    Raises UsageError if one's name belongs to somebody else by now.
    """
    told = []
    for person in sorted(set(people)):
        if store.value("SELECT forgotten FROM person WHERE id = ?", (person,)):
            continue
        given, renamed, merged, hidden, said, stands = next(
            store.rows(
                "SELECT p.given,"
                " (SELECT s.name FROM standing s WHERE s.person = p.id AND s.verb = 'rename'"
                " ORDER BY s.id DESC LIMIT 1),"
                " (SELECT s.other_person FROM standing s WHERE s.person = p.id AND s.verb = 'merge'"
                " ORDER BY s.id DESC LIMIT 1),"
                " (SELECT s.verb = 'hide' FROM standing s WHERE s.person = p.id AND s.verb IN ('hide', 'show')"
                f" ORDER BY s.id DESC LIMIT 1), {_SAID}, {STANDS} FROM person p WHERE p.id = ?",
                (person,),
            )
        )
        store.run(
            "UPDATE person SET merged = ?, hidden = ?, gone = ? WHERE id = ?",
            (merged, bool(hidden), bool(said and not stands), person),
        )
        told.append((person, renamed or given, merged is None and stands))
    # After all are known to be here or gone, and none has a name yet: they may hand on names, or trade them.
    here = [(person, name) for person, name, there in told if there]
    for person, _ in here:
        _set_free(store, person)
    for person, said_name in here:
        name = _apart(store, person, said_name)
        reserve_name(store, person, name)
        store.run("UPDATE person SET name = ?, name_key = ? WHERE id = ?", (name, name_key(name), person))
    _give_back(store)


def affected(store: Store, answer: int) -> set[int]:
    """People of whom an answer, or what it undoes or redoes, speaks, and who were ever named on its faces."""
    return {
        row[0]
        for row in store.rows(
            "WITH RECURSIVE down(id) AS (SELECT id FROM decision WHERE answer = ?"
            " UNION SELECT d.undoes FROM down JOIN decision d ON d.id = down.id WHERE d.undoes IS NOT NULL),"
            " about AS (SELECT d.face, d.person, d.other_person AS other FROM down JOIN decision d ON d.id = down.id)"
            " SELECT person FROM about WHERE person IS NOT NULL UNION SELECT other FROM about WHERE other IS NOT NULL"
            " UNION SELECT d.person FROM about JOIN decision d ON d.face = about.face AND d.verb = 'is'",
            (answer,),
        )
    }


def update_gone(store: Store, answer: int) -> None:
    """After an answer (inside a write transaction): a name that stands for nobody any more is gone, or is back.

    Raises UsageError if one who is back has a name that belongs to somebody else by now.
    """
    about = affected(store, answer)
    if about:
        marks = ", ".join("?" * len(about))
        changed = store.rows(
            f"SELECT p.id FROM person p WHERE p.id IN ({marks}) AND NOT p.forgotten AND p.gone <> NOT {STANDS}",
            tuple(about),
        )
        if found := [row[0] for row in changed]:
            refresh(store, found)


def _apart(store: Store, person: int, name: str) -> str:
    """What is said to be a person's name, as it is kept; numbered if it is another one's only since names are
    compared by more than case, as `Zoe` and `Zoe` with a character that shows nothing were two names once."""
    kept = kept_name(name)
    for (other,) in store.rows(
        "SELECT name FROM person WHERE name_key = ? AND id <> ? AND merged IS NULL AND NOT gone",
        (name_key(kept), person),
    ):
        if former_key(name) != former_key(other):
            taken = {row[0] for row in store.rows("SELECT name_key FROM person WHERE id <> ?", (person,))}
            return numbered(kept, taken)
    return kept


def _set_free(store: Store, person: int) -> None:
    """No name has a line break in it: the key is free, and still one of its own."""
    store.run("UPDATE person SET name_key = name_key || char(10) || id WHERE id = ?", (person,))


def _give_back(store: Store) -> None:
    """Names that merged people gave up, and that nobody has any more, mean them again; of several the latest."""
    gave_up = "SELECT id, name FROM person WHERE merged IS NOT NULL AND instr(name_key, char(10)) ORDER BY id DESC"
    for person, name in list(store.rows(gave_up)):
        holder, gone = next(
            store.rows("SELECT id, gone FROM person WHERE name_key = ?", (name_key(name),)), (None, True)
        )
        if gone:
            if holder is not None:
                _set_free(store, holder)
            store.run("UPDATE person SET name_key = ? WHERE id = ?", (name_key(name), person))


def get(store: Store, person: int) -> Person:
    """The person of this id."""
    for row in store.rows("SELECT id, name, hidden FROM person WHERE id = ?", (person,)):
        return Person(row[0], row[1], bool(row[2]))
    raise KeyError(person)


def resolve(store: Store, person: int) -> Person | None:
    """Who the person of this id is by now, whoever they were merged into; None if nobody (any more)."""
    for (found,) in store.rows(
        "WITH RECURSIVE who(id, merged, gone) AS (SELECT id, merged, gone FROM person WHERE id = ?"
        " UNION SELECT p.id, p.merged, p.gone FROM who JOIN person p ON p.id = who.merged)"
        " SELECT id FROM who WHERE merged IS NULL AND NOT gone",
        (person,),
    ):
        return get(store, found)
    return None


@dataclass(frozen=True, slots=True)
class PersonSummary:
    """A person with what is known of them; `sure` is the mean probability of the machine's tags."""

    person: Person
    confirmed: int
    tagged: int
    sure: float | None
    first: str | None
    last: str | None

    @property
    def faces(self) -> int:
        return self.confirmed + self.tagged


def summaries(store: Store) -> list[PersonSummary]:
    """Everybody, most faces first."""
    return [
        PersonSummary(Person(row[0], row[1], bool(row[2])), *row[3:])
        for row in store.rows(
            "WITH seen AS (SELECT i.person, count(*) FILTER (WHERE i.source = 'human') AS human,"
            " count(*) FILTER (WHERE i.source = 'machine') AS machine,"
            " avg(i.probability) FILTER (WHERE i.source = 'machine') AS sure, min(p.taken_at) AS first,"
            " max(p.taken_at) AS last FROM identity i JOIN photo p ON p.id = i.photo"
            " WHERE i.person IS NOT NULL GROUP BY i.person)"
            " SELECT w.id, w.name, w.hidden, coalesce(s.human, 0), coalesce(s.machine, 0), s.sure, s.first, s.last"
            f" FROM person w LEFT JOIN seen s ON s.person = w.id WHERE {_HERE}"
            " ORDER BY s.human + s.machine DESC, w.name_key"
        )
    ]


def aliases(store: Store, person: int) -> list[str]:
    """Names of those who turned out to be this person, alphabetically."""
    return [
        row[0]
        for row in store.rows(
            "WITH RECURSIVE they(id) AS (SELECT id FROM person WHERE merged = ?"
            " UNION SELECT p.id FROM they JOIN person p ON p.merged = they.id)"
            " SELECT name FROM person WHERE id IN they ORDER BY name_key",
            (person,),
        )
    ]


def names(store: Store) -> list[str]:
    """Every name, alphabetically."""
    return [row[0] for row in store.rows(f"SELECT name FROM person w WHERE {_HERE} ORDER BY name_key")]


def names_and_aliases(store: Store) -> list[tuple[str, int]]:
    """Every name, also of those who were merged into somebody, and who that is, alphabetically."""
    persons = resolve_merges(store)
    rows = store.rows("SELECT name, id FROM person WHERE NOT gone ORDER BY name_key")
    return [(name, persons[person]) for name, person in rows if person in persons]


def resolve_merges(store: Store) -> dict[int, int]:
    """Everybody, also who was merged into another → the person that they are."""
    return dict(
        store.rows(
            "WITH RECURSIVE who(id, person) AS (SELECT w.id, w.id FROM person w"
            f" WHERE {_HERE} UNION ALL SELECT p.id, who.person FROM who JOIN person p ON p.merged = who.id)"
            " SELECT id, person FROM who"
        )
    )


def aliases_by_person(store: Store) -> dict[int, list[str]]:
    """Person → the names of those merged into them, as far as these names still mean them."""
    found: dict[int, list[str]] = {}
    persons = resolve_merges(store)
    for one, name in store.rows(
        "SELECT id, name FROM person WHERE merged IS NOT NULL AND instr(name_key, char(10)) = 0 ORDER BY name_key"
    ):
        if one in persons:
            found.setdefault(persons[one], []).append(name)
    return found


def seen_together(store: Store, person: int) -> list[tuple[int, int]]:
    """Ids of the people seen in the same photos, and in how many, most first."""
    return list(
        store.rows(
            "SELECT b.person, count(DISTINCT a.photo) AS photos FROM identity a JOIN identity b ON b.photo = a.photo"
            f" AND b.person <> a.person WHERE a.person = ? AND a.face IN ({CLAIMED}) GROUP BY b.person"
            " ORDER BY photos DESC, b.person LIMIT 12",
            (person, person, person),
        )
    )


def cover(store: Store, person: int) -> int | None:
    """The face that shows a person best: confirmed before tagged, then by quality; of equals the largest."""
    value = store.value(
        f"SELECT i.face FROM identity i JOIN face f ON f.id = i.face WHERE i.person = ? AND i.face IN ({CLAIMED})"
        " ORDER BY i.source = 'human' DESC, round(f.quality, 1) DESC, f.w * f.h DESC, f.id LIMIT 1",
        (person, person, person),
    )
    return None if value is None else int(value)
