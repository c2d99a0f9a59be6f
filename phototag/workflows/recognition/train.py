"""Train: fit a classifier to the labelled faces, and calibrate its probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from phototag.learn.calibration import Calibration, calibrate
from phototag.learn.candidates import best_candidates
from phototag.learn.gallery import Gallery, with_radii
from phototag.learn.linear_svm import LinearModel, train_svm
from phototag.progress import Progress
from phototag.store import embeddings, models, preferences
from phototag.store.connect import Store
from phototag.store.models import Model
from phototag.workflows.recognition.tagging_input import TaggingInput
from phototag.workflows.recognition.trained_model import calibration_of, wanted_precision


@dataclass(frozen=True, slots=True)
class Trained:
    """How many people were learnt from how many faces; `left_out`: labelled faces that are too poor to learn from.

    `calibrated_on`: how many held-out faces the calibration was fitted to; 0 if there were too few, so that the
    embedder's own curve is used. `precision`: the share of tags that should be right.
    """

    people: int
    faces: int
    left_out: int
    calibrated_on: int
    precision: float


def train_people(
    store: Store, progress: Progress, *, precision: float | None = None, read: TaggingInput | None = None
) -> Trained:
    """Train a model on all named people, and replace the stored one.

    `precision`: remembered from now on. `read`: the faces, if they were read already. Raises TooLittleDataError if
    nobody is named.
    """
    read = read or TaggingInput.read(store)
    progress.start(f"Learning from {len(read.labelled_ids):,} named faces", None)
    model = fit_model(read, models.latest(store))
    with store.write():
        if precision is not None:
            preferences.set_precision(store, precision)
        models.swap(store, model)
    progress.finish()
    return Trained(
        people=len(model.people),
        faces=len(read.labelled_ids),
        left_out=embeddings.count_labelled(store, read.embedder) - len(read.labelled_ids),
        calibrated_on=calibration_of(model, len(model.people)).sample_size,
        precision=wanted_precision(store, precision),
    )


def fit_model(read: TaggingInput, start: Model | None = None) -> Model:
    """Fit an SVM, a radius for each person, and the calibration: a function of the faces alone.

    With a single person there is no SVM; the radius and the probability decide. With too few faces to calibrate, there
    are too few to measure radii, and each is the embedder's threshold. `start`: an earlier model to start the
    optimisation from; it saves time and doesn't change the result.
    """
    svm = _fit_svm(read, start)
    gallery = with_radii(read.gallery, *read.vectors_beside_named())
    curve = _fit_calibration(read, gallery, svm)
    radius = gallery.radius if curve.sample_size else read.gallery.radius
    params = {"classifier": "squared hinge", "calibration": curve.params()}
    faces = len(read.labelled_ids)
    return Model(read.embedder, svm.people, faces, svm.coef, svm.intercept, tuple(radius.tolist()), params)


def _fit_svm(read: TaggingInput, start: Model | None) -> LinearModel:
    """The SVM of the labelled faces; with a single person there is nothing to separate, and its weights are zero."""
    vectors = read.gallery.vectors[np.argsort(read.gallery.rows, kind="stable")]
    if len(read.gallery.people) == 1:
        one = int(read.gallery.people[0])
        return LinearModel((one,), np.zeros((1, vectors.shape[1]), np.float32), np.zeros(1))
    usable = start is not None and start.embedder == read.embedder and len(start.people) > 1
    earlier = LinearModel(start.people, start.coef, start.intercept) if start and usable else None
    return train_svm(vectors, read.labels, earlier)


def _fit_calibration(read: TaggingInput, gallery: Gallery, model: LinearModel) -> Calibration:
    """The calibration. A face that resembles a person who is labelled elsewhere in the same photo is an impostor."""
    rows = np.array([row for row, _ in read.beside_named], np.int64)
    found = best_candidates(read.vectors[rows], gallery, model)
    impostors = [
        index
        for index, (_, person) in enumerate(read.beside_named)
        if found.person[index] >= 0 and gallery.people[found.person[index]] == person
    ]
    return calibrate(gallery, found[np.array(impostors, np.int64)])
