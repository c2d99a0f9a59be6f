"""The pages' addresses: what a GET shows, what a POST says."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from phototag.config import debugging
from phototag.errors import DatabaseUnavailableError, PhototagError, TooLittleDataError, UsageError
from phototag.web import hints, history, people, photos, pictures, questions
from phototag.web.app_state import AppState, RequestContext
from phototag.web.guard import Guard

View: TypeAlias = Callable[[RequestContext], Response]


def nowhere(_visit: RequestContext) -> Response:
    """Any other address."""
    raise UsageError("there is no such page")


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
    "/assets/{name}": pictures.asset,
    "/{anything:path}": nowhere,
}
_ANSWERS: dict[str, View] = {
    "/answer": questions.answer,
    "/undo": history.undo_last,
    "/history/{answer:int}/undo": history.undo_one,
    "/people/{person:int}/rename": people.rename,
    "/people/{person:int}/hide": people.hide,
    "/people/{person:int}/merge": people.merge,
    "/people/{person:int}/different": people.different,
    "/people/{person:int}/faces": people.faces_are,
    "/photos/{photo:int}/place": photos.place,
    "/photos/{photo:int}/faces": photos.add,
    "/faces/{face:int}": photos.face_is,
}


def application(state: AppState, port: int, host: str = "127.0.0.1") -> ASGIApp:
    """The whole of it, behind its guard."""
    routes = [Route(path, partial(_show, state, view), methods=["GET"]) for path, view in _PAGES.items()]
    routes += [Route(path, partial(_hear, state, view), methods=["POST"]) for path, view in _ANSWERS.items()]
    return Guard(Starlette(routes=routes), state.keys, port, host)


def _show(state: AppState, view: View, request: Request) -> Response:
    """A page of one state of the database, which a GET can't change."""
    try:
        with state.stores.one() as store, store.snapshot():
            return view(RequestContext(state, store, request))
    except Exception as error:
        return _error_page(state, request, error)


def _hear(state: AppState, view: View, request: Request) -> Response:
    """An answer, saved before anything else is shown."""
    try:
        with state.stores.one() as store:
            context = RequestContext(state, store, request)
            try:
                return view(context)
            except (UsageError, TooLittleDataError) as error:
                return context.refused(error)
    except Exception as error:
        return _error_page(state, request, error)


def _error_page(state: AppState, request: Request, error: Exception) -> Response:
    """Trouble as a sentence."""
    if isinstance(error, PhototagError):
        status = 404 if isinstance(error, UsageError) else 503 if isinstance(error, DatabaseUnavailableError) else 500
        return state.page(request, "error.html", status, message=hints.sentence(error))
    if debugging():
        traceback.print_exception(error)
    message = (
        f"this is a bug in phototag ({type(error).__name__}: {error}); what was saved before is kept: "
        "run again with PHOTOTAG_DEBUG=1 and report what it prints"
    )
    return state.page(request, "error.html", 500, message=message)
