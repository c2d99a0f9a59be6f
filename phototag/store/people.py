"""People: whom the user named."""

from __future__ import annotations

from dataclasses import dataclass

from phototag.display import name_key, person_name
from phototag.store.connect import Store
from phototag.store.person_updates import reserve_name
from phototag.types import Person


def ensure(store: Store, name: str) -> Person:
    """The person of this name, made if new (inside a write transaction). Raises ValueError for no name.

    Whoever had the name, and of whom a decision stands though no face is theirs any more, is back: their old answers
    may be redone, too.
    """
    cleaned = person_name(name)
    known = find(store, cleaned) or _returned(store, cleaned)
    if known is None:
        reserve_name(store, None, cleaned)
        row = store.run(
            "INSERT INTO person (name, name_key, given) VALUES (:name, :key, :name)",
            name=cleaned,
            key=name_key(cleaned),
        )
        return Person(int(row.lastrowid or 0), cleaned)
    return known


def _returned(store: Store, name: str) -> Person | None:
    person = store.value(
        """
        SELECT p.id
        FROM person p
        WHERE p.name_key = :key AND p.gone AND p.merged IS NULL
          AND EXISTS (SELECT 1 FROM standing s WHERE s.person = p.id AND s.verb = 'is')
        """,
        key=name_key(name),
    )
    if person is None:
        return None
    store.run("UPDATE person SET gone = 0 WHERE id = :person", person=person)
    return get(store, person)


def find(store: Store, name: str) -> Person | None:
    """The person of this name, however it is written; whoever was merged into somebody is that somebody.

    Raises ValueError for no name.
    """
    person = store.value("SELECT id FROM person WHERE name_key = :key", key=name_key(person_name(name)))
    return None if person is None else resolve(store, person)


def get(store: Store, person: int) -> Person:
    """The person of this id. Raises KeyError if there is none."""
    for number, name, hidden in store.rows("SELECT id, name, hidden FROM person WHERE id = :person", person=person):
        return Person(number, name, bool(hidden))
    raise KeyError(person)


def resolve(store: Store, person: int) -> Person | None:
    """Who the person of this id is after all merges; None if nobody (any more)."""
    found = store.value(
        """
        WITH RECURSIVE who(id, merged, gone) AS (
            SELECT id, merged, gone FROM person WHERE id = :person
            UNION
            SELECT p.id, p.merged, p.gone FROM who JOIN person p ON p.id = who.merged
        )
        SELECT id FROM who WHERE merged IS NULL AND NOT gone
        """,
        person=person,
    )
    return None if found is None else get(store, found)


def resolve_merges(store: Store) -> dict[int, int]:
    """Everybody, also who was merged into another → the person that they are."""
    return dict(store.rows("SELECT id, person FROM merged_person"))


@dataclass(frozen=True, slots=True)
class PersonSummary:
    """A person with their faces; `sure` is the mean probability of the tags, `first` and `last` when photos were taken.

    `confirmed`: faces that a human named; `tagged`: that the machine did.
    """

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
        PersonSummary(
            Person(row["id"], row["name"], bool(row["hidden"])),
            row["confirmed"],
            row["tagged"],
            row["sure"],
            row["first"],
            row["last"],
        )
        for row in store.records(
            """
            WITH seen AS (
                SELECT i.person,
                    count(*) FILTER (WHERE i.source = 'human') AS confirmed,
                    count(*) FILTER (WHERE i.source = 'machine') AS tagged,
                    avg(i.probability) FILTER (WHERE i.source = 'machine') AS sure,
                    min(p.taken_at) AS first,
                    max(p.taken_at) AS last
                FROM identity i JOIN photo p ON p.id = i.photo
                WHERE i.person IS NOT NULL
                GROUP BY i.person
            )
            SELECT w.id, w.name, w.hidden, coalesce(s.confirmed, 0) AS confirmed, coalesce(s.tagged, 0) AS tagged,
                s.sure, s.first, s.last
            FROM current_person w LEFT JOIN seen s ON s.person = w.id
            ORDER BY s.confirmed + s.tagged DESC, w.name_key
            """
        )
    ]


def names(store: Store) -> list[str]:
    """Every name, alphabetically."""
    return store.column("SELECT name FROM current_person ORDER BY name_key")


def aliases(store: Store, person: int) -> list[str]:
    """Names of those who turned out to be this person, alphabetically."""
    return store.column(
        """
        WITH RECURSIVE they(id) AS (
            SELECT id FROM person WHERE merged = :person
            UNION
            SELECT p.id FROM they JOIN person p ON p.merged = they.id
        )
        SELECT name FROM person WHERE id IN they ORDER BY name_key
        """,
        person=person,
    )


def names_and_aliases(store: Store) -> list[tuple[str, int]]:
    """Every name, also of those who were merged into somebody, and who that is, alphabetically."""
    return list(
        store.rows(
            """
            SELECT p.name, m.person
            FROM person p JOIN merged_person m ON m.id = p.id
            WHERE NOT p.gone
            ORDER BY p.name_key
            """
        )
    )


def aliases_by_person(store: Store) -> dict[int, list[str]]:
    """Person → the names of those merged into them, as far as these names still mean them."""
    found: dict[int, list[str]] = {}
    for person, name in store.rows(
        """
        SELECT m.person, p.name
        FROM person p JOIN merged_person m ON m.id = p.id
        WHERE p.merged IS NOT NULL AND instr(p.name_key, char(10)) = 0
        ORDER BY p.name_key
        """
    ):
        found.setdefault(person, []).append(name)
    return found


def seen_together(store: Store, person: int) -> list[tuple[int, int]]:
    """Ids of the people seen in the same photos, and in how many, most first."""
    return list(
        store.rows(
            """
            SELECT b.person, count(DISTINCT a.photo) AS photos
            FROM identity a
            JOIN identity b ON b.photo = a.photo AND b.person <> a.person
            WHERE a.person = :person AND a.face IN (SELECT face FROM person_face WHERE person = :person)
            GROUP BY b.person
            ORDER BY photos DESC, b.person
            LIMIT 12
            """,
            person=person,
        )
    )


def cover(store: Store, person: int) -> int | None:
    """The face that shows a person best: confirmed before tagged, then by quality; of equals the largest."""
    value = store.value(
        """
        SELECT i.face
        FROM identity i JOIN face f ON f.id = i.face
        WHERE i.person = :person AND i.face IN (SELECT face FROM person_face WHERE person = :person)
        ORDER BY i.source = 'human' DESC, round(f.quality, 1) DESC, f.w * f.h DESC, f.id
        LIMIT 1
        """,
        person=person,
    )
    return None if value is None else int(value)
