"""The state of an interview: what is known of a library's faces, changed by each answer and by its undo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phototag.interview.answers import Effect
from phototag.interview.constraints import Constraints
from phototag.interview.face_table import FaceTable
from phototag.interview.library import DISMISSED, OPEN, Guesses, InterviewProgress, LibraryFaces, Rows
from phototag.interview.likeness import Likeness
from phototag.types import Thresholds


@dataclass(frozen=True, slots=True, eq=False)
class _EffectRows:
    """The rows that an effect is about, as they are before it.

    `merged`, `guessed`, `refused`: of the person who is merged into another one, their labelled faces, the guesses of
    them, and the faces that are not them.
    """

    named: Rows
    rejected: Rows
    dismissed: Rows
    merged: Rows
    guessed: Rows
    refused: Rows
    skipped: Rows
    reviewed: Rows
    parts: list[Rows]

    def all(self) -> Rows:
        """All of them, each once."""
        of_answer = [self.named, self.rejected, self.dismissed, self.skipped, self.reviewed]
        return np.unique(np.concatenate([*of_answer, self.merged, self.guessed, self.refused, *self.parts]))


@dataclass(frozen=True, slots=True, eq=False)
class _UndoRecord:
    """An answer, and what undoing it needs: its rows, their values before it, the people whose faces it changed, and
    the rejections (row, person) and pairs of different people that it added."""

    effect: Effect
    rows: Rows
    before: dict[str, npt.NDArray[np.generic]]
    people: tuple[int, ...]
    rejected: list[tuple[int, int]]
    two: set[tuple[int, int]]


class InterviewState:
    """Faces by row, constraints between them, and how alike they are; `answers`: the number of answers so far."""

    def __init__(self, library: LibraryFaces, thresholds: Thresholds, guesses: Guesses | None = None) -> None:
        self.thresholds = thresholds
        self.faces = FaceTable(library)
        self.constraints = Constraints(self.faces, library)
        self.likeness = Likeness(self.faces, self.constraints, thresholds)
        self.answers = 0
        self._history: list[_UndoRecord] = []
        if guesses is not None:
            self.set_guesses(guesses)

    def progress(self) -> InterviewProgress:
        """How many faces are named; ignored ones don't count."""
        person = self.faces.person
        named = (person >= 0) | (self.faces.tagged & self.faces.open)
        return InterviewProgress(int((person != DISMISSED).sum()), int(named.sum()), self.answers)

    def set_guesses(self, guesses: Guesses) -> None:
        """Replace the machine's guesses. They may be older than the latest answers."""
        faces = self.faces
        faces.guess, faces.guess_probability = guesses.person.copy(), guesses.probability.copy()
        faces.tagged = guesses.tagged.copy()
        for person in self.constraints.rejected:
            rejected = self.constraints.rejected_rows(person)
            faces.tagged[rejected[faces.guess[rejected] == person]] = False
        self.likeness.use_guesses()

    def ask_skipped_again(self) -> None:
        """Let skipped questions be asked again."""
        self.faces.skipped[:] = False

    def apply(self, effect: Effect) -> set[int]:
        """Apply an answer; returns the people (ids) of whose faces it changes anything."""
        faces, about = self.faces, self._rows_about(effect)
        rows = about.all()
        before = faces.snapshot(rows)
        gone, kept = effect.merged or (OPEN, OPEN)
        faces.person[about.dismissed] = DISMISSED
        faces.person[about.merged] = kept
        faces.guess[about.guessed] = kept
        rejections = list(zip(about.rejected.tolist(), (person for _, person in effect.rejected), strict=True))
        if effect.merged:
            rejections += [(row, kept) for row in about.refused.tolist() if faces.person[row] != kept]
        new = [(row, person) for row, person in rejections if row not in self.constraints.rejected[person]]
        for row, person in rejections:
            self._reject(row, person)
        for row, (_, person) in zip(about.named.tolist(), effect.named, strict=True):
            faces.person[row] = person
        for part in about.parts:
            faces.unit[part] = self.likeness.add_unit()
        if effect.apart:
            self.constraints.set_apart(*faces.rows(effect.apart).tolist())
        two = self.constraints.add_two(self._different_people(effect))
        faces.skipped[about.skipped] = True
        faces.reviewed[about.reviewed] = True
        people = {*before["person"].tolist(), *faces.person[rows].tolist(), *(who for _, who in rejections), gone, kept}
        changed = tuple(sorted(people - {OPEN, DISMISSED}))
        self._history.append(_UndoRecord(effect, rows, before, changed, new, two))
        self.answers += not effect.skipped
        self._update_likeness(rows, before["unit"], changed)
        return set(changed)

    def undo(self) -> set[int]:
        """Undo the last answer or skip; returns the people (ids) whom it was about."""
        last = self._history.pop()
        unit_after = self.faces.unit[last.rows]
        self.faces.restore(last.rows, last.before)
        for row, person in last.rejected:
            self.constraints.rejected[person].discard(row)
        if last.effect.apart:
            self.constraints.forget_apart(*self.faces.rows(last.effect.apart).tolist())
        self.constraints.two -= last.two
        self.answers -= not last.effect.skipped
        self._update_likeness(last.rows, unit_after, last.people)
        return set(last.people)

    def _rows_about(self, effect: Effect) -> _EffectRows:
        faces = self.faces
        parts = [faces.rows(part) for part in effect.parts]
        if effect.together:
            one, other = faces.rows(effect.together).tolist()
            parts = [np.concatenate([faces.members(faces.unit[one]), faces.members(faces.unit[other])])]
        gone = effect.merged[0] if effect.merged else OPEN
        return _EffectRows(
            named=faces.rows(face for face, _ in effect.named),
            rejected=faces.rows(face for face, _ in effect.rejected),
            dismissed=faces.rows(effect.dismissed),
            merged=np.flatnonzero((faces.person == gone) & (faces.person >= 0)),
            guessed=np.flatnonzero((faces.guess == gone) & (faces.guess >= 0)),
            refused=self.constraints.rejected_rows(gone),
            skipped=faces.rows(effect.skipped),
            reviewed=faces.rows(effect.reviewed),
            parts=parts,
        )

    def _reject(self, row: int, person: int) -> None:
        """A face is not this person; if it had that label, it is a unit of its own now."""
        self.constraints.rejected[person].add(row)
        self.faces.tagged[row] &= self.faces.guess[row] != person
        if self.faces.person[row] == person:
            self.faces.person[row] = OPEN
            self.faces.unit[row] = self.likeness.add_unit()

    def _different_people(self, effect: Effect) -> set[tuple[int, int]]:
        """Pairs of people who are different after an answer: whoever differs from the merged person, too."""
        pairs = {effect.two} if effect.two else set()
        if effect.merged:
            gone, kept = effect.merged
            two = self.constraints.two
            pairs |= {(kept, one if other == gone else other) for one, other in two if gone in (one, other)}
        return pairs

    def _update_likeness(self, rows: Rows, other_units: npt.NDArray[np.generic], people: Sequence[int]) -> None:
        self.likeness.update(np.unique(np.concatenate([self.faces.unit[rows], other_units])), people)
