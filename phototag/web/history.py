"""What was answered, and how it is undone and redone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from starlette.responses import Response

from phototag.store import changes, history
from phototag.store.connect import Store
from phototag.store.history import Answer
from phototag.web.app_state import RequestContext
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


def answers(context: RequestContext) -> Response:
    """The answers, the latest first."""
    page = context.query("page")
    number = max(1, int(page)) if page.isascii() and page.isdigit() and len(page) < 9 else 1
    rows = list(islice(history.answers(context.store), (number - 1) * ROWS, number * ROWS + 1))
    return context.page(
        "history.html",
        entries=[_entry(context.store, answer) for answer in rows[:ROWS]],
        number=number,
        more=len(rows) > ROWS,
        last=history.last_undoable(context.store),
    )


def _entry(store: Store, answer: Answer) -> _Entry:
    faces = changes.subjects(store, answer.number)
    shown = changes.looks(store, faces, _FACES)
    return _Entry(answer, described(store, answer), _here(answer.at), shown, len(faces) - len(shown))


def undo_last(context: RequestContext) -> Response:
    """Undo the last thing that was done, an undo as well."""
    return context.back(_notice(context, undo(context.store, origin="reviewed")))


def undo_one(context: RequestContext) -> Response:
    """Show what undoing one answer changes; once that was seen, undo it."""
    number = context.id("answer")
    if context.form.text("sure"):
        return context.back(_notice(context, undo(context.store, number, "reviewed")), "/history")
    would = undo(context.store, number, "reviewed", try_only=True)
    if would.number is None:
        return context.back(str(would))
    told = [(change, changes.looks(context.store, change.faces, _CHANGED)) for change in would.changes]
    return context.page(
        "undo.html",
        entry=_entry(context.store, next(history.answers(context.store, number=number))),
        would=would,
        changes=told,
        url="/history",
    )


def _notice(context: RequestContext, undone: Undone) -> str:
    if undone.number is not None:
        context.state.tagger.request()
    return undone.in_full


def _here(at: str) -> str:
    """A moment in this machine's time."""
    return datetime.fromisoformat(at).astimezone().isoformat()
