"""History: what was answered, and how to take it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from phototag.errors import UsageError
from phototag.store import history
from phototag.store.connect import Store
from phototag.types import Origin


@dataclass(frozen=True, slots=True)
class Undone:
    """Which answers were taken back, and how many decisions about faces and people they were."""

    answers: tuple[int, ...]
    decisions: int


def undo(store: Store, answer: int | None = None, origin: Origin = "typed") -> Undone:
    """Take back one answer, by default the last that stands.

    Raises UsageError if there is no such answer, or if somebody would get a name back that is another's by now.
    """
    with store.write():
        if answer is None:
            answer = history.last(store)
        elif not history.exists(store, answer):
            raise UsageError(f"there is no answer {answer}: `phototag history` shows their numbers")
        return _take_back(store, [] if answer is None else [answer], origin)


def undo_since(store: Store, when: datetime, origin: Origin = "typed") -> Undone:
    """Take back, as one, all answers since a time (with its time zone).

    Raises UsageError if somebody would get a name back that is another's by now.
    """
    with store.write():
        return _take_back(store, history.since(store, utc(when)), origin)


def utc(when: datetime) -> str:
    """A moment as the journal writes it."""
    return when.astimezone(timezone.utc).isoformat(timespec="seconds")


def _take_back(store: Store, answers: Sequence[int], origin: Origin) -> Undone:
    undone = history.undo(store, *answers, origin=origin)
    return Undone(tuple(answers) if undone else (), undone)
