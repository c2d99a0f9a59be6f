"""A pool of database connections: each request has one of its own while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, LifoQueue

from phototag.store.connect import Store, open_store


class StorePool:
    """A pool that grows to the largest number of simultaneous requests."""

    def __init__(self, db: Path) -> None:
        self.db = db
        self._idle: LifoQueue[Store] = LifoQueue()

    @contextmanager
    def acquire(self) -> Iterator[Store]:
        """A store for one request; if the block raises, it is closed instead of returned to the pool."""
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
        """Close the idle stores."""
        while not self._idle.empty():
            self._idle.get_nowait().close()
