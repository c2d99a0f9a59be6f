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

#: Factors on the thresholds for a split, tried in turn until a person's faces fall into several groups.
_FACTORS = (1.0, 0.9, 0.8, 0.7, 0.6)


@contextmanager
def checked_name() -> Iterator[None]:
    """Turns the ValueError of an invalid name into a UsageError."""
    try:
        yield
    except ValueError as error:
        raise UsageError(f"that can't be a name: {error}") from error


def find(store: Store, name: str) -> Person | None:
    """The person of this name, if there is one. Raises UsageError for an invalid name."""
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
    """Give the person called `name` the name `new`.

    Raises UsageError if nobody is called `name`, if another person is called `new`, or if `new` is invalid.
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
    """Leave the person out of the album (`shown`: show them again); their faces keep the name.

    Raises UsageError if nobody is called `name`.
    """
    with store.write():
        person = require_person(store, name)
        if person.hidden == shown:
            decisions.record(store, [Decision("show" if shown else "hide", person=person.id)], origin)
            person_updates.refresh(store, [person.id])
        return people.get(store, person.id)


@dataclass(frozen=True, slots=True)
class MergePreview:
    """What a merge joins: `other` becomes `person`.

    `faces`, `other_faces`: how many each has, labelled or tagged. `photos`: how many show both, a sign that they are
    two people.
    """

    person: Person
    other: Person
    faces: int
    other_faces: int
    photos: int


def preview_merge(store: Store, name: str, into: str) -> MergePreview:
    """What `merge` would join. Raises UsageError if one of the names is unknown, or both are one person already."""
    other, person = require_person(store, name), require_person(store, into)
    if other.id == person.id:
        raise UsageError(f"{printable(name)} and {printable(into)} are one person already: nothing to merge")
    counts = {one.id: len(faces.of_person(store, one.id)) for one in (person, other)}
    beside = dict(people.seen_together(store, person.id))
    return MergePreview(person, other, counts[person.id], counts[other.id], beside.get(other.id, 0))


def merge(store: Store, name: str, into: str, origin: Origin = "typed") -> MergePreview:
    """Make the person called `name` one with the person called `into`; `name` becomes another name (alias) of theirs.

    Raises UsageError if one of the names is unknown, or both are one person already.
    """
    with store.write():
        preview = preview_merge(store, name, into)
        other, person = preview.other.id, preview.person.id
        answer = [
            Decision("merge", person=other, other_person=person),
            *(Decision("is", face, person) for face in decisions.subjects_of(store, other, "is")),
            *(Decision("is-not", face, person) for face in _rejected_by(store, other, person)),
        ]
        decisions.record(store, answer, origin)
        person_updates.refresh(store, [other, person])
        models.reassign_guesses(store, other, person)
    return preview


def _rejected_by(store: Store, other: int, person: int) -> list[int]:
    """Faces that a human rejected as `other`, except those named after `person`, which would contradict it."""
    own = set(decisions.subjects_of(store, person, "is"))
    return [face for face in decisions.subjects_of(store, other, "is-not") if face not in own]


def reject_faces(store: Store, name: str, face_ids: Sequence[int], origin: Origin = "typed") -> Person:
    """Save that none of these faces is the person called `name`: neither a group nor a tag gives them that name again.

    Raises UsageError if nobody is called `name`, or for an unknown face.
    """
    with store.write():
        for face in face_ids:
            require_face(store, face)
        person = require_person(store, name)
        decisions.record(store, [Decision("is-not", face, person.id) for face in dict.fromkeys(face_ids)], origin)
        models.drop_stale_guesses(store)
    return person


def split_proposal(store: Store, name: str) -> list[tuple[int, ...]]:
    """The groups that a person's faces would form without the name: largest group first, most central face first.

    If they form a single group, the thresholds are lowered step by step until there are several. A face that fits into
    no group is one of its own. Raises UsageError if nobody is called `name`.
    """
    person = require_person(store, name)
    embedder = current_embedder(store)
    own = set(faces.of_person(store, person.id))
    ids, vectors = embeddings.vectors(store, embedder, where="all")
    rows = [row for row, face in enumerate(ids) if face in own]
    own_vectors, own_ids = vectors[rows], [ids[row] for row in rows]
    prior = replace(PriorKnowledge.none(len(rows)), cannot_link=_same_photo_keys(store, own_ids))
    labels = np.zeros(len(rows), np.int64)
    for factor in _FACTORS:
        labels = cluster(own_vectors, _scaled(engines.thresholds(store, embedder), factor), prior)
        if labels.max(initial=-1) > 0:
            break
    groups = [[own_ids[row] for row in part[central_first(own_vectors[part])].tolist()] for part in members(labels)]
    alone = [[own_ids[row]] for row in np.flatnonzero(labels < 0)]
    return sorted((tuple(group) for group in [*groups, *alone]), key=lambda group: (-len(group), group))


def _same_photo_keys(store: Store, face_ids: Sequence[int]) -> dict[int, set[int]]:
    """Cannot-link keys by row: faces that share a photo are not one person."""
    seen = groups.sightings(store)
    return {row: {seen[face].photo} for row, face in enumerate(face_ids) if face in seen}


def _scaled(thresholds: Thresholds, factor: float) -> Thresholds:
    return replace(thresholds, join=thresholds.join * factor, split=thresholds.split * factor)


@dataclass(frozen=True, slots=True)
class Split:
    """How many faces were taken from `person`; `other`: whose they are, None if not named yet."""

    person: Person
    other: Person | None
    faces: int


def split(store: Store, name: str, face_ids: Sequence[int], other: str | None, origin: Origin = "typed") -> Split:
    """Take faces from the person called `name` and give them to `other`, a different person (None: not named yet).

    Raises UsageError if nobody is called `name`, a face isn't theirs, or `other` is the same person or an invalid name.
    """
    with checked_name(), store.write():
        person = require_person(store, name)
        own = set(faces.of_person(store, person.id))
        not_theirs = [face for face in face_ids if face not in own]
        if not_theirs:
            raise UsageError(f"face {not_theirs[0]} is not one of {printable(person.name)}'s", ShowPerson(person.name))
        if not face_ids:
            raise UsageError(f"say which of {printable(person.name)}'s faces to split off", ShowPerson(person.name))
        to = people.ensure(store, other) if other is not None else None
        if to is not None and to.id == person.id:
            raise UsageError(f"{printable(person.name)} can't be split from themselves: give another name")
        answer = [
            Decision("split", person=person.id, other_person=to.id if to else None),
            *(
                Decision("is", face, to.id) if to else Decision("is-not", face, person.id)
                for face in dict.fromkeys(face_ids)
            ),
        ]
        decisions.record(store, answer, origin)
        models.drop_stale_guesses(store)
    return Split(person, to, len(set(face_ids)))


def different(store: Store, name: str, other: str, origin: Origin = "reviewed") -> None:
    """Save that two people are different, which ends questions about it. Raises UsageError for an unknown name."""
    with store.write():
        one, two = require_person(store, name), require_person(store, other)
        decisions.record(store, [Decision("different", person=one.id, other_person=two.id)], origin)
