"""Tag: name the faces that the trained model is sure of; the rest stay unknown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from phototag.errors import TooLittleDataError
from phototag.progress import Progress
from phototag.store import derived, faces, models, people
from phototag.store.connect import Store
from phototag.store.faces import Place
from phototag.types import Guess
from phototag.workflows.recognition.judging import Faces, Rival, judge, precision_of, usable_model
from phototag.workflows.recognition.train import train_people

#: A face that is so probably somebody's is remembered as theirs, though not tagged: a human may be asked.
_WORTH_ASKING = 0.01
#: Times that tagging begins again because something was said meanwhile.
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Twice:
    """A name that two faces of one photo claimed: the better claim, `kept`, has it, and the other one has none."""

    person: str
    face: Place
    probability: float
    kept: Place
    kept_probability: float


@dataclass(frozen=True, slots=True)
class Tagged:
    """How many unlabelled faces were looked at, and how many got a name.

    `wrong`: how many of these names are wrong, by estimate; None while too few names are known to tell. `precision`:
    the share of them that should be right, for which a face has to be as sure as `sure_from` (None: no face is).
    `twice`: faces left out because a better one of their photo has the name.
    """

    faces: int
    named: int
    wrong: float | None
    precision: float
    sure_from: float | None
    twice: tuple[Twice, ...] = ()


def tag_faces(store: Store, progress: Progress, *, precision: float | None = None, read: Faces | None = None) -> Tagged:
    """Guess every face that no human labelled anew, so that a share `precision` of the names should be right.

    By default the share that was set last. Done again if another program trained meanwhile. Raises TooLittleDataError
    without a usable model.
    """
    model, said = usable_model(store), precision
    precision = precision_of(store, said)
    read = read or Faces.read(store)
    progress.start(f"Tagging {len(read.ids):,} faces", len(read.ids))
    judged = judge(store, read, model)
    accepted, rivals, line = judged.accept(precision)
    rows = np.flatnonzero(accepted | ((judged.found.person >= 0) & (judged.sure >= _WORTH_ASKING)))
    found = judged.found[rows]
    owners = judged.known.people[found.person].tolist()
    guesses = [
        Guess(read.ids[row], *guess)
        for row, *guess in zip(
            rows.tolist(),
            [who if sure else None for who, sure in zip(owners, accepted[rows].tolist(), strict=True)],
            judged.sure[rows].tolist(),
            found.distance.tolist(),
            judged.evidence(rows),
            strict=True,
        )
    ]
    with store.write():
        current = models.swap_guesses(store, model.id, guesses)
        models.drop_stale_guesses(store)  # names may have been taken back, or merged, meanwhile
        if current:
            derived.record(store, "tags", read.token)
    progress.advance(len(read.ids))
    progress.finish()
    if not current:
        return tag_faces(store, progress, precision=said)
    return Tagged(
        len(read.ids),
        int(accepted.sum()),
        judged.wrong(accepted),
        precision,
        line if np.isfinite(line) and line <= 1 else None,
        tuple(twice(store, rival) for rival in rivals),
    )


def try_names(
    store: Store, progress: Progress, *, precision: float | None = None, tries: int = _TRIES
) -> Tagged | None:
    """Learn everybody who is named, and tag all other faces: the model and the tags that follow from the answers.

    Done again, up to so many times, if something was said meanwhile. `precision`: from now on, else as before. None
    where there is nobody to recognise, or nothing that the current embedder has seen; then no tag stays.
    """
    done = None
    for _ in range(tries):
        now = derived.version_token(store)
        try:
            read = Faces.read(store)
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


def twice(store: Store, rival: Rival) -> Twice:
    """Where two faces claim one name, for people to look at."""
    return Twice(
        people.get(store, rival.person).name,
        faces.place(store, rival.face),
        rival.probability,
        faces.place(store, rival.rival),
        rival.rival_probability,
    )
