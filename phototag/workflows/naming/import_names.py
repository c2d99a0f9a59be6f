"""Import names: what a file says of faces and people becomes one answer, beside what was said here already.

Photos are told by their content, faces by their place. What a human said here and the file says otherwise stays.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TypeAlias

from phototag.config import Settings
from phototag.display import path_text
from phototag.interop.names_file import ListedDecision, ListedPeoplePair, ListedPerson, ListedPhoto, NamesFile
from phototag.progress import Progress
from phototag.store import decisions, face_places, faces, models, people, person_updates, photos
from phototag.store.connect import Store
from phototag.store.decisions import Decision
from phototag.store.photos import LocatedPhoto
from phototag.types import Box, Problem, Verb
from phototag.workflows.naming.add_face import Shown, look

#: Boxes of one content that overlap so much are one face, those that overlap most first. So are those that overlap as
#: much as boxes of one photo have to (`face_places.SAME_PLACE_IOU`), if neither overlaps a third one that much.
SURE_IOU = 0.5
#: How differently (a logarithm) a photo may be scaled in its two directions.
_STRETCHED = 0.05
#: What makes a face stay though no detector finds it.
_KEEPING = frozenset({"is", "a-face", "dont-care"})

#: A person here, or the name of one who is new; a face here, or less than 0: one that is new.
_Who: TypeAlias = int | str
_Face: TypeAlias = int


@dataclass(frozen=True, slots=True)
class Difference:
    """What was said here and the file says otherwise; `photo`, `box`: of which face, None if it is about people."""

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
class Imported:
    """What an import wrote, or would write.

    `answer`: its number in the journal, None if nothing is new. `names`: faces that got a name; `faces`: all that
    anything new was said of; `people`: who is new here; `pairs`: of faces, or of people. `added`: faces that no
    detector found here and that were cut out as the file says. `standing`: what stood here already. `differences`: in
    what the file and humans here differ, of which `overruled` went as the file says. `not_indexed`: the file's paths of
    photos whose content isn't known here. `forgotten`: faces left out because whose they are was forgotten here.
    `problems`: photos that can't be used, so that faces couldn't be added. `left_out`: entries of the file that can't
    be.
    """

    answer: int | None
    names: int
    faces: int
    people: int
    pairs: int
    added: int
    standing: int
    overruled: int
    differences: tuple[Difference, ...]
    not_indexed: tuple[bytes, ...]
    forgotten: int
    problems: tuple[Problem, ...]
    left_out: tuple[str, ...] = ()


def import_names(
    store: Store,
    names: NamesFile,
    settings: Settings,
    progress: Progress,
    *,
    overrule: bool = False,
    dry_run: bool = False,
) -> Imported:
    """Write down, as one answer, what the file says and doesn't stand here yet; a second time nothing is left to do.

    `overrule`: where a human said otherwise here, the file's word goes. `dry_run`: nothing is written. Raises
    UsageError, WeightsError where faces are to be added and the embedder in use can't be had.
    """
    with store.snapshot():
        plan = _Plan.made(store, names, overrule)
    if dry_run:
        return plan.told(None, plan.lines, len(plan.to_show()), ())
    shown = _look(store, plan, settings, progress)
    with store.write():
        plan = _Plan.made(store, names, overrule)  # beside what stands by now
        answer, lines, added = _write(store, plan, shown)
    return plan.told(answer, lines, added, tuple(shown.problems) if shown else ())


@dataclass(frozen=True, slots=True)
class _Line:
    """A decision that is to be written, of faces and people who may be new."""

    verb: Verb
    face: _Face | None = None
    person: _Who | None = None
    other_face: _Face | None = None
    other_person: _Who | None = None


@dataclass(slots=True)
class _Plan:
    """What is to be written, and what stands from line to line: `labels`, `refused`, `kept`, `pairs`, as said so far.

    `who`: whom the file's names mean; `joined`: who turns out to be whom. `places`: of each photo, its faces → where,
    and whether they are present. `where`: the same of faces in the file. `gone`: faces that are forgotten here; of them
    the file tells `forgotten_names`, of the others `told_of`.
    """

    store: Store
    overrule: bool
    labels: dict[_Face, tuple[Verb, _Who | None]] = field(default_factory=dict)
    refused: set[tuple[_Face, _Who]] = field(default_factory=set)
    kept: set[_Face] = field(default_factory=set)
    pairs: dict[tuple[_Face, _Face], Verb] = field(default_factory=dict)
    who: dict[str, _Who] = field(default_factory=dict)
    joined: dict[_Who, _Who] = field(default_factory=dict)
    places: dict[int, dict[_Face, tuple[Box, bool]]] = field(default_factory=dict)
    where: dict[_Face, tuple[LocatedPhoto, Box, bool]] = field(default_factory=dict)
    new: int = 0
    lines: list[_Line] = field(default_factory=list)
    standing: int = 0
    overruled: int = 0
    differences: list[Difference] = field(default_factory=list)
    not_indexed: list[bytes] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    gone: set[_Face] = field(default_factory=set)
    told_of: set[str | None] = field(default_factory=set)
    forgotten_names: set[str | None] = field(default_factory=set)
    forgotten: int = 0

    @classmethod
    def made(cls, store: Store, names: NamesFile, overrule: bool) -> _Plan:
        plan = cls(store, overrule, left_out=list(names.left_out), gone=faces.forgotten(store))
        for one in decisions.face_decisions(store):
            if one.verb == "a-face":
                plan.kept.add(one.face)
            elif one.verb == "is-not" and one.person is not None:
                plan.refused.add((one.face, one.person))
            else:
                plan.labels[one.face] = (one.verb, one.person)
        plan.pairs = {pair: verb for pair, (verb, _, _) in decisions.pair_decisions(store).items()}
        plan.who = {person.name: plan.person(person.name) for person in names.people}
        shown = decisions.shown_people(store)
        for person in names.people:
            plan.take_person(person, shown)
        plan.take_faces(names)
        apart = decisions.different_people(store)
        for two in names.different:
            plan.take_two(two, apart)
        plan.take_bare_names(names)
        plan.leave_forgotten()
        return plan

    def person(self, name: str) -> _Who:
        found = people.find(self.store, name)
        who: _Who = name if found is None else found.id
        while who in self.joined:
            who = self.joined[who]
        return who

    # --- people ---

    def take_person(self, person: ListedPerson, shown: set[int]) -> None:
        here = self.who[person.name]
        if person.hidden:
            if isinstance(here, int) and people.get(self.store, here).hidden:
                self.standing += 1
            elif here not in shown or self.differs(None, f"{person.name} is shown", f"{person.name} is hidden"):
                self.lines.append(_Line("hide", person=here))
        for alias in person.aliases:
            other = self.person(alias)
            if other == alias:  # nobody here yet
                self.lines.append(_Line("merge", person=other, other_person=here))
            elif other == here:
                self.standing += 1
            elif self.differs(None, f"{alias} is somebody else", f"{alias} is {person.name}"):
                self.merge(other, here)

    def merge(self, other: _Who, person: _Who) -> None:
        """All that was said here of `other` is said of `person`; the file's names for the one mean the other."""
        self.joined[other] = person
        self.who = {name: person if who == other else who for name, who in self.who.items()}
        self.lines.append(_Line("merge", person=other, other_person=person))
        for face in [face for face, label in self.labels.items() if label == ("is", other)]:
            self.labels[face] = ("is", person)
            self.lines.append(_Line("is", face, person))
        for face in [face for face, whom in self.refused if whom == other]:
            if self.labels.get(face) != ("is", person):
                self.refused.add((face, person))
                self.lines.append(_Line("is-not", face, person))

    def take_two(self, two: ListedPeoplePair, apart: set[tuple[int, int]]) -> None:
        one, other = (self.who[name] for name in two.people)
        if one == other:
            self.differs(None, f"{two.people[0]} and {two.people[1]} are one", "two", may=False)
        elif isinstance(one, int) and isinstance(other, int) and (min(one, other), max(one, other)) in apart:
            self.standing += 1
        else:
            self.lines.append(_Line("different", person=one, other_person=other))

    def take_bare_names(self, names: NamesFile) -> None:
        """People of whom the file says nothing but that there is somebody of that name."""
        told = {one.person for photo in names.photos for face in photo.faces for one in face.decisions}
        told |= {name for two in names.different for name in two.people}
        for person in names.people:
            said = person.hidden or person.aliases or person.name in told
            if isinstance(self.who[person.name], str) and not said:
                self.lines.append(_Line("show", person=person.name))

    def leave_forgotten(self) -> None:
        """Nothing is said of who would be new here, and of whom the file names no face but forgotten ones."""
        names = self.forgotten_names - self.told_of
        nobody = {who for name in names if name is not None and isinstance(who := self.who[name], str)}
        self.lines = [line for line in self.lines if nobody.isdisjoint({line.person, line.other_person})]

    # --- faces ---

    def take_faces(self, names: NamesFile) -> None:
        found: dict[int, list[_Face]] = {}
        for photo in names.photos:
            copy = photos.of_content(self.store, photo.sha256)
            if copy is None:
                self.not_indexed.append(photo.path or photo.sha256.encode())
            elif not _proportioned(photo, copy):
                self.left_out.append(
                    f"{path_text(photo.path)}: {photo.width} × {photo.height} pixels in the file, and {copy.width} ×"
                    f" {copy.height} here"
                )
            else:
                for told, face in zip(photo.faces, self.placed(photo, copy), strict=True):
                    if face in self.gone:
                        self.forgotten += 1
                        self.forgotten_names |= {one.person for one in told.decisions}
                        continue
                    self.told_of |= {one.person for one in told.decisions}
                    found.setdefault(told.number, []).append(face)
                    for one in told.decisions:
                        self.take(face, one)
        for pair in names.pairs:
            for face, other in product(*(found.get(number, ()) for number in pair.faces)):
                if face != other:
                    self.take_pair(pair.verb, face, other)

    def placed(self, photo: ListedPhoto, copy: LocatedPhoto) -> list[_Face]:
        """Which face here each of the file's is: a present one, else one that was, else a new one."""
        if copy.id not in self.places:
            self.places[copy.id] = face_places.known_places(self.store, copy.id)
        known = self.places[copy.id]
        across, down = copy.width / photo.width, copy.height / photo.height
        boxes = [
            Box(box.x * across, box.y * down, box.w * across, box.h * down).within(copy.width, copy.height) or box
            for box in (face.box for face in photo.faces)
        ]
        places: dict[int, _Face] = {}
        for present in (True, False):
            left = [row for row in range(len(boxes)) if row not in places]
            among = {face: box for face, (box, there) in known.items() if there == present}
            places |= {left[row]: face for row, face in _same(among, [boxes[row] for row in left]).items()}
        for row, box in enumerate(boxes):
            if row not in places:
                self.new -= 1
                places[row] = self.new
                known[self.new] = (box, True)
            face = places[row]
            self.where.setdefault(face, (copy, box, face > 0 and known[face][1]))
        return [places[row] for row in range(len(boxes))]

    def take(self, face: _Face, one: ListedDecision) -> None:
        """What to write of one thing said of a face, if anything."""
        person = None if one.person is None else self.who[one.person]
        label = self.labels.get(face)
        told = f"{one.verb} {one.person}" if one.person else one.verb
        if one.verb == "a-face":
            if face in self.kept:
                self.standing += 1
                return
            if label is not None and label[0] == "not-a-face":
                self.differs(face, "not-a-face", told, may=False)
                return
            self.kept.add(face)
        elif one.verb == "is-not":
            assert person is not None
            if (face, person) in self.refused:
                self.standing += 1
                return
            if label == ("is", person):
                if not self.differs(face, self.words(label), told):
                    return
                del self.labels[face]
            self.refused.add((face, person))
        else:
            if label == (one.verb, person):
                self.standing += 1
                return
            if label is not None:
                if not self.differs(face, self.words(label), told):
                    return
            elif person is not None and (face, person) in self.refused:
                if not self.differs(face, self.words(("is-not", person)), told):
                    return
                self.refused.discard((face, person))
            self.labels[face] = (one.verb, person)
        self.lines.append(_Line(one.verb, face, person))

    def take_pair(self, verb: Verb, one: _Face, other: _Face) -> None:
        pair = (min(one, other), max(one, other))
        here = self.pairs.get(pair)
        if here == verb:
            self.standing += 1
        elif here is None or self.differs(one, f"{here} person as another face", verb):
            self.pairs[pair] = verb
            self.lines.append(_Line(verb, one, other_face=other))

    def words(self, label: tuple[Verb, _Who | None]) -> str:
        verb, who = label
        if who is None:
            return verb
        return f"{verb} {who if isinstance(who, str) else people.get(self.store, who).name}"

    def differs(self, face: _Face | None, here: str, file: str, *, may: bool = True) -> bool:
        """Note a difference; whether the file's word goes, if it `may` at all."""
        copy, box, _ = self.where[face] if face is not None else (None, None, None)
        self.differences.append(Difference(copy.path if copy else None, box, here, file))
        goes = self.overrule and may
        self.overruled += goes
        return goes

    def to_show(self) -> dict[_Face, tuple[LocatedPhoto, Box]]:
        """Faces that are to be there and aren't: to be cut out of their photos."""
        return {
            line.face: self.where[line.face][:2]
            for line in self.lines
            if line.face in self.where and line.verb in _KEEPING and self.is_away(line.face)
        }

    def is_away(self, face: _Face) -> bool:
        """Whether a face isn't present, though it is one."""
        return not self.where[face][2] and self.labels.get(face, ("", None))[0] != "not-a-face"

    def told(self, answer: int | None, lines: Sequence[_Line], added: int, problems: tuple[Problem, ...]) -> Imported:
        said_of = {face for line in lines for face in (line.face, line.other_face) if face is not None}
        newcomers = {who for line in lines for who in (line.person, line.other_person) if isinstance(who, str)}
        merged = {line.person for line in lines if line.verb == "merge"}
        return Imported(
            answer,
            len({line.face for line in lines if line.verb == "is"}),
            len(said_of),
            len(newcomers - merged),
            sum(line.verb in ("same", "different") for line in lines),
            added,
            self.standing,
            self.overruled,
            tuple(self.differences),
            tuple(self.not_indexed),
            self.forgotten,
            problems,
            tuple(self.left_out),
        )


def _proportioned(photo: ListedPhoto, copy: LocatedPhoto) -> bool:
    """Whether places on a photo of the file are places on the photo here: it may be larger or smaller."""
    return abs(math.log(photo.width * copy.height / (photo.height * copy.width))) < _STRETCHED


def _same(known: Mapping[_Face, Box], boxes: Sequence[Box]) -> dict[int, _Face]:
    """Which known face each box (by row) is, as `SURE_IOU` says."""
    places = face_places.same_places(known, boxes, least=SURE_IOU)
    overlaps = [
        (row, face)
        for row, box in enumerate(boxes)
        for face, other in known.items()
        if box.iou(other) >= face_places.SAME_PLACE_IOU
    ]
    for row, face in overlaps:
        if sum(row == one or face == other for one, other in overlaps) == 1:
            places[row] = face
    return places


def _look(store: Store, plan: _Plan, settings: Settings, progress: Progress) -> Shown | None:
    wanted: dict[LocatedPhoto, list[Box]] = {}
    for photo, box in plan.to_show().values():
        wanted.setdefault(photo, []).append(box)
    return look(store, wanted, settings, progress) if wanted else None


def _write(store: Store, plan: _Plan, shown: Shown | None) -> tuple[int | None, list[_Line], int]:
    """The answer's number, what it says, and how many faces were added (inside a write transaction)."""
    to_show = plan.to_show()
    looks = shown.faces if shown else {}
    unseen = {face for face, (photo, box) in to_show.items() if (photo.id, box) not in looks}
    lines = [line for line in plan.lines if not {line.face, line.other_face} & unseen]
    # Such a face is there because the import says so: what takes the import back takes it away, too.
    lines += [_Line("a-face", face) for face in to_show if face not in unseen | plan.kept]
    ids: dict[_Face, int] = {}
    for face in dict.fromkeys(face for line in lines for face in (line.face, line.other_face) if face is not None):
        if face in to_show and shown is not None:
            photo, box = to_show[face]
            known = face if face > 0 else None
            ids[face] = face_places.add(
                store, photo.id, shown.embedder, looks[photo.id, box], shown.previews[photo.id], known
            )
        elif face < 0:
            ids[face] = face_places.add_place(store, plan.where[face][0].id, plan.where[face][1])
        else:
            ids[face] = face
    if not lines:
        return None, [], 0
    whom = {who: people.ensure(store, who).id if isinstance(who, str) else who for who in _people_in(lines)}

    def decision(line: _Line) -> Decision:
        return Decision(
            line.verb,
            None if line.face is None else ids[line.face],
            None if line.person is None else whom[line.person],
            None if line.other_face is None else ids[line.other_face],
            other_person=None if line.other_person is None else whom[line.other_person],
        )

    said = [decision(line) for line in lines]
    answer = decisions.record(store, said, "imported")
    person_updates.refresh(store, whom.values())
    for one in said:
        if one.verb == "merge" and one.person is not None and one.other_person is not None:
            models.reassign_guesses(store, one.person, one.other_person)
    models.drop_stale_guesses(store)
    return answer, lines, sum(face in to_show for face in ids)


def _people_in(lines: Sequence[_Line]) -> list[_Who]:
    return list(dict.fromkeys(who for line in lines for who in (line.person, line.other_person) if who is not None))
