"""The context of one request: server state, form and address, and a database connection of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from phototag.errors import UsageError
from phototag.store import decisions
from phototag.store.connect import Store
from phototag.types import Person
from phototag.web.app_state import AppState
from phototag.web.flash import Tone
from phototag.web.guard import Form, form_of
from phototag.web.numbers import parse_number

#: An upper bound on page numbers.
_MAX_PAGE = 10**9


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One request, the server's state, and a store that no other request uses at the same time."""

    state: AppState
    store: Store
    request: Request

    @property
    def form(self) -> Form:
        return form_of(self.request)

    def query(self, name: str, default: str = "") -> str:
        """A value from the address, behind its `?`."""
        return self.request.query_params.get(name, default)

    def query_number(self, name: str) -> int | None:
        """A number from the address, behind its `?`; None for anything else."""
        return parse_number(self.query(name))

    @property
    def page_number(self) -> int:
        """The requested page of a list, 1 by default."""
        return min(self.query_number("page") or 1, _MAX_PAGE)

    def id(self, name: str) -> int:
        """A number from the address's path. Raises UsageError for one that SQLite can't hold."""
        number: int = self.request.path_params[name]
        if number >= 1 << 63:
            raise UsageError("there is no such page")
        return number

    def page(self, template: str, **values: object) -> Response:
        """Render a page that shows the present state of the database."""
        return self.state.page(self.request, template, 200, seen=decisions.latest(self.store), **values)

    @contextmanager
    def answering(self, *who: Person) -> Iterator[None]:
        """A write transaction for an answer about these people.

        Raises UsageError if another window or program changed one of them after the form's page was rendered.
        """
        with self.store.write():
            known, about = self.form.text("seen"), {person.id for person in who}
            if known and decisions.people_changed_since(self.store, self.form.number("seen"), about):
                raise UsageError(
                    "this person was changed in the meantime, in another window or program: nothing was changed here; "
                    "look again"
                )
            yield

    def back(self, text: str, to: str | None = None) -> Response:
        """Redirect, after an answer, to `to` or to the form's page, and show `text` there."""
        return redirect(self.state, to or form_page(self.form), text, "done")


def redirect(state: AppState, to: str, text: str, tone: Tone) -> Response:
    """A redirect (303) to one of our own pages, which shows `text`."""
    return RedirectResponse(f"{to}{'&' if '?' in to else '?'}said={state.messages.keep(text, tone)}", 303)


def form_page(form: Form) -> str:
    """The address of the form's page: always one of our own, whatever the form's field `back` says."""
    path, _, query = form.text("back").partition("?")
    kept = [part for part in query.split("&") if part and not part.startswith("said=")]
    local = "/" + path.lstrip("/\\")
    address = quote(local, safe="/%-._~", errors="surrogateescape")
    asked = quote("&".join(kept), safe="&=%-._~+", errors="surrogateescape")
    return f"{address}?{asked}" if kept else address
