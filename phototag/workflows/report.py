"""Write the album: the whole database as a folder of static pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal, cast

from phototag import __version__
from phototag.imaging.quality import WORTH_GROUPING
from phototag.progress import Progress
from phototag.report.album import (
    FaceEntry,
    GroupEntry,
    PersonEntry,
    PhotoEntry,
    ProblemEntry,
    ReliabilityEntry,
    Summary,
)
from phototag.report.publish import publish_album
from phototag.store import faces, groups, models, people, photos, problems
from phototag.store.connect import Store
from phototag.store.faces import Identified
from phototag.store.people import PersonSummary
from phototag.workflows.recognition.trained_model import calibration_of


def report(store: Store, out: Path, progress: Progress) -> Path:
    """Write the album to `out` and return its first page. An earlier album stays until the new one is complete."""
    with store.snapshot():
        return publish_album(LibraryAlbum(store), out, progress)


class LibraryAlbum:
    """An `Album` that reads from the database."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.entries = {
            entry.person.id: _person(store, entry)
            for entry in people.summaries(store)
            if entry.faces and not entry.person.hidden
        }

    def summary(self) -> Summary:
        total = faces.count(self.store)
        named = sum(entry.faces for entry in self.entries.values())
        return Summary(
            title="Family album",
            created_at=datetime.now().isoformat(timespec="seconds"),
            photos=photos.count(self.store),
            faces=total,
            people=len(self.entries),
            named_faces=named,
            unknown_groups=sum(1 for _ in groups.unnamed(self.store)),
            unknown_faces=total - named,
            problems=problems.count(self.store),
            version=__version__,
            away=photos.count_away(self.store),
        )

    def people(self) -> list[PersonEntry]:
        return list(self.entries.values())

    def faces_of(self, person_id: int) -> Iterator[FaceEntry]:
        return map(face_entry, faces.identified(self.store, person=person_id))

    def together(self, person_id: int) -> list[tuple[PersonEntry, int]]:
        return [
            (self.entries[other], count)
            for other, count in people.seen_together(self.store, person_id)
            if other in self.entries
        ]

    def groups(self) -> Iterator[GroupEntry]:
        for group in groups.unnamed(self.store, clear=WORTH_GROUPING):
            members = {face.id: face for face in faces.identified(self.store, cluster=group.number)}
            yield GroupEntry(group.number, [face_entry(members[face]) for face in group.face_ids])

    def photos(self) -> Iterator[PhotoEntry]:
        for photo in photos.with_faces(self.store):
            found = tuple(map(face_entry, faces.identified(self.store, photo=photo.id)))
            yield PhotoEntry(photo.id, photo.path, photo.root, photo.width, photo.height, photo.taken_at, found)

    def problems(self) -> Iterator[ProblemEntry]:
        for root, problem, count in problems.listed(self.store):
            yield ProblemEntry(problem.path, root, problem.stage, problem.code, problem.message, count)

    def reliability(self) -> tuple[ReliabilityEntry, ...]:
        model = models.latest(self.store)
        bins = calibration_of(model, len(model.people)).reliability if model else ()
        return tuple(ReliabilityEntry(round(one.count), one.probability, one.accuracy) for one in bins)

    def crop(self, face_id: int) -> bytes | None:
        return faces.crop(self.store, face_id)

    def preview(self, photo_id: int) -> bytes | None:
        return photos.preview(self.store, photo_id)


def _person(store: Store, entry: PersonSummary) -> PersonEntry:
    return PersonEntry(
        id=entry.person.id,
        name=entry.person.name,
        faces=entry.faces,
        confirmed=entry.confirmed,
        cover_face_id=people.cover(store, entry.person.id),
        first_taken=entry.first,
        last_taken=entry.last,
    )


def face_entry(face: Identified) -> FaceEntry:
    """A face as the pages show it."""
    return FaceEntry(
        id=face.id,
        photo_id=face.photo_id,
        person_id=face.person_id,
        person=face.person,
        source=cast("Literal['human', 'machine'] | None", face.source),
        probability=face.probability if face.source == "machine" else None,
        box=face.box,
        taken_at=face.taken_at,
        group=face.cluster if face.person_id is None else None,
    )
