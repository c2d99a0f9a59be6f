"""Train: learn the named people from the faces that a human named."""

from __future__ import annotations

from dataclasses import dataclass

from phototag.learn.classify import train
from phototag.progress import Progress
from phototag.store import engines, faces, models
from phototag.store.connect import Store
from phototag.workflows.cluster import current_embedder


@dataclass(frozen=True, slots=True)
class Trained:
    """How many people were learnt from how many faces."""

    people: int
    faces: int


def train_people(store: Store, progress: Progress) -> Trained:
    """Fit the SVM and swap it in. Raises TooLittleDataError for fewer than two named people."""
    embedder = current_embedder(store)
    ids, people, vectors = faces.labelled(store, embedder)
    progress.start(f"Learning from {len(ids):,} named faces", None)
    model = train(vectors, people)
    parameters = {"classifier": "LinearSVC", "C": 1.0, "same": engines.thresholds(store, embedder).same}
    models.swap(store, embedder, model.people, model.coef, model.intercept, len(ids), parameters)
    progress.finish()
    return Trained(len(model.people), len(ids))
