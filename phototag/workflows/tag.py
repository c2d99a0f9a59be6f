"""Tag: name the faces that the trained model is sure of; the rest stay unknown."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from phototag.errors import TooLittleDataError
from phototag.learn.classify import LinearModel, tag
from phototag.progress import Progress
from phototag.store import decisions, engines, faces, models
from phototag.store.connect import Store
from phototag.types import Guess, Neighbour
from phototag.workflows.cluster import current_embedder


@dataclass(frozen=True, slots=True)
class Tagged:
    """How many unlabelled faces were looked at, and how many got a name."""

    faces: int
    named: int


def tag_faces(store: Store, progress: Progress) -> Tagged:
    """Guess every face that no human labelled anew. Raises TooLittleDataError without a usable model."""
    model = models.latest(store)
    if model is None:
        raise TooLittleDataError("there is no trained model yet: run `phototag train` first")
    if model.embedder != current_embedder(store):
        raise TooLittleDataError("the model was trained with another embedder: run `phototag train` again")
    labelled_ids, people, labelled = faces.labelled(store, model.embedder)
    if not set(model.people) <= set(people):
        raise TooLittleDataError("people of the model have no named face left: run `phototag train` again")
    ids, vectors = faces.vectors(store, model.embedder, where="unlabelled")
    barred: dict[int, set[int]] = defaultdict(set)
    for face, person in decisions.rejected(store):
        barred[face].add(person)
    progress.start(f"Tagging {len(ids):,} faces", len(ids))
    answers = tag(
        vectors,
        LinearModel(model.people, model.coef, model.intercept),
        labelled,
        people,
        engines.thresholds(store, model.embedder),
        [frozenset(barred[face]) for face in ids] if barred else (),
    )
    guesses = [
        Guess(
            face,
            answer.person if answer.accepted else None,
            answer.probability,
            answer.distance,
            tuple(Neighbour(labelled_ids[row], distance) for row, distance in answer.evidence),
        )
        for face, answer in zip(ids, answers, strict=True)
    ]
    models.swap_guesses(store, model.id, guesses)
    progress.advance(len(ids))
    progress.finish()
    return Tagged(len(ids), sum(guess.person_id is not None for guess in guesses))
