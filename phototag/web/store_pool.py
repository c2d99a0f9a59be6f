"""Open databases for requests that run at once: each request has one for itself while it lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, LifoQueue

from phototag.store.connect import Store, open_store


class StorePool:
    """As many connections as there were requests at the same time."""

    def __init__(self, db: Path) -> None:
        self.db = db
        self._idle: LifoQueue[Store] = LifoQueue()

    @contextmanager
    def acquire(self) -> Iterator[Store]:
        """A store that nobody else uses meanwhile; it is closed, not used again, if the block raises."""
        try:
            store = self._idle.get_nowait()
        except Empty:
            store = open_store(self.db, any_thread=True)
        try:
            yield store
        except BaseException:
            store.close()  # it may be in the middle of a query
            raise
        self._idle.put(store)

    def close(self) -> None:
        """Close the stores that no request uses."""
        while not self._idle.empty():
            self._idle.get_nowait().close()
