"""People: whom the user named."""

from __future__ import annotations

from dataclasses import dataclass

from phototag.display import name_key, person_name
from phototag.store.connect import Store
from phototag.store.faces import CLAIMED
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


def get(store: Store, person: int) -> Person:
    """The person of this id."""
    for row in store.rows("SELECT id, name, hidden FROM person WHERE id = ?", (person,)):
        return Person(row[0], row[1], bool(row[2]))
    raise KeyError(person)


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
            "WITH seen AS (SELECT i.person, count(*) FILTER (WHERE i.source = 'human') AS human,"
            " count(*) FILTER (WHERE i.source = 'machine') AS machine,"
            " avg(i.probability) FILTER (WHERE i.source = 'machine') AS sure, min(p.taken_at) AS first,"
            " max(p.taken_at) AS last FROM identity i JOIN photo p ON p.id = i.photo"
            " WHERE i.person IS NOT NULL GROUP BY i.person)"
            " SELECT w.id, w.name, w.hidden, coalesce(s.human, 0), coalesce(s.machine, 0), s.sure, s.first, s.last"
            " FROM person w LEFT JOIN seen s ON s.person = w.id ORDER BY s.human + s.machine DESC, w.name_key"
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
