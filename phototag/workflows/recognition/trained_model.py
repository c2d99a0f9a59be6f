"""The trained model as it is stored, its calibration, and the precision that tags should have."""

from __future__ import annotations

from phototag.errors import TooLittleDataError
from phototag.learn.calibration import Calibration
from phototag.remedies import Train
from phototag.store import models, preferences
from phototag.store.connect import Store
from phototag.store.models import Model, StoredModel

#: The default share of tags that should be right.
PRECISION = 0.99


def usable_model(store: Store) -> StoredModel:
    """The model trained last. Raises TooLittleDataError if there is none."""
    model = models.latest(store)
    if model is None:
        raise TooLittleDataError("there is no trained model yet", Train())
    return model


def calibration_of(model: Model, people: int) -> Calibration:
    """The calibration fitted with a model; with too little data the embedder's curve, for so many people."""
    params = model.params.get("calibration") or {}
    return Calibration.from_params(params) if params.get("learnt_from") else Calibration(people=people)


def wanted_precision(store: Store, requested: float | None = None) -> float:
    """The share of tags that should be right: the requested one, else the one set last, else the default."""
    return next((share for share in (requested, preferences.precision(store)) if share is not None), PRECISION)
