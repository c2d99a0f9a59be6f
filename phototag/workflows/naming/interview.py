"""Review: a session in which questions about faces are asked in the best order, every answer saved at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from phototag.display import printable
from phototag.errors import UsageError
from phototag.imaging.quality import WORTH_GROUPING
from phototag.interview import answers
from phototag.interview.answers import Effect
from phototag.interview.library import OPEN, Guesses, InterviewProgress, LibraryFaces, Rows
from phototag.interview.questions import AreTheyOne, IsItAlso, Question, WhoIsIt, WhoIsNot
from phototag.interview.ranking import next_question
from phototag.interview.state import InterviewState
from phototag.learn.linkage import cut_clusters
from phototag.progress import Progress, Silent
from phototag.store import decisions, embeddings, engines, groups, history, models, people
from phototag.store.connect import Store
from phototag.store.decisions import Decision
from phototag.types import Thresholds, Vectors
from phototag.workflows.library.engines_in_use import current_embedder
from phototag.workflows.naming import people as jobs
from phototag.workflows.naming.history import undo
from phototag.workflows.naming.name import Named, compare
from phototag.workflows.recognition.refresh import refresh
from phototag.workflows.recognition.tag import train_and_tag

#: A group of several people is cut where average linkage comes to this share of `join`, or so much below each time.
_CLOSER, _STEPS = 0.95, 40


class OutdatedError(UsageError):
    """Something was said, taken back or grouped elsewhere since the question was asked; the answer isn't saved."""


@dataclass(frozen=True, slots=True)
class _Step:
    """Something done in a session: its effect, and the journal's number for it (None: it isn't in the journal).

    `applied`: the state has taken it in by itself, else it was read with everything else.
    """

    effect: Effect
    answer: int | None
    applied: bool = True

    def read_again(self, still_open: set[int]) -> _Step | None:
        """The same once everything was read anew; None if it was about faces that aren't open any more."""
        if self.answer is not None:
            return replace(self, applied=False)
        later = tuple(face for face in self.effect.later if face in still_open)
        parts = (tuple(face for face in part if face in still_open) for part in self.effect.parts)
        effect = replace(self.effect, later=later, parts=tuple(part for part in parts if part))
        return replace(self, effect=effect) if effect.later or effect.parts else None


class InterviewSession:
    """A review of one library. All answers are in the journal before they count; to be used by the store's thread.

    `changed`: whether anything was said since the faces were tagged last. Every answer raises
    OutdatedError, and saves nothing, if others said something meanwhile: `catch_up`, then, and ask anew.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.changed = False
        self._done: list[_Step] = []
        self._read()

    def _read(self) -> None:
        """Read everything from the database, and keep what this session alone knows: what was put off, and parts."""
        self._left = decisions.version_token(self.store)
        self._thresholds = engines.thresholds(self.store, current_embedder(self.store))
        self._state = _read(self.store, self._thresholds)
        still_open = set(self._state.faces.ids[self._state.open].tolist())
        self._done = [again for done in self._done if (again := done.read_again(still_open)) is not None]
        for done in self._done:
            if done.answer is None:
                self._state.apply(done.effect)

    @staticmethod
    def open(store: Store, progress: Progress | None = None, *, tag: bool = True) -> InterviewSession:
        """What is grouped, and tagged (unless that isn't wanted), follows from what was said until now.

        Raises TooLittleDataError before the first index.
        """
        refresh(store, progress or Silent(), tag=tag)
        return InterviewSession(store)

    @property
    def outdated(self) -> bool:
        """Whether something was said, taken back or grouped elsewhere."""
        return decisions.version_token(self.store) != self._left

    def catch_up(self) -> bool:
        """Read everything anew if it is outdated, and say whether; what was put off is forgotten then."""
        if not self.outdated:
            return False
        self._done = [
            done for done in self._done if done.answer is not None and history.stands(self.store, done.answer)
        ]
        self._read()
        return True

    def next(self) -> Question | None:
        """The question that resolves most; what was put off comes last. None when there is nothing left to ask."""
        found = next_question(self._state)
        if found is None and self._state.later.any():
            self._state.again()
            found = next_question(self._state)
        return found

    def met(self, question: WhoIsIt) -> int:
        """How often a group was met: a burst, or copies of a photo, count once; 0 for a part of a group."""
        return self._state.faces.met.get(question.group, 0)

    def progress(self) -> InterviewProgress:
        """How far the library has come."""
        return self._state.progress()

    def name(self, person: int) -> str:
        """A person's name."""
        return people.get(self.store, person).name

    def names(self) -> tuple[str, ...]:
        """Every name, alphabetically."""
        return tuple(people.names(self.store))

    # --- answers ---

    def call(self, question: WhoIsIt | IsItAlso, name: str, without: Collection[int] = ()) -> Named:
        """They are the person called `name`, but for the faces picked out.

        Raises UsageError for a name that can't be, and if a human said of each of them that it isn't that person.
        """
        with jobs.a_name(), self._saving():
            person = people.ensure(self.store, name)
            refused = set(self._state.faces.ids[list(self._state.rejected.get(person.id, ()))].tolist())
            effect = answers.them(question, person.id, without, refused)
            if not effect.named:
                raise UsageError(
                    f"you said of every one of these faces that it is not {printable(person.name)}: nothing saved"
                )
            answer = decisions.record(self.store, _decisions(effect), "typed")
        self._take(effect, answer)
        left_out = refused.intersection(question.faces).difference(without)
        return Named(person, len(effect.named), len(left_out))

    def yes(self, question: IsItAlso | AreTheyOne | WhoIsNot, without: Collection[int] = ()) -> None:
        """They are this person, but for the faces picked out; or: the two are one.

        Two people get the first one's name.
        """
        if isinstance(question, AreTheyOne):
            self._save_of_two(answers.one(question, True))
        else:
            self._save(answers.them(question, question.person, without))

    def no(self, question: IsItAlso | AreTheyOne | WhoIsNot) -> None:
        """None of them is this person; or: the two are two."""
        if isinstance(question, AreTheyOne):
            self._save_of_two(answers.one(question, False))
        else:
            self._save(answers.nobody(question))

    def mixed(self, question: WhoIsIt | IsItAlso) -> None:
        """They are of several people: their group is cut, and the parts are asked about in this session."""
        rows = self._state.rows(question.faces)
        parts = _cut(self._state.faces.vectors[rows], self._thresholds)
        if not parts.any():
            self.skip(question)  # its faces equal each other
            return
        ids = self._state.faces.ids[rows]
        effect = answers.mixed([tuple(ids[parts == part].tolist()) for part in range(parts.max() + 1)])
        self._take(effect, None)

    def dismiss(self, question: WhoIsIt | IsItAlso, verb: Literal["not-a-face", "dont-care"]) -> None:
        """They are no faces at all, or faces that nobody wants to name."""
        effect = answers.dismissed(question)
        with self._saving():
            said = [Decision(verb, face) for face in effect.dismissed]
            answer = decisions.record(self.store, said, "typed")
        self._take(effect, answer)

    def skip(self, question: Question) -> None:
        """Put a question off until nothing else is left."""
        self._take(answers.put_off(question), None)

    def undo(self) -> str:
        """Undo the last thing that was done, an undo as well: in this session, or else the journal's last answer.
        What isn't in the journal, as that a question was put off, isn't redone: the next time is the one before's turn.

        Returns what was undone, or redone, as a sentence; an empty one if there was nothing. Raises UsageError if
        somebody would get a name back that is another's by now.
        """
        self.catch_up()
        last = self._done[-1] if self._done else _Step(Effect(), history.last_undoable(self.store), applied=False)
        if last.answer is None:
            return self._undo_put_off() if self._done else ""
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

    def _undo_put_off(self) -> str:
        """Ask again what was put off or taken apart."""
        last = self._done.pop()
        self._state.undo()
        return "The question is asked again." if last.effect.later else "They are one group again."

    # --- tags ---

    def retag(self, progress: Progress) -> None:
        """Let the machine tag all faces by what it was told since the last time."""
        train_and_tag(self.store, progress)
        self.changed = False
        self.reload_guesses()

    def reload_guesses(self) -> None:
        """Take in the machine's tags as they are in the database."""
        self._state.judge(_guesses(self.store, self._state.faces))

    # --- saving ---

    @contextmanager
    def _saving(self) -> Iterator[None]:
        """One write transaction for an answer, if nothing else was said since it was asked for."""
        with self.store.write():
            if self.outdated:
                raise OutdatedError("something else was said or grouped meanwhile; nothing was saved: look again")
            yield
            models.drop_stale_guesses(self.store)
            left = decisions.version_token(self.store)
        self._left = left

    def _save(self, effect: Effect) -> None:
        with self._saving():
            said = _decisions(effect)
            answer = decisions.record(self.store, said, "reviewed") if said else None
        self._take(effect, answer)

    def _save_of_two(self, effect: Effect) -> None:
        """Two people, or two faces, are one or two."""
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


def _read(store: Store, thresholds: Thresholds) -> InterviewState:
    """The library as it is in the database; its present faces, but for those that a human dismissed."""
    ids, vectors = embeddings.vectors(store, current_embedder(store), where="all")
    seen = groups.sightings(store)
    here = np.array([face in seen for face in ids], np.bool_)
    ids = [face for face in ids if face in seen]
    last = groups.current(store)
    group_of = last.groups if last else {}
    pairs = {pair: verb for pair, (verb, _, _) in decisions.pair_decisions(store).items()}
    same = [pair for pair, verb in pairs.items() if verb == "same"]
    group = _with_same({face: -face if (number := group_of.get(face)) is None else number for face in ids}, same)
    person = [OPEN if (named := seen[face].person) is None else named for face in ids]
    known = LibraryFaces(
        np.array(ids, np.int64),
        vectors[here],
        np.array([seen[face].photo for face in ids], np.int64),
        np.array([group[face] for face in ids], np.int64),
        np.array(person, np.int64),
        {one.number: one.appearances for one in groups.unnamed(store, clear=WORTH_GROUPING)},
        frozenset((face, who) for face, who in decisions.rejected(store) if face in seen and seen[face].person != who),
        frozenset(pairs.keys() - set(same)),
        frozenset(decisions.different_people(store)),
        frozenset(decisions.reviewed(store)),
    )
    return InterviewState(known, thresholds, _guesses(store, known))


def _decisions(effect: Effect) -> list[Decision]:
    """What an answer says of faces and people; that a face is who it was taken for says that a human looked at it."""
    return [
        *(Decision("is", face, person) for face, person in effect.named),
        *(Decision("is-not", face, person) for face, person in effect.rejected),
    ]


def _with_same(group: dict[int, int], pairs: Iterable[tuple[int, int]]) -> dict[int, int]:
    """The groups (−1 for a face that stands alone), put together where a human said of two faces that they are one."""
    whole: dict[int, int] = {}

    def now(number: int) -> int:
        while number in whole:
            number = whole[number]
        return number

    for face, other in pairs:
        if face in group and other in group:
            kept, gone = sorted((now(group[face]), now(group[other])), reverse=True)
            if kept != gone:
                whole[gone] = kept
    return {face: max(now(number), -1) for face, number in group.items()}


def _guesses(store: Store, known: LibraryFaces) -> Guesses:
    guesses = Guesses.none(len(known.ids))
    row = {face: index for index, face in enumerate(known.ids.tolist())}
    for face, person, sure, accepted in models.best_guesses(store):
        if (index := row.get(face)) is not None:
            guesses.person[index], guesses.probability[index], guesses.tagged[index] = person, sure, accepted
    return guesses


def _cut(vectors: Vectors, thresholds: Thresholds) -> Rows:
    """The parts of a group, as closely alike as it takes for there to be two of them; one if all faces equal."""
    parts = whole = np.zeros(len(vectors), np.int64)
    for step in range(1, _STEPS + 1):
        parts = cut_clusters(vectors, whole, thresholds.join * _CLOSER**step)
        if parts.max() > 0:
            break
    return parts
