"""Reads a names file, in which nothing is trusted.

Written by hand and not with a library for schemas: an invalid entry is left out and reported while the others are read,
and most rules are about several entries (names that are equal, numbers that are taken, pairs of faces of the file).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any, TypeVar, cast, get_args

from phototag.display import former_key, name_key, numbered, person_name, printable
from phototag.interop.json_checks import (
    MAX_PIXELS,
    NamesError,
    boolean,
    choice,
    entries,
    json_list,
    json_object,
    load,
    number,
    path_bytes,
    text,
    whole_number,
)
from phototag.interop.names_file import (
    FORMAT,
    VERSION,
    FaceVerb,
    ListedDecision,
    ListedFace,
    ListedFacePair,
    ListedPeoplePair,
    ListedPerson,
    ListedPhoto,
    NamesFile,
    PairVerb,
)
from phototag.types import Box, Origin

T = TypeVar("T")

#: Of a face at most one of these stands.
_LABELS = frozenset({"is", "not-a-face", "dont-care"})
_WITH_PERSON = frozenset({"is", "is-not"})
_SHA256 = re.compile(r"[0-9a-f]{64}")
#: Share of a box that must lie in its photo, so that what is left of it is the same place.
_INSIDE = 0.4


def parse(data: bytes) -> NamesFile:
    """The content of a names file. Raises NamesError, and nothing else, for what as a whole isn't such a file.

    A single invalid entry is left out, and reported in `left_out`. Names come out as phototag keeps them (NFC, white
    space single). Keys that the format doesn't know are ignored.
    """
    document = json_object(load(data), "the file")
    if document.get("format") != FORMAT:
        raise NamesError(f'it is no file of names: its "format" is not "{FORMAT}"')
    version = document.get("version")
    if type(version) is not int or version != VERSION:
        newer = type(version) is int and version > VERSION
        how = "it was written by a newer phototag: upgrade this one" if newer else f"only version {VERSION} is known"
        raise NamesError(f'of its "version" nothing is known: {how}')
    reader = _Reader()
    people = tuple(reader.each(document, "people", "", reader.person))
    photos = tuple(reader.each(document, "photos", "", reader.photo))
    pairs = tuple(reader.each(document, "pairs", "", reader.face_pair))
    different = tuple(reader.each(document, "different", "", reader.people_pair))
    return NamesFile(people, photos, pairs, different, tuple(reader.left_out))


class _Reader:
    """Reads a file entry by entry.

    `left_out`: invalid entries, each with its place in the file and the reason. `known`: each person's name as the file
    writes it → as it is kept. `numbers`: of the faces read so far.
    """

    def __init__(self) -> None:
        self.left_out: list[str] = []
        self.known: dict[str, str] = {}
        self.numbers: set[int] = set()
        self._kept: dict[str, dict[str, str]] = {}  # name key → key of older versions → the name as it is kept

    def each(self, about: dict[str, Any], key: str, where: str, read: Callable[[object, str], T]) -> Iterator[T]:
        """The valid entries of a list, which may be absent."""
        for item, place in entries(about, key, where):
            try:
                yield read(item, place)
            except NamesError as error:
                self.left_out.append(str(error))

    def optional(self, read: Callable[[object, str], T], value: object, where: str, default: T) -> T:
        """A less important part of an entry; the default if it is invalid."""
        try:
            return read(value, where)
        except NamesError as error:
            self.left_out.append(str(error))
            return default

    def person(self, value: object, where: str) -> ListedPerson:
        about = json_object(value, where)
        name = self.name(about.get("name"), where)
        self.known |= {name: name, cast(str, about["name"]): name}
        hidden = self.optional(boolean, about.get("hidden", False), f"{where}: hidden", False)
        aliases: list[Any] = self.optional(json_list, about.get("aliases", []), f"{where}, aliases", [])
        return ListedPerson(name, hidden, tuple(self.each({"aliases": aliases}, "aliases", where, self.name)))

    def name(self, value: object, where: str) -> str:
        """A new name of the file, as it is kept. Raises NamesError if the file had it before.

        Names that were different for older versions, which compared less, are numbered: `Zoe (2)`.
        """
        written = text(value, f"{where}: a name")
        name = _name(written, where)
        key, former = name_key(name), former_key(written)
        if (same := self._kept.get(key, {}).get(former)) is not None:
            if same in self.known:
                self.known.setdefault(written, same)  # faces of either spelling are theirs
            raise NamesError(f"{where}: {printable(name)} is a person's name already")
        kept = numbered(name, self._kept) if key in self._kept else name
        self._kept.setdefault(key, {})[former] = kept
        self._kept.setdefault(name_key(kept), {}).setdefault(former, kept)
        return kept

    def photo(self, value: object, where: str) -> ListedPhoto:
        about = json_object(value, where)
        sha256 = text(about.get("sha256"), f"{where}: sha256")
        if not _SHA256.fullmatch(sha256):
            raise NamesError(f"{where}: sha256 must be 64 hexadecimal digits")
        width, height = (whole_number(about.get(side), f"{where}: {side}", MAX_PIXELS) for side in ("width", "height"))
        path = self.optional(path_bytes, about.get("path", ""), f"{where}: path", b"")
        faces = tuple(self.each(about, "faces", where, partial(self.face, width=width, height=height)))
        return ListedPhoto(sha256, path, width, height, faces)

    def face(self, value: object, where: str, *, width: int, height: int) -> ListedFace:
        about = json_object(value, where)
        face = whole_number(about.get("face"), f"{where}: face", 2**53)
        if face in self.numbers:
            raise NamesError(f"{where}: another face has the same number, {face}")
        box = _box(about.get("box"), where, width, height)
        decisions = tuple(self.each(about, "said", where, self.decision))
        if sum(one.verb in _LABELS for one in decisions) > 1:
            raise NamesError(f"{where}: a face is one person, or no face, or ignored")
        about_whom = [one.person for one in decisions if one.verb in _WITH_PERSON]
        if len(set(about_whom)) < len(about_whom):
            raise NamesError(f"{where}: it says two things of a face and one person")
        self.numbers.add(face)
        return ListedFace(face, box, decisions)

    def decision(self, value: object, where: str) -> ListedDecision:
        about = json_object(value, where)
        verb = cast(FaceVerb, choice(about.get("verb"), f"{where}: verb", get_args(FaceVerb)))
        person = self.somebody(about.get("person"), where) if verb in _WITH_PERSON else None
        return ListedDecision(verb, person, *_when(about, where))

    def face_pair(self, value: object, where: str) -> ListedFacePair:
        about = json_object(value, where)
        verb = cast(PairVerb, choice(about.get("verb"), f"{where}: verb", get_args(PairVerb)))
        numbers = json_list(about.get("faces"), f"{where}: faces")
        faces = [whole_number(face, f"{where}: faces", 2**53) for face in numbers]
        if len(faces) != 2 or faces[0] == faces[1] or not self.numbers.issuperset(faces):
            raise NamesError(f"{where}: faces must be the numbers of two faces of the file")
        return ListedFacePair(verb, (faces[0], faces[1]), *_when(about, where))

    def people_pair(self, value: object, where: str) -> ListedPeoplePair:
        about = json_object(value, where)
        people = [self.somebody(name, where) for name in json_list(about.get("people"), f"{where}: people")]
        if len(people) != 2 or people[0] == people[1]:
            raise NamesError(f"{where}: people must be the names of two people")
        return ListedPeoplePair((people[0], people[1]), *_when(about, where))

    def somebody(self, value: object, where: str) -> str:
        """The name of one of the file's people."""
        name = _name(value, where)
        if isinstance(value, str) and value in self.known:
            return self.known[value]
        if name not in self.known:
            raise NamesError(f"{where}: {printable(name)} is none of its people")
        return self.known[name]


def _box(value: object, where: str, width: int, height: int) -> Box:
    """A face's box, which may reach a little beyond its photo, as detectors' boxes do at the edge."""
    sides = [number(side, f"{where}: box") for side in json_list(value, f"{where}: box")]
    if len(sides) != 4 or min(sides[2:]) <= 0:
        raise NamesError(f"{where}: box must be left, top, width and height, the last two more than 0")
    box = Box(*sides)
    inside = box.within(width, height)
    if inside is None:
        raise NamesError(f"{where}: box lies outside the photo, which is {width} × {height} pixels")
    if min(inside.w, inside.h) < 1:
        raise NamesError(f"{where}: box is smaller than a pixel")
    if inside.iou(box) < _INSIDE:
        raise NamesError(f"{where}: most of the box lies outside the photo, which is {width} × {height} pixels")
    return box


def _when(about: dict[str, Any], where: str) -> tuple[str, Origin]:
    at = text(about.get("at"), f"{where}: at")
    try:
        datetime.fromisoformat(at.replace("Z", "+00:00"))
    except ValueError as error:
        raise NamesError(f"{where}: at must be a time, such as 2026-11-25T02:03:04+00:00") from error
    return at, cast(Origin, choice(about.get("origin"), f"{where}: origin", get_args(Origin)))


def _name(value: object, where: str) -> str:
    try:
        return person_name(text(value, f"{where}: a name"))
    except NamesError:
        raise
    except ValueError as error:
        raise NamesError(f"{where}: {error}") from error
