"""The current groups of unknown faces."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import groupby
from typing import Any

from phototag.store import derived
from phototag.store.connect import Store
from phototag.store.derived import VersionToken
from phototag.store.photos import PRESENT
from phototag.types import Group


@dataclass(frozen=True, slots=True)
class BaseGroups:
    """The groups of all faces that a detector found by their looks alone, whatever was said of them: `groups` (None for
    a face that stands alone), and the number of the grouping in which each took part for the first time, `since`."""

    groups: dict[int, int | None]
    since: dict[int, int]


@dataclass(frozen=True, slots=True)
class Clustering:
    """The last grouping: the embedder's id, the thresholds that its groups were made with, the first number that no
    group ever had, the groups of all faces that took part (None: the face stands alone), each group's most central
    face first, and those by looks alone, that they were made from."""

    embedder: int
    params: dict[str, Any]
    next_number: int
    groups: dict[int, int | None]
    base: BaseGroups


def current(store: Store) -> Clustering | None:
    """The last grouping, or None before the first."""
    for embedder, params, next_number in store.rows("SELECT engine, params, next_number FROM clustering"):
        groups = dict(store.rows("SELECT face, cluster FROM cluster_member ORDER BY cluster, rank, face"))
        found = list(store.rows("SELECT face, base, since FROM cluster_member WHERE base IS NOT NULL ORDER BY face"))
        base_groups = BaseGroups(
            {face: base or None for face, base, _ in found}, {face: since for face, _, since in found}
        )
        return Clustering(embedder, json.loads(params), next_number, groups, base_groups)
    return None


def version_token(store: Store) -> str:
    """Another one whenever faces were grouped; empty before the first time."""
    return str(store.value("SELECT at || ' ' || next_number FROM clustering") or "")


@dataclass(frozen=True, slots=True)
class NewClustering:
    """A grouping that was just computed.

    `alone`: faces that took part and are in no group. `appearance`: face → which of its group's appearances it belongs
    to (default: each face is one). `base`: the groups without decisions, from which these were made. `next_number`: all
    lower group numbers were used before. `derived_from`: the version token of what was read to compute it.
    """

    embedder: int
    params: Mapping[str, object]
    groups: Sequence[Group]
    alone: Sequence[int] = ()
    appearance: Mapping[int, int] = field(default_factory=dict)
    base: BaseGroups = field(default_factory=lambda: BaseGroups({}, {}))
    next_number: int = 1
    derived_from: VersionToken | None = None


def swap(store: Store, new: NewClustering, *, expected: str | None = None) -> bool:
    """Replace the groups in one transaction, unless they are no longer those of version token `expected`.

    Returns whether they were replaced. Faces with a label keep their former groups, for when the label is undone.
    """
    with store.write():
        if expected is not None and version_token(store) != expected:
            return False
        store.run(
            "DELETE FROM cluster_member WHERE face NOT IN (SELECT f.id FROM label l JOIN face f ON f.subject = l.face)"
        )
        store.run("DELETE FROM clustering")
        store.run(
            "INSERT INTO clustering (at, engine, params, next_number) VALUES (?, ?, ?, ?)",
            (
                datetime.now(timezone.utc).isoformat(timespec="seconds"),
                new.embedder,
                json.dumps(new.params, sort_keys=True),
                new.next_number,
            ),
        )
        insert = (
            "INSERT OR REPLACE INTO cluster_member (face, cluster, rank, appearance) SELECT ?, ?, ?, ?"
            " WHERE EXISTS (SELECT 1 FROM face WHERE id = ?)"
        )
        store.connection.executemany(
            insert,
            (
                (face, group.number, rank, new.appearance.get(face, rank), face)
                for group in new.groups
                for rank, face in enumerate(group.face_ids)
            ),
        )
        store.connection.executemany(insert, ((face, None, 0, 0, face) for face in new.alone))
        _put_base(store, new.base)
        store.run(
            "UPDATE clustering SET next_number ="
            " max(next_number, (SELECT coalesce(max(cluster), 0) + 1 FROM cluster_member))"
        )
        if new.derived_from is not None:
            derived.record(store, "groups", new.derived_from)
    return True


def _put_base(store: Store, base: BaseGroups) -> None:
    store.run("UPDATE cluster_member SET base = NULL")
    store.connection.executemany(
        "INSERT INTO cluster_member (face, cluster, rank, appearance, since, base)"
        " SELECT id, NULL, 0, 0, ?, ? FROM face WHERE id = ?"
        " ON CONFLICT (face) DO UPDATE SET since = excluded.since, base = excluded.base",
        [(base.since[face], number or 0, face) for face, number in base.groups.items()],
    )


@dataclass(frozen=True, slots=True)
class Unnamed:
    """A group's faces that nobody, human or machine, has named yet, the most central first, and in how many
    appearances they were met: a burst, or copies of one photo, count as one."""

    number: int
    face_ids: tuple[int, ...]
    appearances: int


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
            "SELECT f.id, f.photo, p.taken_at, f.quality, l.person FROM face f"
            f" JOIN photo p ON p.id = f.photo AND {PRESENT}"
            " LEFT JOIN label l ON l.face = f.subject WHERE f.present" + wanted
        )
    }
