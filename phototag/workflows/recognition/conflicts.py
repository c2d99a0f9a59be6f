"""Conflicts: what answers, photos and faces say that can't all be true."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from phototag.learn.cluster import Labels
from phototag.learn.constraints import Reconciled, Statement
from phototag.learn.linkage import Bound
from phototag.store import decisions, embeddings, faces, people
from phototag.store.connect import Store
from phototag.store.decisions import Decision
from phototag.store.faces import Place
from phototag.store.groups import Sighting
from phototag.types import Thresholds, Vectors, Verb

Rows = npt.NDArray[np.int64]

#: Pairs of faces that are compared at once.
_PAIRS = 65_536


@dataclass(frozen=True, slots=True)
class Conflict:
    """What can't all be true; it is shown, and nobody's answer is changed by it.

    `one photo`: two faces look like one person, or are in one group, but stand in one photo (a mirror, a collage, a
    photo of a photo, twins). `answers`: what a human `said`, of two faces or of a face and a `person`, contradicts
    later answers, and groups pass it over.
    """

    reason: Literal["one photo", "answers"]
    faces: tuple[Place, ...]
    said: Verb | None = None
    person: str | None = None


def answers(store: Store) -> tuple[Reconciled, list[Conflict]]:
    """What humans said of who is who, the latest first, and what is passed over. A person's node is −id."""
    said = Reconciled()
    spoken = list(decisions.constraints(store))
    for person in {decision.person for decision in spoken if decision.person}:
        said.name(-person)
    return said, [_passed_over(store, decision) for decision in spoken if said.add([_statement(decision)])]


def _statement(decision: Decision) -> Statement:
    other = decision.other_face if decision.person is None else -decision.person
    assert decision.face is not None and other is not None
    return Statement(decision.face, other, decision.verb in ("is", "same"))


def _passed_over(store: Store, decision: Decision) -> Conflict:
    places = tuple(faces.place(store, face) for face in (decision.face, decision.other_face) if face is not None)
    person = None if decision.person is None else people.get(store, decision.person).name
    return Conflict("answers", places, decision.verb, person)


def in_one_photo(
    store: Store,
    embedder: int,
    ids: Sequence[int],
    vectors: Vectors,
    labels: Labels,
    seen: Mapping[int, Sighting],
    thresholds: Thresholds,
    said: Reconciled,
) -> list[Conflict]:
    """Pairs of faces of one photo that are one person by their looks, and of which a human said neither this nor that;
    the most alike first. `ids`, `vectors` and `labels` are of the unnamed faces."""
    named, named_people, named_vectors = embeddings.labelled(store, embedder)
    here = np.array([face in seen for face in named], np.bool_)
    shown = [*ids, *np.array(named, np.int64)[here].tolist()]
    looks = np.concatenate([vectors, named_vectors[here]])
    alone = -1 - np.arange(len(ids))
    groups = np.concatenate([np.where(labels < 0, alone, labels), len(ids) + np.array(named_people, np.int64)[here]])
    photos = np.array([seen[face].photo for face in shown], np.int64)
    apart = said.marks()
    found: list[tuple[float, int, int]] = []
    for away, one, two in _alike(looks, groups, photos, Bound(thresholds.join, thresholds.split)):
        tops = said.of(shown[one]), said.of(shown[two])
        if tops[0] != tops[1] and apart.get(tops[0], set()).isdisjoint(apart.get(tops[1], ())):
            found.append((away, min(shown[one], shown[two]), max(shown[one], shown[two])))
    return [
        Conflict("one photo", (faces.place(store, one), faces.place(store, other))) for _, one, other in sorted(found)
    ]


def _alike(vectors: Vectors, groups: Rows, photos: Rows, bound: Bound) -> Iterator[tuple[float, int, int]]:
    """Squared distance and rows, the lower first, of pairs of one photo of which one is near to the other or to its
    group, or which are in one group.

    On lfw-dev, with two photos of many people taken for one, this finds 627 of the 633 pairs that would be in one group
    were they in two photos, and calls 5 of 3,306 pairs of strangers alike. Only pairs within `join`: 565 and 3.
    """
    number = np.unique(groups, return_inverse=True)[1]
    sizes = np.bincount(number).astype(np.float64)
    means = np.zeros((len(sizes), vectors.shape[1]))
    np.add.at(means, number, vectors)
    means /= sizes[:, None]
    within = bound.by_size(sizes + 1)
    for one, two in _pairs(photos):
        first, second = number[one], number[two]
        away = _squared(vectors[one], vectors[two])
        near = (away < bound.join**2) | (first == second)
        near |= _squared(vectors[one], means[second]) < within[second]
        near |= _squared(vectors[two], means[first]) < within[first]
        for index in np.flatnonzero(near).tolist():
            yield float(away[index]), int(one[index]), int(two[index])


def _squared(one: npt.NDArray[Any], two: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Row by row the mean squared distance of a unit vector to those that another one is the mean of."""
    return np.asarray(2 - 2 * np.einsum("ij,ij->i", one, two))


def _pairs(photos: Rows) -> Iterator[tuple[Rows, Rows]]:
    """All pairs of rows with the same photo, the lower row first, some at once."""
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
