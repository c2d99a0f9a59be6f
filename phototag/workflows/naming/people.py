"""People: answers about a person as a whole: rename, merge, split, hide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from phototag.display import person_name, printable
from phototag.errors import UsageError
from phototag.learn.cluster import PriorKnowledge, central_first, cluster, members
from phototag.remedies import Show, ShowPerson
from phototag.store import decisions, embeddings, engines, faces, groups, models, people, person_updates
from phototag.store.connect import Store
from phototag.store.decisions import Decision
from phototag.types import Origin, Person, Thresholds
from phototag.workflows.library.engines_in_use import current_embedder

#: Factors on the thresholds, tried one after the other until a person's faces fall into several groups.
_CLOSER = (1.0, 0.9, 0.8, 0.7, 0.6)


@contextmanager
def checked_name() -> Iterator[None]:
    """Turns the ValueError of an impossible name into a UsageError."""
    try:
        yield
    except ValueError as error:
        raise UsageError(f"that can't be a name: {error}") from error


def find(store: Store, name: str) -> Person | None:
    """The person of this name, if there is one. Raises UsageError for what can't be a name."""
    with checked_name():
        return people.find(store, name)


def require_face(store: Store, face: int) -> None:
    """Raises UsageError if there is no such face."""
    if not faces.exists(store, face):
        raise UsageError(f"there is no face {face}", Show("faces"))


def require_person(store: Store, name: str) -> Person:
    """The person of this name. Raises UsageError if there is none."""
    person = find(store, name)
    if person is None:
        raise UsageError(f"nobody is called {printable(name)}", Show("people"))
    return person


def rename(store: Store, name: str, new: str, origin: Origin = "typed") -> Person:
    """The person called `name` is called `new` from now on.

    Raises UsageError if there is nobody of that name, if another person has the new one, or if it can't be a name.
    """
    with store.write():
        person = require_person(store, name)
        with checked_name():
            cleaned = person_name(new)
        if cleaned != person.name:
            person_updates.reserve_name(store, person.id, cleaned)
            decisions.record(store, [Decision("rename", person=person.id, name=cleaned)], origin)
            person_updates.refresh(store, [person.id])
        return people.get(store, person.id)


def hide(store: Store, name: str, *, shown: bool = False, origin: Origin = "typed") -> Person:
    """The album has no page of this person any more (`shown`: has one again); their faces keep their name.

    Raises UsageError if there is nobody of that name.
    """
    with store.write():
        person = require_person(store, name)
        if person.hidden == shown:
            decisions.record(store, [Decision("show" if shown else "hide", person=person.id)], origin)
            person_updates.refresh(store, [person.id])
        return people.get(store, person.id)


@dataclass(frozen=True, slots=True)
class MergePreview:
    """Two people to be made one: `other` turned out to be `person`.

    `faces`, `other_faces`: how many each has, named by a human or the machine. `photos`: how many show both, which
    speaks against it.
    """

    person: Person
    other: Person
    faces: int
    other_faces: int
    photos: int


def preview_merge(store: Store, name: str, into: str) -> MergePreview:
    """What `merge` would join. Raises UsageError if one of the two isn't there, or they are one already."""
    other, person = require_person(store, name), require_person(store, into)
    if other.id == person.id:
        raise UsageError(f"{printable(name)} and {printable(into)} are one person already: nothing to merge")
    counts = {one.id: len(faces.of_person(store, one.id)) for one in (person, other)}
    beside = dict(people.seen_together(store, person.id))
    return MergePreview(person, other, counts[person.id], counts[other.id], beside.get(other.id, 0))


def merge(store: Store, name: str, into: str, origin: Origin = "typed") -> MergePreview:
    """Whoever was called `name` is the person called `into`, who keeps that name; the other one means them, too.

    Raises UsageError if one of the two isn't there, or they are one already.
    """
    with store.write():
        told = preview_merge(store, name, into)
        other, person = told.other.id, told.person.id
        said = [
            Decision("merge", person=other, other_person=person),
            *(Decision("is", face, person) for face in decisions.subjects_of(store, other, "is")),
            *(Decision("is-not", face, person) for face in _rejected_by(store, other, person)),
        ]
        decisions.record(store, said, origin)
        person_updates.refresh(store, [other, person])
        models.reassign_guesses(store, other, person)
    return told


def _rejected_by(store: Store, other: int, person: int) -> list[int]:
    """Faces that aren't `other`, but for those that a human named after `person`, which would contradict it."""
    own = set(decisions.subjects_of(store, person, "is"))
    return [face for face in decisions.subjects_of(store, other, "is-not") if face not in own]


def reject_faces(store: Store, name: str, face_ids: Sequence[int], origin: Origin = "typed") -> Person:
    """None of these faces is the person called `name`, and never gets that name with a group or from the machine.

    Raises UsageError if there is nobody of that name, or no such face.
    """
    with store.write():
        for face in face_ids:
            require_face(store, face)
        person = require_person(store, name)
        decisions.record(store, [Decision("is-not", face, person.id) for face in dict.fromkeys(face_ids)], origin)
        models.drop_stale_guesses(store)
    return person


def split_proposal(store: Store, name: str) -> list[tuple[int, ...]]:
    """A person's faces in the groups that they would be without their name, the largest first, of each the most
    central face first; faces that fit into none are groups of their own. Should all be one group, in the groups that
    they fall into first as faces have to be more alike.

    Raises UsageError if there is nobody of that name.
    """
    person = require_person(store, name)
    embedder = current_embedder(store)
    own = set(faces.of_person(store, person.id))
    ids, vectors = embeddings.vectors(store, embedder, where="all")
    rows = [row for row, face in enumerate(ids) if face in own]
    looks, theirs = vectors[rows], [ids[row] for row in rows]
    prior = replace(PriorKnowledge.none(len(rows)), cannot_link=_beside_one_another(store, theirs))
    labels = np.zeros(len(rows), np.int64)
    for factor in _CLOSER:
        labels = cluster(looks, _closer(engines.thresholds(store, embedder), factor), prior)
        if labels.max(initial=-1) > 0:
            break
    groups = [[theirs[row] for row in part[central_first(looks[part])].tolist()] for part in members(labels)]
    alone = [[theirs[row]] for row in np.flatnonzero(labels < 0)]
    return sorted((tuple(group) for group in [*groups, *alone]), key=lambda group: (-len(group), group))


def _beside_one_another(store: Store, face_ids: Sequence[int]) -> dict[int, set[int]]:
    """Cannot-link keys by row: faces that share a photo are not one person."""
    seen = groups.sightings(store)
    return {row: {seen[face].photo} for row, face in enumerate(face_ids) if face in seen}


def _closer(thresholds: Thresholds, factor: float) -> Thresholds:
    return replace(thresholds, join=thresholds.join * factor, split=thresholds.split * factor)


@dataclass(frozen=True, slots=True)
class Split:
    """Faces taken from a person; `other`: whose they are, None if nobody knows yet."""

    person: Person
    other: Person | None
    faces: int


def split(store: Store, name: str, face_ids: Sequence[int], other: str | None, origin: Origin = "typed") -> Split:
    """Of a person's faces these are the one called `other` (None: somebody yet to be named), and the two are two.

    Raises UsageError if there is nobody of that name, a face is not theirs, or `other` is they or can't be a name.
    """
    with checked_name(), store.write():
        person = require_person(store, name)
        own = set(faces.of_person(store, person.id))
        strange = [face for face in face_ids if face not in own]
        if strange or not face_ids:
            which = f"face {strange[0]} is" if strange else "no face was named that is"
            raise UsageError(f"{which} not one of {printable(person.name)}'s", ShowPerson(person.name))
        to = people.ensure(store, other) if other is not None else None
        if to is not None and to.id == person.id:
            raise UsageError(f"{printable(person.name)} can't be split from themselves: give another name")
        said = [
            Decision("split", person=person.id, other_person=to.id if to else None),
            *(
                Decision("is", face, to.id) if to else Decision("is-not", face, person.id)
                for face in dict.fromkeys(face_ids)
            ),
        ]
        decisions.record(store, said, origin)
        models.drop_stale_guesses(store)
    return Split(person, to, len(set(face_ids)))


def different(store: Store, name: str, other: str, origin: Origin = "reviewed") -> None:
    """Two people are two, and won't be asked about again. Raises UsageError if one of them isn't there."""
    with store.write():
        one, two = require_person(store, name), require_person(store, other)
        decisions.record(store, [Decision("different", person=one.id, other_person=two.id)], origin)
