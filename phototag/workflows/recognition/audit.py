"""Audit: find doubtful names, pairs of people who may be one, and names that two faces of one photo might have."""

from __future__ import annotations

from dataclasses import dataclass, replace

from phototag.errors import TooLittleDataError
from phototag.progress import Progress
from phototag.store import models, people, unplaced
from phototag.store.connect import Store
from phototag.store.unplaced import Unplaced
from phototag.workflows.recognition.doubts import Doubt, doubtful_labels, doubtful_tags
from phototag.workflows.recognition.predictions import predict
from phototag.workflows.recognition.similar_people import SimilarPeople, similar_people
from phototag.workflows.recognition.tag import NamedTwice, named_twice
from phototag.workflows.recognition.tagging_input import TaggingInput
from phototag.workflows.recognition.train import fit_model
from phototag.workflows.recognition.trained_model import calibration_of, usable_model, wanted_precision


@dataclass(frozen=True, slots=True)
class Audited:
    """What was found among `faces` labels and `tags`, the most doubtful first.

    `alike`: pairs of people who may be one. `twice`: names that two faces of one photo might have. `unplaced`: names
    whose faces were lost when their photos were edited.
    """

    faces: int
    tags: int
    doubts: tuple[Doubt, ...]
    alike: tuple[SimilarPeople, ...]
    twice: tuple[NamedTwice, ...]
    unplaced: tuple[Unplaced, ...] = ()


def audit(store: Store, progress: Progress) -> Audited:
    """Look for names that may be wrong, and for names without a face; writes nothing.

    Raises TooLittleDataError without a trained model, unless there are names without a face: those need none.
    """
    lost = tuple(unplaced.unplaced(store))
    try:
        return replace(_audit_names(store, progress), unplaced=lost)
    except TooLittleDataError:
        if not lost:
            raise
        return Audited(0, 0, (), (), (), lost)


def _audit_names(store: Store, progress: Progress) -> Audited:
    stored = usable_model(store)
    read = TaggingInput.read(store)
    labelled_here = sum(face in read.sightings for face in read.labelled_ids)
    progress.start(f"Checking {labelled_here:,} named faces", None)
    model = fit_model(read, stored)
    predictions = predict(store, read, model)
    names = {person: people.get(store, person).name for person in read.gallery.people.tolist()}
    tagged = models.tagged(store)
    curve = calibration_of(model, len(names))
    doubts = [
        *doubtful_labels(store, predictions, curve, names),
        *doubtful_tags(store, predictions, tagged, names),
    ]
    alike = similar_people(store, predictions, names)
    result = Audited(
        faces=labelled_here,
        tags=len(tagged),
        doubts=tuple(sorted(doubts, key=lambda doubt: doubt.probability)),
        alike=tuple(sorted(alike, key=lambda pair: (-max(pair.shares), pair.distance))),
        twice=tuple(named_twice(store, one) for one in predictions.accept(wanted_precision(store)).lesser),
    )
    progress.finish()
    return result
