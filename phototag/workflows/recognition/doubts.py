"""Names that don't fit their faces, whether a human or the machine gave them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from phototag.learn.calibration import Calibration, probabilities, supported
from phototag.learn.candidates import EVIDENCE, hold_out
from phototag.store import faces
from phototag.store.connect import Store
from phototag.store.faces import Place
from phototag.workflows.recognition.predictions import Predictions

#: A name is doubtful if somebody else's is at least so probable, or if none of the person's other faces are within
#: their radius and it is at most so probable itself.
_OTHER, _UNLIKE = 0.8, 0.05
#: The share of labelled faces that are supposed to have the right name before they are checked.
_RIGHT = 0.95
_BLOCK = 8192


@dataclass(frozen=True, slots=True)
class Witness:
    """A labelled face that is evidence: where it is, whose it is, and its distance."""

    place: Place
    person: str
    distance: float


@dataclass(frozen=True, slots=True)
class Doubt:
    """A face that doesn't fit its name, given by a human or the machine; `probability` that the name is right.

    `looks_like`: who it is more probably, None if nobody who is named. `evidence`: the nearest faces of that person,
    and of the person whose name it has.
    """

    place: Place
    person: str
    source: Literal["human", "machine"]
    probability: float
    looks_like: str | None
    evidence: tuple[Witness, ...]


def doubtful_labels(
    store: Store, predictions: Predictions, curve: Calibration, names: Mapping[int, str]
) -> Iterator[Doubt]:
    """Labelled faces on photos that are there, each judged as if it weren't labelled. `names`: by person."""
    gallery, read = predictions.gallery, predictions.faces
    for start in range(0, len(gallery.vectors), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(gallery.vectors)))
        found, owner, _ = hold_out(gallery, rows)
        probability = probabilities(found, curve, gallery.thresholds, _RIGHT)
        several = gallery.counts[owner] > 1
        other = several & (found.person != owner) & (probability >= _OTHER) & supported(found, gallery)
        alone = several & (found.person == owner) & (probability <= _UNLIKE) & (found.within_radius == 0)
        here = np.array([read.labelled_ids[row] in read.sightings for row in gallery.rows[rows]], np.bool_)
        for index in np.flatnonzero(here & (other | alone)).tolist():
            own, candidate = int(owner[index]), int(found.person[index])
            evidence = _nearest_of(store, predictions, start + index, own, names)
            if other[index]:
                evidence = (*_nearest_of(store, predictions, start + index, candidate, names), *evidence)
            yield Doubt(
                place=faces.place(store, read.labelled_ids[gallery.rows[start + index]]),
                person=names[int(gallery.people[own])],
                source="human",
                probability=float(1 - probability[index] if other[index] else probability[index]),
                looks_like=names[int(gallery.people[candidate])] if other[index] else None,
                evidence=evidence,
            )


def doubtful_tags(
    store: Store, predictions: Predictions, tagged: Mapping[int, int], names: Mapping[int, str]
) -> Iterator[Doubt]:
    """Tags that the machine wouldn't give by what is known now. `tagged`: face → person."""
    for row, face in enumerate(predictions.faces.ids):
        person = tagged.get(face)
        if person is None or person not in names:
            continue
        candidate = predictions.person(row) if predictions.candidates.person[row] >= 0 else None
        sure = float(predictions.probability[row])
        if candidate == person and sure >= 0.5 and predictions.supported[row]:
            continue
        other = candidate is not None and candidate != person and sure >= 0.5
        evidence = tuple(
            Witness(faces.place(store, near), names[candidate], distance)
            for near, distance in next(predictions.evidence(np.array([row])))
            if candidate is not None
        )
        looks_like = names[candidate] if other and candidate is not None else None
        probability = sure if candidate == person else 1 - sure if other else 0.0
        yield Doubt(faces.place(store, face), names[person], "machine", probability, looks_like, evidence)


def _nearest_of(
    store: Store, predictions: Predictions, row: int, place: int, names: Mapping[int, str]
) -> tuple[Witness, ...]:
    """A person's nearest faces to a labelled face. `row`, `place`: of the face and the person in the gallery."""
    gallery = predictions.gallery
    own = np.arange(gallery.starts[place], gallery.starts[place + 1])
    own = own[own != row]
    away = np.linalg.norm(gallery.vectors[own] - gallery.vectors[row], axis=1)
    return tuple(
        Witness(
            faces.place(store, predictions.faces.labelled_ids[gallery.rows[own[index]]]),
            names[int(gallery.people[place])],
            float(away[index]),
        )
        for index in np.argsort(away, kind="stable")[:EVIDENCE].tolist()
    )
