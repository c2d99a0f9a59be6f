"""Writes a names file."""

from __future__ import annotations

import json
from collections.abc import Iterable

from phototag.interop.names_file import HEAD, VERSION, ListedFace, ListedPhoto, NamesFile


def render(names: NamesFile) -> bytes:
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


def _photo(photo: ListedPhoto) -> str:
    about = _json(
        {
            "sha256": photo.sha256,
            "path": photo.path.decode("utf-8", "surrogateescape"),
            "width": photo.width,
            "height": photo.height,
        }
    )
    return f'{about[:-1]}, "faces": {_lines(map(_face, photo.faces))}}}'


def _face(face: ListedFace) -> str:
    box = face.box
    decisions = [
        {
            "verb": one.verb,
            **({"person": one.person} if one.person is not None else {}),
            "at": one.at,
            "origin": one.origin,
        }
        for one in face.decisions
    ]
    return _json({"face": face.number, "box": [box.x, box.y, box.w, box.h], "said": decisions})


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
