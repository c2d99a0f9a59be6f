"""Background: new names tried on all other faces while somebody goes on answering."""

from __future__ import annotations

import threading
from pathlib import Path

from phototag.progress import Silent
from phototag.store import derived
from phototag.store.connect import open_store
from phototag.workflows.recognition.tag import Tagged, try_names


class Tagger:
    """Tags in a thread of its own, with a connection of its own; what is asked for meanwhile is done next, at once.

    May be used by several threads. `rounds`: how often it tagged. `trouble`: what the last round raised, if anything;
    the next round does it all.
    """

    def __init__(self, path: Path) -> None:
        self.rounds = 0
        self.trouble: Exception | None = None
        self._path = path
        self._changed = threading.Condition()
        self._waiting = self._busy = self._ended = False
        self._told = 0
        self._last: Tagged | None = None
        # A daemon: what it would still write is the machine's, and done anew the next time.
        self._thread = threading.Thread(target=self._work, name="tagger", daemon=True)
        self._thread.start()

    def learn(self) -> None:
        """Something was said: learn everybody, and try them on all faces that nobody named."""
        with self._changed:
            self._waiting = True
            self._changed.notify_all()

    @property
    def busy(self) -> bool:
        """Whether names are still to be tried."""
        with self._changed:
            return self._busy or self._waiting

    def news(self) -> bool:
        """Whether there are new tags, or there is new trouble, since this was asked last."""
        with self._changed:
            told, self._told = self._told, self.rounds
            return told != self.rounds

    def settle(self, seconds: float | None = None) -> bool:
        """Wait (so long at most) until all names were tried; whether they were."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy and not self._waiting, seconds)

    def close(self) -> Tagged | None:
        """Wait until all names were tried; returns what the last time gave. Raises what that raised."""
        self.settle()
        self.stop()
        if self.trouble is not None:
            raise self.trouble
        return self._last

    def stop(self, seconds: float | None = None) -> None:
        """Begin nothing more, and wait (so long at most) for what was begun."""
        with self._changed:
            self._ended = True
            self._waiting = False
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
                self._waiting, self._busy = False, True
            try:
                with open_store(self._path) as store:
                    said = derived.version_token(store)
                    self._last, self.trouble = try_names(store, Silent(), tries=1), None
                    if derived.version_token(store) != said:  # here, or by another program
                        self.learn()
            except Exception as error:
                self.trouble = error
            self.rounds += 1
