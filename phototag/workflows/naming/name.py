"""Name: save answers about single faces and groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from phototag.display import counted, printable
from phototag.errors import UsageError
from phototag.remedies import Show
from phototag.store import decisions, faces, groups, models, people
from phototag.store.connect import Store
from phototag.store.decisions import Decision
from phototag.types import Origin, Person
from phototag.workflows.naming.people import checked_name, find, require_face


def name_faces(store: Store, face_ids: Sequence[int], name: str, origin: Origin = "typed") -> Person:
    """Name these faces after the person called `name`, whatever earlier answers say.

    Raises UsageError for an invalid name.
    """
    with checked_name(), store.write():
        person = people.ensure(store, name)
        decisions.record(store, [Decision("is", face, person.id) for face in face_ids], origin)
        models.drop_stale_guesses(store)
    return person


@dataclass(frozen=True, slots=True)
class Named:
    """The person, how many faces of a group were named, and how many were left out: a human had rejected the name."""

    person: Person
    faces: int
    left_out: int


def left_out_sentence(named: Named) -> str:
    """How many faces of a group weren't named, and why, as a sentence; empty if all were."""
    if not named.left_out:
        return ""
    they_are = "it is" if named.left_out == 1 else "they are"
    return f"{counted(named.left_out, 'face')} left out: you said that {they_are} not {printable(named.person.name)}."


def name_group(store: Store, face_ids: Sequence[int], name: str) -> Named:
    """Name the faces of a group after the person called `name`, except those that a human rejected as this person.

    Faces that were answered since the group was read keep that answer. Raises UsageError if no face is left to name,
    or for an invalid name.
    """
    with store.write():
        labels = decisions.labels(store)
        unlabelled = [face for face in face_ids if face not in labels and faces.exists(store, face)]
        if face_ids and not unlabelled:
            raise UsageError("these faces were named in the meantime: nothing was saved; look again")
        known = find(store, name)
        rejected = {face for face, person in decisions.rejected(store) if known and person == known.id}
        accepted = [face for face in unlabelled if face not in rejected]
        if known and not accepted:
            raise UsageError(
                f"you said of every face of this group that it is not {printable(known.name)}: nothing saved"
            )
        return Named(name_faces(store, accepted, name), len(accepted), len(unlabelled) - len(accepted))


def name_face(store: Store, face: int, name: str) -> Person:
    """Name one face after the person called `name`. Raises UsageError for an unknown face or an invalid name."""
    with store.write():
        require_face(store, face)
        return name_faces(store, [face], name)


def compare(store: Store, verb: Literal["same", "different"], face: int, other: int) -> None:
    """Save that two faces are the same person, or different people. Raises UsageError unless there are two faces."""
    with store.write():
        require_face(store, face)
        require_face(store, other)
        if face == other:
            raise UsageError("name two faces: a face is always the same as itself")
        decisions.record(store, [Decision(verb, face, other_face=other)], "typed")


def dismiss(
    store: Store, face_ids: Sequence[int], verb: Literal["not-a-face", "dont-care"], origin: Origin = "typed"
) -> None:
    """Mark faces as "not a face", or ignore them."""
    with store.write():
        decisions.record(store, [Decision(verb, face) for face in face_ids], origin)
        models.drop_stale_guesses(store)


def group_faces(store: Store, number: int) -> list[int]:
    """The unlabelled faces of one group. Raises UsageError if there are none."""
    members = groups.members(store, number)
    if not members:
        raise UsageError(f"there is no unnamed group {number}", Show("groups"))
    return members


def crops(store: Store, face_ids: Sequence[int]) -> list[bytes]:
    """The small pictures (JPEG) of faces."""
    return [jpeg for face in face_ids if (jpeg := faces.crop(store, face)) is not None]
