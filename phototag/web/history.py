"""What was answered, and how to take it back."""

from __future__ import annotations

from datetime import datetime
from itertools import islice

from starlette.responses import Response

from phototag.display import counted
from phototag.store import history
from phototag.web.desk import Visit
from phototag.workflows.history import Undone, in_words, undo

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
        visit.desk.tagger.learn()
        return f"Answer {answer} is taken back ({counted(undone.decisions, 'decision')})."
    return "It was taken back before."


def _here(at: str) -> str:
    """A moment in this machine's time."""
    return datetime.fromisoformat(at).astimezone().isoformat()
