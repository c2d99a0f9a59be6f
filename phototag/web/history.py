"""The history page, and undo and redo."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from starlette.responses import Response

from phototag.store import changes, history
from phototag.store.connect import Store
from phototag.store.history import Answer
from phototag.web.request_context import RequestContext
from phototag.workflows.naming.history import Undone, describe_in_full, undo

_ANSWERS_A_PAGE = 50
#: Faces shown for an answer, and for each change that undoing it makes.
_FACES, _CHANGED = 6, 12


@dataclass(frozen=True, slots=True)
class _Entry:
    """An answer as text, its local time, some of its faces (ids), and how many more there are."""

    answer: Answer
    words: str
    at: str
    faces: list[int]
    more: int


def answers(context: RequestContext) -> Response:
    """All answers, the latest first."""
    number = context.page_number
    rows = list(islice(history.answers(context.store), (number - 1) * _ANSWERS_A_PAGE, number * _ANSWERS_A_PAGE + 1))
    return context.page(
        "history.html",
        entries=[_entry(context.store, answer) for answer in rows[:_ANSWERS_A_PAGE]],
        number=number,
        more=len(rows) > _ANSWERS_A_PAGE,
        last=history.last_undoable(context.store),
    )


def _entry(store: Store, answer: Answer) -> _Entry:
    faces = changes.subjects(store, answer.number)
    shown = changes.example_faces(store, faces, _FACES)
    return _Entry(answer, describe_in_full(store, answer), _local_time(answer.at), shown, len(faces) - len(shown))


def undo_last(context: RequestContext) -> Response:
    """Undo the last answer; if that was an undo, redo what it undid."""
    return context.back(_notice(context, undo(context.store, origin="reviewed")))


def undo_one(context: RequestContext) -> Response:
    """Show what undoing one answer would change; with `sure` in the form, undo it."""
    number = context.id("answer")
    if context.form.text("sure"):
        return context.back(_notice(context, undo(context.store, number, "reviewed")), "/history")
    would = undo(context.store, number, "reviewed", try_only=True)
    if would.number is None:
        return context.back(str(would))
    effects = [(change, changes.example_faces(context.store, change.faces, _CHANGED)) for change in would.changes]
    return context.page(
        "undo.html",
        entry=_entry(context.store, next(history.answers(context.store, number=number))),
        would=would,
        changes=effects,
        url="/history",
    )


def _notice(context: RequestContext, undone: Undone) -> str:
    if undone.number is not None:  # something was undone
        context.state.tagger.request()
    return undone.in_full


def _local_time(at: str) -> str:
    """An ISO 8601 time in this machine's time zone."""
    return datetime.fromisoformat(at).astimezone().isoformat()
