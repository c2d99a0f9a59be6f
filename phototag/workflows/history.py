"""History: what was answered, and how to undo it."""

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

#: Answers whose numbers are said.
_NUMBERS = 8


@dataclass(frozen=True, slots=True)
class Undone:
    """What was undone: `answers`, of one `what` it said, in words, and how many decisions they were; `number`: of the
    undo itself, None if nothing stood.

    `redone`: it was an undo that was undone, and `answers` are those that hold again.
    """

    answers: tuple[int, ...]
    decisions: int
    number: int | None
    what: str = ""
    redone: bool = False

    def __str__(self) -> str:
        """`Undid answer 12 (24 faces are Ada).`"""
        if self.number is None:
            return "It is undone already." if self.answers else "There is nothing to undo."
        numbers = ", ".join(map(str, self.answers[:_NUMBERS]))
        if len(self.answers) > _NUMBERS:
            numbers += f" and {len(self.answers) - _NUMBERS:,} more"
        what = f" ({self.what})" if self.what else ""
        did = "Redid" if self.redone else "Undid"
        return f"{did} answer{'s' if len(self.answers) > 1 else ''} {numbers}{what}."


def undo(store: Store, answer: int | None = None, origin: Origin = "typed") -> Undone:
    """Undo one answer, by default the last that stands; undoing an undo is redoing.

    Raises UsageError if there is no such answer, or if somebody would get a name back that is another's by now.
    """
    with store.write():
        if answer is None:
            answer = history.last(store)
        elif not history.exists(store, answer):
            raise UsageError(f"there is no answer {answer}: `phototag history` shows their numbers")
        return _undo(store, [] if answer is None else [answer], origin)


def undo_since(store: Store, when: datetime, origin: Origin = "typed") -> Undone:
    """Undo, as one, all answers since a time (with its time zone).

    Raises UsageError if somebody would get a name back that is another's by now.
    """
    with store.write():
        return _undo(store, history.since(store, utc(when)), origin)


def utc(when: datetime) -> str:
    """A moment as the journal writes it."""
    return when.astimezone(timezone.utc).isoformat(timespec="seconds")


def _undo(store: Store, answers: Sequence[int], origin: Origin) -> Undone:
    told = [part for answer in answers for one in history.answers(store, number=answer) for part in one.parts]
    count = history.undo(store, *answers, origin=origin)
    # Undoing an undo is about the answer that it had undone.
    meant = list(dict.fromkeys(part.of for part in told if part.of is not None)) or list(answers)
    what = in_words(next(history.answers(store, number=meant[0]))) if len(meant) == 1 else ""
    return Undone(
        tuple(meant),
        count,
        history.last(store) if count else None,
        what,
        any(part.of is not None and not part.redo for part in told),
    )


def in_words(answer: Answer) -> str:
    """What an answer said: `24 faces are Ada, 2 faces are not Ada`."""
    # A merge and a split say who it was; the other parts say it of each face.
    whole = [part for part in answer.parts if part.verb in ("merge", "split")]
    return ", ".join(map(_said, whole or answer.parts))


def _said(part: Part) -> str:
    faces, are = counted(part.faces, "face"), "is" if part.faces == 1 else "are"
    who, other = printable(part.person or "somebody"), printable(part.other_person or "somebody else")
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
        "undo": f"answer {part.of} {'redone' if part.redo else 'undone'}",
    }[part.verb]
