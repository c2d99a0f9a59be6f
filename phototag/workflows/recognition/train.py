"""Train: learn the named people from the faces that a human named, and how sure to be of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from phototag.learn.calibration import Calibration, calibrate
from phototag.learn.claims import Gallery, claims, with_reach
from phototag.learn.classify import LinearModel, train
from phototag.progress import Progress
from phototag.store import embeddings, models, preferences
from phototag.store.connect import Store
from phototag.store.models import Model
from phototag.workflows.recognition.judging import Faces, calibration_of, precision_of, stored_calibration


@dataclass(frozen=True, slots=True)
class Trained:
    """How many people were learnt from how many faces; `left_out`: named ones that are too poor to learn from.

    `calibrated_on`: held-out faces that tell how sure to be, 0 where there are too few and the embedder's curve tells.
    `precision`: the share of tags that should be right.
    """

    people: int
    faces: int
    left_out: int
    calibrated_on: int
    precision: float


def train_people(
    store: Store, progress: Progress, *, precision: float | None = None, read: Faces | None = None
) -> Trained:
    """Learn everybody who is named, and the curve of probabilities; swap them in.

    `precision`: from now on, else as before. Raises TooLittleDataError for nobody.
    """
    read = read or Faces.read(store)
    progress.start(f"Learning from {len(read.named):,} named faces", None)
    model = learn(read, models.latest(store))
    with store.write():
        if precision is not None:
            preferences.set_precision(store, precision)
        models.swap(store, model)
    progress.finish()
    left_out = embeddings.count_labelled(store, read.embedder) - len(read.named)
    learnt_from = calibration_of(model, len(model.people)).learnt_from
    return Trained(len(model.people), len(read.named), left_out, learnt_from, precision_of(store, precision))


def learn(read: Faces, start: Model | None = None) -> Model:
    """An SVM and a gate for each named person, and the curve of probabilities: a function of the faces alone.

    A person is learnt from the faces that are worth it, or from all of theirs if none is. With one person there is no
    SVM: the gate alone decides. Gates are the embedder's own until the curve is learnt. `start`: an earlier model,
    which saves time and changes nothing.
    """
    known = read.known
    own = known.vectors[np.argsort(known.rows, kind="stable")]
    if len(known.people) > 1:
        again = start is not None and start.embedder == read.embedder and len(start.people) > 1
        old = LinearModel(start.people, start.coef, start.intercept) if start and again else None
        svm = train(own, read.people, old)
    else:
        one = int(known.people[0])
        svm = LinearModel((one,), np.zeros((1, own.shape[1]), np.float32), np.zeros(1))
    known = with_reach(known, *read.mates())
    curve = _calibrated(read, known, svm)
    params = {"classifier": "squared hinge", "calibration": stored_calibration(curve)}
    # Where too few faces are named to tell how sure to be, they don't tell how far a person reaches either.
    reach = tuple(known.reach.tolist() if curve.learnt_from else read.known.reach.tolist())
    return Model(read.embedder, svm.people, len(read.named), svm.coef, svm.intercept, reach, params)


def _calibrated(read: Faces, known: Gallery, model: LinearModel) -> Calibration:
    """The curve, with faces that would be taken for somebody who stands beside them as strangers for free."""
    rows = np.array([row for row, _ in read.beside], np.int64)
    found = claims(read.vectors[rows], known, model)
    wrong = [
        index
        for index, (_, person) in enumerate(read.beside)
        if found.person[index] >= 0 and known.people[found.person[index]] == person
    ]
    return calibrate(known, found[np.array(wrong, np.int64)])
