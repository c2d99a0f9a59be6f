"""Keeps the chatter of native libraries off the terminal."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_inside = 0  #: threads and calls that want quiet just now
_kept = -1  #: meanwhile: what file descriptor 2 was before the first of them


@contextmanager
def quiet() -> Iterator[None]:
    """Discards what is written to file descriptor 2 meanwhile, by any thread; exceptions pass as ever.

    TensorFlow and LiteRT greet from C++, before any logging setting of theirs is read. The descriptor is the
    whole process's: of several at once the first redirects it and the last restores it.
    """
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _inside, _kept
    with _lock:
        if not _inside:
            sys.stderr.flush()
            _kept = os.dup(2)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 2)
            os.close(nowhere)
        _inside += 1


def _leave() -> None:
    global _inside
    with _lock:
        _inside -= 1
        if not _inside:
            os.dup2(_kept, 2)
            os.close(_kept)
