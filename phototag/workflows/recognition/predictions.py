"""Predictions: who each unlabelled face is, how probably, and which of these guesses become tags; read only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from phototag.errors import TooLittleDataError
from phototag.learn.arrays import Flags, Floats, Rows
from phototag.learn.calibration import gate, probabilities, supported
from phototag.learn.candidates import Candidates, best_candidates
from phototag.learn.gallery import Gallery
from phototag.learn.linear_svm import LinearModel
from phototag.remedies import Train
from phototag.store.connect import Store
from phototag.store.models import Model
from phototag.workflows.recognition.tagging_input import TaggingInput
from phototag.workflows.recognition.trained_model import calibration_of


@dataclass(frozen=True, slots=True)
class LesserGuess:
    """A face without a tag because a better one of its photo, `better`, has the name, by a human or the machine.

    `probability`: of the person, for this face; `better_probability`: for the better one, 1 if a human named it.
    """

    face: int
    person: int
    probability: float
    better: int
    better_probability: float


class Acceptance(NamedTuple):
    """`tagged` (n,): the faces that get a tag; `lesser`: those that don't because a better one of their photo has the
    name; `gate`: the least probability that was enough."""

    tagged: Flags
    lesser: tuple[LesserGuess, ...]
    gate: float


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """The best candidate for each unlabelled face and its `probability` (n,).

    `supported` (n,): whether enough of the candidate's faces lie within their radius. `calibrated_on`: held-out faces
    behind the probabilities; 0 if they are the embedder's own, which don't tell how many tags of this library are
    wrong.
    """

    faces: TaggingInput
    gallery: Gallery
    candidates: Candidates
    probability: Floats
    supported: Flags
    calibrated_on: int

    def person(self, row: int) -> int:
        """The id of a face's candidate."""
        return int(self.gallery.people[self.candidates.person[row]])

    def expected_errors(self, tagged: Flags) -> float | None:
        """How many of these tags are expected to be wrong; None if too few names are known to tell."""
        return float((1 - self.probability[tagged]).sum()) if self.calibrated_on else None

    def accept(self, precision: float) -> Acceptance:
        """Choose the faces that get a tag so that a share `precision` of the tags should be right."""
        least = gate(self.probability[self.supported], precision)
        tagged = self.supported & (self.probability >= least)
        lesser = tuple(self._lesser(np.flatnonzero(tagged)))
        row = {face: index for index, face in enumerate(self.faces.ids)}
        tagged[[row[guess.face] for guess in lesser]] = False
        return Acceptance(tagged, lesser, least)

    def evidence(self, rows: Rows) -> Iterator[tuple[tuple[int, float], ...]]:
        """For each of these faces the candidate's nearest labelled faces: ids and distances."""
        shown = self.candidates.evidence[rows]
        ids_by_row = np.array(self.faces.labelled_ids, np.int64)[shown].tolist()
        distances = self.candidates.evidence_distances[rows].tolist()
        for ids, away, count in zip(ids_by_row, distances, (shown >= 0).sum(axis=1).tolist(), strict=True):
            yield tuple(zip(ids[:count], away[:count], strict=True))

    def _lesser(self, rows: Rows) -> Iterator[LesserGuess]:
        """All but the best of the guesses of one person in one photo.

        A face that a human named is better than any guess. Faces that a human called the same may all have the name.
        """
        faces, sightings = self.faces, self.faces.sightings
        same = faces.constraints.representative
        guesses: dict[tuple[int, int], list[int]] = defaultdict(list)  # by photo and person
        for row in rows.tolist():
            guesses[sightings[faces.ids[row]].photo, self.person(row)].append(row)
        named: dict[tuple[int, int], int] = {}
        for face, sighting in sightings.items():
            if sighting.person is not None and (sighting.photo, sighting.person) in guesses:
                named.setdefault((sighting.photo, sighting.person), face)
        for (photo, person), those in guesses.items():
            human = named.get((photo, person))
            first = max(those, key=lambda row: (self.probability[row], -faces.ids[row]))
            best = faces.ids[first] if human is None else human
            for row in those:
                face = faces.ids[row]
                if face != best and same(face) not in (same(best), same(-person)):
                    better = float(self.probability[first]) if human is None else 1.0
                    yield LesserGuess(face, person, float(self.probability[row]), best, better)


def predict(store: Store, faces: TaggingInput, model: Model) -> Predictions:
    """What a model says of a library's unlabelled faces. Raises TooLittleDataError if it doesn't fit the labels."""
    if model.embedder != faces.embedder:
        raise TooLittleDataError("the model was trained with another embedder", Train(again=True))
    if not set(model.people) <= set(faces.labels):
        raise TooLittleDataError("people of the model have no named face left", Train(again=True))
    thresholds = faces.gallery.thresholds
    radius = {person: radius for person, radius in zip(model.people, model.radius, strict=True) if radius is not None}
    radii = [radius.get(person, thresholds.same) for person in faces.gallery.people.tolist()]
    gallery = replace(faces.gallery, radius=np.array(radii, np.float64))
    svm = LinearModel(model.people, model.coef, model.intercept) if len(model.people) > 1 else None
    candidates = best_candidates(faces.vectors, gallery, svm, faces.ruled_out(store))
    curve = calibration_of(model, len(gallery.people))
    return Predictions(
        faces=faces,
        gallery=gallery,
        candidates=candidates,
        probability=probabilities(candidates, curve, thresholds),
        supported=supported(candidates, gallery),
        calibrated_on=curve.sample_size,
    )
