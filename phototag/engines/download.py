"""Fetches one file over https: the only place where phototag talks to a network, and only when told to."""

from __future__ import annotations

import ipaddress
import re
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from phototag import atomic
from phototag.errors import WeightsError
from phototag.progress import Progress

TIMEOUT = 30.0  #: seconds without an answer
BLOCK = 1 << 16


def download(url: str, path: Path, size: int, progress: Progress) -> None:
    """Fetch `url` to `path`, exactly `size` bytes; goes on from what `path` holds if the server can do that.

    Only https, or http to this very machine; so are redirects. Raises WeightsError, after which `path`
    keeps what has come, DiskFullError where it has no room, OSError where it can't be opened. Progress is told
    in kilobytes.
    """
    _require_safe(url)
    progress.start(f"fetching {urlsplit(url).path.rpartition('/')[2]} (kB)", size // 1000)
    try:
        _fetch(url, path, size, progress)
    except HTTPError as error:
        raise WeightsError(f"{url} can't be fetched: the server says {error.code} {error.reason}") from error
    except OSError as error:
        if atomic.is_disk_full(error):
            needed = f"free {size // 1000:,} kB and run the same command again"
            raise atomic.disk_full(path.parent, "what was fetched is kept", needed) from error
        if str(error.filename) == str(path):
            raise
        raise _broken_off(url, str(getattr(error, "reason", error))) from error
    except HTTPException as error:
        raise _broken_off(url, str(error) or type(error).__name__) from error
    finally:
        progress.finish()


def _fetch(url: str, path: Path, size: int, progress: Progress) -> None:
    here = path.stat().st_size if path.exists() else 0
    if here >= size:
        if here == size:
            return
        here = 0
    headers = {"User-Agent": "phototag", "Accept-Encoding": "identity"}
    if here:
        headers["Range"] = f"bytes={here}-"
    with build_opener(_Redirects()).open(Request(url, headers=headers), timeout=TIMEOUT) as answer:
        if here and not _goes_on(answer, here):
            here = 0
        progress.advance(here // 1000)
        with path.open("ab" if here else "wb") as file:
            while block := answer.read(min(BLOCK, size + 1 - here)):
                file.write(block)
                progress.advance((here + len(block)) // 1000 - here // 1000)
                here += len(block)
                if here > size:
                    break
    if here > size:
        path.unlink()
        raise WeightsError(f"{url} is longer than the {size:,} bytes that it should have; it was thrown away")
    if here < size:
        raise _broken_off(url, f"{here:,} of {size:,} bytes came")


def _goes_on(answer: HTTPResponse, here: int) -> bool:
    """Whether the server sends the rest, and not the whole again."""
    span = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    return answer.status == 206 and span is not None and int(span[1]) == here


def _broken_off(url: str, reason: str) -> WeightsError:
    return WeightsError(
        f"{url} can't be fetched ({reason}): check the network and run the same command again, which goes on from there"
    )


def _require_safe(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or "")):
        return
    raise WeightsError(f"{url} is not fetched: only https is trusted")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Redirects(HTTPRedirectHandler):
    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        _require_safe(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
