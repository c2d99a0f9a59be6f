"""The groups that people see: base groups, changed by what humans said and by what the machine tagged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from copy import deepcopy
from dataclasses import dataclass

import numpy as np

from phototag.learn.arrays import Labels
from phototag.learn.cluster import PriorKnowledge, central_first, cluster, members, number_groups
from phototag.learn.constraints import Constraint, ConstraintSet
from phototag.store import decisions, derived, embeddings, engines, groups, models
from phototag.store.connect import Store
from phototag.store.derived import VersionToken
from phototag.store.groups import BaseGroups, Clustering, Sighting
from phototag.types import Thresholds, Vectors
from phototag.workflows.library.engines_in_use import current_embedder
from phototag.workflows.recognition.base_groups import low_quality, same_photo_keys
from phototag.workflows.recognition.conflicts import Conflict, read_constraints


@dataclass(frozen=True, slots=True, eq=False)
class GroupingInput:
    """What groups are made from, read at one moment.

    `ids`, `vectors` (n, dim): the unlabelled faces. `found`: ids and vectors of all faces that a detector found.
    `before`: the grouping that is there, with its `version`. `constraints`: what humans said of pairs; `left_out`: what
    contradicts it. `rejected`: (face, person) that a human said it is not. `tagged`: face → person by the machine.
    """

    token: VersionToken
    version: str
    embedder: int
    thresholds: Thresholds
    ids: list[int]
    vectors: Vectors
    found: tuple[list[int], Vectors]
    sightings: dict[int, Sighting]
    before: Clustering | None
    constraints: ConstraintSet
    left_out: list[Conflict]
    rejected: list[tuple[int, int]]
    tagged: dict[int, int]

    @classmethod
    def read(cls, store: Store) -> GroupingInput:
        """Raises TooLittleDataError before the first index."""
        with store.snapshot():
            embedder = current_embedder(store)
            ids, vectors = embeddings.vectors(store, embedder, where="unlabelled")
            constraints, left_out = read_constraints(store)
            return cls(
                token=derived.version_token(store),
                version=groups.version_token(store),
                embedder=embedder,
                thresholds=engines.thresholds(store, embedder),
                ids=ids,
                vectors=vectors,
                found=embeddings.vectors(store, embedder, where="found"),
                sightings=groups.sightings(store, dismissed=True),
                before=groups.current(store),
                constraints=constraints,
                left_out=left_out,
                rejected=list(decisions.rejected(store)),
                tagged=models.tagged(store),
            )


def constrain_groups(read: GroupingInput, base: BaseGroups) -> Labels:
    """(n,) group of each unlabelled face, −1 for a face that stands alone.

    Where no answer and no tag bears on any face, these are the base groups. Otherwise the faces that can't stay in
    their group leave it, and all are grouped again under the constraints.
    """
    ids, vectors, constraints = read.ids, read.vectors, deepcopy(read.constraints)
    row = {face: number for number, face in enumerate(ids)}
    base_number = np.array([base.groups.get(face) or 0 for face in ids], np.int64)
    ordered = [ids[place] for rows in members(base_number - 1) for place in rows[central_first(vectors[rows])].tolist()]
    refused = _refused_pairs(base, read.rejected, read.tagged, ordered)
    _add_named_beside(ids, read.sightings, constraints)
    constraints.add(Constraint(face, other, False) for face, other in refused)
    released: set[int] = set()
    first_of_group: dict[int, int] = {}
    leaving = {face for face, _ in refused}
    for face in sorted(ordered, key=lambda face: face in leaving):
        first = first_of_group.setdefault(base_number[row[face]], face)
        if constraints.add([Constraint(first, face, True)]):
            released.add(face)  # a human took it out of its group: it may go elsewhere
    nodes = np.array([constraints.representative(face) for face in ids], np.int64)
    _, parts = np.unique(np.where(base_number > 0, -base_number, np.arange(len(ids))), return_inverse=True)
    unchanged = len(np.unique(nodes)) == parts.max(initial=-1) + 1 and base.groups.keys() >= row.keys()
    if not released and unchanged:
        return number_groups(np.where(base_number > 0, base_number, -1))
    prior = _prior_knowledge(read, base, constraints, nodes, released, [*ordered, *ids])
    return cluster(vectors, read.thresholds, prior)


def _refused_pairs(
    base: BaseGroups, rejected: Iterable[tuple[int, int]], tagged: Mapping[int, int], ordered: Sequence[int]
) -> list[tuple[int, int]]:
    """(face, other) that should not be in one group: a human said that the face is not the person as whom the machine
    tagged the other. Of the others only the most central of each base group."""
    central: dict[int, dict[int | None, int]] = defaultdict(dict)  # by person and base group
    for face in ordered:
        if (person := tagged.get(face)) is not None:
            central[person].setdefault(base.groups[face], face)
    return sorted((face, other) for face, person in rejected for other in central[person].values())


def _add_named_beside(ids: Sequence[int], sightings: Mapping[int, Sighting], constraints: ConstraintSet) -> None:
    """Add that no face is a person who is named beside it in its photo, unless a human said so."""
    nodes = {constraints.representative(face) for face in ids}  # people outside have no must-link to any of these faces
    named: dict[int, set[int]] = defaultdict(set)
    for sighting in sightings.values():
        if sighting.person is not None and constraints.representative(-sighting.person) in nodes:
            named[sighting.photo].add(sighting.person)
    for face in ids:
        people = sorted(named.get(sightings[face].photo, ()))
        constraints.add(Constraint(face, -person, False) for person in people)


def _prior_knowledge(
    read: GroupingInput,
    base: BaseGroups,
    constraints: ConstraintSet,
    nodes: Labels,
    released: Set[int],
    bearers: Sequence[int],
) -> PriorKnowledge:
    """What is known of the unlabelled faces before they are grouped again.

    `nodes` (n,): the representative of each face; the first of its faces among `bearers` bears its cannot-link keys.
    """
    ids = read.ids
    _, place, sizes = np.unique(nodes, return_inverse=True, return_counts=True)
    row = {face: number for number, face in enumerate(ids)}
    keys = defaultdict(set, same_photo_keys(ids, read.sightings))
    keys_of_node = constraints.cannot_link_keys()
    for face in bearers:
        if own := keys_of_node.pop(int(nodes[row[face]]), None):
            keys[row[face]] |= own
    settled = np.array([face in base.groups and face not in released for face in ids], np.bool_)
    now = 1 + max(base.since.values(), default=-1)
    since = np.array([base.since.get(face, now) for face in ids], np.int64)
    return PriorKnowledge(
        must_link=np.where(sizes[place] > 1, place, -1),
        settled=settled,
        low_quality=low_quality(ids, read.sightings),
        cannot_link=keys,
        first_grouping=np.where(settled, since, now),
    )
