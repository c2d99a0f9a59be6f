"""What is known of a library's faces during a review, and what each answer changes of it; all by row, in arrays.

Faces that nobody named lie in *units*: a group, or a face that stands alone. A unit is judged as a whole by the sum of
its open faces' vectors, a person by the sum of theirs; an answer changes the sums of those that it touches.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from phototag.interview.answers import Effect
from phototag.interview.library import DISMISSED, OPEN, Flags, Guesses, InterviewProgress, LibraryFaces, Rows, Values
from phototag.interview.odds import log_odds, probability
from phototag.types import Thresholds

_BLOCK = 4096
#: Arrays by row that an answer may change.
_HELD = ("person", "unit", "seen", "later", "guess", "guess_probability", "tagged")


@dataclass(frozen=True, slots=True, eq=False)
class _UndoRecord:
    """An answer, and what it changed as it was: rows and, by the name of an array, what they held; `people`: of whose
    faces it changed anything; `rejected`: (row, person) that weren't rejected before; `two`: people who weren't two."""

    effect: Effect
    rows: Rows
    held: dict[str, npt.NDArray[np.generic]]
    people: tuple[int, ...]
    rejected: list[tuple[int, int]]
    two: set[tuple[int, int]]


class InterviewState:
    """Where a review stands.

    By row: `person`, `unit`, `seen`, `later` (put off in this session), `tagged` (has the machine's tag), `fits` (how
    probably a face is of one person with the open others of its unit, or with the others that have its name). By unit:
    `sums`, `sizes` of its open faces, `whom` it looks like most (−1 nobody), and the log `odds` of that.
    """

    def __init__(self, faces: LibraryFaces, thresholds: Thresholds, guesses: Guesses | None = None) -> None:
        self.faces, self.thresholds = faces, thresholds
        count = len(faces.ids)
        alone = faces.group < 0
        self.numbers, unit = np.unique(faces.group[~alone], return_inverse=True)
        self.person = faces.person.copy()
        self.unit = np.empty(count, np.int64)
        self.unit[~alone] = unit
        self.unit[alone] = len(self.numbers) + np.arange(alone.sum())
        self.seen = np.isin(faces.ids, list(faces.reviewed))
        self.later = np.zeros(count, np.bool_)
        self.tagged = np.zeros(count, np.bool_)
        self.fits = np.ones(count)
        self.guess, self.guess_probability = np.full(count, -1, np.int64), np.zeros(count)
        self.answers = 0
        self.rejected: dict[int, set[int]] = defaultdict(set)  # rows by person
        self.apart: dict[int, set[int]] = defaultdict(set)  # rows by row
        self.two = set(faces.two)
        self._photos = np.argsort(faces.photo, kind="stable")  # rows, by photo
        self._history: list[_UndoRecord] = []
        row = {face: index for index, face in enumerate(faces.ids.tolist())}
        for face, person in faces.rejected:
            if face in row:
                self.rejected[person].add(row[face])
        for face, other in faces.apart:
            if face in row and other in row:
                self._part(row[face], row[other])
        units = int(self.unit.max(initial=-1)) + 1
        dim = faces.vectors.shape[1]
        self.sums, self.sizes = np.zeros((units, dim), np.float32), np.zeros(units, np.int64)
        self.whom, self.odds = np.full(units, -1, np.int64), np.full(units, -np.inf)
        self.people: list[int] = []
        self.people_sums, self.counts = np.zeros((0, dim), np.float32), np.zeros(0, np.int64)
        self._weigh_units(np.arange(units))
        for person in np.unique(self.person[self.person >= 0]).tolist():
            self._weigh_person(person)
        self._look_like(np.arange(units))
        if guesses is not None:
            self.judge(guesses)

    # --- what is asked ---

    def rows(self, ids: Iterable[int]) -> Rows:
        """The rows of faces."""
        return np.searchsorted(self.faces.ids, np.fromiter(ids, np.int64))

    @property
    def open(self) -> Flags:
        return np.asarray(self.person == OPEN)

    def members(self, unit: int) -> Rows:
        """The open faces of a unit."""
        return np.flatnonzero((self.unit == unit) & (self.person == OPEN))

    def named(self, person: int) -> Rows:
        """The faces that a human named after a person."""
        return np.flatnonzero(self.person == person)

    def two_people(self, one: int, other: int) -> bool:
        """Whether a human said, or a photo shows, that two people are two."""
        photos = np.intersect1d(self.faces.photo[self.named(one)], self.faces.photo[self.named(other)])
        return (min(one, other), max(one, other)) in self.two or bool(photos.size)

    def two_groups(self, one: Rows, other: Rows) -> bool:
        """The same of two groups of faces."""
        said = set().union(*(self.apart.get(row, ()) for row in one.tolist()))
        photos = np.intersect1d(self.faces.photo[one], self.faces.photo[other])
        return not said.isdisjoint(other.tolist()) or bool(photos.size)

    def number(self, unit: int) -> int:
        """The number of the group that a unit is (of a part: was); −1 for a face that stands alone."""
        return int(self.numbers[unit]) if unit < len(self.numbers) else -1

    def progress(self) -> InterviewProgress:
        named = (self.person >= 0) | (self.tagged & self.open)
        return InterviewProgress(int((self.person != DISMISSED).sum()), int(named.sum()), self.answers)

    # --- what is said ---

    def judge(self, guesses: Guesses) -> None:
        """Take in what the machine makes of the open faces now."""
        self.guess, self.guess_probability = guesses.person.copy(), guesses.probability.copy()
        self.tagged = guesses.tagged.copy()
        for person, rows in self.rejected.items():
            refused = np.fromiter(rows, np.int64)
            self.tagged[refused[self.guess[refused] == person]] = False
        claimed = np.flatnonzero(self.open & (self.guess >= 0))
        pairs, which = np.unique(np.stack([self.unit[claimed], self.guess[claimed]]), axis=1, return_inverse=True)
        weight = np.bincount(which.ravel(), self.guess_probability[claimed], pairs.shape[1]) / self.sizes[pairs[0]]
        for person in np.unique(pairs[1]).tolist():
            weight[(pairs[1] == person) & np.isin(pairs[0], self._barred(person))] = 0
        order = np.argsort(weight, kind="stable")  # of several claims in a unit the weightiest comes last
        self.whom[pairs[0, order]] = pairs[1, order]
        likely = np.clip(weight[order], 1e-9, 1 - 1e-9)
        self.odds[pairs[0, order]] = np.log(likely / (1 - likely))

    def apply(self, effect: Effect) -> set[int]:
        """Take an answer in; returns the people of whose faces it changes anything."""
        named = self.rows(face for face, _ in effect.named)
        rejected = self.rows(face for face, _ in effect.rejected)
        parts = [self.rows(part) for part in effect.parts]
        if effect.together:
            one, other = self.rows(effect.together).tolist()
            parts = [np.concatenate([self.members(self.unit[one]), self.members(self.unit[other])])]
        gone, kept = effect.merged or (OPEN, OPEN)
        merged = np.flatnonzero((self.person == gone) & (self.person >= 0))
        claimed = np.flatnonzero((self.guess == gone) & (self.guess >= 0))
        refused = np.fromiter(self.rejected.get(gone, ()), np.int64)
        dismissed, later, seen = self.rows(effect.dismissed), self.rows(effect.later), self.rows(effect.seen)
        rows = np.unique(np.concatenate([named, rejected, merged, claimed, refused, dismissed, later, seen, *parts]))
        held = {name: getattr(self, name)[rows] for name in _HELD}
        self.person[dismissed] = DISMISSED
        self.person[merged] = kept
        self.guess[claimed] = kept
        said = [(row, person) for row, (_, person) in zip(rejected.tolist(), effect.rejected, strict=True)]
        if effect.merged:
            said += [(row, kept) for row in refused.tolist() if self.person[row] != kept]
        new = [(row, person) for row, person in said if row not in self.rejected[person]]
        for row, person in said:
            self.rejected[person].add(row)
            self.tagged[row] &= self.guess[row] != person
            if self.person[row] == person:
                self.person[row] = OPEN
                self.unit[row] = self._new_unit()
        for row, (_, person) in zip(named.tolist(), effect.named, strict=True):
            self.person[row] = person
        for part in parts:
            self.unit[part] = self._new_unit()
        if effect.apart:
            self._part(*self.rows(effect.apart).tolist())
        two = {effect.two} if effect.two else set()
        if effect.merged:
            two |= {(kept, one if other == gone else other) for one, other in self.two if gone in (one, other)}
        two = {(min(pair), max(pair)) for pair in two} - self.two
        self.two |= two
        self.later[later] = True
        self.seen[seen] = True
        people = {*held["person"].tolist(), *self.person[rows].tolist(), *(person for _, person in said), gone, kept}
        self._history.append(_UndoRecord(effect, rows, held, tuple(sorted(people - {OPEN, DISMISSED})), new, two))
        self.answers += not effect.later
        self._weigh(rows, held["unit"], self._history[-1].people)
        return set(self._history[-1].people)

    def undo(self) -> set[int]:
        """Take back the last answer, or that a question was put off; returns the people whom it was about."""
        last = self._history.pop()
        now = self.unit[last.rows]
        for name, values in last.held.items():
            getattr(self, name)[last.rows] = values
        for row, person in last.rejected:
            self.rejected[person].discard(row)
        if last.effect.apart:
            one, other = self.rows(last.effect.apart).tolist()
            self.apart[one].discard(other)
            self.apart[other].discard(one)
        self.two -= last.two
        self.answers -= not last.effect.later
        self._weigh(last.rows, now, last.people)
        return set(last.people)

    def again(self) -> None:
        """Ask what was put off, too."""
        self.later[:] = False

    # --- what follows ---

    def _part(self, one: int, other: int) -> None:
        self.apart[one].add(other)
        self.apart[other].add(one)

    def _new_unit(self) -> int:
        self.sums = np.concatenate([self.sums, np.zeros((1, self.sums.shape[1]), np.float32)])
        self.sizes = np.append(self.sizes, 0)
        self.whom, self.odds = np.append(self.whom, -1), np.append(self.odds, -np.inf)
        return len(self.sizes) - 1

    def _weigh(self, rows: Rows, others: Rows, people: Sequence[int]) -> None:
        """Weigh anew what an answer about these rows touched."""
        units = np.unique(np.concatenate([self.unit[rows], others]))
        self._weigh_units(units)
        for person in people:
            self._weigh_person(person)
        self._look_like(units)
        for person in people:
            self._compare(person)

    def _weigh_units(self, units: Rows) -> None:
        rows = np.flatnonzero(np.isin(self.unit, units) & self.open)
        rows = rows[np.argsort(self.unit[rows], kind="stable")]
        mine, starts, counts = np.unique(self.unit[rows], return_index=True, return_counts=True)
        self.sums[units], self.sizes[units] = 0, 0
        if not len(rows):
            return
        vectors = self.faces.vectors[rows]
        self.sums[mine], self.sizes[mine] = np.add.reduceat(vectors, starts, axis=0), counts
        others = np.repeat(counts, counts) - 1
        similar = np.einsum("ij,ij->i", vectors, self.sums[self.unit[rows]]) - 1
        fits = probability(log_odds(similar / np.maximum(others, 1), self.thresholds))
        self.fits[rows] = np.where(others > 0, fits, 1.0)

    def _weigh_person(self, person: int) -> None:
        if person not in self.people:
            self.people.append(person)
            self.people_sums = np.concatenate([self.people_sums, np.zeros((1, self.sums.shape[1]), np.float32)])
            self.counts = np.append(self.counts, 0)
        place = self.people.index(person)
        rows = np.flatnonzero(self.person == person)
        vectors = self.faces.vectors[rows]
        self.people_sums[place], self.counts[place] = vectors.sum(axis=0), len(rows)
        similar = (vectors @ self.people_sums[place] - 1) / max(len(rows) - 1, 1)
        self.fits[rows] = probability(log_odds(similar, self.thresholds)) if len(rows) > 1 else 1.0

    def _look_like(self, units: Rows) -> None:
        """Whom each of these units looks like most, of everybody."""
        self.whom[units], self.odds[units] = -1, -np.inf
        if not self.people:
            return
        sizes = np.maximum(self.sizes[units], 1)
        odds = np.empty((len(units), len(self.people)), np.float32)
        for start in range(0, len(units), _BLOCK):
            block = slice(start, start + _BLOCK)
            similar = self.sums[units[block]] @ self.people_sums.T
            odds[block] = self._named_odds(similar / sizes[block, None] / np.maximum(self.counts, 1))
        odds[:, self.counts == 0] = -np.inf
        odds[self.sizes[units] == 0] = -np.inf
        odds[self._barred_pairs(units)] = -np.inf
        best = odds.argmax(axis=1)
        self.odds[units] = odds[np.arange(len(units)), best]
        self.whom[units] = np.where(self.odds[units] > -np.inf, np.array(self.people)[best], -1)

    def _compare(self, person: int) -> None:
        """Weigh a person's likeness to all units anew."""
        place = self.people.index(person)
        similar = self.sums @ self.people_sums[place] / np.maximum(self.sizes, 1) / max(int(self.counts[place]), 1)
        odds = self._named_odds(similar)
        odds[self._barred(person)] = -np.inf
        odds[self.sizes == 0] = -np.inf
        if not self.counts[place]:
            odds[:] = -np.inf
        better = odds > self.odds
        self.whom[better], self.odds[better] = person, odds[better]
        worse = np.flatnonzero((self.whom == person) & (odds < self.odds))
        if len(worse):
            self._look_like(worse)

    def _named_odds(self, similar: npt.NDArray[Any]) -> Values:
        """That units are somebody's: of more people some come near by chance."""
        return np.asarray(log_odds(similar, self.thresholds) - np.log(len(self.people)))

    def _barred(self, person: int) -> Rows:
        """Units with a face that isn't this person: by what a human said, or because it stands beside them."""
        theirs = self.named(person)
        said = np.fromiter(self.rejected.get(person, ()), np.int64)
        apart = [np.fromiter(self.apart[row], np.int64) for row in self.apart.keys() & set(theirs.tolist())]
        rows = np.concatenate([said, self._beside(theirs)[1], *apart])
        return np.unique(self.unit[rows[self.person[rows] == OPEN]])

    def _barred_pairs(self, units: Rows) -> tuple[Rows, Rows]:
        """The same of some units: places among these, and of people."""
        where = np.full(len(self.sizes), -1)
        where[units] = np.arange(len(units))
        column = np.full(max(self.people) + 1, -1)
        column[self.people] = np.arange(len(self.people))
        ours = np.flatnonzero(self.open & (where[self.unit] >= 0))
        rows, others = self._beside(ours)
        pairs = [(rows, self.person[others])]
        for person, refused in self.rejected.items():
            pairs.append((np.fromiter(refused, np.int64), np.full(len(refused), person)))
        for row, foes in self.apart.items():
            pairs.append((np.full(len(foes), row), self.person[np.fromiter(foes, np.int64)]))
        rows, people = (np.concatenate(part) for part in zip(*pairs, strict=True))
        keep = (self.person[rows] == OPEN) & (people >= 0) & (people < len(column))
        places, columns = where[self.unit[rows[keep]]], column[people[keep]]
        there = (places >= 0) & (columns >= 0)
        return places[there], columns[there]

    def _beside(self, rows: Rows) -> tuple[Rows, Rows]:
        """All pairs of one of these faces and another one in its photo."""
        photos, ordered = self.faces.photo[rows], self.faces.photo[self._photos]
        low, high = np.searchsorted(ordered, photos), np.searchsorted(ordered, photos, "right")
        count = high - low
        first = np.repeat(low - np.cumsum(count) + count, count)
        mine, others = np.repeat(rows, count), self._photos[first + np.arange(int(count.sum()))]
        return mine[mine != others], others[mine != others]
