"""Pictures and the pages' own files; all by number or by a name on a list, never by a path."""

from __future__ import annotations

from starlette.responses import PlainTextResponse, Response

from phototag.errors import UsageError
from phototag.report.render import templates
from phototag.store import faces, photos
from phototag.web.app_state import RequestContext
from phototag.workflows.library.original import original

_ASSETS = {
    "style.css": ("assets/style.css", "text/css"),
    "icon.svg": ("assets/icon.svg", "image/svg+xml"),
    "review.css": ("review/review.css", "text/css"),
    "review.js": ("review/review.js", "text/javascript"),
}


def face(context: RequestContext) -> Response:
    """A face's small picture."""
    return _jpeg(faces.crop(context.store, context.id("face")))


def preview(context: RequestContext) -> Response:
    """A photo's small picture."""
    return _jpeg(photos.preview(context.store, context.id("photo")))


def large(context: RequestContext) -> Response:
    """The photo itself, upright, as far as a screen can show it."""
    try:
        return _jpeg(original(context.store, context.id("photo")))
    except UsageError as error:
        return PlainTextResponse(f"{error}\n", 404)


def asset(context: RequestContext) -> Response:
    """A style sheet, the script or the icon."""
    name: str = context.request.path_params["name"]
    if name not in _ASSETS:
        return PlainTextResponse("404: there is no such file\n", 404)
    path, kind = _ASSETS[name]
    return Response((templates() / path).read_bytes(), media_type=kind)


def _jpeg(data: bytes | None) -> Response:
    if data is None:
        return PlainTextResponse("404: no picture was kept\n", 404)
    return Response(data, media_type="image/jpeg")
