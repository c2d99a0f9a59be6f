"""Tag: name the faces that the trained model is sure of; the others stay unknown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from phototag.errors import TooLittleDataError
from phototag.learn.arrays import Flags
from phototag.progress import Progress
from phototag.store import derived, faces, models, people
from phototag.store.connect import Store
from phototag.store.faces import Place
from phototag.types import Guess
from phototag.workflows.recognition.predictions import LesserGuess, Predictions, predict
from phototag.workflows.recognition.tagging_input import TaggingInput
from phototag.workflows.recognition.train import train_people
from phototag.workflows.recognition.trained_model import usable_model, wanted_precision

#: The least probability of a guess that is stored, as it may be worth a question, even if it is no tag.
_WORTH_ASKING = 0.01
#: How often faces are tagged at most, if answers are saved meanwhile.
_TRIES = 3


@dataclass(frozen=True, slots=True)
class NamedTwice:
    """One name for two faces of a photo: `kept`, the more probable one, is tagged, and `face` stays unknown."""

    person: str
    face: Place
    probability: float
    kept: Place
    kept_probability: float


@dataclass(frozen=True, slots=True)
class Tagged:
    """How many unlabelled faces there are (`faces`), and how many were tagged (`named`).

    `wrong`: the expected number of wrong tags; None while too few faces are named to calibrate. `precision`: the share
    of tags that should be right. `sure_from`: the gate, the least probability of a tag; None if no face passes.
    `twice`: faces without a tag because a more probable face of their photo has the name.
    """

    faces: int
    named: int
    wrong: float | None
    precision: float
    sure_from: float | None
    twice: tuple[NamedTwice, ...] = ()


def tag_faces(
    store: Store, progress: Progress, *, precision: float | None = None, read: TaggingInput | None = None
) -> Tagged:
    """Guess every unlabelled face anew, and tag those that pass the gate for `precision`.

    `precision`: by default the one set last. `read`: the faces, if they were read already. Repeated if another program
    trained meanwhile. Raises TooLittleDataError without a model.
    """
    model, wanted = usable_model(store), wanted_precision(store, precision)
    read = read or TaggingInput.read(store)
    progress.start(f"Tagging {len(read.ids):,} faces", len(read.ids))
    predictions = predict(store, read, model)
    accepted = predictions.accept(wanted)
    guesses = _guesses(predictions, accepted.tagged)
    with store.write():
        current = models.swap_guesses(store, model.id, guesses)
        models.drop_stale_guesses(store)  # names may have been undone, or merged, meanwhile
        if current:
            derived.record(store, "tags", read.token)
    progress.advance(len(read.ids))
    progress.finish()
    if not current:
        return tag_faces(store, progress, precision=precision)
    return Tagged(
        faces=len(read.ids),
        named=int(accepted.tagged.sum()),
        wrong=predictions.expected_errors(accepted.tagged),
        precision=wanted,
        sure_from=accepted.gate if np.isfinite(accepted.gate) and accepted.gate <= 1 else None,
        twice=tuple(named_twice(store, guess) for guess in accepted.lesser),
    )


def _guesses(predictions: Predictions, tagged: Flags) -> list[Guess]:
    """All tags, and the guesses without a person that are no tags, but worth a question."""
    candidates = predictions.candidates
    rows = np.flatnonzero(tagged | ((candidates.person >= 0) & (predictions.probability >= _WORTH_ASKING)))
    return [
        Guess(predictions.faces.ids[row], predictions.person(row) if is_tag else None, probability, distance, evidence)
        for row, is_tag, probability, distance, evidence in zip(
            rows.tolist(),
            tagged[rows].tolist(),
            predictions.probability[rows].tolist(),
            candidates.distance[rows].tolist(),
            predictions.evidence(rows),
            strict=True,
        )
    ]


def train_and_tag(
    store: Store, progress: Progress, *, precision: float | None = None, tries: int = _TRIES
) -> Tagged | None:
    """Train a model on all named people, and tag the other faces.

    Repeated if answers are saved meanwhile, up to `tries` times in all. `precision`: used and remembered. Returns None,
    and removes all tags, if nobody is named or the current embedder has not embedded any of their faces yet.
    """
    done = None
    for _ in range(tries):
        now = derived.version_token(store)
        try:
            read = TaggingInput.read(store)
            train_people(store, progress, precision=precision, read=read)
            done = tag_faces(store, progress, read=read)
        except TooLittleDataError:
            with store.write():
                models.drop(store)
                derived.record(store, "tags", now)
            done = None
        if derived.version_token(store) == now:
            break
    return done


def named_twice(store: Store, guess: LesserGuess) -> NamedTwice:
    """A lesser guess with the person's name and the faces' photos, to show to the user."""
    return NamedTwice(
        people.get(store, guess.person).name,
        faces.place(store, guess.face),
        guess.probability,
        faces.place(store, guess.better),
        guess.better_probability,
    )
