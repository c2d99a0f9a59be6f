"""Label: name the main face of each photo after the folder that it is in."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from phototag.analysis.main_face import main_face, prominence
from phototag.display import name_key, path_text, person_name, printable
from phototag.errors import UsageError
from phototag.remedies import IndexFolder
from phototag.store import decisions, faces, libraries, people, photos
from phototag.store.connect import Store
from phototag.store.decisions import Decision
from phototag.types import Face

#: With another face at least this share as prominent as the main one, it isn't clear whose folder a photo is in.
_AMBIGUOUS = 0.6


@dataclass(frozen=True, slots=True)
class Conflict:
    """A photo of which no face was named.

    Its copies lie in the folders of several people (`names`), or several of its faces may be the person (one name).
    """

    paths: tuple[bytes, ...]
    names: tuple[str, ...]

    def __str__(self) -> str:
        paths = ", ".join(map(path_text, self.paths))
        if len(self.names) == 1:
            return f"{paths}: which face is {printable(self.names[0])}?"
        return f"{paths}: one photo, in the folders of {' and '.join(map(printable, self.names))}"


@dataclass(frozen=True, slots=True)
class Labelled:
    """The numbers of faces newly named and of their people, of photos without a face to name, and the conflicts."""

    faces: int
    people: int
    faceless: int
    conflicts: tuple[Conflict, ...]


@dataclass(frozen=True, slots=True)
class _PhotoInFolder:
    """A photo in a person's folder."""

    id: int
    path: bytes
    width: int
    height: int
    person: str


def label_from_folders(store: Store, folder: Path) -> Labelled:
    """Name the main face of each indexed photo below `folder` after the first folder below it: `folder/Ada/2019/1.jpg`.

    Faces that a human already named, or rejected as this person, are left alone. Photos directly in `folder` are
    skipped, and so are conflicts: photos with copies in two people's folders, or with several faces that may be the
    person. Raises UsageError if `folder` isn't indexed, or if a folder in it has a name that no person can have.
    """
    base = os.path.abspath(os.fsencode(folder)).rstrip(b"/") + b"/"
    contents = _below(store, base)
    if not contents:
        where = path_text(base)
        raise UsageError(f"no indexed photo lies in a folder below {where}", IndexFolder(where))
    faceless, conflicts, named = 0, list[Conflict](), defaultdict[str, list[int]](list)
    with store.write():
        labels, rejected = decisions.labels(store), set(decisions.rejected(store))
        for copies in contents:
            names = {name_key(copy.person): copy.person for copy in copies}
            found = faces.of_photo(store, copies[0].id)
            if not found or faces.of_somebody_forgotten(store, copies[0].id):  # it may be their folder
                faceless += len(copies)
                continue
            person = people.find(store, copies[0].person)
            answered = labels.keys() | {face for face, other in rejected if person and other == person.id}
            main = _face_to_name(found, copies[0], answered)
            if len(names) > 1 or main is None:
                conflicts.append(Conflict(tuple(copy.path for copy in copies), tuple(names.values())))
            elif main.id not in answered:
                named[min(names)].append(main.id)
        spelling = {name_key(copy.person): copy.person for copies in contents for copy in copies}
        answers = {people.ensure(store, spelling[key]).id: ids for key, ids in sorted(named.items())}
        for person_id, ids in answers.items():
            decisions.record(store, [Decision("is", face, person_id) for face in sorted(ids)], "folder")
    return Labelled(sum(map(len, answers.values())), len(answers), faceless, tuple(conflicts))


def _below(store: Store, base: bytes) -> list[list[_PhotoInFolder]]:
    """The photos in people's folders below `base`: a list of its copies there for each photo."""
    contents: dict[int, list[_PhotoInFolder]] = {}
    for library in libraries.every(store):
        for photo, path, width, height in photos.done(store, library.id):
            full_path = library.root + b"/" + path
            person, _, inside = full_path.removeprefix(base).partition(b"/")
            if full_path.startswith(base) and inside:
                one = _PhotoInFolder(photo, full_path, width, height, _name_of(person))
                contents.setdefault(photo, []).append(one)
    return list(contents.values())


def _name_of(folder: bytes) -> str:
    try:
        return person_name(os.fsdecode(folder))
    except ValueError as error:
        raise UsageError(
            f"the folder {path_text(folder)} can't be a person's name ({error}): rename it; no face was named"
        ) from error


def _face_to_name(found: Sequence[Face], photo: _PhotoInFolder, answered: Collection[int]) -> Face | None:
    """The main face; None if another one, nearly as prominent, may be the person too, and neither is `answered`."""
    main = main_face(found, photo.width, photo.height)
    least = _AMBIGUOUS * prominence(main.box, photo.width, photo.height)
    others = (face for face in found if face.id != main.id and face.id not in answered)
    if main.id not in answered and any(prominence(one.box, photo.width, photo.height) >= least for one in others):
        return None
    return main
