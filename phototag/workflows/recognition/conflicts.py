"""Conflicts: answers, photos and faces that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from phototag.learn.arrays import Labels, Rows
from phototag.learn.constraints import Constraint, ConstraintSet
from phototag.learn.linkage import MergeBound
from phototag.store import decisions, embeddings, faces, people
from phototag.store.connect import Store
from phototag.store.decisions import Decision
from phototag.store.faces import Place
from phototag.store.groups import Sighting
from phototag.types import Thresholds, Vectors, Verb

#: Pairs of faces compared in one block.
_PAIRS = 65_536


@dataclass(frozen=True, slots=True)
class Conflict:
    """A contradiction. It is shown to the user; no answer is changed by it.

    Reason `one photo`: two faces of one photo look like one person, or are in one group (a mirror, a collage, a photo
    of a photo, twins). Reason `answers`: a decision, whose verb is `said`, about two faces or about a face and a
    `person`, contradicts later ones and is ignored in grouping.
    """

    reason: Literal["one photo", "answers"]
    faces: tuple[Place, ...]
    said: Verb | None = None
    person: str | None = None


def read_constraints(store: Store) -> tuple[ConstraintSet, list[Conflict]]:
    """The decisions that stand, as constraints, and those left out because they contradict later ones.

    Nodes are face ids, and −id for a person. Later decisions win.
    """
    constraints = ConstraintSet()
    standing = list(decisions.constraints(store))
    for person in {decision.person for decision in standing if decision.person}:
        constraints.add_person(-person)
    left_out = [_left_out(store, decision) for decision in standing if constraints.add([_constraint(decision)])]
    return constraints, left_out


def _constraint(decision: Decision) -> Constraint:
    other = decision.other_face if decision.person is None else -decision.person
    assert decision.face is not None and other is not None
    return Constraint(decision.face, other, decision.verb in ("is", "same"))


def _left_out(store: Store, decision: Decision) -> Conflict:
    places = tuple(faces.place(store, face) for face in (decision.face, decision.other_face) if face is not None)
    person = None if decision.person is None else people.get(store, decision.person).name
    return Conflict("answers", places, decision.verb, person)


def conflicts_in_photos(
    store: Store,
    embedder: int,
    ids: Sequence[int],
    vectors: Vectors,
    labels: Labels,
    sightings: Mapping[int, Sighting],
    thresholds: Thresholds,
    constraints: ConstraintSet,
) -> list[Conflict]:
    """Pairs of faces in one photo that look like one person, or are in one group, the nearest first.

    Pairs that a human has answered are left out. `ids`, `vectors` (n, dim) and `labels` (groups) are of the unlabelled
    faces.
    """
    labelled, labelled_people, labelled_vectors = embeddings.labelled(store, embedder)
    here = np.array([face in sightings for face in labelled], np.bool_)
    shown = [*ids, *np.array(labelled, np.int64)[here].tolist()]
    everybody = np.concatenate([vectors, labelled_vectors[here]])
    alone = -1 - np.arange(len(ids))
    people = len(ids) + np.array(labelled_people, np.int64)[here]
    groups = np.concatenate([np.where(labels < 0, alone, labels), people])
    photos = np.array([sightings[face].photo for face in shown], np.int64)
    keys = constraints.cannot_link_keys()
    bound = MergeBound(thresholds.join, thresholds.split)
    found: list[tuple[float, int, int]] = []
    for squared, one, two in _similar_in_one_photo(everybody, groups, photos, bound):
        nodes = constraints.representative(shown[one]), constraints.representative(shown[two])
        if nodes[0] != nodes[1] and keys.get(nodes[0], set()).isdisjoint(keys.get(nodes[1], ())):
            found.append((squared, min(shown[one], shown[two]), max(shown[one], shown[two])))
    return [
        Conflict("one photo", (faces.place(store, one), faces.place(store, other))) for _, one, other in sorted(found)
    ]


def _similar_in_one_photo(
    vectors: Vectors, groups: Labels, photos: Rows, bound: MergeBound
) -> Iterator[tuple[float, int, int]]:
    """(squared distance, row, higher row) of pairs in one photo that are in one group, or of which one face is near the
    other face or its group.

    On lfw-dev, with pairs of photos of many people merged into one photo, this finds 627 of the 633 pairs that would be
    in one group if they were in two photos, and 5 of 3,306 pairs of strangers. Only pairs within `join`: 565 and 3.
    """
    number = np.unique(groups, return_inverse=True)[1]
    sizes = np.bincount(number).astype(np.float64)
    means = np.zeros((len(sizes), vectors.shape[1]))
    np.add.at(means, number, vectors)
    means /= sizes[:, None]
    within = bound.for_size(sizes + 1)
    for one, two in _pairs_in_photos(photos):
        first, second = number[one], number[two]
        squared = _squared_distances(vectors[one], vectors[two])
        near = (squared < bound.join**2) | (first == second)
        near |= _squared_distances(vectors[one], means[second]) < within[second]
        near |= _squared_distances(vectors[two], means[first]) < within[first]
        for index in np.flatnonzero(near).tolist():
            yield float(squared[index]), int(one[index]), int(two[index])


def _squared_distances(one: npt.NDArray[Any], two: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """(n,) squared distances of unit vectors, row by row; to a mean of unit vectors: the mean squared distance."""
    return np.asarray(2 - 2 * np.einsum("ij,ij->i", one, two))


def _pairs_in_photos(photos: Rows) -> Iterator[tuple[Rows, Rows]]:
    """All pairs of rows with the same photo, the lower row first, in blocks."""
    order = np.argsort(photos, kind="stable")
    start = np.arange(len(order))
    for ahead in count(1):
        start = start[start < len(order) - ahead]
        start = start[photos[order[start]] == photos[order[start + ahead]]]
        if not len(start):
            return
        for at in range(0, len(start), _PAIRS):
            block = start[at : at + _PAIRS]
            yield order[block], order[block + ahead]
