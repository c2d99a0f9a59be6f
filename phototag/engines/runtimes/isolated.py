"""Looks at files that nobody vouches for in a process of its own, which they may hang or kill."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from phototag import processes
from phototag.engines.runtimes.quiet import quiet
from phototag.errors import WeightsError

PATIENCE = 60.0  #: seconds that one answer may take


@contextmanager
def apart(serve: Callable[..., None], *given: Any) -> Iterator[Connection]:
    """The pipe of a process that does `serve(*given, pipe)`; it is stopped in the end."""
    child = processes.start(_begin, serve, *given)
    try:
        yield child.pipe
    finally:
        child.end()


def answer(connection: Connection, where: str, library: str, patience: float | None = None) -> Any:
    """What the process sends next; an error of ours is raised. Raises WeightsError where the library hangs or dies.

    `patience`: in seconds, `PATIENCE` unless given; infinite for what takes as long as it takes.
    """
    patience = PATIENCE if patience is None else patience
    if not connection.poll(None if math.isinf(patience) else patience):
        raise WeightsError(f"{where} keeps {library} busy without end: take a sound copy")
    try:
        sent = connection.recv()
    except EOFError:
        raise WeightsError(f"{where} makes {library} fall over: take a sound copy") from None
    if isinstance(sent, Exception):
        raise sent
    return sent


def tried(check: Callable[..., None], *given: Any, where: str, library: str, patience: float | None = None) -> None:
    """Do `check(*given)` in a process of its own. Raises what it raises, or WeightsError as `answer` does."""
    with apart(_try, check, *given) as connection:
        answer(connection, where, library, patience)


def _begin(serve: Callable[..., None], *given: Any) -> None:
    with quiet():  # what a library says as it dies
        serve(*given)


def _try(check: Callable[..., None], *given: Any) -> None:
    *arguments, connection = given
    try:
        check(*arguments)
        connection.send(None)
    except Exception as error:
        connection.send(error)
