"""The file of names: all that humans said of faces and people and that stands, by the photos' content, as JSON.

docs/names.md describes it for other programs. Boxes are in upright pixels of the full-size photo.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias, cast, get_args

from phototag.display import former_key, name_key, numbered, person_name, printable
from phototag.types import Box, Origin

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
    """All that a file of names says."""

    people: tuple[ToldPerson, ...] = ()
    photos: tuple[ToldPhoto, ...] = ()
    pairs: tuple[ToldPair, ...] = ()
    different: tuple[ToldTwo, ...] = ()


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
    """What a file says. Raises NamesError, and nothing else, for whatever isn't such a file.

    Names come out as phototag keeps them (NFC, white space single). What the format doesn't know is passed over.
    """
    document = _object(_loaded(data), "the file")
    if document.get("format") != FORMAT:
        raise NamesError(f'it is no file of names: its "format" is not "{FORMAT}"')
    version = document.get("version")
    if type(version) is not int or version != VERSION:
        newer = type(version) is int and version > VERSION
        how = "it was written by a newer phototag: upgrade this one" if newer else f"only version {VERSION} is known"
        raise NamesError(f'of its "version" nothing is known: {how}')
    people, known = _people(document)
    photos = tuple(
        _read_photo(value, where, known) for value, where in _each(_object(document, "the file"), "photos", "")
    )
    numbers = [face.number for photo in photos for face in photo.faces]
    if len(set(numbers)) < len(numbers):
        raise NamesError("two of its faces have the same number")
    pairs = tuple(_read_pair(value, where, set(numbers)) for value, where in _each(document, "pairs", ""))
    different = tuple(_read_two(value, where, known) for value, where in _each(document, "different", ""))
    return Names(people, photos, pairs, different)


def _loaded(data: bytes) -> object:
    if len(data) > MAX_BYTES:
        raise NamesError(f"it is larger than {MAX_BYTES >> 20} MiB, which no file of names is")
    try:
        loaded: object = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_unique, parse_constant=_constant)
    except NamesError:
        raise
    except RecursionError as error:
        raise NamesError("it is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise NamesError("it is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise NamesError(f"it is not JSON ({error.msg}, line {error.lineno})") from error
    except ValueError as error:  # an integer of too many digits
        raise NamesError("a number in it is out of all bounds") from error
    return loaded


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise NamesError("an object in it has a key twice")
    return found


def _constant(name: str) -> object:
    raise NamesError(f"{name} in it is no number")


def _people(document: dict[str, Any]) -> tuple[tuple[ToldPerson, ...], dict[str, str]]:
    """The people, and the name of each as the file writes it → as we keep it.

    Names that are one since they are compared by more than case are numbered, `Zoe (2)`.
    """
    found: list[ToldPerson] = []
    met: dict[str, set[str]] = {}
    written: dict[str, str] = {}
    for value, where in _each(document, "people", ""):
        about = _object(value, where)
        hidden = about.get("hidden", False)
        if not isinstance(hidden, bool):
            raise NamesError(f"{where}: hidden must be true or false")
        values = [(about.get("name"), where), *_each(about, "aliases", where)]
        texts = [(_text(text, f"{place}: a name"), place) for text, place in values]
        names = []
        for text, place in texts:
            name = _name(text, place)
            if name_key(name) in met:
                if former_key(text) in met[name_key(name)]:
                    raise NamesError(f"{where}: {printable(name)} is a person's name already")
                met[name_key(name)].add(former_key(text))
                name = numbered(name, met)
            met.setdefault(name_key(name), set()).add(former_key(text))
            names.append(name)
        written[texts[0][0]] = names[0]
        found.append(ToldPerson(names[0], hidden, tuple(names[1:])))
    return tuple(found), {**{name: name for name in written.values()}, **written}


def _read_photo(value: object, where: str, known: dict[str, str]) -> ToldPhoto:
    about = _object(value, where)
    sha256 = _text(about.get("sha256"), f"{where}: sha256")
    if not _SHA256.fullmatch(sha256):
        raise NamesError(f"{where}: sha256 must be 64 hexadecimal digits")
    try:
        path = _text(about.get("path", ""), f"{where}: path").encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise NamesError(f"{where}: path is no path") from error
    width, height = (_whole(about.get(side), f"{where}: {side}", _LONGEST) for side in ("width", "height"))
    faces = tuple(_read_face(face, place, known, width, height) for face, place in _each(about, "faces", where))
    return ToldPhoto(sha256, path, width, height, faces)


def _read_face(value: object, where: str, known: dict[str, str], width: int, height: int) -> ToldFace:
    about = _object(value, where)
    number = _whole(about.get("face"), f"{where}: face", 2**53)
    sides = [_number(side, f"{where}: box") for side in _list(about.get("box"), f"{where}: box")]
    if len(sides) != 4 or min(sides[2:]) <= 0:
        raise NamesError(f"{where}: box must be left, top, width and height, the last two more than 0")
    box = Box(*sides)
    if not (box.x < width and box.y < height and box.x + box.w > 0 and box.y + box.h > 0):
        raise NamesError(f"{where}: box lies outside the photo")
    said = tuple(_read_said(one, place, known) for one, place in _each(about, "said", where))
    if sum(one.verb in _LABELS for one in said) > 1:
        raise NamesError(f"{where}: a face is one person, or no face, or nobody to care for")
    about_whom = [one.person for one in said if one.verb in _OF_PEOPLE]
    if len(set(about_whom)) < len(about_whom):
        raise NamesError(f"{where}: it says two things of a face and one person")
    return ToldFace(number, box, said)


def _read_said(value: object, where: str, known: dict[str, str]) -> Said:
    about = _object(value, where)
    verb = cast(OfFace, _choice(about.get("verb"), f"{where}: verb", get_args(OfFace)))
    person = _known(about.get("person"), where, known) if verb in _OF_PEOPLE else None
    return Said(verb, person, *_when(about, where))


def _read_pair(value: object, where: str, numbers: set[int]) -> ToldPair:
    about = _object(value, where)
    verb = cast(OfPair, _choice(about.get("verb"), f"{where}: verb", get_args(OfPair)))
    faces = [_whole(face, f"{where}: faces", 2**53) for face in _list(about.get("faces"), f"{where}: faces")]
    if len(faces) != 2 or faces[0] == faces[1] or not numbers.issuperset(faces):
        raise NamesError(f"{where}: faces must be the numbers of two faces of the file")
    return ToldPair(verb, (faces[0], faces[1]), *_when(about, where))


def _read_two(value: object, where: str, known: dict[str, str]) -> ToldTwo:
    about = _object(value, where)
    people = [_known(name, where, known) for name in _list(about.get("people"), f"{where}: people")]
    if len(people) != 2 or people[0] == people[1]:
        raise NamesError(f"{where}: people must be the names of two people")
    return ToldTwo((people[0], people[1]), *_when(about, where))


def _when(about: dict[str, Any], where: str) -> tuple[str, Origin]:
    at = _text(about.get("at"), f"{where}: at")
    try:
        datetime.fromisoformat(at.replace("Z", "+00:00"))
    except ValueError as error:
        raise NamesError(f"{where}: at must be a time, such as 2026-11-25T02:03:04+00:00") from error
    return at, cast(Origin, _choice(about.get("origin"), f"{where}: origin", get_args(Origin)))


def _known(value: object, where: str, known: dict[str, str]) -> str:
    name = _name(value, where)
    if isinstance(value, str) and value in known:
        return known[value]
    if name not in known:
        raise NamesError(f"{where}: {printable(name)} is none of its people")
    return known[name]


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
    if not isinstance(value, dict):
        raise NamesError(f"{where} must be an object")
    return value


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise NamesError(f"{where} must be a list")
    return value


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
