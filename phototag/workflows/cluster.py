"""Cluster: put the faces that nobody labelled into groups that look like one person."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import count
from typing import Literal

import numpy as np

from phototag.errors import TooLittleDataError
from phototag.learn.appearances import appearances
from phototag.learn.cluster import Known, Labels, central_first, cluster, members
from phototag.learn.constraints import Reconciled, Statement
from phototag.progress import Progress
from phototag.store import clusters, decisions, engines, faces
from phototag.store.clusters import Clustering, Sighting
from phototag.store.connect import Store
from phototag.types import Cluster, Thresholds, Vectors

#: A face of lower quality founds no group and holds none together; it may join one. Quality tells how often a face is
#: recognised, beside a good one: here, once in seven times. In lfw-dev one face in 25 is below, most of them in the
#: background. Chosen low, because a face that is kept out in error costs its group a member.
CLEAR = 0.15


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two faces that are kept apart, or together, against the evidence.

    `one photo`: they look like one person, but stand in one photo (a mirror, a collage, a photo of a photo, twins).
    `answers`: later answers contradict an earlier one about them, which is passed over.
    """

    reason: Literal["one photo", "answers"]
    face: int
    other: int


@dataclass(frozen=True, slots=True)
class Clustered:
    """How many faces went into how many groups, how many stand alone, and what is new.

    `joined`: faces newly put into a group that was there before; `founded`: groups that are new; `moved`: faces that
    gained or lost another one among those that were grouped before.
    """

    faces: int
    groups: int
    alone: int
    joined: int
    founded: int
    moved: int
    conflicts: tuple[Conflict, ...] = ()


def cluster_faces(store: Store, progress: Progress, *, from_scratch: bool = False, preview: bool = False) -> Clustered:
    """Put new faces into the groups that there are, make new groups of the rest, and swap the result in.

    `from_scratch`, and a change of embedder, group all faces anew; `preview` only tells what would change. What
    humans said holds either way. Raises TooLittleDataError before the first index.
    """
    embedder = current_embedder(store)
    ids, vectors = faces.vectors(store, embedder, where="unlabelled")
    seen = clusters.sightings(store)
    thresholds = engines.thresholds(store, embedder)
    before = clusters.current(store)
    anew = from_scratch or before is None or before.embedder != embedder
    old = {} if anew or before is None else before.groups
    progress.start(f"Grouping {len(ids):,} faces", None)
    known, contradictions = _known(store, ids, [seen[face] for face in ids], old)
    labels = cluster(vectors, thresholds, known)
    next_number = 1 if anew or before is None else before.next_number
    groups = _numbered(ids, vectors, labels, old, next_number)
    if not preview:
        grouped = {face for group in groups for face in group.face_ids}
        clusters.swap(
            store,
            embedder,
            asdict(thresholds),
            groups,
            alone=[face for face in ids if face not in grouped],
            appearance=_appearances(ids, vectors, labels, seen, thresholds.same),
            next_number=next_number,
            keep_labelled=not anew,
        )
    progress.finish()
    twice = _twice(ids, vectors, labels, seen, thresholds)
    return _told(ids, groups, before, (*twice, *contradictions))


def current_embedder(store: Store) -> int:
    """The embedder of the last index. Raises TooLittleDataError if there was none."""
    found = engines.current(store, "embedder")
    if found is None:
        raise TooLittleDataError("no photo is indexed yet: run `phototag index FOLDER` first")
    return found[0]


def _known(
    store: Store, ids: Sequence[int], seen: Sequence[Sighting], old: Mapping[int, int | None]
) -> tuple[Known, list[Conflict]]:
    """What humans said, photos show and the last grouping left, by row; and which answers contradict later ones."""
    said = Reconciled()
    named = {face: person for face, (verb, person) in decisions.labels(store).items() if verb == "is" and person}
    for person in set(named.values()):
        said.name(-person)
    said.add(Statement(face, -person, True) for face, person in named.items())
    said.add(Statement(face, -person, False) for face, person in decisions.rejected(store))
    answers = [Statement(face, other, verb == "same") for verb, face, other in decisions.pairs(store)]
    contradictions = [Conflict("answers", statement.one, statement.other) for statement in said.add(answers)]

    row = {face: number for number, face in enumerate(ids)}
    loose: set[int] = set()
    firsts: dict[int, int] = {}
    for face, group in old.items():
        if face in row and group is not None:
            first = firsts.setdefault(group, face)
            if said.add([Statement(first, face, True)]):
                loose.add(face)  # a human took it out: it may go elsewhere
    tops = [said.of(face) for face in ids]
    counts = Counter(tops)
    number = {top: index for index, top in enumerate(top for top, size in counts.items() if size > 1)}
    marks: dict[int, set[int]] = defaultdict(set)
    said_marks = said.marks()
    photos = Counter(sighting.photo for sighting in seen)
    for place, (top, sighting) in enumerate(zip(tops, seen, strict=True)):
        if top in said_marks:
            marks[place] |= said_marks[top]
        if photos[sighting.photo] > 1:
            marks[place].add(-sighting.photo)
    known = Known(
        np.array([number.get(top, -1) for top in tops], np.int64),
        np.array([face in old and face not in loose for face in ids], np.bool_),
        np.array([sighting.quality < CLEAR for sighting in seen], np.bool_),
        marks,
    )
    return known, contradictions


def _numbered(
    ids: Sequence[int], vectors: Vectors, labels: Labels, old: Mapping[int, int | None], next_number: int
) -> list[Cluster]:
    """Groups under the numbers that they had, each number going to the group with most of its faces, or new ones."""
    found = [[ids[row] for row in rows[central_first(vectors[rows])].tolist()] for rows in members(labels)]
    votes = Counter(
        (label, number) for label, group in enumerate(found) for face in group if (number := old.get(face)) is not None
    )
    given: dict[int, int] = {}
    taken: set[int] = set()
    for (label, number), _ in sorted(votes.items(), key=lambda vote: (-vote[1], vote[0][1], vote[0][0])):
        if label not in given and number not in taken:
            given[label] = number
            taken.add(number)
    free = count(next_number)
    return [Cluster(given.get(label) or next(free), tuple(group)) for label, group in enumerate(found)]


def _appearances(
    ids: Sequence[int], vectors: Vectors, labels: Labels, seen: Mapping[int, Sighting], same: float
) -> dict[int, int]:
    found: dict[int, int] = {}
    for rows in members(labels):
        group = [ids[row] for row in rows.tolist()]
        numbers = appearances(vectors[rows], [_seconds(seen[face].taken_at) for face in group], same)
        found.update(zip(group, numbers.tolist(), strict=True))
    return found


def _seconds(taken_at: str | None) -> float | None:
    return (datetime.fromisoformat(taken_at) - datetime.min).total_seconds() if taken_at else None


def _twice(
    ids: Sequence[int], vectors: Vectors, labels: Labels, seen: Mapping[int, Sighting], thresholds: Thresholds
) -> list[Conflict]:
    """Pairs of faces of one photo that would be one person, were they not in one photo."""
    photos: dict[int, list[int]] = defaultdict(list)
    for row, face in enumerate(ids):
        photos[seen[face].photo].append(row)
    return [
        Conflict("one photo", ids[one], ids[other])
        for rows in photos.values()
        for place, one in enumerate(rows)
        for other in rows[place + 1 :]
        if (labels[one] < 0 or labels[one] != labels[other])
        and float(np.linalg.norm(vectors[one] - vectors[other])) < thresholds.join
    ]


def _told(
    ids: Sequence[int], groups: Sequence[Cluster], before: Clustering | None, conflicts: tuple[Conflict, ...]
) -> Clustered:
    old = before.groups if before else {}
    numbers = {number for number in old.values() if number is not None}
    now = {face: group.number for group in groups for face in group.face_ids}
    known = [(old[face] or -face, now.get(face, -face)) for face in ids if face in old]
    was, are, together = Counter(then for then, _ in known), Counter(here for _, here in known), Counter(known)
    return Clustered(
        faces=len(ids),
        groups=len(groups),
        alone=len(ids) - len(now),
        joined=sum(1 for face, number in now.items() if face not in old and number in numbers),
        founded=sum(1 for group in groups if group.number not in numbers),
        moved=sum(kept for (then, here), kept in together.items() if not was[then] == are[here] == kept),
        conflicts=conflicts,
    )
