"""Tag in the background: find faces of newly named people while the user goes on answering."""

from __future__ import annotations

import threading
from pathlib import Path

from phototag.progress import Silent
from phototag.store import derived
from phototag.store.connect import open_store
from phototag.workflows.recognition.tag import Tagged, train_and_tag


class Tagger:
    """A thread that trains and tags on request, in rounds, with a database connection of its own.

    All requests that come during a round are served by the next one. May be used by several threads. `rounds`: how many
    were finished or failed. `error`: the exception of the last round, if it failed; the next one starts afresh.
    """

    def __init__(self, path: Path) -> None:
        self.rounds = 0
        self.error: Exception | None = None
        self._path = path
        self._changed = threading.Condition()
        self._requested = self._working = self._stopped = False
        self._reported_rounds = 0
        self._last: Tagged | None = None
        # A daemon thread: if the program ends during a round, only tags are lost, and those are made again.
        self._thread = threading.Thread(target=self._work, name="tagger", daemon=True)
        self._thread.start()

    def request(self) -> None:
        """Train and tag again, since an answer was saved."""
        with self._changed:
            self._requested = True
            self._changed.notify_all()

    @property
    def busy(self) -> bool:
        """Whether a round is running or requested."""
        with self._changed:
            return self._working or self._requested

    def finished_since_last_asked(self) -> bool:
        """Whether a round was finished, or failed, since the last call of this method."""
        with self._changed:
            reported, self._reported_rounds = self._reported_rounds, self.rounds
            return reported != self.rounds

    def wait_until_idle(self, seconds: float | None = None) -> bool:
        """Wait until no round is running or requested, at most so long; returns whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._working and not self._requested, seconds)

    def close(self) -> Tagged | None:
        """Finish all requested rounds and stop; returns the last result, or raises the last round's error."""
        self.wait_until_idle()
        self.stop()
        if self.error is not None:
            raise self.error
        return self._last

    def stop(self, seconds: float | None = None) -> None:
        """Begin no further round; wait for the running one, at most so long."""
        with self._changed:
            self._stopped = True
            self._requested = False
            self._changed.notify_all()
        self._thread.join(seconds)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._working = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._requested or self._stopped)
                if self._stopped:
                    return
                self._requested, self._working = False, True
            try:
                with open_store(self._path) as store:
                    token = derived.version_token(store)
                    self._last, self.error = train_and_tag(store, Silent(), tries=1), None
                    if derived.version_token(store) != token:  # another answer was saved, here or by another program
                        self.request()
            except Exception as error:
                self.error = error
            self.rounds += 1
