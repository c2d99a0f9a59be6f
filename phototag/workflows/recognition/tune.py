"""Tune: compare precisions by how many faces each would tag and how many of the tags would be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from phototag.progress import Progress
from phototag.store.connect import Store
from phototag.workflows.recognition.predictions import Predictions, predict
from phototag.workflows.recognition.tagging_input import TaggingInput
from phototag.workflows.recognition.train import fit_model
from phototag.workflows.recognition.trained_model import usable_model, wanted_precision

#: The precisions shown by default.
CHOICES = (0.9, 0.95, 0.98, 0.99, 0.995, 0.999)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a precision would do: tag `tagged` faces of `people`.

    `wrong`: the expected number of wrong tags; None while too few faces are named to calibrate. `sure_from`: the gate,
    the least probability of a tag; None if no face passes. `twice`: faces without a tag because a more probable face of
    their photo has the name.
    """

    precision: float
    tagged: int
    wrong: float | None
    people: int
    sure_from: float | None
    twice: int


@dataclass(frozen=True, slots=True)
class Tuned:
    """The choices for `faces` unlabelled faces; `precision`: the one set now.

    `known`: the expected number of faces of named people. `calibrated_on`: how many held-out faces the estimates rest
    on; 0 while too few faces are named, and then `known` is None.
    """

    faces: int
    known: float | None
    precision: float
    calibrated_on: int
    choices: tuple[Choice, ...]


def tune(store: Store, progress: Progress, precisions: Sequence[float] = CHOICES) -> Tuned:
    """Compare precisions on a library's unlabelled faces; writes nothing. Raises TooLittleDataError without a model."""
    stored = usable_model(store)
    read = TaggingInput.read(store)
    progress.start(f"Comparing precisions on {len(read.ids):,} faces", None)
    predictions = predict(store, read, fit_model(read, stored))
    wanted = wanted_precision(store)
    choices = tuple(_choice(predictions, precision) for precision in sorted({*precisions, wanted}))
    progress.finish()
    return Tuned(
        faces=len(read.ids),
        known=float(predictions.probability.sum()) if predictions.calibrated_on else None,
        precision=wanted,
        calibrated_on=predictions.calibrated_on,
        choices=choices,
    )


def _choice(predictions: Predictions, precision: float) -> Choice:
    accepted = predictions.accept(precision)
    return Choice(
        precision=precision,
        tagged=int(accepted.tagged.sum()),
        wrong=predictions.expected_errors(accepted.tagged),
        people=len(set(predictions.candidates.person[accepted.tagged].tolist())),
        sure_from=accepted.gate if accepted.gate <= 1 else None,
        twice=len(accepted.lesser),
    )
