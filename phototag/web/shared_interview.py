"""The interview behind the pages: one session that all of them share."""

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
class Asked:
    """A question and its number: an answer says which one it is to."""

    number: int
    question: Question


class Interview:
    """The session that all pages share, one request at a time.

    It holds the library's faces in memory: should the journal or the groups be others than it left them (other pages,
    other programs), it is opened anew.
    """

    def __init__(self, db: Path, tagger: Tagger) -> None:
        self._lock = threading.Lock()
        self._store = open_store(db, any_thread=True)
        self._tagger = tagger
        self._number = 0
        self._asked: Asked | None = None
        self._rounds = tagger.rounds
        try:
            self._open()
        except BaseException:
            self._store.close()
            raise

    def close(self) -> None:
        with self._lock:
            self._store.close()

    @contextmanager
    def session(self) -> Iterator[InterviewSession]:
        """The session as things stand; what an answer inside changes is tried on all faces."""
        with self._lock:
            self._catch_up()
            try:
                yield self._sitting
            finally:
                if self._sitting.changed:
                    self._sitting.changed = False
                    self._tagger.request()

    def asked(self, session: InterviewSession) -> Asked | None:
        """The question that waits for its answer (inside `session`); None if none is left."""
        if self._asked is None and (question := session.next()) is not None:
            self._number += 1
            self._asked = Asked(self._number, question)
        return self._asked

    def answering(self, number: int) -> Question:
        """The question that is answered now (inside `session`). Raises UsageError if it was answered before."""
        asked = self._asked
        if asked is None or asked.number != number:
            raise UsageError("that question is no longer open: here is the next one")
        self._asked = None
        return asked.question

    def reopen(self, question: Question) -> None:
        """An answer was none: the question waits again (inside `session`)."""
        self._number += 1
        self._asked = Asked(self._number, question)

    def again(self) -> None:
        """Look for the next question afresh (inside `session`)."""
        self._asked = None

    def _open(self) -> None:
        self._sitting = InterviewSession.open(self._store)
        if self._asked is not None:
            rest = self._rest(self._asked.question)
            self._asked = replace(self._asked, question=rest) if rest is not None else None

    def _rest(self, question: Question) -> Question | None:
        """What may still be answered of a question that stands in somebody's window, after something else was said."""
        if not isinstance(question, WhoIsIt):
            return None
        said = decisions.labels(self._store)
        left = tuple(face for face in question.faces if face not in said and faces.exists(self._store, face))
        if left == question.faces:
            return question
        # Of a larger group other faces would now be shown than those in the window.
        return replace(question, faces=left) if left and len(question.faces) <= SHOWN else None

    def _catch_up(self) -> None:
        if self._sitting.outdated:
            self._rounds = self._tagger.rounds
            self._open()
        elif self._rounds != self._tagger.rounds:
            self._rounds = self._tagger.rounds
            self._sitting.reload_guesses()
