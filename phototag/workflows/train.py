"""Train: learn the named people from the faces that a human named, and how sure to be of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from phototag.learn.calibration import Calibration, calibrate
from phototag.learn.claims import Gallery, claims, with_reach
from phototag.learn.classify import LinearModel, train
from phototag.progress import Progress
from phototag.store import faces, models
from phototag.store.connect import Store
from phototag.store.models import StoredModel
from phototag.workflows.judging import Faces, calibration_of, precision_of, stored_calibration


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
    store: Store,
    progress: Progress,
    *,
    precision: float | None = None,
    anew: Collection[int] | None = None,
    read: Faces | None = None,
) -> Trained:
    """Fit an SVM and a gate for each person, and the curve of probabilities; swap them in.

    A person is learnt from the faces that are worth it, or from all of theirs if none is. With one person there is no
    SVM: the gate alone decides. `precision`: from now on, else as before. `anew`: the people (ids) whose faces changed;
    the others, and the curve, stay as they are if they were learnt before. Raises TooLittleDataError for nobody.
    """
    read = read or Faces.read(store)
    progress.start(f"Learning from {len(read.named):,} named faces", None)
    before = models.latest(store)
    precision = precision_of(before, precision)
    if before is None or before.embedder != read.embedder or "calibration" not in before.params:
        before = anew = None
    known = read.known
    own = known.vectors[np.argsort(known.rows, kind="stable")]
    if len(known.people) > 1:
        old = LinearModel(before.people, before.coef, before.intercept) if before and len(before.people) > 1 else None
        model = train(own, read.people, old if anew is not None else None, anew or ())
    else:
        one = int(known.people[0])
        model = LinearModel((one,), np.zeros((1, own.shape[1]), np.float32), np.zeros(1))
    known = _with_reach(read, before, anew)
    keep = before is not None and anew is not None and bool(before.params["calibration"].get("learnt_from"))
    curve = calibration_of(before, len(known.people)) if before and keep else _calibrated(read, known, model)
    models.swap(
        store,
        read.embedder,
        model.people,
        model.coef,
        model.intercept,
        len(read.named),
        {"classifier": "squared hinge", "precision": precision, "calibration": stored_calibration(curve)},
        known.reach.tolist(),
    )
    progress.finish()
    left_out = faces.count_labelled(store, read.embedder) - len(read.named)
    return Trained(len(model.people), len(read.named), left_out, curve.learnt_from, precision)


def _with_reach(read: Faces, before: StoredModel | None, anew: Collection[int] | None) -> Gallery:
    if before is None or anew is None:
        return with_reach(read.known, *read.mates())
    old = dict(zip(before.people, before.reach, strict=True))
    known = with_reach(read.known, *read.mates(), {*anew, *set(read.people) - old.keys()})
    for place, person in enumerate(known.people.tolist()):
        far = old.get(person)
        if person not in anew and far is not None:
            known.reach[place] = far
    return known


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
