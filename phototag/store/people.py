"""People: whom the user named."""

from __future__ import annotations

from dataclasses import dataclass

from phototag.display import name_key, person_name
from phototag.store.connect import Store
from phototag.types import Person


def ensure(store: Store, name: str) -> Person:
    """The person of this name, made if new (inside a write transaction). Raises ValueError for no name."""
    cleaned = person_name(name)
    store.run(
        "INSERT INTO person (name, name_key) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (cleaned, name_key(cleaned)),
    )
    person = find(store, cleaned)
    assert person is not None
    return person


def find(store: Store, name: str) -> Person | None:
    """The person of this name, whatever its case."""
    for row in store.rows("SELECT id, name, hidden FROM person WHERE name_key = ?", (name_key(person_name(name)),)):
        return Person(row[0], row[1], bool(row[2]))
    return None


@dataclass(frozen=True, slots=True)
class Listed:
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


def listed(store: Store) -> list[Listed]:
    """Everybody, most faces first."""
    return [
        Listed(Person(row[0], row[1], bool(row[2])), *row[3:])
        for row in store.rows(
            "SELECT w.id, w.name, w.hidden, count(*) FILTER (WHERE i.source = 'human') AS human,"
            " count(*) FILTER (WHERE i.source = 'machine') AS machine,"
            " avg(i.probability) FILTER (WHERE i.source = 'machine'), min(p.taken_at), max(p.taken_at)"
            " FROM person w LEFT JOIN identity i ON i.person = w.id LEFT JOIN photo p ON p.id = i.photo"
            " GROUP BY w.id ORDER BY human + machine DESC, w.name_key"
        )
    ]


def names(store: Store) -> list[str]:
    """Every name, alphabetically."""
    return [row[0] for row in store.rows("SELECT name FROM person ORDER BY name_key")]


def together(store: Store, person: int) -> list[tuple[int, int]]:
    """Ids of the people seen in the same photos, and in how many, most first."""
    return list(
        store.rows(
            "SELECT b.person, count(DISTINCT a.photo) AS photos FROM identity a JOIN identity b ON b.photo = a.photo"
            " AND b.person <> a.person WHERE a.person = ? GROUP BY b.person ORDER BY photos DESC, b.person LIMIT 12",
            (person,),
        )
    )


def cover(store: Store, person: int) -> int | None:
    """The face that shows a person best: confirmed before tagged, then by quality."""
    value = store.value(
        "SELECT i.face FROM identity i JOIN face f ON f.id = i.face WHERE i.person = ?"
        " ORDER BY i.source = 'human' DESC, f.quality DESC, f.id LIMIT 1",
        (person,),
    )
    return None if value is None else int(value)
