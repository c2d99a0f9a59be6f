"""Tune: what each precision would tag, and how many wrongly by estimate, before anything is tagged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from phototag.progress import Progress
from phototag.store.connect import Store
from phototag.workflows.recognition.judging import Faces, judge, precision_of, usable_model
from phototag.workflows.recognition.train import learn

#: What is shown unless somebody asks for others.
CHOICES = (0.9, 0.95, 0.98, 0.99, 0.995, 0.999)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a precision would do: `tagged` faces of `people`, of which `wrong` would be wrong by estimate (None while
    too few names are known to tell).

    `sure_from`: how sure a tag has to be, None if none is. `twice`: faces left out for a better one of their photo.
    """

    precision: float
    tagged: int
    wrong: float | None
    people: int
    sure_from: float | None
    twice: int


@dataclass(frozen=True, slots=True)
class Tuned:
    """The choices for `faces` unnamed faces; `precision` is the one that holds.

    `known`: how many of the faces are of named people, by estimate. `calibrated_on`: held-out claims behind the
    estimates; 0 while too few names are known to tell, and `known` is None.
    """

    faces: int
    known: float | None
    precision: float
    calibrated_on: int
    choices: tuple[Choice, ...]


def tune(store: Store, progress: Progress, precisions: Sequence[float] = CHOICES) -> Tuned:
    """Weigh precisions on a library's unnamed faces; writes nothing. Raises TooLittleDataError without a model."""
    stored = usable_model(store)
    read = Faces.read(store)
    progress.start(f"Weighing {len(read.ids):,} faces", None)
    judged = judge(store, read, learn(read, stored))
    choices = []
    for precision in sorted({*precisions, precision_of(store)}):
        accepted, rivals, line = judged.accept(precision)
        choices.append(
            Choice(
                precision,
                int(accepted.sum()),
                judged.wrong(accepted),
                len(set(judged.found.person[accepted].tolist())),
                line if line <= 1 else None,
                len(rivals),
            )
        )
    progress.finish()
    return Tuned(
        len(read.ids),
        float(judged.sure.sum()) if judged.calibrated_on else None,
        precision_of(store),
        judged.calibrated_on,
        tuple(choices),
    )
