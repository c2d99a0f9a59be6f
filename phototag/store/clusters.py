"""The current groups of unknown faces."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from phototag.store.connect import Store
from phototag.types import Cluster


@dataclass(frozen=True, slots=True)
class Clustering:
    """The last grouping: the embedder's id, the first number that no group ever had, and the groups of all faces
    that took part (None: the face stands alone), each group's most central face first."""

    embedder: int
    next_number: int
    groups: dict[int, int | None]


def current(store: Store) -> Clustering | None:
    """The last grouping, or None before the first."""
    for embedder, next_number in store.rows("SELECT engine, next_number FROM clustering"):
        members = store.rows("SELECT face, cluster FROM cluster_member ORDER BY cluster, rank, face")
        return Clustering(embedder, next_number, dict(members))
    return None


def swap(
    store: Store,
    embedder: int,
    params: Mapping[str, object],
    groups: Sequence[Cluster],
    *,
    alone: Sequence[int] = (),
    appearance: Mapping[int, int] | None = None,
    next_number: int = 1,
    keep_labelled: bool = False,
) -> None:
    """Put new groups in the place of the old ones, in one transaction.

    `alone`: faces that took part and are in no group. `appearance`: by face, which of its person's appearances it
    belongs to; else each is one. `next_number`: all lower ones were used before. `keep_labelled`:
    faces with a label keep the groups that they had, should their labels be taken back.
    """
    appearance = appearance or {}
    with store.write():
        store.run(
            "DELETE FROM cluster_member WHERE face NOT IN (SELECT face FROM label)"
            if keep_labelled
            else "DELETE FROM cluster_member"
        )
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
            "INSERT OR REPLACE INTO cluster_member (face, cluster, rank, appearance) SELECT ?, ?, ?, ?"
            " WHERE EXISTS (SELECT 1 FROM face WHERE id = ?)"
        )
        store.connection.executemany(
            insert,
            (
                (face, group.number, rank, appearance.get(face, rank), face)
                for group in groups
                for rank, face in enumerate(group.face_ids)
            ),
        )
        store.connection.executemany(insert, ((face, None, 0, 0, face) for face in alone))
        store.run(
            "UPDATE clustering SET next_number ="
            " max(next_number, (SELECT coalesce(max(cluster), 0) + 1 FROM cluster_member))"
        )


def unnamed(store: Store) -> Iterator[Cluster]:
    """Groups with the members that nobody, human or machine, has named yet; who appears most often first.

    A burst, or copies of one photo, count as one appearance; among equals the larger group comes first.
    """
    number: int | None = None
    faces: list[int] = []
    for cluster, face in store.rows(
        "WITH open AS (SELECT m.cluster, m.rank, m.appearance, m.face FROM cluster_member m"
        " JOIN identity i ON i.face = m.face WHERE m.cluster IS NOT NULL AND i.person IS NULL AND i.verb IS NULL)"
        " SELECT o.cluster, o.face FROM open o JOIN (SELECT cluster, count(*) AS size,"
        " count(DISTINCT appearance) AS met FROM open GROUP BY cluster) s"
        " ON s.cluster = o.cluster WHERE s.size > 1 ORDER BY s.met DESC, s.size DESC, o.cluster, o.rank"
    ):
        if cluster != number and faces:
            yield Cluster(int(number or 0), tuple(faces))
            faces = []
        number = cluster
        faces.append(face)
    if faces:
        yield Cluster(int(number or 0), tuple(faces))


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
    """Where a face was seen: its photo, when that was taken (ISO 8601) if known, and how good the face is, 0 to 1."""

    photo: int
    taken_at: str | None
    quality: float


def sightings(store: Store) -> dict[int, Sighting]:
    """Every present face without a label, by id."""
    return {
        row[0]: Sighting(*row[1:])
        for row in store.rows(
            "SELECT f.id, f.photo, p.taken_at, f.quality FROM face f JOIN photo p ON p.id = f.photo"
            " WHERE f.present AND NOT EXISTS (SELECT 1 FROM label l WHERE l.face = f.id)"
        )
    }
