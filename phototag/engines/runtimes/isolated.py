"""Opens files that nobody vouches for in a process of its own, which they may hang or kill."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from phototag import processes
from phototag.engines.runtimes.quiet import quiet
from phototag.errors import WeightsError

TIMEOUT = 60.0  #: seconds to wait for one message


@contextmanager
def isolated_process(serve: Callable[..., None], *arguments: Any) -> Iterator[Connection]:
    """Starts a process that calls `serve(*arguments, pipe)`; yields our end of the pipe, and kills it at the end."""
    child = processes.start(_begin, serve, *arguments)
    try:
        yield child.pipe
    finally:
        child.end()


def receive(connection: Connection, where: str, library: str, timeout: float | None = None) -> Any:
    """The next message of an isolated process. An exception that it sent is raised.

    `where`, `library`: the file, and what reads it, for messages. `timeout`: seconds (`TIMEOUT` if None; infinity is
    allowed). Raises WeightsError if the process sends nothing in time, or dies.
    """
    timeout = TIMEOUT if timeout is None else timeout
    if not connection.poll(None if math.isinf(timeout) else timeout):
        raise WeightsError(f"{where} keeps {library} busy without end: take a sound copy")
    try:
        message = connection.recv()
    except EOFError:
        raise WeightsError(f"{where} makes {library} fall over: take a sound copy") from None
    if isinstance(message, Exception):
        raise message
    return message


def run_isolated(
    check: Callable[..., None], *arguments: Any, where: str, library: str, timeout: float | None = None
) -> None:
    """Call `check(*arguments)` in an isolated process. Raises what it raises, or WeightsError as `receive` does."""
    with isolated_process(_report, check, *arguments) as connection:
        receive(connection, where, library, timeout)


def _begin(serve: Callable[..., None], *arguments: Any) -> None:
    with quiet():  # what a library says as it dies
        serve(*arguments)


def _report(check: Callable[..., None], *given: Any) -> None:
    """Sends None once `check` has returned, or the exception that it raised."""
    *arguments, connection = given
    try:
        check(*arguments)
        connection.send(None)
    except Exception as error:
        connection.send(error)
