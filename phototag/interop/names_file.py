"""What a names file holds: all decisions about faces and people that stand, by the photos' content.

docs/names.md describes the file for other programs. Boxes are in upright pixels of the full-size photo.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from phototag.types import Box, Origin

FORMAT = "phototag-names"
VERSION = 1
#: More than a million named faces take.
MAX_BYTES = 256 << 20
#: How every names file begins.
HEAD = f'{{\n"format": "{FORMAT}",\n"version": '.encode()

FaceVerb: TypeAlias = Literal["is", "is-not", "a-face", "not-a-face", "dont-care"]
PairVerb: TypeAlias = Literal["same", "different"]


@dataclass(frozen=True, slots=True)
class ListedDecision:
    """A decision about a face, when (ISO 8601) and where it was made. `person`: of `is` and `is-not`."""

    verb: FaceVerb
    person: str | None
    at: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class ListedFace:
    """A face and the decisions about it; `number` is its own within the file."""

    number: int
    box: Box
    decisions: tuple[ListedDecision, ...]


@dataclass(frozen=True, slots=True)
class ListedPhoto:
    """A photo by its content; `path` is a hint only. `width`, `height`: upright, full size."""

    sha256: str
    path: bytes
    width: int
    height: int
    faces: tuple[ListedFace, ...]


@dataclass(frozen=True, slots=True)
class ListedPerson:
    """A name, whether the album hides them, and the names of people who turned out to be them."""

    name: str
    hidden: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListedFacePair:
    """Two faces (by number) that are one person, or two."""

    verb: PairVerb
    faces: tuple[int, int]
    at: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class ListedPeoplePair:
    """Two people (by name) who are two."""

    people: tuple[str, str]
    at: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class NamesFile:
    """All that a names file holds. `left_out`: invalid entries, each with its place in the file and the reason."""

    people: tuple[ListedPerson, ...] = ()
    photos: tuple[ListedPhoto, ...] = ()
    pairs: tuple[ListedFacePair, ...] = ()
    different: tuple[ListedPeoplePair, ...] = ()
    left_out: tuple[str, ...] = ()
