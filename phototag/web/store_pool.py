"""Open databases that requests share: each has one for itself, for as long as it takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, LifoQueue

from phototag.store.connect import Store, open_store


class StorePool:
    """As many connections as requests were ever answered at once."""

    def __init__(self, db: Path) -> None:
        self.db = db
        self._idle: LifoQueue[Store] = LifoQueue()

    @contextmanager
    def one(self) -> Iterator[Store]:
        """A database that nobody else uses meanwhile."""
        try:
            store = self._idle.get_nowait()
        except Empty:
            store = open_store(self.db, any_thread=True)
        try:
            yield store
        except BaseException:
            store.close()  # what failed, or broke off a query, isn't used again
            raise
        self._idle.put(store)

    def close(self) -> None:
        """Close those that aren't in use."""
        while not self._idle.empty():
            self._idle.get_nowait().close()
