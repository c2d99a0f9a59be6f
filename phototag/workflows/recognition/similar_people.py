"""Pairs of named people who may be one person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from phototag.learn.arrays import Rows
from phototag.learn.candidates import EVIDENCE
from phototag.learn.gallery import Gallery, faces_required
from phototag.learn.neighbours import neighbour_graph
from phototag.store import faces
from phototag.store.connect import Store
from phototag.store.faces import Place
from phototag.workflows.recognition.predictions import Predictions

#: Two people look like one if at least this share of either one's faces would pass for the other's.
_ALIKE = 0.5
#: People whose faces are compared with a person's, and faces of each that are.
_NEAREST, _MOST = 5, 100


@dataclass(frozen=True, slots=True)
class SimilarPeople:
    """Two people who may be one.

    `shares`: the share of each one's faces that would pass for the other's. `distance`: between their mean vectors.
    `evidence`: the nearest pairs of faces, with their distances.
    """

    people: tuple[str, str]
    shares: tuple[float, float]
    distance: float
    evidence: tuple[tuple[Place, Place, float], ...]


def similar_people(store: Store, predictions: Predictions, names: Mapping[int, str]) -> Iterator[SimilarPeople]:
    """Pairs of people who share no photo, and of whom many faces would pass for the other's. `names`: by person id."""
    gallery, sightings = predictions.gallery, predictions.faces.sightings
    photos: dict[int, set[int]] = defaultdict(set)
    for sighting in sightings.values():
        if sighting.person is not None:
            photos[sighting.person].add(sighting.photo)
    rows, _ = neighbour_graph(gallery.means, min(_NEAREST, len(gallery.people) - 1))
    pairs = {(min(one, other), max(one, other)) for one, near in enumerate(rows.tolist()) for other in near}
    for one, other in sorted(pairs):
        people = int(gallery.people[one]), int(gallery.people[other])
        if not (photos[people[0]] and photos[people[1]]) or not photos[people[0]].isdisjoint(photos[people[1]]):
            continue
        if found := _compare(store, predictions, one, other, (names[people[0]], names[people[1]])):
            yield found


def _compare(
    store: Store, predictions: Predictions, one: int, other: int, names: tuple[str, str]
) -> SimilarPeople | None:
    """Compare two people of the gallery by their places; None if they don't look like one."""
    gallery, ids = predictions.gallery, predictions.faces.labelled_ids
    first, second = (_some_faces(gallery, place) for place in (one, other))
    away = np.sqrt(np.maximum(2 - 2 * (gallery.vectors[first] @ gallery.vectors[second].T), 0))
    required = faces_required(gallery.counts)
    shares = (
        float(((away <= gallery.radius[other]).sum(axis=1) >= required[other]).mean()),
        float(((away <= gallery.radius[one]).sum(axis=0) >= required[one]).mean()),
    )
    if min(shares) < _ALIKE:
        return None
    nearest = np.argsort(away, axis=None, kind="stable")[:EVIDENCE]
    evidence = tuple(
        (
            faces.place(store, ids[gallery.rows[first[row]]]),
            faces.place(store, ids[gallery.rows[second[column]]]),
            float(away[row, column]),
        )
        for row, column in zip(*np.unravel_index(nearest, away.shape), strict=True)
    )
    return SimilarPeople(names, shares, float(np.linalg.norm(gallery.means[one] - gallery.means[other])), evidence)


def _some_faces(gallery: Gallery, place: int) -> Rows:
    """Up to `_MOST` of a person's rows, evenly spread."""
    rows = np.arange(gallery.starts[place], gallery.starts[place + 1])
    return rows[:: -(-len(rows) // _MOST)]
