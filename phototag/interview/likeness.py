"""How alike faces, units and people are, kept up to date answer by answer.

A unit is represented by the sum of its open faces' unit vectors, a person by the sum of theirs. Mean similarities
follow from these sums, so an answer costs one product of a matrix and a vector for each unit or person that it changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from phototag.interview.constraints import Constraints
from phototag.interview.face_table import FaceTable
from phototag.interview.library import Rows, Values
from phototag.interview.odds import log_odds, probability
from phototag.types import Thresholds

#: Units that are compared with all people at once.
_BLOCK = 4096


class Likeness:
    """`fits` (n,): the probability that a face is of one person with the other open faces of its unit, or with the
    other faces of its label.

    By unit (u,): `unit_sums` (u, dim) and `unit_sizes` of its open faces; `best_person`, the person (id) it resembles
    most, −1 for none, and `best_odds`, the log odds of that. By person (p,): ids `people`, `person_sums` (p, dim) and
    `person_sizes` of their labelled faces.
    """

    def __init__(self, faces: FaceTable, constraints: Constraints, thresholds: Thresholds) -> None:
        self._faces, self._constraints, self._thresholds = faces, constraints, thresholds
        units, dim = int(faces.unit.max(initial=-1)) + 1, faces.vectors.shape[1]
        self.fits = np.ones(len(faces.ids))
        self.unit_sums, self.unit_sizes = np.zeros((units, dim), np.float32), np.zeros(units, np.int64)
        self.best_person, self.best_odds = np.full(units, -1, np.int64), np.full(units, -np.inf)
        self.people: list[int] = []
        self.person_sums, self.person_sizes = np.zeros((0, dim), np.float32), np.zeros(0, np.int64)
        self._sum_units(np.arange(units))
        for person in np.unique(faces.person[faces.person >= 0]).tolist():
            self._sum_person(person)
        self._compare_units(np.arange(units))

    def add_unit(self) -> int:
        """Make an empty unit and return its number."""
        self.unit_sums = np.concatenate([self.unit_sums, np.zeros((1, self.unit_sums.shape[1]), np.float32)])
        self.unit_sizes = np.append(self.unit_sizes, 0)
        self.best_person, self.best_odds = np.append(self.best_person, -1), np.append(self.best_odds, -np.inf)
        return len(self.unit_sizes) - 1

    def update(self, units: Rows, people: Sequence[int]) -> None:
        """Recompute all that depends on these units and people, whose faces have changed."""
        self._sum_units(units)
        for person in people:
            self._sum_person(person)
        self._compare_units(units)
        for person in people:
            self._compare_person(person)

    def use_guesses(self) -> None:
        """Take a unit's best person from the machine's guesses of its faces, where there are any."""
        faces = self._faces
        guessed = np.flatnonzero(faces.open & (faces.guess >= 0))
        pairs, which = np.unique(np.stack([faces.unit[guessed], faces.guess[guessed]]), axis=1, return_inverse=True)
        sums = np.bincount(which.ravel(), faces.guess_probability[guessed], pairs.shape[1])
        weight = sums / self.unit_sizes[pairs[0]]
        for person in np.unique(pairs[1]).tolist():
            weight[(pairs[1] == person) & np.isin(pairs[0], self._constraints.units_excluded_for(person))] = 0
        order = np.argsort(weight, kind="stable")  # the weightiest guess of a unit is assigned last
        self.best_person[pairs[0, order]] = pairs[1, order]
        likely = np.clip(weight[order], 1e-9, 1 - 1e-9)
        self.best_odds[pairs[0, order]] = np.log(likely / (1 - likely))

    def _sum_units(self, units: Rows) -> None:
        faces = self._faces
        rows = np.flatnonzero(np.isin(faces.unit, units) & faces.open)
        rows = rows[np.argsort(faces.unit[rows], kind="stable")]
        filled, starts, counts = np.unique(faces.unit[rows], return_index=True, return_counts=True)
        self.unit_sums[units], self.unit_sizes[units] = 0, 0
        if not len(rows):
            return
        vectors = faces.vectors[rows]
        self.unit_sums[filled], self.unit_sizes[filled] = np.add.reduceat(vectors, starts, axis=0), counts
        others = np.repeat(counts, counts) - 1
        similar = np.einsum("ij,ij->i", vectors, self.unit_sums[faces.unit[rows]]) - 1
        fits = probability(log_odds(similar / np.maximum(others, 1), self._thresholds))
        self.fits[rows] = np.where(others > 0, fits, 1.0)

    def _sum_person(self, person: int) -> None:
        if person not in self.people:
            self.people.append(person)
            self.person_sums = np.concatenate([self.person_sums, np.zeros((1, self.unit_sums.shape[1]), np.float32)])
            self.person_sizes = np.append(self.person_sizes, 0)
        place = self.people.index(person)
        rows = self._faces.named(person)
        vectors = self._faces.vectors[rows]
        self.person_sums[place], self.person_sizes[place] = vectors.sum(axis=0), len(rows)
        similar = (vectors @ self.person_sums[place] - 1) / max(len(rows) - 1, 1)
        self.fits[rows] = probability(log_odds(similar, self._thresholds)) if len(rows) > 1 else 1.0

    def _compare_units(self, units: Rows) -> None:
        """Find the best person of each of these units."""
        self.best_person[units], self.best_odds[units] = -1, -np.inf
        if not self.people:
            return
        sizes = np.maximum(self.unit_sizes[units], 1)
        odds = np.empty((len(units), len(self.people)), np.float32)
        for start in range(0, len(units), _BLOCK):
            block = slice(start, start + _BLOCK)
            similar = self.unit_sums[units[block]] @ self.person_sums.T
            odds[block] = self._person_odds(similar / sizes[block, None] / np.maximum(self.person_sizes, 1))
        odds[:, self.person_sizes == 0] = -np.inf
        odds[self.unit_sizes[units] == 0] = -np.inf
        odds[self._constraints.excluded_pairs(units, self.people)] = -np.inf
        best = odds.argmax(axis=1)
        self.best_odds[units] = odds[np.arange(len(units)), best]
        self.best_person[units] = np.where(self.best_odds[units] > -np.inf, np.array(self.people)[best], -1)

    def _compare_person(self, person: int) -> None:
        """Compare a person, whose faces have changed, with all units."""
        place = self.people.index(person)
        similar = self.unit_sums @ self.person_sums[place] / np.maximum(self.unit_sizes, 1)
        odds = self._person_odds(similar / max(int(self.person_sizes[place]), 1))
        odds[self._constraints.units_excluded_for(person)] = -np.inf
        odds[self.unit_sizes == 0] = -np.inf
        if not self.person_sizes[place]:
            odds[:] = -np.inf
        better = odds > self.best_odds
        self.best_person[better], self.best_odds[better] = person, odds[better]
        worse = np.flatnonzero((self.best_person == person) & (odds < self.best_odds))
        if len(worse):
            self._compare_units(worse)

    def _person_odds(self, similar: npt.NDArray[Any]) -> Values:
        """Log odds that a unit is a person's, by mean similarity; less log(p), since among p people some come near by
        chance."""
        return np.asarray(log_odds(similar, self._thresholds) - np.log(len(self.people)))
