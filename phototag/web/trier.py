"""New names, tried on all other faces behind the back of whoever answers."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from phototag.errors import PhototagError
from phototag.progress import Silent
from phototag.web.stores import Stores
from phototag.workflows.tag import try_names


class Trier:
    """One thread that tries names as they are given; those that are given meanwhile are tried together, next.

    `tries`: how many are done. `trouble`: why the last one failed, if it did.
    """

    def __init__(self, stores: Stores) -> None:
        self.tries = 0
        self.trouble: str | None = None
        self._stores = stores
        self._changed = threading.Condition()
        self._people: set[int] = set()
        self._busy = self._ended = False
        # A daemon: what it would still write is the machine's, and done anew at the next try.
        self._thread = threading.Thread(target=self._work, name="trier", daemon=True)
        self._thread.start()

    def want(self, people: Iterable[int]) -> None:
        """The faces of these people (ids) are others than before."""
        with self._changed:
            self._people.update(people)
            self._changed.notify_all()

    @property
    def busy(self) -> bool:
        """Whether there are names still to be tried."""
        with self._changed:
            return self._busy or bool(self._people)

    def settle(self, seconds: float) -> bool:
        """Wait until all names are tried; whether they are."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy and not self._people, seconds)

    def stop(self, seconds: float = 10.0) -> None:
        """Begin nothing more, and wait a little for what was begun."""
        with self._changed:
            self._ended = True
            self._people.clear()
            self._changed.notify_all()
        self._thread.join(seconds)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._people or self._ended)
                if self._ended:
                    return
                people, self._people, self._busy = self._people, set(), True
            try:
                with self._stores.one() as store:
                    try_names(store, Silent(), people)
                self.trouble = None
            except PhototagError as error:
                self.trouble = str(error)
            except Exception as error:
                self.trouble = f"a bug in phototag ({type(error).__name__}: {error})"
            self.tries += 1
