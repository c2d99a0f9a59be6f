"""Audit: names that don't fit their faces, people that look like one, and names claimed twice in a photo."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from phototag.errors import TooLittleDataError
from phototag.learn.calibration import Calibration, probabilities, supported
from phototag.learn.claims import EVIDENCE, Gallery, held_out, needed
from phototag.learn.graph import neighbours
from phototag.progress import Progress
from phototag.store import faces, models, people, unplaced
from phototag.store.connect import Store
from phototag.store.faces import Place
from phototag.store.unplaced import Unplaced
from phototag.workflows.recognition.judging import (
    Faces,
    Judgement,
    Rows,
    calibration_of,
    judge,
    precision_of,
    usable_model,
)
from phototag.workflows.recognition.tag import Twice, twice
from phototag.workflows.recognition.train import learn

#: A name is in doubt when somebody else's is so likely, or when none of the person's other faces are within reach and
#: it is so unlikely.
_OTHER, _UNLIKE = 0.8, 0.05
#: Of faces with names, so many are supposed to have the right one before they are looked at.
_RIGHT = 0.95
#: Two people look like one when so many of the one's faces would pass for the other's.
_ALIKE = 0.5
#: People whose faces are compared with a person's, and faces that are.
_NEAREST, _MOST = 5, 100
_BLOCK = 8192


@dataclass(frozen=True, slots=True)
class Witness:
    """A labelled face, where it is, whose it is, and its distance."""

    place: Place
    person: str
    distance: float


@dataclass(frozen=True, slots=True)
class Doubt:
    """A face that doesn't fit its name, given by a human or the machine: `probability` that the name is right.

    `looks_like`: who it is rather, None if nobody who is named. `evidence`: the nearest faces of the one and the other.
    """

    place: Place
    person: str
    source: Literal["human", "machine"]
    probability: float
    looks_like: str | None
    evidence: tuple[Witness, ...]


@dataclass(frozen=True, slots=True)
class Alike:
    """Two names that may be of one person: the share of each one's faces that would pass for the other's, the distance
    between the means of their faces, and the nearest pairs."""

    people: tuple[str, str]
    shares: tuple[float, float]
    distance: float
    evidence: tuple[tuple[Place, Place, float], ...]


@dataclass(frozen=True, slots=True)
class Audited:
    """What was found, the worst first, among `faces` named by a human and `tags` of the machine.

    `unplaced`: names whose faces could not be found again when their photos were edited.
    """

    faces: int
    tags: int
    doubts: tuple[Doubt, ...]
    alike: tuple[Alike, ...]
    twice: tuple[Twice, ...]
    unplaced: tuple[Unplaced, ...] = ()


def audit(store: Store, progress: Progress) -> Audited:
    """Look for names that are wrong, and for those without a face; writes nothing.

    Raises TooLittleDataError without a usable model, if no name is without a face, which needs none.
    """
    lost = tuple(unplaced.unplaced(store))
    try:
        return replace(_judged(store, progress), unplaced=lost)
    except TooLittleDataError:
        if not lost:
            raise
        return Audited(0, 0, (), (), (), lost)


def _judged(store: Store, progress: Progress) -> Audited:
    stored = usable_model(store)
    read = Faces.read(store)
    progress.start(f"Looking at {sum(face in read.seen for face in read.named):,} named faces", None)
    model = learn(read, stored)
    judged = judge(store, read, model)
    names = {person: people.get(store, person).name for person in read.known.people.tolist()}
    tagged = models.tagged(store)
    curve = calibration_of(model, len(names))
    doubts = [*_mislabelled(store, judged, curve, names), *_mistagged(store, judged, tagged, names)]
    _, rivals, _ = judged.accept(precision_of(store))
    alike = sorted(_alike(store, judged, names), key=lambda pair: (-max(pair.shares), pair.distance))
    progress.finish()
    return Audited(
        sum(face in read.seen for face in read.named),
        len(tagged),
        tuple(sorted(doubts, key=lambda doubt: doubt.probability)),
        tuple(alike),
        tuple(twice(store, rival) for rival in rivals),
    )


def _mislabelled(store: Store, judged: Judgement, curve: Calibration, names: dict[int, str]) -> Iterator[Doubt]:
    """Faces that a human named, each judged as if it hadn't been; of photos that are there."""
    known = judged.known
    for start in range(0, len(known.vectors), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(known.vectors)))
        found, owner, _ = held_out(known, rows)
        sure = probabilities(found, curve, known.thresholds, _RIGHT)
        several = known.counts[owner] > 1
        other = several & (found.person != owner) & (sure >= _OTHER) & supported(found, known)
        alone = several & (found.person == owner) & (sure <= _UNLIKE) & (found.within == 0)
        here = np.array([judged.faces.named[row] in judged.faces.seen for row in known.rows[rows]], np.bool_)
        for index in np.flatnonzero(here & (other | alone)).tolist():
            own, rival = int(owner[index]), int(found.person[index])
            evidence = _witnesses(store, judged, start + index, own, names)
            if other[index]:
                evidence = (*_witnesses(store, judged, start + index, rival, names), *evidence)
            yield Doubt(
                faces.place(store, judged.faces.named[known.rows[start + index]]),
                names[int(known.people[own])],
                "human",
                float(1 - sure[index] if other[index] else sure[index]),
                names[int(known.people[rival])] if other[index] else None,
                evidence,
            )


def _mistagged(store: Store, judged: Judgement, tagged: dict[int, int], names: dict[int, str]) -> Iterator[Doubt]:
    """Faces that the machine named, and wouldn't by what is known now."""
    for row, face in enumerate(judged.faces.ids):
        person = tagged.get(face)
        if person is None or person not in names:
            continue
        now = judged.person(row) if judged.found.person[row] >= 0 else None
        sure = float(judged.sure[row])
        if now == person and sure >= 0.5 and judged.stands[row]:
            continue
        other = now is not None and now != person and sure >= 0.5
        witnesses = tuple(
            Witness(faces.place(store, near), names[now], away)
            for near, away in next(judged.evidence(np.array([row])))
            if now is not None
        )
        looks_like = names[now] if other and now is not None else None
        probability = sure if now == person else 1 - sure if other else 0.0
        yield Doubt(faces.place(store, face), names[person], "machine", probability, looks_like, witnesses)


def _witnesses(store: Store, judged: Judgement, row: int, place: int, names: dict[int, str]) -> tuple[Witness, ...]:
    """The nearest faces of a person to a labelled face."""
    known = judged.known
    own = np.arange(known.starts[place], known.starts[place + 1])
    own = own[own != row]
    away = np.linalg.norm(known.vectors[own] - known.vectors[row], axis=1)
    return tuple(
        Witness(
            faces.place(store, judged.faces.named[known.rows[own[index]]]),
            names[int(known.people[place])],
            float(away[index]),
        )
        for index in np.argsort(away, kind="stable")[:EVIDENCE].tolist()
    )


def _alike(store: Store, judged: Judgement, names: dict[int, str]) -> Iterator[Alike]:
    """People of whom many faces would pass for the other's, and whom no photo shows together."""
    known, seen = judged.known, judged.faces.seen
    photos: dict[int, set[int]] = defaultdict(set)
    for sighting in seen.values():
        if sighting.person is not None:
            photos[sighting.person].add(sighting.photo)
    rows, _ = neighbours(known.means, min(_NEAREST, len(known.people) - 1))
    pairs = {(min(one, other), max(one, other)) for one, near in enumerate(rows.tolist()) for other in near}
    for one, other in sorted(pairs):
        people = int(known.people[one]), int(known.people[other])
        if not (photos[people[0]] and photos[people[1]]) or not photos[people[0]].isdisjoint(photos[people[1]]):
            continue
        first, second = (_some(known, place) for place in (one, other))
        away = np.sqrt(np.maximum(2 - 2 * (known.vectors[first] @ known.vectors[second].T), 0))
        shares = (
            float(((away <= known.reach[other]).sum(axis=1) >= needed(known.counts)[other]).mean()),
            float(((away <= known.reach[one]).sum(axis=0) >= needed(known.counts)[one]).mean()),
        )
        if min(shares) < _ALIKE:
            continue
        nearest = np.argsort(away, axis=None, kind="stable")[:EVIDENCE]
        evidence = tuple(
            (
                faces.place(store, judged.faces.named[known.rows[first[i]]]),
                faces.place(store, judged.faces.named[known.rows[second[k]]]),
                float(away[i, k]),
            )
            for i, k in zip(*np.unravel_index(nearest, away.shape), strict=True)
        )
        apart = float(np.linalg.norm(known.means[one] - known.means[other]))
        yield Alike((names[people[0]], names[people[1]]), shares, apart, evidence)


def _some(known: Gallery, place: int) -> Rows:
    rows = np.arange(known.starts[place], known.starts[place + 1])
    return rows[:: -(-len(rows) // _MOST)]
