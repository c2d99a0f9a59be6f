"""Pictures of faces and photos, by their number in the database."""

from __future__ import annotations

from starlette.responses import PlainTextResponse, Response

from phototag.errors import UsageError
from phototag.store import faces, photos
from phototag.web.request_context import RequestContext
from phototag.workflows.library.original import original


def face(context: RequestContext) -> Response:
    """The crop of a face."""
    return _jpeg(faces.crop(context.store, context.id("face")))


def preview(context: RequestContext) -> Response:
    """The preview of a photo."""
    return _jpeg(photos.preview(context.store, context.id("photo")))


def large(context: RequestContext) -> Response:
    """The photo itself, upright, no larger than a screen needs."""
    try:
        return _jpeg(original(context.store, context.id("photo")))
    except UsageError as error:
        return PlainTextResponse(f"{error}\n", 404)


def _jpeg(data: bytes | None) -> Response:
    if data is None:
        return PlainTextResponse("404: no picture was kept\n", 404)
    return Response(data, media_type="image/jpeg")
