"""Child processes in Python's isolated mode.

With `-c` or `-m` Python looks for modules in the current folder first, which may be a stranger's. Ours start with `-I`:
they find only the interpreter's own modules, until they have taken over the parent's path.
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
    """A child process, and our end of the pipe to it."""

    process: subprocess.Popen[bytes]
    pipe: Connection

    def end(self) -> None:
        """Kill it."""
        self.pipe.close()
        self.process.kill()
        self.process.wait()


def start(work: Callable[..., None], *given: Any, fds: Sequence[int] = ()) -> Child:
    """Start a process that calls `work(*given, pipe)` and ends. `fds`: file descriptors that it inherits.

    `work` must be a module's function; it and `given` are pickled. The child blocks SIGINT and SIGTERM: its owner ends
    it. If it can't start, reading from its pipe raises EOFError.
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
    """The module search path of a child: ours, without entries that depend on the current folder."""
    path = [entry for entry in sys.path if os.path.isabs(entry)]
    return path if _ROOT in path else [*path, _ROOT]


def _begin(descriptor: int) -> None:
    pipe = Connection(descriptor)
    work, given = pipe.recv()
    work(*given, pipe)
