"""Background: new names tried on all other faces while somebody goes on answering."""

from __future__ import annotations

import threading
from collections.abc import Collection
from pathlib import Path

from phototag.errors import PhototagError
from phototag.progress import Silent
from phototag.store.connect import open_store
from phototag.workflows.tag import Tagged, try_names


class Tagger:
    """Tags in a thread of its own, with a connection of its own; what is asked for meanwhile is done next, at once.

    May be used by several threads. `rounds`: how often it tagged. `trouble`: what the last round raised, if anything;
    whom it was to try are tried again with the next.
    """

    def __init__(self, path: Path) -> None:
        self.rounds = 0
        self.trouble: Exception | None = None
        self._path = path
        self._changed = threading.Condition()
        self._waiting: set[int] = set()
        self._owed: frozenset[int] = frozenset()  # whom the last round was to try, if it failed
        self._busy = self._ended = False
        self._told = 0
        self._last: Tagged | None = None
        # A daemon: what it would still write is the machine's, and done anew the next time.
        self._thread = threading.Thread(target=self._work, name="tagger", daemon=True)
        self._thread.start()

    def learn(self, people: Collection[int]) -> None:
        """Try these people (ids), whose faces just changed, on all faces that nobody named."""
        with self._changed:
            self._waiting.update(people)
            self._changed.notify_all()

    @property
    def busy(self) -> bool:
        """Whether somebody is still to be tried."""
        with self._changed:
            return self._busy or bool(self._waiting)

    def news(self) -> bool:
        """Whether there are new tags, or there is new trouble, since this was asked last."""
        with self._changed:
            told, self._told = self._told, self.rounds
            return told != self.rounds

    def settle(self, seconds: float | None = None) -> bool:
        """Wait (so long at most) until everybody was tried; whether they were."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy and not self._waiting, seconds)

    def close(self) -> Tagged | None:
        """Wait until everybody was tried; returns what the last time gave. Raises what that raised."""
        self.settle()
        self.stop()
        if self.trouble is not None:
            raise self.trouble
        return self._last

    def stop(self, seconds: float | None = None) -> None:
        """Begin nothing more, and wait (so long at most) for what was begun."""
        with self._changed:
            self._ended = True
            self._waiting.clear()
            self._changed.notify_all()
        self._thread.join(seconds)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting or self._ended)
                if self._ended:
                    return
                people, self._waiting, self._busy = self._owed | self._waiting, set(), True
            try:
                with open_store(self._path) as store:
                    self._last, self.trouble = try_names(store, Silent(), people), None
                self._owed = frozenset()
            except Exception as error:
                self.trouble, self._owed = error, people
            self.rounds += 1


def in_words(trouble: Exception) -> str:
    """What tagging raised, as a sentence."""
    return (
        str(trouble)
        if isinstance(trouble, PhototagError)
        else f"a bug in phototag ({type(trouble).__name__}: {trouble})"
    )
