"""The review server. By default it listens on this machine only; it runs until Ctrl-C."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn

from phototag.errors import UsageError
from phototag.web.app import application
from phototag.web.app_state import AppState
from phototag.web.guard import Keys

#: Seconds that open requests get to finish when the server stops.
_SHUTDOWN_TIMEOUT = 5


def serve(db: Path, host: str, port: int, ready: Callable[[str, str], None]) -> None:
    """Serve the review pages of a database until Ctrl-C.

    `port`: 0 takes a free one. `ready(address, address_once)` is called as soon as browsers can connect; the second
    address works once. Raises UsageError for an address that can't be listened on, TooLittleDataError if nothing was
    indexed, KeyboardInterrupt at Ctrl-C, after everything is closed.
    """
    keys = Keys()
    with listening_socket(host, port) as listening:
        port = listening.getsockname()[1]
        state = AppState(db, keys)
        try:
            config = uvicorn.Config(
                application(state, port, host),
                lifespan="off",
                ws="none",
                log_level="critical",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=_SHUTDOWN_TIMEOUT,
            )
            page = f"http://{_browsable(host)}:{port}/?key="
            ready(page + keys.address, page + keys.once)
            uvicorn.Server(config).run(sockets=[listening])
        finally:
            state.close()


def listening_socket(host: str, port: int) -> socket.socket:
    """A listening socket, so that browsers can connect before the server is ready. Raises UsageError."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((host, port))
            listening.listen(128)
        except BaseException:
            listening.close()
            raise
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(f"{host}:{port} can't be listened on ({why}): choose another --port or --host") from error
    return listening


def _browsable(host: str) -> str:
    """The host as a browser on this machine can open it."""
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1" if host == "0.0.0.0" else "[::1]"
    return f"[{host}]" if ":" in host else host
