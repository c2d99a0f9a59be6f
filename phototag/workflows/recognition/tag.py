"""Tag: name the faces that the trained model is sure of; the rest stay unknown."""

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

#: From this probability on a guess is stored, though it is no tag: a human may be asked.
_WORTH_ASKING = 0.01
#: How often tagging is repeated because something was said meanwhile.
_TRIES = 3


@dataclass(frozen=True, slots=True)
class NamedTwice:
    """A name that two faces of one photo might have: `kept`, the more probable one, has it, and `face` has none."""

    person: str
    face: Place
    probability: float
    kept: Place
    kept_probability: float


@dataclass(frozen=True, slots=True)
class Tagged:
    """How many unlabelled faces there were (`faces`), and how many got a tag (`named`).

    `wrong`: how many of these tags are expected to be wrong; None while too few names are known to tell. `precision`:
    the share of tags that should be right; `sure_from`: the gate, the least probability of a tag; None if no face
    passes. `twice`: faces left out because a better one of their photo has the name.
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

    By default the precision that was set last. Repeated if another program trained meanwhile. Raises
    TooLittleDataError without a usable model.
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
    """All tags, and the guesses without a tag that are worth asking about: those have no person."""
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
    """Train a model on everybody who is named, and tag all other faces.

    Repeated, up to `tries` times in all, if something was said meanwhile. `precision`: remember it from now on. None
    where nobody is named, or nothing was seen by the current embedder; then no tag stays.
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
    """A lesser guess with the name and the photos, for people to look at."""
    return NamedTwice(
        people.get(store, guess.person).name,
        faces.place(store, guess.face),
        guess.probability,
        faces.place(store, guess.better),
        guess.better_probability,
    )
