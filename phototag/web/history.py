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
from phototag.workflows.history import Undone, in_words, undo

ROWS = 50
#: Faces shown of an answer, and of what undoing it changes.
_FACES, _CHANGED = 6, 24


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
    faces = changes.touched(store, answer.number).faces
    shown = changes.looks(store, faces, _FACES)
    return _Entry(answer, in_words(answer), _here(answer.at), shown, len(faces) - len(shown))


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
    faces = would.faces or changes.touched(visit.store, number).faces
    shown = changes.looks(visit.store, faces, _CHANGED)
    answer = next(history.answers(visit.store, number=number))
    return visit.page(
        "undo.html",
        entry=_Entry(answer, in_words(answer), _here(answer.at), shown, len(faces) - len(shown)),
        would=would,
        url="/history",
    )


def _told(visit: Visit, undone: Undone) -> str:
    if undone.number is not None:
        visit.desk.tagger.learn(history.about(visit.store, undone.number))
    return " ".join([str(undone), *undone.changes])


def _here(at: str) -> str:
    """A moment in this machine's time."""
    return datetime.fromisoformat(at).astimezone().isoformat()
