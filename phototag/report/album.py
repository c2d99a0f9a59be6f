"""What a report shows: the values its pages are made of, and the `Album` that yields them.

An album is read as a stream: only its people, and the faces of one person or one group at a time,
are ever held in memory. All text may be hostile; paths are bytes as the file system gave them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from phototag.types import Box


@dataclass(frozen=True, slots=True)
class Summary:
    """The album's figures.

    `created_at`: ISO 8601 local time. `photos`: all photos read, with or without faces. `faces`:
    those that the pages show; `named_faces` of them have a name, by a person or by the machine;
    `unknown_faces` have none. `problems`: files that could not be used. `away`: photos of which no file is there.
    """

    title: str
    created_at: str
    photos: int
    faces: int
    people: int
    named_faces: int
    unknown_groups: int
    unknown_faces: int
    problems: int
    version: str
    away: int = 0


@dataclass(frozen=True, slots=True)
class PersonEntry:
    """A person: number of `faces`, how many of them a human `confirmed`, first and last time (ISO 8601)."""

    id: int
    name: str
    faces: int
    confirmed: int
    cover_face_id: int | None
    first_taken: str | None
    last_taken: str | None


@dataclass(frozen=True, slots=True)
class FaceEntry:
    """A face on a photo.

    `person`: the name that goes with `person_id`. `source`: who said so, None for an unknown face.
    `probability`: 0 to 1, of a machine's tag. `box`: upright pixels of the full-size photo.
    `taken_at`: ISO 8601 local time of its photo. `group`: the number of its unknown group, if any.
    """

    id: int
    photo_id: int
    person_id: int | None
    person: str | None
    source: Literal["human", "machine"] | None
    probability: float | None
    box: Box
    taken_at: str | None
    group: int | None = None


@dataclass(frozen=True, slots=True)
class PhotoEntry:
    """A photo with its faces; `path` is relative to the library `root`, sizes are upright pixels."""

    id: int
    path: bytes
    root: bytes
    width: int
    height: int
    taken_at: str | None
    faces: tuple[FaceEntry, ...]


@dataclass(frozen=True, slots=True)
class GroupEntry:
    """An unknown group, its faces from the most central outwards."""

    number: int
    faces: Sequence[FaceEntry]


@dataclass(frozen=True, slots=True)
class ProblemEntry:
    """Why a file could not be used, and in how many runs."""

    path: bytes
    root: bytes
    stage: str
    code: str
    message: str
    count: int


@dataclass(frozen=True, slots=True)
class ReliabilityEntry:
    """Claims about held-out faces of about the same probability: how many, its mean, and the share that was right."""

    claims: int
    probability: float
    right: float


class Album(Protocol):
    """What the report is written from; every method shows one state of the same database."""

    def summary(self) -> Summary: ...

    def people(self) -> Sequence[PersonEntry]:
        """Those to be shown, most faces first."""
        ...

    def faces_of(self, person_id: int) -> Iterable[FaceEntry]:
        """A person's faces in time order, undated last."""
        ...

    def together(self, person_id: int) -> Sequence[tuple[PersonEntry, int]]:
        """Who else is on this person's photos, and on how many of them; most often first."""
        ...

    def groups(self) -> Iterable[GroupEntry]:
        """Unknown groups, who was met most often first."""
        ...

    def photos(self) -> Iterable[PhotoEntry]:
        """Photos with at least one face in time order, undated last; every shown face lies on one of them."""
        ...

    def problems(self) -> Iterable[ProblemEntry]:
        """Ordered by code."""
        ...

    def reliability(self) -> tuple[ReliabilityEntry, ...]:
        """By rising probability; empty where nothing was measured."""
        ...

    def crop(self, face_id: int) -> bytes | None:
        """A face's picture as JPEG without metadata, None if none was kept."""
        ...

    def preview(self, photo_id: int) -> bytes | None:
        """A photo's picture as JPEG without metadata, of its whole upright frame, None if none was kept."""
        ...
