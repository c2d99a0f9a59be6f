"""Access control: every request is checked here before a page is rendered or an answer saved.

Any web page that is open in the same browser can send requests to this machine. But it can't read the key in the
address, the cookie that the key is exchanged for, or the token in our forms. It can't choose the `Origin` that its
browser sends. And if it makes its own host name point to this machine (DNS rebinding), `Host` is that name.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from phototag.errors import UsageError
from phototag.web.numbers import parse_number

#: Bytes of one form, at most: room for a hundred thousand picked faces.
_MAX_BYTES = 4 << 20
_MAX_FIELDS = 200_000
_FORM = "phototag.form"
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    # `no-referrer` would make the `Origin` of our forms `null`; this tells other sites just as little.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_BOUNCE = '<!doctype html><meta http-equiv="refresh" content="0;url=/"><title>phototag review</title>'
_NO_KEY = "403: only whoever started `phototag review` can see this page: open the address that it printed\n"


def _secret() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True)
class Keys:
    """The secrets of one server: in the printed address, in the cookie that it is exchanged for, and in every form.

    `once`: in the address that the browser is opened with. Other users of the machine can see that, so it works once.
    """

    address: str = field(default_factory=_secret)
    once: str = field(default_factory=_secret)
    cookie: str = field(default_factory=_secret)
    form: str = field(default_factory=_secret)


class Form:
    """The fields of a form; a field may have several values."""

    def __init__(self, values: Mapping[str, list[str]]) -> None:
        self._values = values

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """All (name, value) pairs."""
        return ((name, value) for name, values in self._values.items() for value in values)

    def get(self, name: str) -> str | None:
        """The last value of a field, None if absent."""
        values = self._values.get(name)
        return values[-1] if values else None

    def text(self, name: str) -> str:
        """The last value of a field, empty if absent."""
        return self.get(name) or ""

    def number(self, name: str) -> int:
        """The last value of a field as a whole number. Raises UsageError for anything else."""
        return _number(self.text(name))

    def numbers(self, name: str) -> list[int]:
        """All whole numbers of a field, without repetition. Raises UsageError for anything else."""
        return list(dict.fromkeys(_number(word) for text in self._values.get(name, []) for word in text.split()))


def _number(text: str) -> int:
    number = parse_number(text)
    if number is None:
        raise incomplete()
    return number


def incomplete() -> UsageError:
    """The error for a form that can't come from our own pages."""
    return UsageError("that answer was incomplete: nothing was changed; load the page again")


def form_of(request: Request) -> Form:
    """The form of a request that passed the guard."""
    form: Form = request.scope[_FORM]
    return form


class Guard:
    """Middleware that passes a request on if it has the cookie, is for our address, and (POST) comes from our pages."""

    def __init__(self, app: ASGIApp, keys: Keys, port: int, host: str = "127.0.0.1") -> None:
        self.app, self.keys, self.port, self.host = app, keys, port, host
        self.cookie = f"phototag-{port}"  # cookies are shared between ports
        self._good = {keys.address, keys.once}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        if scope["type"] != "http":
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        request = Request(scope, receive)
        answer = self._refusal(request)
        if answer is None and request.method == "POST":
            answer = await self._read(request)
        await (answer or self.app)(scope, receive, with_headers)

    def _refusal(self, request: Request) -> Response | None:
        """A refusal, or the redirect that exchanges the key for the cookie; None if the request may pass."""
        if not self._is_ours(request.headers.get("host", "")):
            return PlainTextResponse("403: this is not the address of this page\n", 403)
        key = request.query_params.get("key")
        if key is not None and request.method == "GET" and request.url.path == "/":
            if not any(_equal(key, good) for good in self._good):
                return PlainTextResponse(_NO_KEY, 403)
            self._good.discard(self.keys.once if _equal(key, self.keys.once) else "")
            # A browser that followed a link from another site would not send the new cookie with a redirect.
            elsewhere = request.headers.get("sec-fetch-site", "none") in ("cross-site", "same-site")
            welcome = HTMLResponse(_BOUNCE) if elsewhere else RedirectResponse("/", 303)
            welcome.set_cookie(self.cookie, self.keys.cookie, httponly=True, samesite="strict", path="/")
            return welcome
        if not _equal(request.cookies.get(self.cookie, ""), self.keys.cookie):
            return PlainTextResponse(_NO_KEY, 403)
        return None

    def _is_ours(self, host: str) -> bool:
        """Whether a `Host` is ours. With `--host` any IP address is: DNS rebinding needs a name."""
        name, _, port = host.rpartition(":")
        if port != str(self.port):
            return False
        if name in ("127.0.0.1", "localhost", self.host):
            return True
        return self.host != "127.0.0.1" and _is_ip_address(name)

    async def _read(self, request: Request) -> Response | None:
        """Read the form into the request's scope; returns a refusal if it isn't from one of our pages."""
        if request.headers.get("origin") != f"http://{request.headers['host']}":
            return PlainTextResponse("403: only the pages of `phototag review` can send answers\n", 403)
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > _MAX_BYTES:
                    return PlainTextResponse("413: the answer is too long\n", 413)
            values = parse_qs(
                body.decode("ascii", "surrogateescape"),  # a name that isn't text is refused where it is read
                keep_blank_values=True,
                errors="surrogateescape",
                max_num_fields=_MAX_FIELDS,
            )
        except ClientDisconnect:
            return Response(status_code=400)
        except ValueError:
            return PlainTextResponse("413: the answer is too long\n", 413)
        if not _equal(Form(values).text("token"), self.keys.form):
            return PlainTextResponse("403: this page is from an earlier `phototag review`: load it again\n", 403)
        request.scope[_FORM] = Form(values)
        return None


def _equal(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode("utf-8", "replace"), other.encode())


def _is_ip_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
