"""Label: take the names of folders as the names of the main faces of the photos in them."""

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

#: Another face that is this share as prominent as a photo's main face may be meant as well.
_CLEAR = 0.6


@dataclass(frozen=True, slots=True)
class Conflict:
    """A photo that names nobody: its copies lie in the folders of several people (`names`), or it isn't clear which of
    its faces is meant (one name)."""

    paths: tuple[bytes, ...]
    names: tuple[str, ...]

    def __str__(self) -> str:
        paths = ", ".join(map(path_text, self.paths))
        if len(self.names) == 1:
            return f"{paths}: which face is {printable(self.names[0])}?"
        return f"{paths}: one photo, in the folders of {' and '.join(map(printable, self.names))}"


@dataclass(frozen=True, slots=True)
class Labelled:
    """Faces newly named, people they belong to, photos without a face to name, and those that name nobody."""

    faces: int
    people: int
    faceless: int
    conflicts: tuple[Conflict, ...]


@dataclass(frozen=True, slots=True)
class _InFolder:
    """A photo in a person's folder."""

    id: int
    path: bytes
    width: int
    height: int
    person: str


def label_from_folders(store: Store, folder: Path) -> Labelled:
    """Name the main face of each indexed photo below `folder` after the first folder below it, whatever lies between.

    Faces that a human already labelled, or said not to be this person, are left as they are. Photos directly in
    `folder` have no person's folder and are passed over. A photo of which copies lie in two people's folders, or on
    which several faces may be meant, names nobody. Raises UsageError if `folder` isn't indexed, or a folder in it has a
    name that no person can have.
    """
    base = os.path.abspath(os.fsencode(folder)).rstrip(b"/") + b"/"
    contents = _below(store, base)
    if not contents:
        where = path_text(base)
        raise UsageError(f"no indexed photo lies in a folder below {where}", IndexFolder(where))
    faceless, conflicts, named = 0, list[Conflict](), defaultdict[str, list[int]](list)
    with store.write():
        held, refused = decisions.labels(store), set(decisions.rejected(store))
        for copies in contents:
            names = {name_key(copy.person): copy.person for copy in copies}
            found = faces.of_photo(store, copies[0].id)
            if not found or faces.of_somebody_forgotten(store, copies[0].id):  # whose folder it may be
                faceless += len(copies)
                continue
            person = people.find(store, copies[0].person)
            settled = held.keys() | {face for face, other in refused if person and other == person.id}
            meant = _meant(found, copies[0], settled)
            if len(names) > 1 or meant is None:
                conflicts.append(Conflict(tuple(copy.path for copy in copies), tuple(names.values())))
            elif meant.id not in settled:
                named[min(names)].append(meant.id)
        who = {name_key(copy.person): copy.person for copies in contents for copy in copies}
        answers = {people.ensure(store, who[key]).id: ids for key, ids in sorted(named.items())}
        for one, ids in answers.items():
            decisions.record(store, [Decision("is", face, one) for face in sorted(ids)], "folder")
    return Labelled(sum(map(len, answers.values())), len(answers), faceless, tuple(conflicts))


def _below(store: Store, base: bytes) -> list[list[_InFolder]]:
    """The photos in people's folders below `base`, each with its places there."""
    contents: dict[int, list[_InFolder]] = {}
    for library in libraries.every(store):
        for photo, path, width, height in photos.done(store, library.id):
            whole = library.root + b"/" + path
            person, _, inside = whole.removeprefix(base).partition(b"/")
            if whole.startswith(base) and inside:
                one = _InFolder(photo, whole, width, height, _name_of(person))
                contents.setdefault(photo, []).append(one)
    return list(contents.values())


def _name_of(folder: bytes) -> str:
    try:
        return person_name(os.fsdecode(folder))
    except ValueError as error:
        raise UsageError(
            f"the folder {path_text(folder)} can't be a person's name ({error}): rename it; no face was named"
        ) from error


def _meant(found: Sequence[Face], photo: _InFolder, settled: Collection[int]) -> Face | None:
    """The face that a folder's name is for; None if another one may be meant that isn't `settled`."""
    main = main_face(found, photo.width, photo.height)
    least = _CLEAR * prominence(main.box, photo.width, photo.height)
    rivals = (face for face in found if face.id != main.id and face.id not in settled)
    if main.id not in settled and any(prominence(one.box, photo.width, photo.height) >= least for one in rivals):
        return None
    return main
