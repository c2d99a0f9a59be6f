"""The album as data: the values that its pages show, and the protocol `Album` that yields them.

An album is read as a stream. Only the list of people, and the faces of one person or one group at a time, are held in
memory. All text may be hostile; paths are bytes as the file system gave them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from phototag.types import Box


@dataclass(frozen=True, slots=True)
class Summary:
    """The album's figures.

    `created_at`: ISO 8601 local time. `photos`: all photos that were read, with or without faces. `faces`: all faces
    that the pages show; `named_faces` of them have a label or a tag, `unknown_faces` have neither. `problems`: files
    that could not be used. `away`: photos of which no file is there.
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
    """A person: the number of `faces`, how many of them a human `confirmed`, first and last date (ISO 8601)."""

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

    `person`: the name of `person_id`. `source`: who gave the name, None for an unknown face. `probability`: of a tag, 0
    to 1. `box`: in pixels of the upright full-size photo. `taken_at`: of its photo, ISO 8601 local time. `group`: the
    number of its unknown group, if any.
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
    """A photo with its faces. `path` is relative to the library `root`; sizes are in pixels of the upright photo."""

    id: int
    path: bytes
    root: bytes
    width: int
    height: int
    taken_at: str | None
    faces: tuple[FaceEntry, ...]


@dataclass(frozen=True, slots=True)
class GroupEntry:
    """A group of unknown faces, the most central one first."""

    number: int
    faces: Sequence[FaceEntry]


@dataclass(frozen=True, slots=True)
class ProblemEntry:
    """Why a file could not be used, and in how many runs (`count`)."""

    path: bytes
    root: bytes
    stage: str
    code: str
    message: str
    count: int


@dataclass(frozen=True, slots=True)
class ReliabilityEntry:
    """Guesses about held-out faces: how many in this bin, their mean probability, and the share that was right."""

    guesses: int
    probability: float
    right: float


class Album(Protocol):
    """What the album is written from. All methods show the same state of a database."""

    def summary(self) -> Summary: ...

    def people(self) -> Sequence[PersonEntry]:
        """The people who are shown, most faces first."""
        ...

    def faces_of(self, person_id: int) -> Iterable[FaceEntry]:
        """A person's faces by date, undated ones last."""
        ...

    def together(self, person_id: int) -> Sequence[tuple[PersonEntry, int]]:
        """The other people on this person's photos, and on how many of them; most photos first."""
        ...

    def groups(self) -> Iterable[GroupEntry]:
        """Groups of unknown faces, whoever was photographed most often first."""
        ...

    def photos(self) -> Iterable[PhotoEntry]:
        """All photos with a face by date, undated ones last; every face that is shown is on one of them."""
        ...

    def problems(self) -> Iterable[ProblemEntry]:
        """Ordered by code."""
        ...

    def reliability(self) -> tuple[ReliabilityEntry, ...]:
        """By rising probability; empty if nothing was measured."""
        ...

    def crop(self, face_id: int) -> bytes | None:
        """The crop of a face (JPEG without metadata), None if none was kept."""
        ...

    def preview(self, photo_id: int) -> bytes | None:
        """The preview of a photo (JPEG without metadata, upright), None if none was kept."""
        ...
