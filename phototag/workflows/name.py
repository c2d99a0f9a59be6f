"""Name: what a person says about faces, saved at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from phototag.errors import UsageError
from phototag.store import clusters, decisions, faces, people
from phototag.store.connect import Store
from phototag.store.decisions import Decision
from phototag.types import Cluster, Origin, Person


def name_faces(store: Store, face_ids: Sequence[int], name: str, origin: Origin = "typed") -> Person:
    """These faces are the person called `name`. Raises UsageError for a name that can't be."""
    try:
        with store.write():
            person = people.ensure(store, name)
            decisions.record(store, [Decision("is", face, person.id) for face in face_ids], origin)
    except ValueError as error:
        raise UsageError(f"that can't be a name: {error}") from error
    return person


def dismiss(store: Store, face_ids: Sequence[int], verb: Literal["not-a-face", "dont-care"]) -> None:
    """These are no faces at all, or faces that nobody wants to name."""
    with store.write():
        decisions.record(store, [Decision(verb, face) for face in face_ids], "typed")


def undo_last(store: Store) -> int:
    """Take back the last answer that stands; returns how many faces it was about."""
    with store.write():
        answer = decisions.last_answer(store)
        return decisions.undo(store, answer) if answer is not None else 0


@dataclass(frozen=True, slots=True)
class Question:
    """A group to be named, with its faces' small pictures, the most typical first."""

    group: Cluster
    known: tuple[str, ...]
    left: int


def next_question(store: Store, skipped: Sequence[int] = ()) -> Question | None:
    """The largest unnamed group that was not skipped, or None when there is none."""
    waiting = [group for group in clusters.unnamed(store) if group.number not in set(skipped)]
    return Question(waiting[0], tuple(people.names(store)), len(waiting)) if waiting else None


def group_faces(store: Store, number: int) -> list[int]:
    """The unlabelled faces of one group. Raises UsageError if there are none."""
    members = clusters.members(store, number)
    if not members:
        raise UsageError(f"there is no unnamed group {number}: `phototag name` shows the groups")
    return members


def pictures(store: Store, face_ids: Sequence[int]) -> list[bytes]:
    """The small pictures (JPEG) of faces."""
    return [jpeg for face in face_ids if (jpeg := faces.crop(store, face)) is not None]
