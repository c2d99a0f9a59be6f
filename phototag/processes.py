"""Child processes, started isolated.

A Python that is told `-c` or `-m` looks for every module in the current folder first, which may be somebody else's.
Ours start with `-I`: they see the interpreter's own modules only, until they have taken over the parent's path.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.spawn import get_executable
from typing import Any

#: The folder that this package lies in.
_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@dataclass(frozen=True, slots=True)
class Child:
    """A running process, and our end of the pipe to it."""

    process: subprocess.Popen[bytes]
    pipe: Connection

    def end(self) -> None:
        """Stop it at once."""
        self.pipe.close()
        self.process.kill()
        self.process.wait()


def start(work: Callable[..., None], *given: Any, fds: Sequence[int] = ()) -> Child:
    """A process that does `work(*given, pipe)`, and then ends; `fds`: files that it may use, by the same numbers.

    `work` is a function of a module, and with `given` goes through pickle. Ctrl-C, and what stops a whole group of
    processes, is heard by the owner alone, who ends its children. A child that can't start is one whose pipe ends.
    """
    ours, theirs = Pipe()
    command = f"import sys; sys.path[:] = {_path()!a}; from phototag.processes import _begin; _begin({theirs.fileno()})"
    flags = ["-I", "-B"] if sys.dont_write_bytecode else ["-I"]
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})  # a child inherits it
    try:
        process = subprocess.Popen(
            [os.fsdecode(get_executable()), *flags, "-c", command],
            stdin=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(), *fds),
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
    with suppress(OSError):  # it died meanwhile
        ours.send((work, given))
    return Child(process, ours)


def _path() -> list[str]:
    """Where a child looks for modules: where we do, but for what depends on the current folder."""
    path = [entry for entry in sys.path if os.path.isabs(entry)]
    return path if _ROOT in path else [*path, _ROOT]


def _begin(descriptor: int) -> None:
    pipe = Connection(descriptor)
    work, given = pipe.recv()
    work(*given, pipe)
