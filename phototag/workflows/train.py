"""Train: learn the named people from the faces that a human named."""

from __future__ import annotations

from dataclasses import dataclass

from phototag.imaging.quality import WORTH_LEARNING
from phototag.learn.classify import train
from phototag.progress import Progress
from phototag.store import engines, faces, models
from phototag.store.connect import Store
from phototag.workflows.cluster import current_embedder


@dataclass(frozen=True, slots=True)
class Trained:
    """How many people were learnt from how many faces; `left_out`: named ones that are too poor to learn from."""

    people: int
    faces: int
    left_out: int


def train_people(store: Store, progress: Progress) -> Trained:
    """Fit the SVM and swap it in. Raises TooLittleDataError for fewer than two named people.

    A person is learnt from the faces that are worth it, or from all of theirs if none is.
    """
    embedder = current_embedder(store)
    ids, people, vectors = faces.labelled(store, embedder, least=WORTH_LEARNING)
    progress.start(f"Learning from {len(ids):,} named faces", None)
    model = train(vectors, people)
    parameters = {"classifier": "LinearSVC", "C": 1.0, "same": engines.thresholds(store, embedder).same}
    models.swap(store, embedder, model.people, model.coef, model.intercept, len(ids), parameters)
    progress.finish()
    return Trained(len(model.people), len(ids), len(faces.labelled(store, embedder)[0]) - len(ids))
