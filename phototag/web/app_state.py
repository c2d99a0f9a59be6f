"""The state: what one run of the server has, and what a page is given to work with."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from phototag.config import load
from phototag.errors import PhototagError, UsageError
from phototag.report.render import environment
from phototag.store import decisions
from phototag.store.connect import Store
from phototag.types import Person
from phototag.web import hints
from phototag.web.guard import Form, Keys, form_of
from phototag.web.shared_interview import Interview
from phototag.web.store_pool import StorePool
from phototag.workflows.recognition.background import Tagger

Tone = Literal["done", "error"]
#: FlashMessages that are remembered, for pages that are loaded again.
_SAID = 100
#: Seconds that tagging gets to end.
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class FlashMessage:
    """What came of an answer."""

    text: str
    tone: Tone


class FlashMessages:
    """What was said lately, by number: an address holds the number, never the words."""

    def __init__(self) -> None:
        self._said: dict[int, FlashMessage] = {}
        self._next = 1
        self._lock = threading.Lock()

    def keep(self, text: str, tone: Tone = "done") -> int:
        with self._lock:
            number, self._next = self._next, self._next + 1
            self._said[number] = FlashMessage(text, tone)
            self._said.pop(number - _SAID, None)
        return number

    def get(self, number: str) -> FlashMessage | None:
        return self._said.get(int(number)) if number.isascii() and number.isdigit() and len(number) < 19 else None


class AppState:
    """All that outlives a request. Raises PhototagError for a database that can't be reviewed."""

    def __init__(self, db: Path, keys: Keys) -> None:
        self.keys = keys
        self.settings = load(db=db)
        self.stores = StorePool(db)
        self.tagger = Tagger(db)
        try:
            self.interview = Interview(db, self.tagger)
        except BaseException:
            self.tagger.stop(_PATIENCE)
            self.stores.close()
            raise
        self.messages = FlashMessages()
        self.templates = environment()

    def page(self, request: Request, template: str, status: int = 200, **values: object) -> Response:
        """A page, with what all pages show."""
        path, query = request.url.path, request.url.query
        text = self.templates.get_template(f"review/{template}").render(
            {
                "here": path,
                "url": f"{path}?{query}" if query else path,
                "seen": "",
                "token": self.keys.form,
                "flash": self.messages.get(request.query_params.get("said", "")),
                "busy": self.tagger.busy,
                "trouble": hints.sentence(trouble) if (trouble := self.tagger.error) else "",
                **values,
            }
        )
        return HTMLResponse(text, status)

    def close(self) -> None:
        """Answers are saved already; what is still being tried is waited for a little."""
        self.tagger.stop(_PATIENCE)
        self.interview.close()
        self.stores.close()


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One request at the state, with a database for itself."""

    state: AppState
    store: Store
    request: Request

    @property
    def form(self) -> Form:
        return form_of(self.request)

    def query(self, name: str, default: str = "") -> str:
        return self.request.query_params.get(name, default)

    def id(self, name: str) -> int:
        """The number in the page's address."""
        number: int = self.request.path_params[name]
        if number >= 1 << 63:
            raise UsageError("there is no such page")
        return number

    def page(self, template: str, **values: object) -> Response:
        """A page, with what all pages show."""
        return self.state.page(self.request, template, 200, seen=decisions.latest(self.store), **values)

    @contextmanager
    def answering(self, *who: Person) -> Iterator[None]:
        """One write transaction for what is said of these people as a whole.

        Raises UsageError if somebody else said something of them since the page with the form was made.
        """
        with self.store.write():
            known, about = self.form.text("seen"), {person.id for person in who}
            if known and decisions.people_changed_since(self.store, self.form.number("seen"), about):
                raise UsageError(
                    "somebody else said something of the same meanwhile, in another window or program; nothing was "
                    "changed: look again"
                )
            yield

    def back(self, text: str, to: str | None = None) -> Response:
        """After an answer: the page where it was given (or `to`), with a sentence of what came of it."""
        return self._redirect(to or self._where(), text, "done")

    def refused(self, error: PhototagError) -> Response:
        """After an answer that can't be: its page again, with the reason."""
        return self._redirect(self._where(), hints.sentence(error), "error")

    def _where(self) -> str:
        """Where the form stood: one of our own pages, whatever it says."""
        path, _, query = self.form.text("back").partition("?")
        kept = [part for part in query.split("&") if part and not part.startswith("said=")]
        local = "/" + path.lstrip("/\\")
        address = quote(local, safe="/%-._~", errors="surrogateescape")
        asked = quote("&".join(kept), safe="&=%-._~+", errors="surrogateescape")
        return f"{address}?{asked}" if kept else address

    def _redirect(self, to: str, text: str, tone: Tone) -> Response:
        said = urlencode({"said": self.state.messages.keep(text, tone)})
        return RedirectResponse(f"{to}{'&' if '?' in to else '?'}{said}", 303)
