"""The interview behind the review pages: one session that all requests share."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from phototag.errors import UsageError
from phototag.interview.questions import SHOWN, Question, WhoIsIt
from phototag.store import decisions, faces
from phototag.store.connect import open_store
from phototag.workflows.naming.interview import InterviewSession
from phototag.workflows.recognition.background import Tagger


@dataclass(frozen=True, slots=True)
class NumberedQuestion:
    """A question with a number, by which an answer says which question it answers."""

    number: int
    question: Question


class SharedInterview:
    """An interview session, used by one request at a time, with at most one open question.

    The session holds the library's faces in memory. It is reopened if the journal or the groups were changed by
    another page or program.
    """

    def __init__(self, db: Path, tagger: Tagger) -> None:
        self._lock = threading.Lock()
        self._store = open_store(db, any_thread=True)
        self._tagger = tagger
        self._number = 0
        self._open: NumberedQuestion | None = None
        self._rounds = tagger.rounds
        try:
            self._reload()
        except BaseException:
            self._store.close()
            raise

    def close(self) -> None:
        with self._lock:
            self._store.close()

    @contextmanager
    def session(self) -> Iterator[InterviewSession]:
        """Lock the session and bring it up to date. If the block saves an answer, tagging starts afterwards."""
        with self._lock:
            self._catch_up()
            try:
                yield self._session
            finally:
                if self._session.changed:
                    self._session.changed = False
                    self._tagger.request()

    # The methods below are called inside `session`.

    def current(self) -> NumberedQuestion | None:
        """The open question, or a new one; None if none is left."""
        if self._open is None and (question := self._session.next()) is not None:
            self._ask(question)
        return self._open

    def take(self, number: int) -> Question:
        """Close the open question to answer it. Raises UsageError if `number` is no longer the open question."""
        taken = self._open
        if taken is None or taken.number != number:
            raise UsageError("that question is no longer open: here is the next one")
        self._open = None
        return taken.question

    def reopen(self, question: Question) -> None:
        """Open a question again, because its answer was refused."""
        self._ask(question)

    def drop(self) -> None:
        """Close the open question without an answer."""
        self._open = None

    def _ask(self, question: Question) -> None:
        self._number += 1
        self._open = NumberedQuestion(self._number, question)

    def _catch_up(self) -> None:
        if self._session.outdated:
            self._rounds = self._tagger.rounds
            self._reload()
        elif self._rounds != self._tagger.rounds:
            self._rounds = self._tagger.rounds
            self._session.reload_guesses()

    def _reload(self) -> None:
        self._session = InterviewSession.open(self._store)
        if self._open is not None:
            rest = self._unanswered(self._open.question)
            self._open = replace(self._open, question=rest) if rest is not None else None

    def _unanswered(self, question: Question) -> Question | None:
        """The rest of the open question after answers from elsewhere; None if it is obsolete."""
        if not isinstance(question, WhoIsIt):
            return None
        labelled = decisions.labels(self._store)
        left = tuple(face for face in question.faces if face not in labelled and faces.exists(self._store, face))
        if left == question.faces:
            return question
        # Of a larger group, other faces would be shown than those that the user sees.
        return replace(question, faces=left) if left and len(question.faces) <= SHOWN else None
