"""Judging: who each unnamed face would be, how surely, and what photos and humans say against it; read only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import numpy.typing as npt

from phototag.errors import TooLittleDataError
from phototag.imaging.quality import WORTH_LEARNING
from phototag.learn.calibration import Bin, Calibration, bar, probabilities, supported
from phototag.learn.claims import Claims, Gallery, claims, gallery
from phototag.learn.classify import LinearModel
from phototag.learn.constraints import Reconciled
from phototag.remedies import IndexAgain, NameGroups, Train
from phototag.store import decisions, derived, embeddings, engines, groups, models, preferences
from phototag.store.connect import Store
from phototag.store.derived import VersionToken
from phototag.store.groups import Sighting
from phototag.store.models import Model, StoredModel
from phototag.types import Vectors
from phototag.workflows.library.engines_in_use import current_embedder
from phototag.workflows.recognition.conflicts import answers

Rows = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

#: The share of tags that should be right, unless somebody says otherwise.
PRECISION = 0.99


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """A library's faces as one embedder sees them.

    `named`, `people`: faces worth learning from (or all of a person's if none is), and whose they are; `known`: the
    same as a gallery. `ids`, `vectors`: the faces of which no human said anything. `said`: what humans said.
    `beside`: (row among `ids`, person) of faces in one photo with somebody named. `token`: of what this was read from.
    """

    embedder: int
    named: list[int]
    people: list[int]
    known: Gallery
    ids: list[int]
    vectors: Vectors
    seen: dict[int, Sighting]
    said: Reconciled
    beside: list[tuple[int, int]]
    token: VersionToken

    @staticmethod
    def read(store: Store) -> Faces:
        """Raises TooLittleDataError before the first index, and where nobody is named."""
        with store.snapshot():
            return Faces._at_once(store)

    @staticmethod
    def _at_once(store: Store) -> Faces:
        token = derived.version_token(store)
        embedder = current_embedder(store)
        named, people, own = embeddings.labelled(store, embedder, least=WORTH_LEARNING)
        if not named:
            if decisions.counts(store).get("is"):
                raise TooLittleDataError("no named face was seen by the current embedder yet", IndexAgain())
            raise TooLittleDataError("nobody is named yet", NameGroups())
        ids, vectors = embeddings.vectors(store, embedder, where="unlabelled")
        seen, (said, _) = groups.sightings(store), answers(store)
        known = gallery(own, people, engines.thresholds(store, embedder), np.concatenate([vectors, own]))
        return Faces(embedder, named, people, known, ids, vectors, seen, said, _beside(ids, seen, said), token)

    def mates(self) -> tuple[Vectors, Rows]:
        """The faces beside somebody named, and the place of that person in the gallery."""
        place = {person: index for index, person in enumerate(self.known.people.tolist())}
        pairs = [(row, place[person]) for row, person in self.beside if person in place]
        rows, places = zip(*pairs, strict=True) if pairs else ((), ())
        return self.vectors[np.array(rows, np.int64)], np.array(places, np.int64)


def _beside(ids: Sequence[int], seen: dict[int, Sighting], said: Reconciled) -> list[tuple[int, int]]:
    """Faces that stand in a photo with a named person, and so aren't that person, unless a human said they are one."""
    named: dict[int, set[int]] = defaultdict(set)
    for sighting in seen.values():
        if sighting.person is not None:
            named[sighting.photo].add(sighting.person)
    return [
        (row, person)
        for row, face in enumerate(ids)
        if face in seen
        for person in sorted(named.get(seen[face].photo, ()))
        if said.of(face) != said.of(-person)
    ]


@dataclass(frozen=True, slots=True)
class Rival:
    """A face that would have had a name which a better one of its photo has: `rival`, by a human or the machine.

    `probability`: how sure the machine would have been, of the `rival` 1 if a human named it.
    """

    face: int
    person: int
    probability: float
    rival: int
    rival_probability: float


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """Of each unnamed face its best claim and how `sure` it is; `stands`: the claims that the gate lets pass.

    `calibrated_on`: held-out claims behind the probabilities; 0 if they are the embedder's own, which don't tell how
    many tags of this library are wrong.
    """

    faces: Faces
    known: Gallery
    found: Claims
    sure: npt.NDArray[np.float64]
    stands: Flags
    calibrated_on: int

    def person(self, row: int) -> int:
        """The id of whom a face's best claim is for."""
        return int(self.known.people[self.found.person[row]])

    def wrong(self, accepted: Flags) -> float | None:
        """How many of these tags should be wrong; None if too few names are known to tell."""
        return float((1 - self.sure[accepted]).sum()) if self.calibrated_on else None

    def accept(self, precision: float) -> tuple[Flags, tuple[Rival, ...], float]:
        """Which faces get a name so that a share `precision` of the names should be right, which don't because a
        better one of their photo has it, and the least probability that was enough."""
        line = bar(self.sure[self.stands], precision)
        accepted = self.stands & (self.sure >= line)
        rivals = tuple(self._rivals(np.flatnonzero(accepted)))
        row = {face: index for index, face in enumerate(self.faces.ids)}
        accepted[[row[rival.face] for rival in rivals]] = False
        return accepted, rivals, line

    def _rivals(self, rows: Rows) -> Iterator[Rival]:
        """The lesser claims to one name in one photo. What a human said is better than what the machine thinks, and
        faces that a human called the same may both have it."""
        here, seen, said = self.faces, self.faces.seen, self.faces.said
        claimed: dict[tuple[int, int], list[int]] = defaultdict(list)
        for row in rows.tolist():
            claimed[seen[here.ids[row]].photo, self.person(row)].append(row)
        named: dict[tuple[int, int], int] = {}
        for face, sighting in seen.items():
            if sighting.person is not None and (sighting.photo, sighting.person) in claimed:
                named.setdefault((sighting.photo, sighting.person), face)
        for (photo, person), those in claimed.items():
            human = named.get((photo, person))
            first = max(those, key=lambda row: (self.sure[row], -here.ids[row]))
            best = here.ids[first] if human is None else human
            for row in those:
                if here.ids[row] != best and said.of(here.ids[row]) not in (said.of(best), said.of(-person)):
                    sure = float(self.sure[first]) if human is None else 1.0
                    yield Rival(here.ids[row], person, float(self.sure[row]), best, sure)

    def evidence(self, rows: Rows) -> Iterator[tuple[tuple[int, float], ...]]:
        """Of each of these faces the labelled ones that speak for its best claim: ids and distances."""
        shown = self.found.evidence[rows]
        named = np.array(self.faces.named, np.int64)[shown].tolist()
        for ids, away, count in zip(
            named, self.found.away[rows].tolist(), (shown >= 0).sum(axis=1).tolist(), strict=True
        ):
            yield tuple(zip(ids[:count], away[:count], strict=True))


def judge(store: Store, read: Faces, model: Model) -> Judgement:
    """What a model makes of a library's unnamed faces. Raises TooLittleDataError if it doesn't fit its names."""
    if model.embedder != read.embedder:
        raise TooLittleDataError("the model was trained with another embedder", Train(again=True))
    if not set(model.people) <= set(read.people):
        raise TooLittleDataError("people of the model have no named face left", Train(again=True))
    reach = {person: reach for person, reach in zip(model.people, model.radius, strict=True) if reach is not None}
    thresholds = read.known.thresholds
    own = [reach.get(person, thresholds.same) for person in read.known.people.tolist()]
    known = replace(read.known, reach=np.array(own, np.float64))
    svm = LinearModel(model.people, model.coef, model.intercept) if len(model.people) > 1 else None
    found = claims(read.vectors, known, svm, _ruled_out(store, read))
    curve = calibration_of(model, len(known.people))
    sure = probabilities(found, curve, thresholds)
    return Judgement(read, known, found, sure, supported(found, known), curve.learnt_from)


def calibration_of(model: Model, people: int) -> Calibration:
    """The curve that was learnt with a model; the embedder's own if none was."""
    stored = dict(model.params.get("calibration") or {})
    if not stored.get("learnt_from"):
        return Calibration(people=people)
    return Calibration(**{**stored, "reliability": tuple(Bin(**one) for one in stored["reliability"])})


def stored_calibration(curve: Calibration) -> dict[str, object]:
    """A curve as JSON can hold it."""
    return asdict(curve)


def usable_model(store: Store) -> StoredModel:
    """The model trained last. Raises TooLittleDataError if there is none."""
    model = models.latest(store)
    if model is None:
        raise TooLittleDataError("there is no trained model yet", Train())
    return model


def precision_of(store: Store, said: float | None = None) -> float:
    """The share of tags that should be right: as said now, else as it was set last."""
    return next((share for share in (said, preferences.precision(store)) if share is not None), PRECISION)


def _ruled_out(store: Store, read: Faces) -> dict[int, set[int]]:
    """By row the people whom a face is not, because a human said so of it, or of a face that is the same."""
    row = {face: index for index, face in enumerate(read.ids)}
    ruled: dict[int, set[int]] = defaultdict(set)
    for face, person in decisions.rejected(store):
        if face in row:
            ruled[row[face]].add(person)
    marks = read.said.marks()
    people = [(person, read.said.of(-person)) for person in read.known.people.tolist()]
    for face, index in row.items():
        top = read.said.of(face)
        own = marks.get(top)
        if own:
            ruled[index] |= {
                person for person, node in people if node != top and not own.isdisjoint(marks.get(node, ()))
            }
    return ruled
