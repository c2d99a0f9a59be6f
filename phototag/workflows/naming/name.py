"""Name: answers about faces, saved at once."""

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
    """These faces are the person called `name`, whatever was said before.

    Raises UsageError for a name that can't be.
    """
    with checked_name(), store.write():
        person = people.ensure(store, name)
        decisions.record(store, [Decision("is", face, person.id) for face in face_ids], origin)
        models.drop_stale_guesses(store)
    return person


@dataclass(frozen=True, slots=True)
class Named:
    """Who a group is, how many of its faces, and how many were left out because a human had said that it isn't them."""

    person: Person
    faces: int
    left_out: int


def left_out_sentence(named: Named) -> str:
    """What a group's name was not given to, in words; empty if to nothing."""
    if not named.left_out:
        return ""
    they_are = "it is" if named.left_out == 1 else "they are"
    return f"{counted(named.left_out, 'face')} left out: you said that {they_are} not {printable(named.person.name)}."


def name_group(store: Store, face_ids: Sequence[int], name: str) -> Named:
    """The faces of a group are the person called `name`, but for those of which a human said that they aren't.

    Faces of which something was said since the group was read keep that. Raises UsageError if nothing is left to
    name, or for a name that can't be.
    """
    with store.write():
        said = decisions.labels(store)
        still = [face for face in face_ids if face not in said and faces.exists(store, face)]
        if face_ids and not still:
            raise UsageError("somebody said meanwhile who these faces are: nothing saved; look again")
        known = find(store, name)
        refused = {face for face, person in decisions.rejected(store) if known and person == known.id}
        meant = [face for face in still if face not in refused]
        if known and not meant:
            raise UsageError(
                f"you said of every face of this group that it is not {printable(known.name)}: nothing saved"
            )
        return Named(name_faces(store, meant, name), len(meant), len(still) - len(meant))


def name_face(store: Store, face: int, name: str) -> Person:
    """A single face is the person called `name`. Raises UsageError if there is no such face, or for no name."""
    with store.write():
        require_face(store, face)
        return name_faces(store, [face], name)


def compare(store: Store, verb: Literal["same", "different"], face: int, other: int) -> None:
    """Two faces are one person, or two. Raises UsageError if there are no such two faces."""
    with store.write():
        require_face(store, face)
        require_face(store, other)
        if face == other:
            raise UsageError("name two faces: a face is always the same as itself")
        decisions.record(store, [Decision(verb, face, other_face=other)], "typed")


def dismiss(
    store: Store, face_ids: Sequence[int], verb: Literal["not-a-face", "dont-care"], origin: Origin = "typed"
) -> None:
    """These are no faces at all, or faces that nobody wants to name."""
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
