"""What was answered, and how to undo it."""

from __future__ import annotations

from datetime import datetime
from itertools import islice

from starlette.responses import Response

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
    """Undo the last thing that was done."""
    return visit.back(_told(visit, undo(visit.store, origin="reviewed")))


def undo_one(visit: Visit) -> Response:
    """Undo one answer; of an undo: redo what it undid."""
    return visit.back(_told(visit, undo(visit.store, visit.id("answer"), "reviewed")))


def _told(visit: Visit, undone: Undone) -> str:
    if undone.number is not None:
        visit.desk.tagger.learn()
    return str(undone)


def _here(at: str) -> str:
    """A moment in this machine's time."""
    return datetime.fromisoformat(at).astimezone().isoformat()
