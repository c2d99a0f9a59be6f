"""Background: new names tried on all other faces while somebody goes on answering."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from phototag.progress import Silent
from phototag.store.connect import open_store
from phototag.workflows.tag import Tagged, try_names


class Tagger:
    """Tags in a thread of its own, with a connection of its own; what is asked for meanwhile is done next, at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pool = ThreadPoolExecutor(1, "tagger")
        self._waiting: set[int] = set()
        self._running: Future[Tagged | None] | None = None
        self._last: Tagged | None = None

    def learn(self, people: Collection[int]) -> None:
        """Try these people (ids), whose faces just changed, on all faces that nobody named."""
        self._waiting |= set(people)
        self._start()

    def news(self) -> bool:
        """Whether there are new tags since this was asked last. Raises what tagging raised."""
        if self._running is None or not self._running.done():
            return False
        self._take()
        self._start()
        return True

    def close(self) -> Tagged | None:
        """Wait until everybody was tried; returns what the last time gave. Raises what tagging raised."""
        try:
            while self._running is not None:
                self._take()
                self._start()
        finally:
            self._pool.shutdown(cancel_futures=True)
        return self._last

    def _take(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            self._last = running.result()

    def _start(self) -> None:
        if self._waiting and self._running is None:
            people, self._waiting = frozenset(self._waiting), set()
            self._running = self._pool.submit(self._tag, people)

    def _tag(self, people: frozenset[int]) -> Tagged | None:
        with open_store(self._path) as store:
            return try_names(store, Silent(), people)
