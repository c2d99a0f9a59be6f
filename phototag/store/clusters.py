"""The current groups of unknown faces."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import groupby
from typing import Any

from phototag.store.connect import Store
from phototag.types import Cluster


@dataclass(frozen=True, slots=True)
class Clustering:
    """The last grouping: the embedder's id, the thresholds that its groups were made with, the first number that no
    group ever had, the groups of all faces that took part (None: the face stands alone), each group's most central
    face first, and the number of the grouping in which each took part for the first time. `base`: the groups of all
    faces that a detector found, by their looks alone."""

    embedder: int
    params: dict[str, Any]
    next_number: int
    groups: dict[int, int | None]
    since: dict[int, int]
    base: dict[int, int | None] = field(default_factory=dict)


def current(store: Store) -> Clustering | None:
    """The last grouping, or None before the first."""
    for embedder, params, next_number in store.rows("SELECT engine, params, next_number FROM clustering"):
        members = list(store.rows("SELECT face, cluster, since FROM cluster_member ORDER BY cluster, rank, face"))
        groups, since = ({row[0]: row[column] for row in members} for column in (1, 2))
        found = store.rows("SELECT face, base FROM cluster_member WHERE base IS NOT NULL ORDER BY face")
        return Clustering(
            embedder, json.loads(params), next_number, groups, since, {face: base or None for face, base in found}
        )
    return None


def swap(
    store: Store,
    embedder: int,
    params: Mapping[str, object],
    groups: Sequence[Cluster],
    *,
    alone: Sequence[int] = (),
    appearance: Mapping[int, int] | None = None,
    since: Mapping[int, int] | None = None,
    next_number: int = 1,
    base: Mapping[int, int] | None = None,
    named: Mapping[int, int] | None = None,
) -> None:
    """Put new groups in the place of the old ones, in one transaction.

    `alone`: faces that took part and are in no group. `appearance`: by face, which of its person's appearances it
    belongs to; else each is one. `since`: by face, the number of the grouping in which it first took part; else 0.
    `next_number`: all lower ones were used before. `base`: by face, its group (from 1 on) by looks alone, 0 if it
    stands alone. Faces with a label belong to the group (`named`, by face) in which they would be without it, or else
    to the one that they had.
    """
    appearance, since, base, named = appearance or {}, since or {}, base or {}, named or {}
    with store.write():
        store.run("DELETE FROM cluster_member WHERE face NOT IN (SELECT face FROM label)")
        store.run("DELETE FROM clustering")
        store.run(
            "INSERT INTO clustering (at, engine, params, next_number) VALUES (?, ?, ?, ?)",
            (
                datetime.now(timezone.utc).isoformat(timespec="seconds"),
                embedder,
                json.dumps(params, sort_keys=True),
                next_number,
            ),
        )
        insert = (
            "INSERT OR REPLACE INTO cluster_member (face, cluster, rank, appearance, since) SELECT ?, ?, ?, ?, ?"
            " WHERE EXISTS (SELECT 1 FROM face WHERE id = ?)"
        )
        store.connection.executemany(
            insert,
            (
                (face, group.number, rank, appearance.get(face, rank), since.get(face, 0), face)
                for group in groups
                for rank, face in enumerate(group.face_ids)
            ),
        )
        store.connection.executemany(insert, ((face, None, 0, 0, since.get(face, 0), face) for face in alone))
        _put_base(store, base, since, named)
        store.run(
            "UPDATE clustering SET next_number ="
            " max(next_number, (SELECT coalesce(max(cluster), 0) + 1 FROM cluster_member))"
        )


def _put_base(store: Store, base: Mapping[int, int], since: Mapping[int, int], named: Mapping[int, int]) -> None:
    """Write the groups by looks alone, and those in which faces with a label would be without it."""
    store.run("UPDATE cluster_member SET base = NULL")
    store.connection.executemany(
        "INSERT INTO cluster_member (face, cluster, rank, appearance, since, base)"
        " SELECT id, NULL, 0, 0, ?, ? FROM face WHERE id = ?"
        " ON CONFLICT (face) DO UPDATE SET since = excluded.since, base = excluded.base",
        [(since.get(face, 0), number, face) for face, number in base.items()],
    )
    store.connection.executemany(
        "UPDATE cluster_member SET cluster = ? WHERE face = ? AND face IN (SELECT face FROM label)",
        [(number, face) for face, number in named.items()],
    )


@dataclass(frozen=True, slots=True)
class Unnamed:
    """A group's faces that nobody, human or machine, has named yet, the most central first, and in how many
    appearances they were met: a burst, or copies of one photo, count as one."""

    number: int
    face_ids: tuple[int, ...]
    met: int


def unnamed(store: Store, *, clear: float = 0.0) -> Iterator[Unnamed]:
    """Groups of two unnamed faces or more; who was met most often first, among equals the larger group.

    `clear`: faces of lower quality belong to their groups but don't count.
    """
    rows = store.rows(
        "WITH open AS (SELECT m.cluster, m.rank, m.face, CASE WHEN f.quality >= ? THEN m.appearance END AS met"
        " FROM cluster_member m JOIN identity i ON i.face = m.face JOIN face f ON f.id = m.face"
        " WHERE m.cluster IS NOT NULL AND i.person IS NULL AND i.verb IS NULL)"
        " SELECT o.cluster, o.face, s.met FROM open o JOIN (SELECT cluster, count(*) AS size, count(met) AS counted,"
        " count(DISTINCT met) AS met FROM open GROUP BY cluster) s ON s.cluster = o.cluster WHERE s.size > 1"
        " ORDER BY s.met DESC, s.counted DESC, s.size DESC, o.cluster, o.rank",
        (clear,),
    )
    for (number, met), group in groupby(rows, lambda row: (row[0], row[2])):
        yield Unnamed(number, tuple(face for _, face, _ in group), met)


def members(store: Store, number: int) -> list[int]:
    """The faces of one group that neither a human nor the machine has named, most central first."""
    return [
        row[0]
        for row in store.rows(
            "SELECT m.face FROM cluster_member m JOIN identity i ON i.face = m.face"
            " WHERE m.cluster = ? AND i.verb IS NULL AND i.person IS NULL ORDER BY m.rank",
            (number,),
        )
    ]


def exists(store: Store) -> bool:
    """Whether the library was ever clustered."""
    return store.value("SELECT 1 FROM clustering") is not None


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where a face was seen: its photo, when that was taken (ISO 8601) if known, how good the face is, 0 to 1, and
    the person that a human named, if any."""

    photo: int
    taken_at: str | None
    quality: float
    person: int | None = None


def sightings(store: Store, *, dismissed: bool = False) -> dict[int, Sighting]:
    """Every present face that a human named, or said nothing of, by id; `dismissed`: and all others, too."""
    wanted = "" if dismissed else " AND coalesce(l.verb, 'is') = 'is'"
    return {
        row[0]: Sighting(*row[1:])
        for row in store.rows(
            "SELECT f.id, f.photo, p.taken_at, f.quality, l.person FROM face f JOIN photo p ON p.id = f.photo"
            f" LEFT JOIN label l ON l.face = f.id WHERE f.present{wanted}"
        )
    }
