"""Label: take the names of folders as the names of the main faces of the photos in them."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from phototag.display import path_text, person_name
from phototag.errors import UsageError
from phototag.store import decisions, faces, libraries, people, photos
from phototag.store.connect import Store
from phototag.store.decisions import Decision
from phototag.store.faces import NewFace
from phototag.types import Box, Face

F = TypeVar("F", Face, NewFace)


@dataclass(frozen=True, slots=True)
class Labelled:
    """Faces newly named, people they belong to, and photos without a face to name."""

    faces: int
    people: int
    faceless: int


def label_from_folders(store: Store, folder: Path) -> Labelled:
    """Name the main face of each indexed photo below `folder` after the folder that the photo is in.

    Faces that a human already labelled, or said not to be this person, are left as they are. Photos directly
    in `folder` have no person's folder and are passed over. Raises UsageError if `folder` isn't indexed, or a
    folder in it has a name that no person can have.
    """
    base = os.path.abspath(os.fsencode(folder))
    by_name: dict[str, list[int]] = {}
    faceless = seen = 0
    for library in libraries.every(store):
        for photo, path, width, height in photos.done(store, library.id):
            whole = library.root + b"/" + path
            parent = os.path.dirname(whole)
            if not parent.startswith(base.rstrip(b"/") + b"/"):
                continue
            seen += 1
            found = faces.of_photo(store, photo)
            if not found:
                faceless += 1
                continue
            name = _name_of(os.path.basename(parent))
            by_name.setdefault(name, []).append(main_face(found, width, height).id)
    if not seen:
        raise UsageError(
            f"no indexed photo lies in a folder below {path_text(base)}: run `phototag index {path_text(base)}` first"
        )
    named: dict[int, int] = {}
    with store.write():
        held, refused = decisions.labels(store), set(decisions.rejected(store))
        for name, ids in sorted(by_name.items()):
            free = [face for face in ids if face not in held]
            person = people.ensure(store, name).id if free else 0
            answers = [Decision("is", face, person) for face in free if (face, person) not in refused]
            if answers:
                decisions.record(store, answers, "folder")
                named.update((answer.face, answer.person) for answer in answers if answer.face and answer.person)
    return Labelled(len(named), len(set(named.values())), faceless)


def _name_of(folder: bytes) -> str:
    try:
        return person_name(folder.decode("utf-8", "replace"))
    except ValueError as error:
        raise UsageError(
            f"the folder {path_text(folder)} can't be a person's name ({error}): rename it; no face was named"
        ) from error


def main_face(found: Sequence[F], width: int, height: int) -> F:
    """The face that a photo is of: large, and near the middle."""
    return max(found, key=lambda face: _prominence(face.box, width, height))


def _prominence(box: Box, width: int, height: int) -> float:
    """Area, discounted linearly to a quarter from the photo's middle to its corner."""
    across = (box.x + box.w / 2 - width / 2) / (width / 2)
    down = (box.y + box.h / 2 - height / 2) / (height / 2)
    away = min(1.0, math.hypot(across, down) / math.sqrt(2))
    return box.w * box.h * (1 - 0.75 * away)
