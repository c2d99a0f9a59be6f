"""The interview: questions about a library's faces in the best order, every answer saved at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from phototag.display import printable
from phototag.errors import UsageError
from phototag.interview import answers
from phototag.interview.answers import Effect
from phototag.interview.library import InterviewProgress, Rows
from phototag.interview.questions import AreTheyOne, IsItAlso, Question, WhoIsIt, WhoIsNot
from phototag.interview.ranking import next_question
from phototag.learn.linkage import cut_clusters
from phototag.progress import Progress, Silent
from phototag.store import decisions, engines, history, models, people
from phototag.store.connect import Store
from phototag.store.decisions import Decision
from phototag.types import Thresholds, Vectors
from phototag.workflows.library.engines_in_use import current_embedder
from phototag.workflows.naming import people as jobs
from phototag.workflows.naming.history import undo
from phototag.workflows.naming.interview_state import read_guesses, read_state
from phototag.workflows.naming.name import Named, compare
from phototag.workflows.recognition.refresh import refresh
from phototag.workflows.recognition.tag import train_and_tag

#: A group of several people is cut at this share of the threshold `join`, then at its square, and so on, so many times.
_SHARE, _STEPS = 0.95, 40


class OutdatedError(UsageError):
    """Something was answered, undone or grouped elsewhere since the question was asked; the answer isn't saved."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One step of a session: an effect, and the number of its answer in the journal (None: it is only in this session).

    `applied`: the state applied the effect; otherwise it was read from the database with everything else.
    """

    effect: Effect
    answer: int | None
    applied: bool = True

    def read_again(self, still_open: set[int]) -> _Step | None:
        """The step after everything was read anew; None if it was about faces that aren't open any more."""
        if self.answer is not None:
            return replace(self, applied=False)
        skipped = tuple(face for face in self.effect.skipped if face in still_open)
        parts = (tuple(face for face in part if face in still_open) for part in self.effect.parts)
        effect = replace(self.effect, skipped=skipped, parts=tuple(part for part in parts if part))
        return replace(self, effect=effect) if effect.skipped or effect.parts else None


class InterviewSession:
    """An interview about one library, for the thread that owns the store. Answers are in the journal before they count.

    `changed`: whether anything was answered since the faces were tagged last. An answer raises OutdatedError, and saves
    nothing, if something else was answered meanwhile: then call `catch_up` and ask anew.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.changed = False
        self._done: list[_Step] = []
        self._read()

    def _read(self) -> None:
        """Read everything from the database; keep the session's own steps: skipped questions and parts of groups."""
        self._left = decisions.version_token(self.store)
        self._thresholds = engines.thresholds(self.store, current_embedder(self.store))
        self._state = read_state(self.store, self._thresholds)
        still_open = set(self._state.faces.ids[self._state.faces.open].tolist())
        self._done = [again for done in self._done if (again := done.read_again(still_open)) is not None]
        for done in self._done:
            if done.answer is None:
                self._state.apply(done.effect)

    @staticmethod
    def open(store: Store, progress: Progress | None = None, *, tag: bool = True) -> InterviewSession:
        """Open a session, after groups and tags (with `tag`) were brought up to date.

        Raises TooLittleDataError before the first index.
        """
        refresh(store, progress or Silent(), tag=tag)
        return InterviewSession(store)

    @property
    def outdated(self) -> bool:
        """Whether something was answered, undone or grouped elsewhere."""
        return decisions.version_token(self.store) != self._left

    def catch_up(self) -> bool:
        """Read everything anew if it is outdated, and return whether it was. Skipped questions are asked again then."""
        if not self.outdated:
            return False
        self._done = [
            done for done in self._done if done.answer is not None and history.stands(self.store, done.answer)
        ]
        self._read()
        return True

    def next(self) -> Question | None:
        """The question that resolves most; skipped ones come last. None when nothing is left to ask."""
        found = next_question(self._state)
        if found is None and self._state.faces.skipped.any():
            self._state.ask_skipped_again()
            found = next_question(self._state)
        return found

    def appearances(self, question: WhoIsIt) -> int:
        """How often a group's person was photographed: a burst counts once, copies too; 0 for a part of a group."""
        return self._state.faces.appearances.get(question.group, 0)

    def progress(self) -> InterviewProgress:
        """How many faces are named."""
        return self._state.progress()

    def name(self, person: int) -> str:
        """A person's name."""
        return people.get(self.store, person).name

    def names(self) -> tuple[str, ...]:
        """Every name, alphabetically."""
        return tuple(people.names(self.store))

    # --- answers ---

    def name_as(self, question: WhoIsIt | IsItAlso, name: str, without: Collection[int] = ()) -> Named:
        """The faces are the person called `name`, except those in `without`.

        Raises UsageError for an invalid name, and if a human said of each face that it is not that person.
        """
        with jobs.checked_name(), self._saving():
            person = people.ensure(self.store, name)
            refused = set(self._state.faces.ids[list(self._state.constraints.rejected.get(person.id, ()))].tolist())
            effect = answers.they_are(question, person.id, without, refused)
            if not effect.named:
                raise UsageError(
                    f"you said of every one of these faces that it is not {printable(person.name)}: nothing saved"
                )
            answer = decisions.record(self.store, _decisions(effect), "typed")
        self._take(effect, answer)
        left_out = refused.intersection(question.faces).difference(without)
        return Named(person, len(effect.named), len(left_out))

    def yes(self, question: IsItAlso | AreTheyOne | WhoIsNot, without: Collection[int] = ()) -> None:
        """The faces are this person, except those in `without`; or: both are the same person (the first one's name)."""
        if isinstance(question, AreTheyOne):
            self._save_same_or_different(answers.same_or_different(question, same=True))
        else:
            self._save(answers.they_are(question, question.person, without))

    def no(self, question: IsItAlso | AreTheyOne | WhoIsNot) -> None:
        """None of the faces is this person; or: they are different people."""
        if isinstance(question, AreTheyOne):
            self._save_same_or_different(answers.same_or_different(question, same=False))
        else:
            self._save(answers.none_is(question))

    def mixed(self, question: WhoIsIt | IsItAlso) -> None:
        """The faces are of several people: cut their group, and ask about its parts in this session."""
        rows = self._state.faces.rows(question.faces)
        parts = _cut(self._state.faces.vectors[rows], self._thresholds)
        if not parts.any():
            self.skip(question)  # all its faces are equal
            return
        ids = self._state.faces.ids[rows]
        effect = answers.mixed([tuple(ids[parts == part].tolist()) for part in range(parts.max() + 1)])
        self._take(effect, None)

    def dismiss(self, question: WhoIsIt | IsItAlso, verb: Literal["not-a-face", "dont-care"]) -> None:
        """The faces are not faces, or are ignored."""
        effect = answers.dismiss(question)
        with self._saving():
            said = [Decision(verb, face) for face in effect.dismissed]
            answer = decisions.record(self.store, said, "typed")
        self._take(effect, answer)

    def skip(self, question: Question) -> None:
        """Don't ask this question again until nothing else is left."""
        self._take(answers.skip(question), None)

    def undo(self) -> str:
        """Undo the last step of this session, or else the journal's last answer. Undoing an undo redoes the answer.

        A skip isn't in the journal, so undoing it can't be redone: the next undo goes one step further back. Returns
        what was undone or redone as a sentence, empty if there was nothing. Raises UsageError if somebody would get
        back a name that is another person's by now.
        """
        self.catch_up()
        last = self._done[-1] if self._done else _Step(Effect(), history.last_undoable(self.store), applied=False)
        if last.answer is None:
            return self._undo_in_session() if self._done else ""
        with self._saving():
            undone = undo(self.store, last.answer)
        self._done = self._done[:-1]
        if last.applied:
            self._state.undo()
        else:
            self._read()
        if undone.number is not None:
            self.changed = True
            self._done.append(_Step(Effect(), undone.number, applied=False))
        return undone.in_full

    def _undo_in_session(self) -> str:
        """Undo a skip, or the cut of a group."""
        last = self._done.pop()
        self._state.undo()
        return "The question is asked again." if last.effect.skipped else "They are one group again."

    # --- tags ---

    def retag(self, progress: Progress) -> None:
        """Learn from the answers since the last time, and tag all faces."""
        train_and_tag(self.store, progress)
        self.changed = False
        self.reload_guesses()

    def reload_guesses(self) -> None:
        """Read the machine's guesses and tags from the database."""
        self._state.set_guesses(read_guesses(self.store, self._state.faces.ids.tolist()))

    # --- saving ---

    @contextmanager
    def _saving(self) -> Iterator[None]:
        """A write transaction for an answer. Raises OutdatedError if anything else changed since the question."""
        with self.store.write():
            if self.outdated:
                raise OutdatedError("something else was answered or grouped meanwhile; nothing was saved: look again")
            yield
            models.drop_stale_guesses(self.store)
            left = decisions.version_token(self.store)
        self._left = left

    def _save(self, effect: Effect) -> None:
        with self._saving():
            said = _decisions(effect)
            answer = decisions.record(self.store, said, "reviewed") if said else None
        self._take(effect, answer)

    def _save_same_or_different(self, effect: Effect) -> None:
        """Save that two people, or two groups, are the same person or different people."""
        with self._saving():
            if effect.merged:
                gone, kept = effect.merged
                jobs.merge(self.store, self.name(gone), self.name(kept), "reviewed")
            elif effect.two:
                one, other = effect.two
                jobs.different(self.store, self.name(one), self.name(other))
            elif effect.together:
                compare(self.store, "same", *effect.together)
            elif effect.apart:
                compare(self.store, "different", *effect.apart)
            answer = history.last_undoable(self.store)
        self._take(effect, answer)

    def _take(self, effect: Effect, answer: int | None) -> None:
        self._state.apply(effect)
        self.changed |= answer is not None
        self._done.append(_Step(effect, answer))


def _decisions(effect: Effect) -> list[Decision]:
    """The decisions of an answer. "is" is recorded of faces that had the name already, too: a human looked at them."""
    return [
        *(Decision("is", face, person) for face, person in effect.named),
        *(Decision("is-not", face, person) for face, person in effect.rejected),
    ]


def _cut(vectors: Vectors, thresholds: Thresholds) -> Rows:
    """Cut a group at smaller and smaller distances until there are two parts; one part if all faces are equal."""
    parts = whole = np.zeros(len(vectors), np.int64)
    for step in range(1, _STEPS + 1):
        parts = cut_clusters(vectors, whole, thresholds.join * _SHARE**step)
        if parts.max() > 0:
            break
    return parts
