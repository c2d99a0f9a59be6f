"""Import plan: which decisions of a names file are to be written, beside those that stand here already."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import product
from typing import TypeAlias

from phototag.display import path_text
from phototag.interop.names_file import ListedDecision, ListedPeoplePair, ListedPerson, NamesFile
from phototag.store import decisions, faces, people, photos
from phototag.store.connect import Store
from phototag.store.photos import LocatedPhoto
from phototag.types import Box, Verb
from phototag.workflows.naming.face_matching import FaceMatcher, same_proportions

#: Decisions by which a face stays though no detector finds it.
_KEEPING = frozenset({"is", "a-face", "dont-care"})

#: A person here, or the name of one who is new.
Who: TypeAlias = int | str
#: A face here, or less than 0: one that is new.
FaceId: TypeAlias = int
_Label: TypeAlias = tuple[Verb, Who | None]


@dataclass(frozen=True, slots=True)
class Difference:
    """What was decided here and the file says otherwise; `photo`, `box`: of which face, None if it is about people."""

    photo: bytes | None
    box: Box | None
    here: str
    file: str

    def __str__(self) -> str:
        where = ""
        if self.photo is not None and self.box is not None:
            where = f"{path_text(self.photo)} ({self.box.x:.0f}, {self.box.y:.0f}): "
        return f"{where}here {self.here}, in the file {self.file}"


@dataclass(frozen=True, slots=True)
class PlannedDecision:
    """A decision that is to be written, about faces and people who may be new."""

    verb: Verb
    face: FaceId | None = None
    person: Who | None = None
    other_face: FaceId | None = None
    other_person: Who | None = None


@dataclass(slots=True)
class _Stands:
    """What stands of faces here, kept up to date with each planned decision; `added`: faces added by hand."""

    labels: dict[FaceId, _Label] = field(default_factory=dict)
    rejected: set[tuple[FaceId, Who]] = field(default_factory=set)
    added: set[FaceId] = field(default_factory=set)
    pairs: dict[tuple[FaceId, FaceId], Verb] = field(default_factory=dict)

    @classmethod
    def read(cls, store: Store) -> _Stands:
        stands = cls()
        for one in decisions.face_decisions(store):
            if one.verb == "a-face":
                stands.added.add(one.face)
            elif one.verb == "is-not" and one.person is not None:
                stands.rejected.add((one.face, one.person))
            else:
                stands.labels[one.face] = (one.verb, one.person)
        stands.pairs = {pair: verb for pair, (verb, _, _) in decisions.pair_decisions(store).items()}
        return stands


class ImportPlan:
    """The decisions to write (`planned`), and what is to be reported.

    `standing`: how many of the file's decisions stand here already. `differences`: where the file and a human here
    differ; `overruled`: of these, how many go as the file says. `not_indexed`: the file's paths of photos whose content
    isn't known here. `left_out`: invalid entries. `forgotten`: how many faces of the file are forgotten here.
    """

    def __init__(self, store: Store, names: NamesFile, *, overrule: bool) -> None:
        self.planned: list[PlannedDecision] = []
        self.standing = 0
        self.overruled = 0
        self.differences: list[Difference] = []
        self.not_indexed: list[bytes] = []
        self.left_out = list(names.left_out)
        self.forgotten = 0
        self._store = store
        self._overrule = overrule
        self._stands = _Stands.read(store)
        self._matcher = FaceMatcher(store)
        self._merged: dict[Who, Who] = {}  # by the file, or so far by this plan
        self._who = {person.name: self._find(person.name) for person in names.people}
        self._forgotten_faces = faces.forgotten(store)
        self._forgotten_names: set[str | None] = set()  # people whom the file names on faces that are forgotten here
        self._named: set[str | None] = set()  # and on others
        self._plan_all(names)

    def _plan_all(self, names: NamesFile) -> None:
        shown = decisions.shown_people(self._store)
        for person in names.people:
            self._plan_person(person, shown)
        self._plan_faces(names)
        different = decisions.different_people(self._store)
        for pair in names.different:
            self._plan_different(pair, different)
        self._plan_bare_names(names)
        self._drop_forgotten()

    # --- people ---

    def _find(self, name: str) -> Who:
        found = people.find(self._store, name)
        who: Who = name if found is None else found.id
        while who in self._merged:
            who = self._merged[who]
        return who

    def _plan_person(self, person: ListedPerson, shown: Collection[int]) -> None:
        """`shown`: people of whom it stands here that the album is to show them."""
        here = self._who[person.name]
        if person.hidden:
            if isinstance(here, int) and people.get(self._store, here).hidden:
                self.standing += 1
            elif here not in shown or self._goes(None, f"{person.name} is shown", f"{person.name} is hidden"):
                self.planned.append(PlannedDecision("hide", person=here))
        for alias in person.aliases:
            other = self._find(alias)
            if other == alias:  # nobody here yet
                self.planned.append(PlannedDecision("merge", person=other, other_person=here))
            elif other == here:
                self.standing += 1
            elif self._goes(None, f"{alias} is somebody else", f"{alias} is {person.name}"):
                self._merge(other, here)

    def _merge(self, other: Who, person: Who) -> None:
        """What was decided here about `other` is about `person`; names in the file for the one mean the other."""
        self._merged[other] = person
        self._who = {name: person if who == other else who for name, who in self._who.items()}
        self.planned.append(PlannedDecision("merge", person=other, other_person=person))
        labels, rejected = self._stands.labels, self._stands.rejected
        for face in [face for face, label in labels.items() if label == ("is", other)]:
            labels[face] = ("is", person)
            self.planned.append(PlannedDecision("is", face, person))
        for face in [face for face, who in rejected if who == other]:
            if labels.get(face) != ("is", person):
                rejected.add((face, person))
                self.planned.append(PlannedDecision("is-not", face, person))

    def _plan_different(self, pair: ListedPeoplePair, different: Collection[tuple[int, int]]) -> None:
        """`different`: pairs of people who are two here already."""
        one, other = (self._who[name] for name in pair.people)
        if one == other:
            self._note_difference(None, f"{pair.people[0]} and {pair.people[1]} are one", "two")
        elif isinstance(one, int) and isinstance(other, int) and (min(one, other), max(one, other)) in different:
            self.standing += 1
        else:
            self.planned.append(PlannedDecision("different", person=one, other_person=other))

    def _plan_bare_names(self, names: NamesFile) -> None:
        """People of whom the file says nothing but that there is somebody of that name."""
        mentioned = {one.person for photo in names.photos for face in photo.faces for one in face.decisions}
        mentioned |= {name for pair in names.different for name in pair.people}
        for person in names.people:
            described = person.hidden or person.aliases or person.name in mentioned
            if isinstance(self._who[person.name], str) and not described:
                self.planned.append(PlannedDecision("show", person=person.name))

    def _drop_forgotten(self) -> None:
        """Plan nothing about people who would be new here, and whom the file names on forgotten faces only."""
        names = self._forgotten_names - self._named
        nobody = {who for name in names if name is not None and isinstance(who := self._who[name], str)}
        self.planned = [one for one in self.planned if nobody.isdisjoint({one.person, one.other_person})]

    # --- faces ---

    def _plan_faces(self, names: NamesFile) -> None:
        found: dict[int, list[FaceId]] = {}  # the file's number → faces here
        for listed in names.photos:
            photo = photos.of_content(self._store, listed.sha256)
            if photo is None:
                self.not_indexed.append(listed.path or listed.sha256.encode())
                continue
            if not same_proportions(listed, photo):
                self.left_out.append(
                    f"{path_text(listed.path)}: {listed.width} × {listed.height} pixels in the file, and {photo.width}"
                    f" × {photo.height} here"
                )
                continue
            for listed_face, face in zip(listed.faces, self._matcher.match(listed, photo), strict=True):
                mentioned = {one.person for one in listed_face.decisions}
                if face in self._forgotten_faces:
                    self.forgotten += 1
                    self._forgotten_names |= mentioned
                    continue
                self._named |= mentioned
                found.setdefault(listed_face.number, []).append(face)
                for one in listed_face.decisions:
                    self._plan_face(face, one)
        for pair in names.pairs:
            for face, other in product(*(found.get(number, ()) for number in pair.faces)):
                if face != other:
                    self._plan_pair(pair.verb, face, other)

    def _plan_face(self, face: FaceId, listed: ListedDecision) -> None:
        """Plan one decision of the file about a face, unless it stands, or differs from what a human decided here."""
        person = None if listed.person is None else self._who[listed.person]
        if self._stands_already(face, listed.verb, person):
            self.standing += 1
            return
        in_file = f"{listed.verb} {listed.person}" if listed.person else listed.verb
        here = self._contradiction(face, listed.verb, person)
        if here is not None:
            if listed.verb == "a-face":
                self._note_difference(face, self._in_words(here), in_file)
                return
            if not self._goes(face, self._in_words(here), in_file):
                return
        self._apply(face, listed.verb, person)
        self.planned.append(PlannedDecision(listed.verb, face, person))

    def _stands_already(self, face: FaceId, verb: Verb, person: Who | None) -> bool:
        if verb == "a-face":
            return face in self._stands.added
        if verb == "is-not":
            return (face, person) in self._stands.rejected
        return self._stands.labels.get(face) == (verb, person)

    def _contradiction(self, face: FaceId, verb: Verb, person: Who | None) -> _Label | None:
        """What was decided about a face here that a decision of the file contradicts."""
        label = self._stands.labels.get(face)
        if verb == "a-face":
            return label if label is not None and label[0] == "not-a-face" else None
        if verb == "is-not":
            return label if label == ("is", person) else None
        if label is None and (face, person) in self._stands.rejected:
            return ("is-not", person)
        return label

    def _apply(self, face: FaceId, verb: Verb, person: Who | None) -> None:
        """Let a decision stand from now on."""
        stands = self._stands
        if verb == "a-face":
            stands.added.add(face)
        elif verb == "is-not":
            assert person is not None
            if stands.labels.get(face) == ("is", person):
                del stands.labels[face]
            stands.rejected.add((face, person))
        else:
            if face not in stands.labels and person is not None:
                stands.rejected.discard((face, person))
            stands.labels[face] = (verb, person)

    def _plan_pair(self, verb: Verb, face: FaceId, other: FaceId) -> None:
        pair = (min(face, other), max(face, other))
        here = self._stands.pairs.get(pair)
        if here == verb:
            self.standing += 1
        elif here is None or self._goes(face, f"{here} person as another face", verb):
            self._stands.pairs[pair] = verb
            self.planned.append(PlannedDecision(verb, face, other_face=other))

    def _in_words(self, label: _Label) -> str:
        verb, who = label
        if who is None:
            return verb
        return f"{verb} {who if isinstance(who, str) else people.get(self._store, who).name}"

    def _goes(self, face: FaceId | None, here: str, file: str) -> bool:
        """Note a difference; whether the file overrules what was decided here."""
        self._note_difference(face, here, file)
        self.overruled += self._overrule
        return self._overrule

    def _note_difference(self, face: FaceId | None, here: str, file: str) -> None:
        photo, box = (None, None) if face is None else self.place(face)
        self.differences.append(Difference(photo.path if photo else None, box, here, file))

    # --- what is to be done to faces ---

    def place(self, face: FaceId) -> tuple[LocatedPhoto, Box]:
        """Where a face of the file is."""
        found = self._matcher.places[face]
        return found.photo, found.box

    def faces_to_add(self) -> dict[FaceId, tuple[LocatedPhoto, Box]]:
        """Faces that are to be present and aren't: they have to be cut out of their photos."""
        return {
            one.face: self.place(one.face)
            for one in self.planned
            if one.face in self._matcher.places and one.verb in _KEEPING and self._is_absent(one.face)
        }

    def _is_absent(self, face: FaceId) -> bool:
        """Whether a face isn't present, though it is one."""
        return not self._matcher.places[face].present and self._stands.labels.get(face, ("", None))[0] != "not-a-face"

    def is_added(self, face: FaceId) -> bool:
        """Whether it stands, or is planned, that a human added a face."""
        return face in self._stands.added
