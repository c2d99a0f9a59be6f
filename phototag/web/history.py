"""What was answered, and how to take it back."""

from __future__ import annotations

from datetime import datetime
from itertools import islice

from starlette.responses import Response

from phototag.display import printable
from phototag.report.render import count
from phototag.store import history
from phototag.store.history import Answer, Part
from phototag.web.desk import Visit
from phototag.workflows.history import Undone, undo

ROWS = 50


def answers(visit: Visit) -> Response:
    """The answers, the latest first."""
    page = visit.query("page")
    number = max(1, int(page)) if page.isascii() and page.isdigit() and len(page) < 9 else 1
    rows = list(islice(history.answers(visit.store), (number - 1) * ROWS, number * ROWS + 1))
    return visit.page(
        "history.html",
        answers=[(answer, in_words(answer), _here(answer.at)) for answer in rows[:ROWS]],
        number=number,
        more=len(rows) > ROWS,
        last=history.last(visit.store),
    )


def undo_last(visit: Visit) -> Response:
    """Take back the last answer that stands."""
    last = history.last(visit.store)
    return visit.back(_told(visit, undo(visit.store, last, "reviewed")) if last else "There is nothing to take back.")


def undo_one(visit: Visit) -> Response:
    """Take back one answer."""
    return visit.back(_told(visit, undo(visit.store, visit.id("answer"), "reviewed")))


def _told(visit: Visit, undone: Undone) -> str:
    for answer in undone.answers:
        visit.desk.tagger.learn(history.about(visit.store, answer))
        return f"Answer {answer} is taken back ({count(undone.decisions, 'decision')})."
    return "It was taken back before."


def _here(at: str) -> str:
    """A moment in this machine's time."""
    return datetime.fromisoformat(at).astimezone().isoformat()


def in_words(answer: Answer) -> str:
    """What an answer said: `24 faces are Ada, 2 faces are not Ada`."""
    # A merge and a split say who it was; what follows says it of each face.
    whole = [part for part in answer.parts if part.verb in ("merge", "split")]
    return ", ".join(map(_said, whole or answer.parts))


def _said(part: Part) -> str:
    faces, are = count(part.faces, "face"), "is" if part.faces == 1 else "are"
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
        "undo": f"answer {part.undoes} taken back",
    }[part.verb]
