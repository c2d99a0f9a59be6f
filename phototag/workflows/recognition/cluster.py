"""Cluster: put the faces that nobody labelled into groups that look like one person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import count

import numpy as np

from phototag.extras import install_command
from phototag.learn.appearances import appearances
from phototag.learn.arrays import Labels
from phototag.learn.cluster import central_first, members
from phototag.learn.neighbours import EXACT, INDEX_PACKAGE, index_available
from phototag.progress import Progress
from phototag.store import groups as stored_groups
from phototag.store.connect import Store
from phototag.store.groups import NewClustering, Sighting
from phototag.types import Group, Vectors
from phototag.workflows.recognition.base_groups import update_base_groups
from phototag.workflows.recognition.conflicts import Conflict, conflicts_in_photos
from phototag.workflows.recognition.constrained_groups import GroupingInput, constrain_groups
from phototag.workflows.recognition.group_numbers import ChangedGroup, changed_groups, match_numbers


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
    changed: tuple[ChangedGroup, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    other_thresholds: bool = False


def cluster_faces(store: Store, progress: Progress, *, from_scratch: bool = False, preview: bool = False) -> Clustered:
    """Put new faces into the groups that there are, make new groups of the rest, and swap the result in.

    Base groups, by vectors and photos alone, are brought up to date first. From these and from what humans said the
    groups are made anew each time, so that an answer that was undone leaves nothing behind.

    `from_scratch`, and a change of embedder, group all faces anew, under new numbers; `preview` only tells what would
    change, and writes nothing. What humans said holds either way. Raises TooLittleDataError before the first index.
    """
    read = GroupingInput.read(store)
    ids, before, thresholds = read.ids, read.before, read.thresholds
    anew = from_scratch or before is None or before.embedder != read.embedder
    params = asdict(thresholds) if anew or before is None else before.params
    progress.start(f"Grouping {len(ids):,} faces", None)
    if len(read.found[0]) > EXACT and not index_available():
        progress.note(
            f"more than {EXACT:,} faces are compared one with another, which takes a quarter of an hour or more; for"
            f" an index that is faster run {install_command(INDEX_PACKAGE)}"
        )
    last = None if anew or before is None else before.base
    base = update_base_groups(*read.found, thresholds, read.sightings, last)
    labels = constrain_groups(read, base)
    groups = [[ids[row] for row in rows[central_first(read.vectors[rows])].tolist()] for rows in members(labels)]
    matched = match_numbers(groups, before.groups if before else {})
    free = count(before.next_number if before else 1)
    numbers = [next(free) if anew or place not in matched else matched[place] for place in range(len(groups))]
    new = NewClustering(
        read.embedder,
        params,
        [Group(number, tuple(group)) for number, group in zip(numbers, groups, strict=True)],
        alone=[ids[row] for row in np.flatnonzero(labels < 0)],
        appearance=_appearances(ids, read.vectors, labels, read.sightings, thresholds.same),
        base=base,
        next_number=before.next_number if before else 1,
        derived_from=read.token,
    )
    if not preview and not stored_groups.swap(store, new, expected=read.version):
        return cluster_faces(store, progress, from_scratch=from_scratch)  # another program was faster
    progress.finish()
    in_photos = conflicts_in_photos(
        store, read.embedder, ids, read.vectors, labels, read.sightings, thresholds, read.constraints
    )
    return _result(read, labels, groups, numbers, matched, (*in_photos, *read.left_out), params != asdict(thresholds))


def _result(
    read: GroupingInput,
    labels: Labels,
    groups: Sequence[Sequence[int]],
    numbers: Sequence[int],
    matched: Mapping[int, int],
    conflicts: tuple[Conflict, ...],
    other_thresholds: bool,
) -> Clustered:
    before = read.before.groups if read.before else {}
    old = {face: number for face in read.ids if (number := before.get(face)) is not None}
    changed = sorted(
        changed_groups(groups, numbers, matched, old), key=lambda group: (-group.gained - group.lost, group.number)
    )
    return Clustered(
        faces=len(read.ids),
        groups=len(groups),
        alone=int((labels < 0).sum()),
        joined=sum(face not in old for place in matched for face in groups[place]),
        founded=len(groups) - len(matched),
        moved=sum(group.lost for group in changed),
        changed=tuple(changed),
        conflicts=conflicts,
        other_thresholds=other_thresholds,
    )


def _appearances(
    ids: Sequence[int], vectors: Vectors, labels: Labels, sightings: Mapping[int, Sighting], same: float
) -> dict[int, int]:
    """For each face in a group, which of the group's appearances it belongs to."""
    found: dict[int, int] = {}
    for rows in members(labels):
        group = [ids[row] for row in rows.tolist()]
        numbers = appearances(vectors[rows], [_seconds(sightings[face].taken_at) for face in group], same)
        found.update(zip(group, numbers.tolist(), strict=True))
    return found


def _seconds(taken_at: str | None) -> float | None:
    return (datetime.fromisoformat(taken_at) - datetime.min).total_seconds() if taken_at else None
