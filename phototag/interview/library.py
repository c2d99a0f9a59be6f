"""What an interview starts from: a library's faces, and the machine's guesses of who they are."""

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

#: In `person`: a face without a label, and a face that is ignored or is not a face.
OPEN, DISMISSED = -1, -2


@dataclass(frozen=True, slots=True, eq=False)
class LibraryFaces:
    """A library's n faces: found, grouped, and what a human said of them.

    `ids` (n,) ascending; `vectors` (n, dim) unit; `photo` (n,) ids; `group` (n,) number, below 0 for a face in no
    group; `person` (n,) the label, OPEN or DISMISSED. `appearances`: of each group, how often its person was
    photographed (a burst counts once). `rejected`: (face, person) of "is not"; `apart`: (face, face), and `two`:
    (person, person), of "different people". `reviewed`: faces whose name a human has looked at.
    """

    ids: Rows
    vectors: Vectors
    photo: Rows
    group: Rows
    person: Rows
    appearances: Mapping[int, int] = field(default_factory=dict)
    rejected: frozenset[tuple[int, int]] = frozenset()
    apart: frozenset[tuple[int, int]] = frozenset()
    two: frozenset[tuple[int, int]] = frozenset()
    reviewed: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Guesses:
    """The machine's guesses of n faces: `person` (n,) id or −1, `probability` (n,), whether it is `tagged` (n,)."""

    person: Rows
    probability: Values
    tagged: Flags

    @staticmethod
    def none(count: int) -> Guesses:
        """No guess for any of `count` faces."""
        return Guesses(np.full(count, -1, np.int64), np.zeros(count), np.zeros(count, np.bool_))


@dataclass(frozen=True, slots=True)
class InterviewProgress:
    """How many of the faces are named, by a human or a tag, after how many answers."""

    faces: int
    named: int
    answers: int

    @property
    def share(self) -> float:
        return self.named / self.faces if self.faces else 1.0

    def __str__(self) -> str:
        return f"{100 * self.share:.0f} % of {self.faces:,} faces named, {counted(self.answers, 'answer')}"
