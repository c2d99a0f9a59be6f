"""What an interview knows of each face, as arrays with one row a face."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from phototag.interview.library import OPEN, Flags, LibraryFaces, Rows

#: Arrays that an answer may change.
_CHANGING = ("person", "unit", "reviewed", "skipped", "guess", "guess_probability", "tagged")


class FaceTable:
    """The n faces of a library.

    Fixed: `ids`, `vectors`, `photo`, `appearances` as in LibraryFaces. Changed by answers, each (n,): `person`; `unit`,
    the number of the group (or part of a group, or single face) that an open face is in; `reviewed`; `skipped` in this
    session; the machine's `guess` (person or −1), its `guess_probability`, and whether it is a tag (`tagged`).
    """

    def __init__(self, library: LibraryFaces) -> None:
        self.ids, self.vectors, self.photo = library.ids, library.vectors, library.photo
        self.appearances = library.appearances
        count = len(library.ids)
        alone = library.group < 0
        #: Group numbers of the first units; single faces and parts come after them.
        self.group_numbers, unit = np.unique(library.group[~alone], return_inverse=True)
        self.person = library.person.copy()
        self.unit = np.empty(count, np.int64)
        self.unit[~alone] = unit
        self.unit[alone] = len(self.group_numbers) + np.arange(alone.sum())
        self.reviewed = np.isin(library.ids, list(library.reviewed))
        self.skipped = np.zeros(count, np.bool_)
        self.guess, self.guess_probability = np.full(count, -1, np.int64), np.zeros(count)
        self.tagged = np.zeros(count, np.bool_)
        self._by_photo = np.argsort(library.photo, kind="stable")

    def rows(self, ids: Iterable[int]) -> Rows:
        """The rows of faces (ids)."""
        return np.searchsorted(self.ids, np.fromiter(ids, np.int64))

    @property
    def open(self) -> Flags:
        """(n,) whether a face has no label."""
        return np.asarray(self.person == OPEN)

    def members(self, unit: int) -> Rows:
        """The open faces of a unit."""
        return np.flatnonzero((self.unit == unit) & (self.person == OPEN))

    def named(self, person: int) -> Rows:
        """The faces with this label."""
        return np.flatnonzero(self.person == person)

    def group_number(self, unit: int) -> int:
        """The number of a unit's group; −1 for a single face or a part of a group."""
        return int(self.group_numbers[unit]) if unit < len(self.group_numbers) else -1

    def beside(self, rows: Rows) -> tuple[Rows, Rows]:
        """All pairs of one of these faces and another face in its photo."""
        photos, ordered = self.photo[rows], self.photo[self._by_photo]
        low, high = np.searchsorted(ordered, photos), np.searchsorted(ordered, photos, "right")
        count = high - low
        first = np.repeat(low - np.cumsum(count) + count, count)
        mine, others = np.repeat(rows, count), self._by_photo[first + np.arange(int(count.sum()))]
        return mine[mine != others], others[mine != others]

    def snapshot(self, rows: Rows) -> dict[str, npt.NDArray[np.generic]]:
        """The changing values of some rows, by the name of their array."""
        return {name: getattr(self, name)[rows] for name in _CHANGING}

    def restore(self, rows: Rows, values: dict[str, npt.NDArray[np.generic]]) -> None:
        """Put a snapshot back."""
        for name, held in values.items():
            getattr(self, name)[rows] = held
