"""The current groups of unknown faces."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone

from phototag.store.connect import Store
from phototag.types import Cluster


def swap(store: Store, embedder: int, params: Mapping[str, object], groups: Sequence[Cluster]) -> None:
    """Put new groups in the place of the old ones, in one transaction."""
    with store.write():
        store.run("DELETE FROM cluster_member")
        store.run("DELETE FROM clustering")
        store.run(
            "INSERT INTO clustering (at, engine, params) VALUES (?, ?, ?)",
            (
                datetime.now(timezone.utc).isoformat(timespec="seconds"),
                embedder,
                json.dumps(params, sort_keys=True),
            ),
        )
        store.connection.executemany(
            "INSERT INTO cluster_member (face, cluster, rank) SELECT ?, ?, ?"
            " WHERE EXISTS (SELECT 1 FROM face WHERE id = ?)",
            ((face, group.number, rank, face) for group in groups for rank, face in enumerate(group.face_ids)),
        )


def unnamed(store: Store) -> Iterator[Cluster]:
    """Groups with the members that nobody, human or machine, has named yet; largest first."""
    number: int | None = None
    faces: list[int] = []
    for cluster, face in store.rows(
        "WITH open AS (SELECT m.cluster, m.rank, m.face FROM cluster_member m JOIN identity i ON i.face = m.face"
        " WHERE i.person IS NULL AND i.verb IS NULL)"
        " SELECT o.cluster, o.face FROM open o JOIN (SELECT cluster, count(*) AS size FROM open GROUP BY cluster) s"
        " ON s.cluster = o.cluster WHERE s.size > 1 ORDER BY s.size DESC, o.cluster, o.rank"
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
