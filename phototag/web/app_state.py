"""What all requests to one review server share."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from phototag.analysis.engine_provider import INSTALLED, EngineProvider
from phototag.config import load
from phototag.web import hints
from phototag.web.flash import FlashMessages
from phototag.web.guard import Keys
from phototag.web.numbers import parse_number
from phototag.web.shared_interview import SharedInterview
from phototag.web.store_pool import StorePool
from phototag.web.templates import review_environment
from phototag.workflows.recognition.background import Tagger

#: Seconds to wait for background tagging when the server stops.
_TAGGER_TIMEOUT = 10.0


class AppState:
    """The keys, the interview, the tagger, the database connections and the templates of one server.

    Raises PhototagError if the database can't be opened or has nothing to review.
    """

    def __init__(self, db: Path, keys: Keys, engines: EngineProvider = INSTALLED) -> None:
        self.keys = keys
        self.engines = engines
        self.settings = load(db=db)
        self.stores = StorePool(db)
        self.tagger = Tagger(db)
        try:
            self.interview = SharedInterview(db, self.tagger)
        except BaseException:
            self.tagger.stop(_TAGGER_TIMEOUT)
            self.stores.close()
            raise
        self.messages = FlashMessages()
        self.templates = review_environment()

    def page(self, request: Request, template: str, status: int = 200, **values: object) -> Response:
        """Render a page with `values` and those that every page has."""
        path, query = request.url.path, request.url.query
        text = self.templates.get_template(f"review/{template}").render(
            {
                "here": path,
                "url": f"{path}?{query}" if query else path,
                "seen": "",
                "token": self.keys.form,
                "flash": self.messages.get(parse_number(request.query_params.get("said", ""))),
                "busy": self.tagger.busy,
                "trouble": hints.sentence(trouble) if (trouble := self.tagger.error) else "",
                **values,
            }
        )
        return HTMLResponse(text, status)

    def close(self) -> None:
        """Wait a little for the tagger, then close the database. All answers are saved already."""
        self.tagger.stop(_TAGGER_TIMEOUT)
        self.interview.close()
        self.stores.close()
