"""Show faces: what a human points at and no detector found becomes a face like any other."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from phototag.analysis.decode_pool import Crash, Task, decoded
from phototag.analysis.face_analyzer import Eye
from phototag.config import Settings
from phototag.display import path_text, person_name
from phototag.errors import PhotoError, UsageError
from phototag.progress import Progress, Silent
from phototag.remedies import IndexAgain, IndexFolder
from phototag.store import decisions, engines, face_places, libraries, models, people, photos
from phototag.store.connect import Store
from phototag.store.decisions import Decision
from phototag.store.photos import LocatedPhoto
from phototag.types import Box, DecodedPhoto, NewFace, Origin, Person, PhotoFile, Problem
from phototag.workflows.library.engines_in_use import chosen, current_embedder
from phototag.workflows.naming.people import checked_name

#: A face of fewer pixels each way shows nobody (the smallest window of the smallest detector).
SMALLEST = 12


@dataclass(slots=True)
class Shown:
    """Faces cut out and embedded, by their photo's id and their box; and photos that can't be used."""

    embedder: int
    faces: dict[tuple[int, Box], NewFace] = field(default_factory=dict)
    previews: dict[int, bytes] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def look(store: Store, wanted: Mapping[LocatedPhoto, Sequence[Box]], settings: Settings, progress: Progress) -> Shown:
    """Cut out and embed, by the embedder in use, the faces at places in one photo or more; nothing is stored.

    Raises UsageError, WeightsError if that embedder can't be had.
    """
    embedder = current_embedder(store)
    shown = Shown(embedder)
    settings = replace(chosen(settings, store), jobs=min(settings.jobs, len(wanted)), embedder=_in_use(store))
    eye = Eye.open(settings)
    if engines.find(store, eye.embedder.info) != embedder:
        raise UsageError(
            f"{store.path} was indexed with another {eye.embedder.info.name} than is installed now", IndexAgain()
        )
    rows = {photo.id: photo for photo in wanted}
    tasks = (Task(photo.id, PhotoFile(photo.path, 0, 0), photo.path) for photo in wanted)
    progress.start("Looking at faces that were shown", len(wanted))
    with closing(decoded(tasks, jobs=settings.jobs, side=settings.detail_side)) as outcomes:
        for task, outcome in outcomes:
            photo = rows[task.photo]
            problem = _unusable(photo, outcome)
            if problem is not None:
                progress.problem(problem)
                shown.problems.append(problem)
            elif isinstance(outcome, DecodedPhoto):
                seen = eye.show(outcome, wanted[photo])
                for box, face in zip(wanted[photo], seen.faces, strict=True):
                    shown.faces[photo.id, box] = face
                shown.previews[photo.id] = seen.preview or b""
            progress.advance()
    progress.finish()
    return shown


def _in_use(store: Store) -> str | None:
    found = engines.current(store, "embedder")
    return found[1] if found else None


def _unusable(photo: LocatedPhoto, outcome: DecodedPhoto | PhotoError | Crash) -> Problem | None:
    if isinstance(outcome, DecodedPhoto):
        if outcome.sha256 == photo.sha256:
            return None
        return Problem(photo.path, "faces", "changed", "it has changed since it was indexed: index it again")
    code = outcome.code if isinstance(outcome, PhotoError) else "crashed"
    return Problem(photo.path, "decode", code, outcome.message)


@dataclass(frozen=True, slots=True)
class Added:
    """A face that was shown; `known`: it had been found before. `person`: whom it was named after, if anybody."""

    face: int
    known: bool
    person: Person | None


def add_face(
    store: Store,
    photo: Path,
    box: Box,
    name: str | None,
    settings: Settings,
    progress: Progress | None = None,
) -> Added:
    """There is a face at `box` (upright pixels of the full-size photo), which no detector found; and who it is.

    If a known face is there, that one is meant. One answer, which is undone as one. Raises UsageError for a
    photo that isn't indexed or can't be used, a box that can't be, or a name that can't be.
    """
    return add_face_on(store, photo_at(store, photo), box, name, settings, progress)


def add_face_on(
    store: Store,
    row: LocatedPhoto,
    box: Box,
    name: str | None,
    settings: Settings,
    progress: Progress | None = None,
    origin: Origin = "typed",
) -> Added:
    """The same on a photo that is known already."""
    with checked_name():
        cleaned = None if name is None else person_name(name)
    path = row.path
    _require_inside(box, row)
    shown = None
    if _known_at(store, row.id, box) is None:
        shown = look(store, {row: [box]}, settings, progress or Silent())
        if shown.problems:
            raise UsageError(f"{path_text(path)} can't be used ({shown.problems[0].message}); nothing was saved")
    with store.write():
        face = _known_at(store, row.id, box)  # also one that another run found meanwhile
        known = face is not None
        if face is None:
            if shown is None or photos.sha256(store, row.id) != row.sha256:
                raise UsageError(f"{path_text(path)} is being indexed just now; nothing was saved: try again")
            once = _known_at(store, row.id, box, present=False)
            face = face_places.add(
                store, row.id, shown.embedder, shown.faces[row.id, box], shown.previews[row.id], once
            )
        elif cleaned is None and decisions.labels(store).get(face, ("", None))[0] == "not-a-face":
            raise UsageError(f"you said that face {face} there is no face: say who it is, or undo that")
        person = people.ensure(store, cleaned) if cleaned is not None else None
        said = [Decision("a-face", face)]
        said += [Decision("is", face, person.id)] if person else []
        decisions.record(store, said, origin)
        models.drop_stale_guesses(store)
    return Added(face, known, person)


def photo_at(store: Store, photo: Path) -> LocatedPhoto:
    """The indexed photo at a path. Raises UsageError if there is none."""
    path = os.path.abspath(os.fsencode(photo))
    homes = [library for library in libraries.every(store) if library.holds(path)]
    for library in sorted(homes, key=lambda library: -len(library.root)):
        found = photos.at(store, library.id, os.path.relpath(path, library.root))
        if found is not None:
            return found
    raise UsageError(f"{path_text(path)} is no indexed photo", IndexFolder(path_text(os.path.dirname(path))))


def _require_inside(box: Box, photo: LocatedPhoto) -> None:
    inside = box.x >= 0 and box.y >= 0 and box.x + box.w <= photo.width and box.y + box.h <= photo.height
    if not inside:
        raise UsageError(
            f"the box reaches beyond the photo, which is {photo.width} pixels wide and {photo.height} high when it is "
            "upright: give left, top, width and height in those"
        )
    if min(box.w, box.h) < SMALLEST:
        raise UsageError(f"the box is too small: a face has {SMALLEST} pixels and more each way")


def _known_at(store: Store, photo: int, box: Box, *, present: bool = True) -> int | None:
    """The face that is known at a place, or was once: also if a human called it no face."""
    known = {face: place for face, (place, there) in face_places.known_places(store, photo).items() if there == present}
    return face_places.same_places(known, [box]).get(0)
