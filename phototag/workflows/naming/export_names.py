"""Export names: all decisions that stand, as a file that outlives the database."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import groupby
from typing import cast

from phototag.interop.names_file import (
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
from phototag.store import decisions, faces, people
from phototag.store.connect import Store
from phototag.store.faces import DecidedFace
from phototag.types import Box


@dataclass(frozen=True, slots=True)
class Exported:
    """The content of a names file; `left_out`: faces of photos that can't be read now, whose content is unknown."""

    names: NamesFile
    left_out: int

    @property
    def faces(self) -> int:
        return sum(len(photo.faces) for photo in self.names.photos)


def export_names(store: Store) -> Exported:
    """All that stands of people and faces; the same database always yields the same file."""
    with store.snapshot():
        merged = people.resolve_merges(store)
        everyone = {entry.person.id: entry.person for entry in people.summaries(store)}
        aliases = people.aliases_by_person(store)
        listed = _listed_decisions(store, {person: everyone[who].name for person, who in merged.items()})
        pairs = decisions.pair_decisions(store)
        wanted = listed.keys() | {face for pair in pairs for face in pair}
        decided = [face for face in faces.decided(store) if face.id in wanted]
        different = {
            tuple(sorted(pair)): (at, origin)
            for one, other, at, origin in decisions.people_pair_decisions(store)
            if len(pair := {everyone[merged[person]].name for person in (one, other) if person in merged}) == 2
        }
    known = [face for face in decided if face.sha256 is not None]
    numbers = {face.id: number for number, face in enumerate(known, 1)}
    return Exported(
        NamesFile(
            people=tuple(
                ListedPerson(person.name, person.hidden, tuple(aliases.get(person.id, ())))
                for person in sorted(everyone.values(), key=lambda person: (person.name.casefold(), person.id))
            ),
            photos=tuple(
                _listed_photo(list(of_one), numbers, listed)
                for _, of_one in groupby(known, key=lambda face: face.photo)
            ),
            pairs=tuple(
                ListedFacePair(cast(PairVerb, verb), (numbers[one], numbers[other]), at, origin)
                for (one, other), (verb, at, origin) in sorted(pairs.items())
                if one in numbers and other in numbers
            ),
            different=tuple(
                ListedPeoplePair((one, other), at, origin) for (one, other), (at, origin) in sorted(different.items())
            ),
        ),
        len(decided) - len(known),
    )


def _listed_decisions(store: Store, names: dict[int, str]) -> dict[int, list[ListedDecision]]:
    """Face → the decisions that stand about it, who it is first; `names`: of everybody, after all merges."""
    listed: dict[int, list[ListedDecision]] = defaultdict(list)
    for one in sorted(decisions.face_decisions(store), key=lambda one: one.verb == "is-not"):
        name = None if one.person is None else names.get(one.person)
        about = {other.person for other in listed[one.face]} - {None}
        if (one.person is None or name is not None) and name not in about:
            listed[one.face].append(ListedDecision(cast(FaceVerb, one.verb), name, one.at, one.origin))
    return {face: of_one for face, of_one in listed.items() if of_one}


def _listed_photo(
    of_one: list[DecidedFace], numbers: dict[int, int], listed: dict[int, list[ListedDecision]]
) -> ListedPhoto:
    photo = of_one[0]
    found = tuple(ListedFace(numbers[face.id], _rounded(face.box), tuple(listed.get(face.id, ()))) for face in of_one)
    return ListedPhoto(cast(str, photo.sha256), photo.path, photo.width, photo.height, found)


def _rounded(box: Box) -> Box:
    """To hundredths of a pixel, so that the file is easy to read."""
    return Box(*(round(value, 2) for value in (box.x, box.y, box.w, box.h)))
