"""What the answers to each question say of which faces."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from phototag.interview.questions import AreTheyOne, IsItAlso, Question, WhoIsIt, WhoIsNot


@dataclass(frozen=True, slots=True)
class Effect:
    """What one answer says. `named`, `rejected`: (face, person), that is or isn't them; `dismissed`: faces that nobody
    wants to name, or that are none; `merged`: the person (first) who is the other one; `two`: people who aren't one;
    `together`, `apart`: two faces of groups that are, or aren't, one person; `parts`: faces that go together where a
    group is of several people; `later`: faces of a question that was put off; `seen`: faces that a human looked at.
    """

    named: tuple[tuple[int, int], ...] = ()
    rejected: tuple[tuple[int, int], ...] = ()
    dismissed: tuple[int, ...] = ()
    merged: tuple[int, int] | None = None
    two: tuple[int, int] | None = None
    together: tuple[int, int] | None = None
    apart: tuple[int, int] | None = None
    parts: tuple[tuple[int, ...], ...] = ()
    later: tuple[int, ...] = ()
    seen: tuple[int, ...] = ()


def them(
    question: WhoIsIt | IsItAlso | WhoIsNot, person: int, without: Collection[int] = (), refused: Collection[int] = ()
) -> Effect:
    """The faces are this person, but for those that were picked out, and those of which that was `refused` before.

    If some were picked out, faces that nobody looked at stay open: there may be more that aren't.
    """
    shown = question.shown
    out = tuple(face for face in shown if face in set(without))
    meant = [face for face in (shown if out else question.faces) if face not in out and face not in refused]
    return Effect(
        named=tuple((face, person) for face in meant),
        rejected=tuple((face, person) for face in out),
        parts=(out,) if out else (),
        seen=shown,
    )


def nobody(question: IsItAlso | WhoIsNot) -> Effect:
    """None of them is."""
    return Effect(rejected=tuple((face, question.person) for face in question.faces), seen=question.shown)


def dismissed(question: WhoIsIt | IsItAlso) -> Effect:
    """Nobody wants to name them, or they are no faces."""
    return Effect(dismissed=question.faces, seen=question.shown)


def mixed(parts: Sequence[Sequence[int]]) -> Effect:
    """They are of several people; `parts`: which of them go together."""
    return Effect(parts=tuple(tuple(part) for part in parts))


def one(question: AreTheyOne, yes: bool) -> Effect:
    """The two are one person (somebody named second is then called like the first), or they aren't."""
    first, second = question.sides
    if first.person is not None and second.person is not None:
        if yes:
            return Effect(merged=(second.person, first.person))
        return Effect(two=(first.person, second.person))
    pair = first.faces[0], second.faces[0]
    return Effect(together=pair) if yes else Effect(apart=pair)


def put_off(question: Question) -> Effect:
    """Skipped: not asked again until nothing else is left."""
    faces = (
        (face for side in question.sides for face in side.faces) if isinstance(question, AreTheyOne) else question.faces
    )
    return Effect(later=tuple(faces))
