"""History: what was answered, and how to take it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from phototag.display import counted, printable
from phototag.errors import UsageError
from phototag.store import history
from phototag.store.connect import Store
from phototag.store.history import Answer, Part
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


def in_words(answer: Answer) -> str:
    """What an answer said: `24 faces are Ada, 2 faces are not Ada`."""
    # A merge and a split say who it was; the other parts say it of each face.
    whole = [part for part in answer.parts if part.verb in ("merge", "split")]
    return ", ".join(dict.fromkeys(map(_said, whole or answer.parts)))


def _said(part: Part) -> str:
    faces, are = counted(part.faces, "face"), "is" if part.faces == 1 else "are"
    who, other = printable(part.person or "somebody"), printable(part.other_person or "somebody else")
    if part.verb == "undo" and part.person is not None:
        return f"{who} was forgotten for good"
    if part.verb == "different":
        return f"{who} and {other} are two people" if part.person else "two faces are two people's"
    return {
        "is": f"{faces} {are} {who}",
        "is-not": f"{faces} {are} not {who}",
        "same": "two faces are one person's",
        "a-face": f"{faces} shown by hand",
        "not-a-face": f"{faces} {are} no face" + ("" if part.faces == 1 else "s"),
        "dont-care": f"{faces} put aside",
        "rename": f"{who} is called {printable(part.name or '')}",
        "merge": f"{who} is {other}",
        "split": f"some of {who}'s faces are {other}'s",
        "hide": f"{who} is hidden",
        "show": f"{who} is shown again",
        "undo": f"answer {part.undoes} taken back",
    }[part.verb]
