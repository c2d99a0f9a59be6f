"""Label: take the names of folders as the names of the main faces of the photos in them."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from phototag.display import name_key, path_text, person_name
from phototag.errors import UsageError
from phototag.store import decisions, faces, libraries, people, photos
from phototag.store.connect import Store
from phototag.store.decisions import Decision
from phototag.types import Box, Face


@dataclass(frozen=True, slots=True)
class Labelled:
    """Faces newly named, people they belong to, and photos without a face to name."""

    faces: int
    people: int
    faceless: int


def label_from_folders(store: Store, folder: Path) -> Labelled:
    """Name the main face of each indexed photo below `folder` after the folder that the photo is in.

    Faces that a human already labelled are left as they are. Photos directly in `folder` have no
    person's folder and are passed over. Raises UsageError if `folder` isn't indexed.
    """
    base = os.path.abspath(os.fsencode(folder))
    held = decisions.labels(store)
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
            face = main_face(found, width, height)
            if face.id not in held:
                by_name.setdefault(os.fsdecode(os.path.basename(parent)), []).append(face.id)
    if not seen:
        raise UsageError(
            f"no indexed photo lies in a folder below {path_text(base)}: run `phototag index {path_text(base)}` first"
        )
    with store.write():
        for name, ids in sorted(by_name.items()):
            cleaned = person_name(name.encode("utf-8", "replace").decode())
            person = people.ensure(store, cleaned)
            decisions.record(store, [Decision("is", face, person.id) for face in ids], "folder")
    return Labelled(sum(map(len, by_name.values())), len({name_key(name) for name in by_name}), faceless)


def main_face(found: list[Face], width: int, height: int) -> Face:
    """The face that a photo is of: large, and near the middle."""
    return max(found, key=lambda face: _prominence(face.box, width, height))


def _prominence(box: Box, width: int, height: int) -> float:
    """Area, discounted linearly to a quarter from the photo's middle to its corner."""
    across = (box.x + box.w / 2 - width / 2) / (width / 2)
    down = (box.y + box.h / 2 - height / 2) / (height / 2)
    away = min(1.0, math.hypot(across, down) / math.sqrt(2))
    return box.w * box.h * (1 - 0.75 * away)
