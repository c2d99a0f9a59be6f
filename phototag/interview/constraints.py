"""Who can't be whom: what a human ruled out, and faces that share a photo."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from phototag.interview.face_table import FaceTable
from phototag.interview.library import OPEN, LibraryFaces, Rows


class Constraints:
    """`rejected`: rows by person, of "is not". `apart`: rows by row, and `two`: pairs of people (the smaller id first),
    of "different people"."""

    def __init__(self, faces: FaceTable, library: LibraryFaces) -> None:
        self._faces = faces
        self.rejected: dict[int, set[int]] = defaultdict(set)
        self.apart: dict[int, set[int]] = defaultdict(set)
        self.two = set(library.two)
        row = {face: index for index, face in enumerate(library.ids.tolist())}
        for face, person in library.rejected:
            if face in row:
                self.rejected[person].add(row[face])
        for face, other in library.apart:
            if face in row and other in row:
                self.set_apart(row[face], row[other])

    # --- what answers change ---

    def set_apart(self, one: int, other: int) -> None:
        """Two faces are of different people."""
        self.apart[one].add(other)
        self.apart[other].add(one)

    def forget_apart(self, one: int, other: int) -> None:
        """Undo `set_apart`."""
        self.apart[one].discard(other)
        self.apart[other].discard(one)

    def add_two(self, pairs: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
        """Pairs of people are different people; returns those pairs that weren't known."""
        new = {(min(pair), max(pair)) for pair in pairs} - self.two
        self.two |= new
        return new

    # --- what follows ---

    def rejected_rows(self, person: int) -> Rows:
        """The faces that a human said are not this person."""
        return np.fromiter(self.rejected.get(person, ()), np.int64)

    def two_people(self, one: int, other: int) -> bool:
        """Whether two people are known to be different: by an answer, or because they share a photo."""
        faces = self._faces
        photos = np.intersect1d(faces.photo[faces.named(one)], faces.photo[faces.named(other)])
        return (min(one, other), max(one, other)) in self.two or bool(photos.size)

    def two_groups(self, one: Rows, other: Rows) -> bool:
        """Whether two groups of faces are known to be different people, in the same way."""
        apart = set().union(*(self.apart.get(row, ()) for row in one.tolist()))
        photos = np.intersect1d(self._faces.photo[one], self._faces.photo[other])
        return not apart.isdisjoint(other.tolist()) or bool(photos.size)

    def units_excluded_for(self, person: int) -> Rows:
        """The units with an open face that can't be this person."""
        theirs = self._faces.named(person)
        apart = [np.fromiter(self.apart[row], np.int64) for row in self.apart.keys() & set(theirs.tolist())]
        rows = np.concatenate([self.rejected_rows(person), self._faces.beside(theirs)[1], *apart])
        return np.unique(self._faces.unit[rows[self._faces.person[rows] == OPEN]])

    def excluded_pairs(self, units: Rows, people: Sequence[int]) -> tuple[Rows, Rows]:
        """All pairs of a unit and a person that are excluded, as positions in `units` and in `people`."""
        faces = self._faces
        position = np.full(int(max(faces.unit.max(initial=-1), units.max(initial=-1))) + 1, -1)
        position[units] = np.arange(len(units))
        column = np.full(max(people) + 1, -1)
        column[list(people)] = np.arange(len(people))
        rows, others = faces.beside(np.flatnonzero(faces.open & (position[faces.unit] >= 0)))
        pairs = [(rows, faces.person[others])]
        for person, rejected in self.rejected.items():
            pairs.append((np.fromiter(rejected, np.int64), np.full(len(rejected), person)))
        for row, apart in self.apart.items():
            pairs.append((np.full(len(apart), row), faces.person[np.fromiter(apart, np.int64)]))
        rows, persons = (np.concatenate(part) for part in zip(*pairs, strict=True))
        known = (faces.person[rows] == OPEN) & (persons >= 0) & (persons < len(column))
        positions, columns = position[faces.unit[rows[known]]], column[persons[known]]
        wanted = (positions >= 0) & (columns >= 0)
        return positions[wanted], columns[wanted]
