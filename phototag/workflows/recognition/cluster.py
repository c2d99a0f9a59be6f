"""Cluster: put the faces that nobody labelled into groups that look like one person."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from copy import deepcopy
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import count

import numpy as np

from phototag.learn.appearances import appearances
from phototag.learn.cluster import Known, Labels, central_first, cluster, members, numbered
from phototag.learn.constraints import Reconciled, Statement
from phototag.progress import Progress
from phototag.store import decisions, derived, embeddings, engines, groups, models
from phototag.store.connect import Store
from phototag.store.derived import VersionToken
from phototag.store.groups import BaseGroups, Clustering, Sighting
from phototag.types import Group, Thresholds, Vectors
from phototag.workflows.library.engines_in_use import current_embedder
from phototag.workflows.recognition.conflicts import Conflict, answers, in_one_photo
from phototag.workflows.recognition.looks import by_looks, faint, marked


@dataclass(frozen=True, slots=True)
class Changed:
    """A group whose faces are not those that it had.

    `number`: as it is now, or was if it is gone. `was`: the number of the group that it was, None for a new one; of
    groups that are made anew it is the one with most of their faces. `before`, `after`: how many faces, without those
    that were named meanwhile. `gained`, `lost`: how many of them came and went.
    """

    number: int
    was: int | None
    before: int
    after: int
    gained: int
    lost: int


@dataclass(frozen=True, slots=True)
class Clustered:
    """How many faces went into how many groups, how many stand alone, and what is new.

    `joined`: faces that were in no group, and are in one that was there before; `founded`: groups that are new;
    `moved`: faces that are no longer in the group that they were in. `changed`: the groups behind these figures,
    those that change most first. `other_thresholds`: the groups that there are were made with others.
    """

    faces: int
    groups: int
    alone: int
    joined: int
    founded: int
    moved: int
    changed: tuple[Changed, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    other_thresholds: bool = False


def cluster_faces(store: Store, progress: Progress, *, from_scratch: bool = False, preview: bool = False) -> Clustered:
    """Put new faces into the groups that there are, make new groups of the rest, and swap the result in.

    Faces are grouped by their looks first, which changes with photos alone. From these groups and from what humans said
    the groups are made afresh each time, so that an answer that was undone leaves nothing behind.

    `from_scratch`, and a change of embedder, group all faces anew, under new numbers; `preview` only tells what would
    change, and writes nothing. What humans said holds either way. Raises TooLittleDataError before the first index.
    """
    read = _Read.at_once(store)
    ids, vectors, seen, before, thresholds = read.ids, read.vectors, read.seen, read.before, read.thresholds
    anew = from_scratch or before is None or before.embedder != read.embedder
    old = before.groups if before else {}
    params = asdict(thresholds) if anew or before is None else before.params
    progress.start(f"Grouping {len(ids):,} faces", None)
    looks = by_looks(*read.found, thresholds, seen, None if anew or before is None else before.base)
    labels = _shaped(read, looks)
    found = [[ids[row] for row in rows[central_first(vectors[rows])].tolist()] for rows in members(labels)]
    was = _matched(found, old)
    free = count(before.next_number if before else 1)
    numbers = [next(free) if anew or label not in was else was[label] for label in range(len(found))]
    new = groups.NewClustering(
        read.embedder,
        params,
        [Group(number, tuple(group)) for number, group in zip(numbers, found, strict=True)],
        alone=[ids[row] for row in np.flatnonzero(labels < 0)],
        appearance=_appearances(ids, vectors, labels, seen, thresholds.same),
        base=looks,
        next_number=before.next_number if before else 1,
        derived_from=read.token,
    )
    if not preview and not groups.swap(store, new, expected=read.version):
        return cluster_faces(store, progress, from_scratch=from_scratch)  # another program was faster
    progress.finish()
    there = {face: number for face in ids if (number := old.get(face)) is not None}
    changed = sorted(_changed(found, numbers, was, there), key=lambda group: (-group.gained - group.lost, group.number))
    return Clustered(
        faces=len(ids),
        groups=len(found),
        alone=int((labels < 0).sum()),
        joined=sum(face not in there for label in was for face in found[label]),
        founded=len(found) - len(was),
        moved=sum(group.lost for group in changed),
        changed=tuple(changed),
        conflicts=(
            *in_one_photo(store, read.embedder, ids, vectors, labels, seen, thresholds, read.said),
            *read.passed_over,
        ),
        other_thresholds=params != asdict(thresholds),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """What groups are made from, as it was at one moment: the unlabelled faces (`ids`, `vectors`), all that a detector
    `found`, what was `seen` and `said`, the groups `before` and their `version`, whom the machine `tagged`."""

    token: VersionToken
    version: str
    embedder: int
    thresholds: Thresholds
    ids: list[int]
    vectors: Vectors
    found: tuple[list[int], Vectors]
    seen: dict[int, Sighting]
    before: Clustering | None
    said: Reconciled
    passed_over: list[Conflict]
    rejected: list[tuple[int, int]]
    tagged: dict[int, int]

    @classmethod
    def at_once(cls, store: Store) -> _Read:
        """Raises TooLittleDataError before the first index."""
        with store.snapshot():
            embedder = current_embedder(store)
            return cls(
                derived.version_token(store),
                groups.version_token(store),
                embedder,
                engines.thresholds(store, embedder),
                *embeddings.vectors(store, embedder, where="unlabelled"),
                embeddings.vectors(store, embedder, where="found"),
                groups.sightings(store, dismissed=True),
                groups.current(store),
                *answers(store),
                list(decisions.rejected(store)),
                models.tagged(store),
            )


def _shaped(read: _Read, looks: BaseGroups) -> Labels:
    """The group of each unlabelled face: that by its looks, unless what humans said or the machine thinks bears
    on any of them. Then those that can't stay go elsewhere, and all are weighed again."""
    ids, vectors, said = read.ids, read.vectors, deepcopy(read.said)
    row = {face: number for number, face in enumerate(ids)}
    looked = np.array([looks.groups.get(face) or 0 for face in ids], np.int64)
    ordered = [ids[place] for rows in members(looked - 1) for place in rows[central_first(vectors[rows])].tolist()]
    refused = _refused(looks, read.rejected, read.tagged, ordered)
    _not_named_beside(ids, read.seen, said)
    said.add(Statement(face, other, False) for face, other in refused)
    loose: set[int] = set()
    firsts: dict[int, int] = {}
    leaving = {face for face, _ in refused}
    for face in sorted(ordered, key=lambda face: face in leaving):
        first = firsts.setdefault(looked[row[face]], face)
        if said.add([Statement(first, face, True)]):
            loose.add(face)  # a human took it out: it may go elsewhere
    tops = np.array([said.of(face) for face in ids], np.int64)
    _, parts = np.unique(np.where(looked > 0, -looked, np.arange(len(ids))), return_inverse=True)
    if not loose and len(np.unique(tops)) == parts.max(initial=-1) + 1 and looks.groups.keys() >= row.keys():
        return numbered(np.where(looked > 0, looked, -1))
    return cluster(vectors, read.thresholds, _known(ids, read.seen, looks, said, tops, loose, [*ordered, *ids]))


def _refused(
    looks: BaseGroups, rejected: Iterable[tuple[int, int]], tagged: Mapping[int, int], ordered: Sequence[int]
) -> list[tuple[int, int]]:
    """(face, other face) that should not be in one group: a human said that the one is not a person for whom the
    machine takes the other. Of the others only the most central of each group."""
    groups: dict[int, dict[int | None, int]] = defaultdict(dict)  # by person
    for face in ordered:
        if (person := tagged.get(face)) is not None:
            groups[person].setdefault(looks.groups[face], face)
    return sorted((face, other) for face, person in rejected for other in groups[person].values())


def _known(
    ids: Sequence[int],
    seen: Mapping[int, Sighting],
    looks: BaseGroups,
    said: Reconciled,
    tops: Labels,
    loose: Set[int],
    speakers: Sequence[int],
) -> Known:
    """What humans said, photos show and looks tell of faces, by row. `tops`: who stands for everybody with whom a face
    belongs together; the first of them among `speakers` has the marks of them all."""
    _, place, sizes = np.unique(tops, return_inverse=True, return_counts=True)
    row = {face: number for number, face in enumerate(ids)}
    marks = defaultdict(set, marked(ids, seen))
    said_marks = said.marks()
    for face in speakers:
        if own := said_marks.pop(int(tops[row[face]]), None):
            marks[row[face]] |= own
    settled = np.array([face in looks.groups and face not in loose for face in ids], np.bool_)
    now = 1 + max(looks.since.values(), default=-1)
    since = np.array([looks.since.get(face, now) for face in ids], np.int64)
    parts = np.where(sizes[place] > 1, place, -1)
    return Known(parts, settled, faint(ids, seen), marks, np.where(settled, since, now))


def _not_named_beside(ids: Sequence[int], seen: Mapping[int, Sighting], said: Reconciled) -> None:
    """Nobody is whom a human named beside them in one photo, unless a human said so."""
    bound = {said.of(face) for face in ids}  # whoever belongs to nobody with a name is kept apart from no other face
    named: dict[int, set[int]] = defaultdict(set)
    for sighting in seen.values():
        if sighting.person is not None and said.of(-sighting.person) in bound:
            named[sighting.photo].add(sighting.person)
    for face in ids:
        said.add(Statement(face, -person, False) for person in sorted(named.get(seen[face].photo, ())))


def _matched(found: Sequence[Sequence[int]], old: Mapping[int, int | None]) -> dict[int, int]:
    """By place in `found` the number that a group had: each number goes to the group with most of its faces."""
    votes = Counter(
        (label, number) for label, group in enumerate(found) for face in group if (number := old.get(face)) is not None
    )
    was: dict[int, int] = {}
    taken: set[int] = set()
    for (label, number), _ in sorted(votes.items(), key=lambda vote: (-vote[1], vote[0][1], vote[0][0])):
        if label not in was and number not in taken:
            was[label] = number
            taken.add(number)
    return was


def _changed(
    found: Sequence[Sequence[int]], numbers: Sequence[int], was: Mapping[int, int], there: Mapping[int, int]
) -> Iterator[Changed]:
    """The groups that are new, gone, or have other faces; `there`: the group that a face was in."""
    before = Counter(there.values())
    for label, (number, group) in enumerate(zip(numbers, found, strict=True)):
        old = was.get(label)
        had = 0 if old is None else before.pop(old)
        kept = sum(face in there and there[face] == old for face in group)
        if not had == kept == len(group):
            yield Changed(number, old, had, len(group), len(group) - kept, had - kept)
    for number, had in before.items():
        yield Changed(number, number, had, 0, 0, had)


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
