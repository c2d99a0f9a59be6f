"""Tag in the background: try new names on all other faces while somebody goes on answering."""

from __future__ import annotations

import threading
from pathlib import Path

from phototag.progress import Silent
from phototag.store import derived
from phototag.store.connect import open_store
from phototag.workflows.recognition.tag import Tagged, train_and_tag


class Tagger:
    """A thread that trains and tags, with a connection of its own. Requests that come meanwhile are served by one more
    round.

    May be used by several threads. `rounds`: how often it tagged. `error`: what the last round raised, if anything; the
    next round does all of it again.
    """

    def __init__(self, path: Path) -> None:
        self.rounds = 0
        self.error: Exception | None = None
        self._path = path
        self._changed = threading.Condition()
        self._requested = self._working = self._stopped = False
        self._reported_rounds = 0
        self._last: Tagged | None = None
        # A daemon: what it would still write is the machine's, and done anew the next time.
        self._thread = threading.Thread(target=self._work, name="tagger", daemon=True)
        self._thread.start()

    def request(self) -> None:
        """Something was said: train on everybody who is named, and try them on all unlabelled faces."""
        with self._changed:
            self._requested = True
            self._changed.notify_all()

    @property
    def busy(self) -> bool:
        """Whether names are still to be tried."""
        with self._changed:
            return self._working or self._requested

    def finished_since_last_asked(self) -> bool:
        """Whether a round was finished, or failed, since this was last asked."""
        with self._changed:
            reported, self._reported_rounds = self._reported_rounds, self.rounds
            return reported != self.rounds

    def wait_until_idle(self, seconds: float | None = None) -> bool:
        """Wait, for at most so long, until all names were tried; returns whether they were."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._working and not self._requested, seconds)

    def close(self) -> Tagged | None:
        """Wait until all names were tried, and stop; returns the last result, or raises the last error."""
        self.wait_until_idle()
        self.stop()
        if self.error is not None:
            raise self.error
        return self._last

    def stop(self, seconds: float | None = None) -> None:
        """Begin no further round, and wait, for at most so long, for the one that is under way."""
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
                    if derived.version_token(store) != token:  # something was said, here or by another program
                        self.request()
            except Exception as error:
                self.error = error
            self.rounds += 1
