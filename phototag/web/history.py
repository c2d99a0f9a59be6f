"""What was answered, and how it is undone and redone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from starlette.responses import Response

from phototag.store import changes, history
from phototag.store.connect import Store
from phototag.store.history import Answer
from phototag.web.desk import Visit
from phototag.workflows.naming.history import Undone, described, undo

ROWS = 50
#: Faces shown of an answer, and of each thing that undoing it changes.
_FACES, _CHANGED = 6, 12


@dataclass(frozen=True, slots=True)
class _Entry:
    """An answer, in words, when it was given here, some of the faces that it is about, and how many more there are."""

    answer: Answer
    words: str
    at: str
    faces: list[int]
    more: int


def answers(visit: Visit) -> Response:
    """The answers, the latest first."""
    page = visit.query("page")
    number = max(1, int(page)) if page.isascii() and page.isdigit() and len(page) < 9 else 1
    rows = list(islice(history.answers(visit.store), (number - 1) * ROWS, number * ROWS + 1))
    return visit.page(
        "history.html",
        entries=[_entry(visit.store, answer) for answer in rows[:ROWS]],
        number=number,
        more=len(rows) > ROWS,
        last=history.last(visit.store),
    )


def _entry(store: Store, answer: Answer) -> _Entry:
    faces = changes.subjects(store, answer.number)
    shown = changes.looks(store, faces, _FACES)
    return _Entry(answer, described(store, answer), _here(answer.at), shown, len(faces) - len(shown))


def undo_last(visit: Visit) -> Response:
    """Undo the last thing that was done, an undo as well."""
    return visit.back(_told(visit, undo(visit.store, origin="reviewed")))


def undo_one(visit: Visit) -> Response:
    """Show what undoing one answer changes; once that was seen, undo it."""
    number = visit.id("answer")
    if visit.form.text("sure"):
        return visit.back(_told(visit, undo(visit.store, number, "reviewed")), "/history")
    would = undo(visit.store, number, "reviewed", try_only=True)
    if would.number is None:
        return visit.back(str(would))
    told = [(change, changes.looks(visit.store, change.faces, _CHANGED)) for change in would.changes]
    return visit.page(
        "undo.html",
        entry=_entry(visit.store, next(history.answers(visit.store, number=number))),
        would=would,
        changes=told,
        url="/history",
    )


def _told(visit: Visit, undone: Undone) -> str:
    if undone.number is not None:
        visit.desk.tagger.learn()
    return undone.in_full


def _here(at: str) -> str:
    """A moment in this machine's time."""
    return datetime.fromisoformat(at).astimezone().isoformat()
