"""The current groups of unnamed faces."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from phototag.store import derived
from phototag.store.connect import Store
from phototag.store.derived import VersionToken
from phototag.store.moments import now
from phototag.types import Group


@dataclass(frozen=True, slots=True)
class BaseGroups:
    """Groups of all faces that a detector found by their embeddings alone, without any decision.

    `groups`: face → group, None for a face that stands alone. `since`: face → number of the clustering in which it
    first took part.
    """

    groups: dict[int, int | None]
    since: dict[int, int]


@dataclass(frozen=True, slots=True)
class Clustering:
    """The last clustering.

    `params`: the thresholds that it was made with. `next_number`: the first number that no group ever had. `groups`:
    face → group of all faces that took part (None: it stands alone), each group's most central face first. `base`: the
    groups without decisions, from which these were made.
    """

    embedder: int
    params: dict[str, Any]
    next_number: int
    groups: dict[int, int | None]
    base: BaseGroups


@dataclass(frozen=True, slots=True)
class NewClustering:
    """A clustering that was just computed.

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


def current(store: Store) -> Clustering | None:
    """The last clustering, or None before the first."""
    for engine, params, next_number in store.rows("SELECT engine, params, next_number FROM clustering"):
        groups = dict(store.rows("SELECT face, cluster FROM cluster_member ORDER BY cluster, rank, face"))
        found = list(store.rows("SELECT face, base, since FROM cluster_member WHERE base IS NOT NULL ORDER BY face"))
        base = BaseGroups({face: base or None for face, base, _ in found}, {face: since for face, _, since in found})
        return Clustering(engine, json.loads(params), next_number, groups, base)
    return None


def version_token(store: Store) -> str:
    """Changes whenever faces are grouped; empty before the first time."""
    return str(store.value("SELECT at || ' ' || next_number FROM clustering") or "")


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
            "INSERT INTO clustering (at, engine, params, next_number) VALUES (:at, :engine, :params, :next_number)",
            at=now(),
            engine=new.embedder,
            params=json.dumps(new.params, sort_keys=True),
            next_number=new.next_number,
        )
        _put_members(store, new)
        _put_base(store, new.base)
        store.run(
            """
            UPDATE clustering
            SET next_number = max(next_number, (SELECT coalesce(max(cluster), 0) + 1 FROM cluster_member))
            """
        )
        if new.derived_from is not None:
            derived.record(store, "groups", new.derived_from)
    return True


def _put_members(store: Store, new: NewClustering) -> None:
    """Faces that were forgotten meanwhile are left out."""
    members = (
        (face, group.number, rank, new.appearance.get(face, rank))
        for group in new.groups
        for rank, face in enumerate(group.face_ids)
    )
    insert = """
        INSERT OR REPLACE INTO cluster_member (face, cluster, rank, appearance)
        SELECT ?1, ?2, ?3, ?4
        WHERE EXISTS (SELECT 1 FROM face WHERE id = ?1)
        """
    store.run_many(insert, members)
    store.run_many(insert, ((face, None, 0, 0) for face in new.alone))


def _put_base(store: Store, base: BaseGroups) -> None:
    store.run("UPDATE cluster_member SET base = NULL")
    store.run_many(
        """
        INSERT INTO cluster_member (face, cluster, rank, appearance, since, base)
        SELECT id, NULL, 0, 0, :since, :base FROM face WHERE id = :face
        ON CONFLICT (face) DO UPDATE SET since = excluded.since, base = excluded.base
        """,
        [{"face": face, "since": base.since[face], "base": number or 0} for face, number in base.groups.items()],
    )


@dataclass(frozen=True, slots=True)
class Unnamed:
    """A group's faces that nobody, human or machine, has named yet, the most central first.

    `appearances`: how often these faces were met; a burst, or copies of one photo, count once.
    """

    number: int
    face_ids: tuple[int, ...]
    appearances: int


def unnamed(store: Store, *, clear: float = 0.0) -> Iterator[Unnamed]:
    """Groups of two unnamed faces or more, those with most appearances first, among equals the larger group.

    `clear`: faces of lower quality belong to their groups but don't count.
    """
    rows = store.rows(
        """
        WITH open AS (
            SELECT m.cluster, m.rank, m.face, CASE WHEN f.quality >= :clear THEN m.appearance END AS appearance
            FROM cluster_member m
            JOIN identity i ON i.face = m.face
            JOIN face f ON f.id = m.face
            WHERE m.cluster IS NOT NULL AND i.person IS NULL AND i.verb IS NULL
        ),
        sized AS (
            SELECT cluster, count(*) AS faces, count(appearance) AS clear_faces,
                count(DISTINCT appearance) AS appearances
            FROM open GROUP BY cluster
        )
        SELECT o.cluster, o.face, s.appearances
        FROM open o JOIN sized s ON s.cluster = o.cluster
        WHERE s.faces > 1
        ORDER BY s.appearances DESC, s.clear_faces DESC, s.faces DESC, o.cluster, o.rank
        """,
        clear=clear,
    )
    for (number, appearances), group in groupby(rows, lambda row: (row[0], row[2])):
        yield Unnamed(number, tuple(face for _, face, _ in group), appearances)


def members(store: Store, number: int) -> list[int]:
    """The faces of one group that neither a human nor the machine has named, most central first."""
    return store.column(
        """
        SELECT m.face
        FROM cluster_member m JOIN identity i ON i.face = m.face
        WHERE m.cluster = :number AND i.verb IS NULL AND i.person IS NULL
        ORDER BY m.rank
        """,
        number=number,
    )


def exists(store: Store) -> bool:
    """Whether the library was ever clustered."""
    return store.value("SELECT 1 FROM clustering") is not None


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where a face was seen: its photo, when that was taken (ISO 8601) if known, the face's quality (0 to 1), and the
    person that a human named, if any."""

    photo: int
    taken_at: str | None
    quality: float
    person: int | None = None


def sightings(store: Store, *, dismissed: bool = False) -> dict[int, Sighting]:
    """Every present face that a human named, or that has no label, by id; `dismissed`: and all others, too."""
    return {
        face: Sighting(photo, taken_at, quality, person)
        for face, photo, taken_at, quality, person in store.rows(
            """
            SELECT f.id, f.photo, p.taken_at, f.quality, l.person
            FROM face f
            JOIN present_photo p ON p.id = f.photo
            LEFT JOIN label l ON l.face = f.subject
            WHERE f.present AND (:dismissed OR coalesce(l.verb, 'is') = 'is')
            """,
            dismissed=dismissed,
        )
    }


def change_version_token(store: Store) -> None:
    """Make all who hold groups read them again (inside a write transaction)."""
    store.run("UPDATE clustering SET next_number = next_number + 1")
