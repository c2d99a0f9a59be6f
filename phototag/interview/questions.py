"""The questions that can be asked about faces; an answer is given to `state.InterviewState`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

#: Faces of a question that a human looks at, at most.
SHOWN = 24
#: Of these the ones that tell best who it is; the others are those that fit least.
_TYPICAL = 6


@dataclass(frozen=True, slots=True)
class WhoIsIt:
    """Who is this group of unknown faces?

    `faces`: ids, those that fit best first. `likely`: people (ids) that it may be, the likeliest first. `resolves`:
    faces that an answer is expected to resolve, and `answers` what it is expected to cost (one, and one for each face
    that has to be picked out).
    """

    group: int
    faces: tuple[int, ...]
    likely: tuple[int, ...]
    resolves: float
    answers: float

    @property
    def shown(self) -> tuple[int, ...]:
        """The faces to look at: the most typical ones, then those that fit least."""
        rest = self.faces[_TYPICAL:]
        return (*self.faces[:_TYPICAL], *rest[: -(SHOWN - _TYPICAL) - 1 : -1])


@dataclass(frozen=True, slots=True)
class IsItAlso:
    """Are these unknown faces this person, too? `faces`: those that fit least first; if they can't all be shown, first
    the one of each group that fits least."""

    person: int
    faces: tuple[int, ...]
    resolves: float
    answers: float

    @property
    def shown(self) -> tuple[int, ...]:
        return self.faces[:SHOWN]


@dataclass(frozen=True, slots=True)
class Side:
    """One of two that may be one person: somebody named (`person`), or a group of unknown faces (`group`)."""

    person: int | None
    group: int | None
    faces: tuple[int, ...]

    @property
    def shown(self) -> tuple[int, ...]:
        return self.faces[: SHOWN // 2]


@dataclass(frozen=True, slots=True)
class AreTheyOne:
    """Are these two one person?"""

    sides: tuple[Side, Side]
    resolves: float
    answers: float

    @property
    def shown(self) -> tuple[int, ...]:
        """Of the one, then of the other."""
        return tuple(face for side in self.sides for face in side.shown)


@dataclass(frozen=True, slots=True)
class WhoIsNot:
    """Which of these faces, that have this person's name, are somebody else? `faces`: those that fit least first."""

    person: int
    faces: tuple[int, ...]
    resolves: float
    answers: float

    @property
    def shown(self) -> tuple[int, ...]:
        return self.faces


Question: TypeAlias = WhoIsIt | IsItAlso | AreTheyOne | WhoIsNot
