"""A library's faces as a review takes them: what was found, said and guessed; and how far a review has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from phototag.display import counted
from phototag.types import Vectors

Rows = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

#: In `person`: nobody yet, and a face that nobody wants to name (or that is none).
OPEN, DISMISSED = -1, -2


@dataclass(frozen=True, slots=True, eq=False)
class LibraryFaces:
    """A library's faces: what was found, said and guessed.

    `ids` (n,) ascending; `vectors` (n, dim) unit; `photo` (n,); `group` (n,) number, −1 alone; `person` (n,) by a
    human, or OPEN or DISMISSED; `met`: how often each group was met. `rejected`: (face, person), `apart`: (face, face),
    `two`: (person, person) of whom a human said that they aren't one. `reviewed`: faces whose names a human looked at
    before.
    """

    ids: Rows
    vectors: Vectors
    photo: Rows
    group: Rows
    person: Rows
    met: Mapping[int, int] = field(default_factory=dict)
    rejected: frozenset[tuple[int, int]] = frozenset()
    apart: frozenset[tuple[int, int]] = frozenset()
    two: frozenset[tuple[int, int]] = frozenset()
    reviewed: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Guesses:
    """The machine's judgement of n faces: the best person (−1 none), how surely, and whether that is their tag."""

    person: Rows
    probability: Values
    tagged: Flags

    @staticmethod
    def none(count: int) -> Guesses:
        return Guesses(np.full(count, -1, np.int64), np.zeros(count), np.zeros(count, np.bool_))


@dataclass(frozen=True, slots=True)
class InterviewProgress:
    """How far a review has come: `named` of `faces` (by a human or the machine), after so many `answers`."""

    faces: int
    named: int
    answers: int

    @property
    def share(self) -> float:
        return self.named / self.faces if self.faces else 1.0

    def __str__(self) -> str:
        return f"{100 * self.share:.0f} % of {self.faces:,} faces named, {counted(self.answers, 'answer')}"
