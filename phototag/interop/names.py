"""The file of names: all that humans said of faces and people and that stands, by the photos' content, as JSON.

docs/names.md describes it for other programs. Boxes are in upright pixels of the full-size photo.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Literal, TypeAlias, TypeVar, cast, get_args

from phototag.display import former_key, name_key, numbered, person_name, printable
from phototag.types import Box, Origin

T = TypeVar("T")

FORMAT = "phototag-names"
VERSION = 1
#: More than a million named faces take.
MAX_BYTES = 256 << 20
#: How every file of names begins.
HEAD = f'{{\n"format": "{FORMAT}",\n"version": '.encode()

OfFace: TypeAlias = Literal["is", "is-not", "a-face", "not-a-face", "dont-care"]
OfPair: TypeAlias = Literal["same", "different"]
#: Of a face at most one of these stands.
_LABELS = frozenset({"is", "not-a-face", "dont-care"})
_OF_PEOPLE = frozenset({"is", "is-not"})
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LONGEST = 1_000_000  #: pixels of a photo's side
#: Share of a box that must lie in its photo, so that what is left of it is the same place.
_INSIDE = 0.4


class NamesError(ValueError):
    """What is wrong with a file of names, and where in it."""


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that was said of a face, when (ISO 8601) and where. `person`: of `is` and `is-not`."""

    verb: OfFace
    person: str | None
    at: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class ToldFace:
    """A face and what was said of it; `number` is its own within the file."""

    number: int
    box: Box
    said: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class ToldPhoto:
    """A photo by its content; `path` is a hint only. `width`, `height`: upright, full size."""

    sha256: str
    path: bytes
    width: int
    height: int
    faces: tuple[ToldFace, ...]


@dataclass(frozen=True, slots=True)
class ToldPerson:
    """A name, whether the album hides them, and the names of people who turned out to be them."""

    name: str
    hidden: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ToldPair:
    """Two faces (by number) that are one person, or two."""

    verb: OfPair
    faces: tuple[int, int]
    at: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class ToldTwo:
    """Two people (by name) who are two."""

    people: tuple[str, str]
    at: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Names:
    """All that a file of names says. `left_out`: its entries that can't be, each with its place and the reason."""

    people: tuple[ToldPerson, ...] = ()
    photos: tuple[ToldPhoto, ...] = ()
    pairs: tuple[ToldPair, ...] = ()
    different: tuple[ToldTwo, ...] = ()
    left_out: tuple[str, ...] = ()


# --- out ---


def render(names: Names) -> bytes:
    """The file's bytes: UTF-8, a line for each person, face and pair."""
    people = [
        {"name": person.name, "hidden": person.hidden, "aliases": list(person.aliases)} for person in names.people
    ]
    different = [{"people": list(two.people), "at": two.at, "origin": two.origin} for two in names.different]
    pairs = [
        {"verb": pair.verb, "faces": list(pair.faces), "at": pair.at, "origin": pair.origin} for pair in names.pairs
    ]
    text = (
        f'{HEAD.decode()}{VERSION},\n"people": {_lines(map(_json, people))},\n"different": '
        f'{_lines(map(_json, different))},\n"photos": {_lines(map(_photo, names.photos))},\n"pairs": '
        f"{_lines(map(_json, pairs))}\n}}\n"
    )
    # A path that isn't UTF-8 holds lone surrogates, and a backslash with their number is just JSON's escape for them.
    return text.encode("utf-8", "backslashreplace")


def _lines(items: Iterable[str]) -> str:
    inside = ",\n".join(items)
    return f"[\n{inside}\n]" if inside else "[]"


def _photo(photo: ToldPhoto) -> str:
    about = _json(
        {
            "sha256": photo.sha256,
            "path": photo.path.decode("utf-8", "surrogateescape"),
            "width": photo.width,
            "height": photo.height,
        }
    )
    return f'{about[:-1]}, "faces": {_lines(map(_face, photo.faces))}}}'


def _face(face: ToldFace) -> str:
    box = face.box
    said = [
        {
            "verb": one.verb,
            **({"person": one.person} if one.person is not None else {}),
            "at": one.at,
            "origin": one.origin,
        }
        for one in face.said
    ]
    return _json({"face": face.number, "box": [box.x, box.y, box.w, box.h], "said": said})


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


# --- in ---


def parse(data: bytes) -> Names:
    """What a file says. Raises NamesError, and nothing else, for what as a whole isn't such a file.

    A single entry that can't be is left out, and told in `left_out`. Names come out as phototag keeps them (NFC, white
    space single). What the format doesn't know is passed over.
    """
    document = _object(_loaded(data), "the file")
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
    pairs = tuple(reader.each(document, "pairs", "", reader.pair))
    different = tuple(reader.each(document, "different", "", reader.two))
    return Names(people, photos, pairs, different, tuple(reader.left_out))


def _loaded(data: bytes) -> object:
    if len(data) > MAX_BYTES:
        raise NamesError(f"it is larger than {MAX_BYTES >> 20} MiB, which no file of names is")
    try:
        loaded: object = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_once, parse_int=_integer)
    except RecursionError as error:
        raise NamesError("it is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise NamesError("it is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise NamesError(f"it is not JSON ({error.msg}, line {error.lineno})") from error
    return loaded


class _KeyTwice:
    """Stands for an object that has a key twice: which of the values is meant?"""


def _once(pairs: list[tuple[str, object]]) -> object:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _KeyTwice()


def _integer(digits: str) -> int | float:
    """An integer; infinity for one of more digits than any number in a file of names has."""
    return int(digits) if len(digits) < 400 else math.inf


class _Reader:
    """Reads a file entry by entry. `left_out`: what can't be, each with its place in the file and the reason.

    `known`: each person's name as the file writes it → as we keep it. `numbers`: of the faces read so far.
    """

    def __init__(self) -> None:
        self.left_out: list[str] = []
        self.known: dict[str, str] = {}
        self.numbers: set[int] = set()
        self._met: dict[str, dict[str, str]] = {}  # key → the name as an older version compared it → as we keep it

    def each(self, about: dict[str, Any], key: str, where: str, read: Callable[[object, str], T]) -> Iterator[T]:
        """The entries of a list, which may be absent, but for those that can't be."""
        for item, place in _each(about, key, where):
            try:
                yield read(item, place)
            except NamesError as error:
                self.left_out.append(str(error))

    def optional(self, read: Callable[[object, str], T], value: object, where: str, default: T) -> T:
        """What a less important part of an entry says; the default if that can't be."""
        try:
            return read(value, where)
        except NamesError as error:
            self.left_out.append(str(error))
            return default

    def person(self, value: object, where: str) -> ToldPerson:
        about = _object(value, where)
        name = self.name(about.get("name"), where)
        self.known |= {name: name, cast(str, about["name"]): name}
        hidden = self.optional(_bool, about.get("hidden", False), f"{where}: hidden", False)
        aliases: list[Any] = self.optional(_list, about.get("aliases", []), f"{where}, aliases", [])
        return ToldPerson(name, hidden, tuple(self.each({"aliases": aliases}, "aliases", where, self.name)))

    def name(self, value: object, where: str) -> str:
        """Another name of the file. Names that are one since they are compared by more than case are numbered,
        `Zoe (2)`."""
        written = _text(value, f"{where}: a name")
        name = _name(written, where)
        key, former = name_key(name), former_key(written)
        if (same := self._met.get(key, {}).get(former)) is not None:
            if same in self.known:
                self.known.setdefault(written, same)  # faces of either spelling are theirs
            raise NamesError(f"{where}: {printable(name)} is a person's name already")
        kept = numbered(name, self._met) if key in self._met else name
        self._met.setdefault(key, {})[former] = kept
        self._met.setdefault(name_key(kept), {}).setdefault(former, kept)
        return kept

    def photo(self, value: object, where: str) -> ToldPhoto:
        about = _object(value, where)
        sha256 = _text(about.get("sha256"), f"{where}: sha256")
        if not _SHA256.fullmatch(sha256):
            raise NamesError(f"{where}: sha256 must be 64 hexadecimal digits")
        width, height = (_whole(about.get(side), f"{where}: {side}", _LONGEST) for side in ("width", "height"))
        path = self.optional(_path, about.get("path", ""), f"{where}: path", b"")
        faces = tuple(self.each(about, "faces", where, partial(self.face, width=width, height=height)))
        return ToldPhoto(sha256, path, width, height, faces)

    def face(self, value: object, where: str, *, width: int, height: int) -> ToldFace:
        about = _object(value, where)
        number = _whole(about.get("face"), f"{where}: face", 2**53)
        if number in self.numbers:
            raise NamesError(f"{where}: another face has the same number, {number}")
        box = _box(about.get("box"), where, width, height)
        said = tuple(self.each(about, "said", where, self.said))
        if sum(one.verb in _LABELS for one in said) > 1:
            raise NamesError(f"{where}: a face is one person, or no face, or nobody to care for")
        about_whom = [one.person for one in said if one.verb in _OF_PEOPLE]
        if len(set(about_whom)) < len(about_whom):
            raise NamesError(f"{where}: it says two things of a face and one person")
        self.numbers.add(number)
        return ToldFace(number, box, said)

    def said(self, value: object, where: str) -> Said:
        about = _object(value, where)
        verb = cast(OfFace, _choice(about.get("verb"), f"{where}: verb", get_args(OfFace)))
        person = self.somebody(about.get("person"), where) if verb in _OF_PEOPLE else None
        return Said(verb, person, *_when(about, where))

    def pair(self, value: object, where: str) -> ToldPair:
        about = _object(value, where)
        verb = cast(OfPair, _choice(about.get("verb"), f"{where}: verb", get_args(OfPair)))
        faces = [_whole(face, f"{where}: faces", 2**53) for face in _list(about.get("faces"), f"{where}: faces")]
        if len(faces) != 2 or faces[0] == faces[1] or not self.numbers.issuperset(faces):
            raise NamesError(f"{where}: faces must be the numbers of two faces of the file")
        return ToldPair(verb, (faces[0], faces[1]), *_when(about, where))

    def two(self, value: object, where: str) -> ToldTwo:
        about = _object(value, where)
        people = [self.somebody(name, where) for name in _list(about.get("people"), f"{where}: people")]
        if len(people) != 2 or people[0] == people[1]:
            raise NamesError(f"{where}: people must be the names of two people")
        return ToldTwo((people[0], people[1]), *_when(about, where))

    def somebody(self, value: object, where: str) -> str:
        """The name of one of the file's people."""
        name = _name(value, where)
        if isinstance(value, str) and value in self.known:
            return self.known[value]
        if name not in self.known:
            raise NamesError(f"{where}: {printable(name)} is none of its people")
        return self.known[name]


def _box(value: object, where: str, width: int, height: int) -> Box:
    """A face's box, which may stick out of its photo a little: detectors draw such at a picture's edge."""
    sides = [_number(side, f"{where}: box") for side in _list(value, f"{where}: box")]
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
    at = _text(about.get("at"), f"{where}: at")
    try:
        datetime.fromisoformat(at.replace("Z", "+00:00"))
    except ValueError as error:
        raise NamesError(f"{where}: at must be a time, such as 2026-11-25T02:03:04+00:00") from error
    return at, cast(Origin, _choice(about.get("origin"), f"{where}: origin", get_args(Origin)))


def _name(value: object, where: str) -> str:
    try:
        return person_name(_text(value, f"{where}: a name"))
    except NamesError:
        raise
    except ValueError as error:
        raise NamesError(f"{where}: {error}") from error


def _each(about: dict[str, Any], key: str, where: str) -> Iterator[tuple[object, str]]:
    """The items of a list, which may be absent, each with where it is."""
    place = f"{where}, {key}" if where else key
    for number, item in enumerate(_list(about.get(key, []), place), 1):
        yield item, f"{place} {number}"


def _object(value: object, where: str) -> dict[str, Any]:
    if isinstance(value, _KeyTwice):
        raise NamesError(f"{where} has a key twice")
    if not isinstance(value, dict):
        raise NamesError(f"{where} must be an object")
    return value


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise NamesError(f"{where} must be a list")
    return value


def _bool(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise NamesError(f"{where} must be true or false")
    return value


def _path(value: object, where: str) -> bytes:
    try:
        return _text(value, where).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise NamesError(f"{where} is no path") from error


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise NamesError(f"{where} must be text")
    return value


def _choice(value: object, where: str, choices: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in choices:
        raise NamesError(f"{where} must be one of {', '.join(choices)}")
    return value


def _whole(value: object, where: str, most: int) -> int:
    if type(value) is not int or not 1 <= value <= most:
        raise NamesError(f"{where} must be a whole number from 1 to {most:,}")
    return value


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_LONGEST <= value <= _LONGEST:
        raise NamesError(f"{where} must be of numbers, none beyond {_LONGEST:,}")  # NaN is in no interval
    return float(value)
