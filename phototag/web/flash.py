"""Flash messages: the result of an answer, shown on the next page."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Literal

Tone = Literal["done", "error"]
#: Messages that are kept, in case a page is reloaded.
_KEPT = 100


@dataclass(frozen=True, slots=True)
class FlashMessage:
    """A sentence, and whether the answer was saved or refused."""

    text: str
    tone: Tone


class FlashMessages:
    """The latest messages by number. The address of the next page holds the number, so nobody can forge the words."""

    def __init__(self) -> None:
        self._messages: dict[int, FlashMessage] = {}
        self._next = 1
        self._lock = threading.Lock()

    def keep(self, text: str, tone: Tone = "done") -> int:
        """Keep a message and return its number."""
        with self._lock:
            number, self._next = self._next, self._next + 1
            self._messages[number] = FlashMessage(text, tone)
            self._messages.pop(number - _KEPT, None)
        return number

    def get(self, number: int | None) -> FlashMessage | None:
        """A message; None if it is unknown or too old."""
        return None if number is None else self._messages.get(number)
