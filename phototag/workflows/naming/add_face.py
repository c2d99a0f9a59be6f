"""Add a face: one that no detector found, at a place that a human points at, becomes a face like any other."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from phototag.analysis.analyze import analyze
from phototag.analysis.engine_provider import INSTALLED, EngineProvider
from phototag.analysis.face_analyzer import FaceAnalyzer, FaceFinder
from phototag.analysis.face_pipeline import PhotoAnalysis
from phototag.config import Settings
from phototag.display import path_text, person_name
from phototag.errors import UsageError
from phototag.progress import Progress, Silent
from phototag.remedies import IndexAgain, IndexFolder
from phototag.store import decisions, face_places, libraries, models, people, photos
from phototag.store import engines as engine_rows
from phototag.store.connect import Store
from phototag.store.decisions import Decision
from phototag.store.photos import LocatedPhoto
from phototag.types import Box, DecodedPhoto, NewFace, Origin, Person, Problem
from phototag.workflows.library.engines_in_use import current_embedder, library_settings
from phototag.workflows.naming.people import checked_name

#: A face of fewer pixels each way shows nobody (the smallest window of the smallest detector).
SMALLEST = 12


@dataclass(slots=True)
class DrawnFaces:
    """Faces at drawn boxes, by their photo's id and their box; the photos' previews; photos that can't be used."""

    embedder: int
    faces: dict[tuple[int, Box], NewFace] = field(default_factory=dict)
    previews: dict[int, bytes] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def describe_drawn_faces(
    store: Store,
    wanted: Mapping[LocatedPhoto, Sequence[Box]],
    settings: Settings,
    progress: Progress,
    engines: EngineProvider = INSTALLED,
) -> DrawnFaces:
    """Cut out and embed, with the embedder in use, the faces in boxes drawn on photos; nothing is stored.

    The photos are decoded by workers, so that none of them can end a server. Raises UsageError, WeightsError if the
    embedder can't be had.
    """
    drawn = DrawnFaces(current_embedder(store))
    settings = replace(library_settings(store, settings, engines), embedder=_embedder_in_use(store))
    analyzer = _open(store, drawn.embedder, settings, len(wanted), engines)

    def route(photo: LocatedPhoto, decoded: DecodedPhoto) -> FaceFinder | Problem:
        if decoded.sha256 != photo.sha256:
            return Problem(photo.path, "faces", "changed", "it has changed since it was indexed: index it again")
        return lambda pipeline, decoded: pipeline.describe_boxes(decoded, wanted[photo])

    progress.start("Looking at faces that were shown", len(wanted))
    jobs = min(settings.jobs, len(wanted))
    paths = ((photo, photo.path) for photo in wanted)
    for photo, result in analyze(paths, analyzer, jobs=jobs, side=settings.decode_side, route=route):
        match result:
            case PhotoAnalysis():
                for box, face in zip(wanted[photo], result.faces, strict=True):
                    drawn.faces[photo.id, box] = face
                drawn.previews[photo.id] = result.preview or b""
            case Problem():
                progress.problem(result)
                drawn.problems.append(result)
        progress.advance()
    progress.finish()
    return drawn


def _open(store: Store, embedder: int, settings: Settings, photos: int, engines: EngineProvider) -> FaceAnalyzer:
    """The engines. Raises UsageError if the embedder isn't the one of that id."""
    analyzer = engines.open(settings, photos=photos)
    if engine_rows.find(store, analyzer.embedder.info) != embedder:
        raise UsageError(
            f"{store.path} was indexed with another {analyzer.embedder.info.name} than is installed now", IndexAgain()
        )
    return analyzer


def _embedder_in_use(store: Store) -> str | None:
    found = engine_rows.current(store, "embedder")
    return found[1] if found else None


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
    engines: EngineProvider = INSTALLED,
) -> Added:
    """There is a face at `box` (upright pixels of the full-size photo), which no detector found; and who it is.

    If a known face is there, that one is meant. One answer, which is undone as one. Raises UsageError for a
    photo that isn't indexed or can't be used, a box that can't be, or a name that can't be.
    """
    return add_face_on(store, photo_at(store, photo), box, name, settings, progress, engines=engines)


def add_face_on(
    store: Store,
    row: LocatedPhoto,
    box: Box,
    name: str | None,
    settings: Settings,
    progress: Progress | None = None,
    origin: Origin = "typed",
    engines: EngineProvider = INSTALLED,
) -> Added:
    """The same on a photo that is known already."""
    with checked_name():
        cleaned = None if name is None else person_name(name)
    path = row.path
    _require_inside(box, row)
    drawn = None
    if _known_at(store, row.id, box) is None:
        drawn = describe_drawn_faces(store, {row: [box]}, settings, progress or Silent(), engines)
        if drawn.problems:
            raise UsageError(f"{path_text(path)} can't be used ({drawn.problems[0].message}); nothing was saved")
    with store.write():
        face = _known_at(store, row.id, box)  # also one that another run found meanwhile
        known = face is not None
        if face is None:
            if drawn is None or photos.sha256(store, row.id) != row.sha256:
                raise UsageError(f"{path_text(path)} is being indexed just now; nothing was saved: try again")
            once = _known_at(store, row.id, box, present=False)
            face = face_places.add(
                store, row.id, drawn.embedder, drawn.faces[row.id, box], drawn.previews[row.id], once
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
