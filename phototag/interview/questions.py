"""The four kinds of questions about faces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

#: Faces of a question that are shown, at most.
SHOWN = 24
#: Of a group, how many of these are the best fitting ones; the others are those that fit least.
_TYPICAL = 6


@dataclass(frozen=True, slots=True)
class WhoIsIt:
    """Who is this group of unknown faces?

    `group`: its number, −1 for a part of a group. `faces`: ids, those that fit best first. `likely`: people (ids), the
    most similar first. `resolves`: the expected number of faces that get a name; `answers`: the expected number of
    answers that it takes (one, and one for each face to be picked out).
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
    """Are these unknown faces this person, too? `faces`: those that fit least first; if they can't all be shown, one of
    each group comes first."""

    person: int
    faces: tuple[int, ...]
    resolves: float
    answers: float

    @property
    def shown(self) -> tuple[int, ...]:
        return self.faces[:SHOWN]


@dataclass(frozen=True, slots=True)
class Side:
    """One of two that may be the same person: a `person`, or a `group` of unknown faces."""

    person: int | None
    group: int | None
    faces: tuple[int, ...]

    @property
    def shown(self) -> tuple[int, ...]:
        return self.faces[: SHOWN // 2]


@dataclass(frozen=True, slots=True)
class AreTheyOne:
    """Are these two the same person?"""

    sides: tuple[Side, Side]
    resolves: float
    answers: float

    @property
    def shown(self) -> tuple[int, ...]:
        """The faces of the first side, then those of the second."""
        return tuple(face for side in self.sides for face in side.shown)


@dataclass(frozen=True, slots=True)
class WhoIsNot:
    """Which of these faces with this person's name are somebody else? `faces`: the most doubtful first."""

    person: int
    faces: tuple[int, ...]
    resolves: float
    answers: float

    @property
    def shown(self) -> tuple[int, ...]:
        return self.faces


Question: TypeAlias = WhoIsIt | IsItAlso | AreTheyOne | WhoIsNot
