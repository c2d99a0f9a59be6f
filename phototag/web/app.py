"""The review pages' addresses: GET shows a page, POST saves an answer."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import TypeAlias

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from phototag.config import debugging
from phototag.errors import DatabaseUnavailableError, PhototagError, TooLittleDataError, UsageError
from phototag.report.jinja import templates_folder
from phototag.web import hints, history, people, person_answers, photos, pictures, questions
from phototag.web.app_state import AppState
from phototag.web.guard import Guard, form_of
from phototag.web.request_context import RequestContext, form_page, redirect

View: TypeAlias = Callable[[RequestContext], Response]

_PAGES: dict[str, View] = {
    "/": questions.question,
    "/progress": questions.progress,
    "/people": people.everybody,
    "/people/{person:int}": people.person,
    "/people/{person:int}/merge": people.merging,
    "/people/{person:int}/parts": people.parts,
    "/photos/unplaced": photos.unplaced,
    "/photos/{photo:int}": photos.photo,
    "/history": history.answers,
    "/faces/{face:int}.jpg": pictures.face,
    "/photos/{photo:int}/preview.jpg": pictures.preview,
    "/photos/{photo:int}/large.jpg": pictures.large,
}
_ANSWERS: dict[str, View] = {
    "/answer": questions.answer,
    "/undo": history.undo_last,
    "/history/{answer:int}/undo": history.undo_one,
    "/people/{person:int}/rename": person_answers.rename,
    "/people/{person:int}/hide": person_answers.hide,
    "/people/{person:int}/merge": person_answers.merge,
    "/people/{person:int}/different": person_answers.different,
    "/people/{person:int}/faces": person_answers.faces_are,
    "/photos/{photo:int}/place": photos.place,
    "/photos/{photo:int}/faces": photos.add,
    "/faces/{face:int}": photos.face_is,
}


def application(state: AppState, port: int, host: str = "127.0.0.1") -> ASGIApp:
    """The application, behind its guard."""
    routes: list[Mount | Route] = [
        Route(path, partial(_respond, state, view), methods=[method])
        for method, views in (("GET", _PAGES), ("POST", _ANSWERS))
        for path, view in views.items()
    ]
    routes.append(Mount("/assets", StaticFiles(directory=templates_folder() / "assets")))
    handlers = {
        PhototagError: partial(_phototag_error, state),
        HTTPException: partial(_no_such_page, state),
        Exception: partial(_bug, state),
    }
    return Guard(Starlette(routes=routes, exception_handlers=handlers), state.keys, port, host)


def _respond(state: AppState, view: View, request: Request) -> Response:
    """Call a view. A GET sees one state of the database, and can't change it."""
    with state.stores.acquire() as store, nullcontext() if request.method == "POST" else store.snapshot():
        return view(RequestContext(state, store, request))


def _phototag_error(state: AppState, request: Request, error: Exception) -> Response:
    """Show the error: on the page of the form if its answer was refused, else on a page of its own."""
    if request.method == "POST" and isinstance(error, UsageError | TooLittleDataError):
        return redirect(state, form_page(form_of(request)), hints.sentence(error), "error")
    status = 404 if isinstance(error, UsageError) else 503 if isinstance(error, DatabaseUnavailableError) else 500
    return state.page(request, "error.html", status, message=hints.sentence(error))


def _no_such_page(state: AppState, request: Request, error: Exception) -> Response:
    """Show an unknown address (404), or a GET of one that only takes answers (405)."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    return state.page(request, "error.html", status, message="there is no such page")


def _bug(state: AppState, request: Request, error: Exception) -> Response:
    """Show any other exception; with PHOTOTAG_DEBUG its traceback is printed."""
    if debugging():
        traceback.print_exception(error)
    message = (
        f"this is a bug in phototag ({type(error).__name__}: {error}); what was saved before is kept: "
        "run again with PHOTOTAG_DEBUG=1 and report what it prints"
    )
    return state.page(request, "error.html", 500, message=message)
