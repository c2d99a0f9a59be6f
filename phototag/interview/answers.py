"""What each answer to a question says of which faces."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from phototag.interview.questions import AreTheyOne, IsItAlso, Question, WhoIsIt, WhoIsNot


@dataclass(frozen=True, slots=True)
class Effect:
    """What one answer says; faces and people are ids.

    `named`, `rejected`: (face, person) of "is" and "is not". `dismissed`: faces that are ignored or are not a face.
    `merged`: (gone, kept), the same person. `two`: different people. `together`, `apart`: a face of each of two groups
    that are, or aren't, the same person. `parts`: faces that go together, of a group of several people. `skipped`:
    faces of a skipped question. `reviewed`: faces that a human looked at.
    """

    named: tuple[tuple[int, int], ...] = ()
    rejected: tuple[tuple[int, int], ...] = ()
    dismissed: tuple[int, ...] = ()
    merged: tuple[int, int] | None = None
    two: tuple[int, int] | None = None
    together: tuple[int, int] | None = None
    apart: tuple[int, int] | None = None
    parts: tuple[tuple[int, ...], ...] = ()
    skipped: tuple[int, ...] = ()
    reviewed: tuple[int, ...] = ()


def they_are(
    question: WhoIsIt | IsItAlso | WhoIsNot, person: int, without: Collection[int] = (), refused: Collection[int] = ()
) -> Effect:
    """The faces are this person, except those in `without` (picked out now) and `refused` ("is not" before).

    If any were picked out, faces that weren't shown stay open: more of them may be somebody else.
    """
    shown = question.shown
    out = tuple(face for face in shown if face in set(without))
    named = [face for face in (shown if out else question.faces) if face not in out and face not in refused]
    return Effect(
        named=tuple((face, person) for face in named),
        rejected=tuple((face, person) for face in out),
        parts=(out,) if out else (),
        reviewed=shown,
    )


def none_is(question: IsItAlso | WhoIsNot) -> Effect:
    """None of the faces is the person whom the question is about."""
    return Effect(rejected=tuple((face, question.person) for face in question.faces), reviewed=question.shown)


def dismiss(question: WhoIsIt | IsItAlso) -> Effect:
    """The faces are ignored, or are not faces."""
    return Effect(dismissed=question.faces, reviewed=question.shown)


def mixed(parts: Sequence[Sequence[int]]) -> Effect:
    """The faces are of several people; `parts`: the faces that go together."""
    return Effect(parts=tuple(tuple(part) for part in parts))


def same_or_different(question: AreTheyOne, same: bool) -> Effect:
    """Both sides are the same person (who keeps the first one's name), or different people."""
    first, second = question.sides
    if first.person is not None and second.person is not None:
        if same:
            return Effect(merged=(second.person, first.person))
        return Effect(two=(first.person, second.person))
    pair = first.faces[0], second.faces[0]
    return Effect(together=pair) if same else Effect(apart=pair)


def skip(question: Question) -> Effect:
    """Don't ask this again until nothing else is left."""
    faces = (
        (face for side in question.sides for face in side.faces) if isinstance(question, AreTheyOne) else question.faces
    )
    return Effect(skipped=tuple(faces))
