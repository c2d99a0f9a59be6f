"""A disk that fails, or a file system that lacks something: SQLite's own system calls, replaced by ones that fail.

Also a `sitecustomize` for whole programs: with this folder's `sitecustomize.py` on PYTHONPATH and `FAILING_CALLS` set.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import errno
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

#: Where `xSetSystemCall` and `xGetSystemCall` are in a `sqlite3_vfs` of version 3: behind three numbers, three pointers
#: and thirteen functions.
_SET, _GET = 144, 152
_kept: list[Any] = []


def available() -> bool:
    """Whether Python's SQLite is a shared library whose system calls can be replaced."""
    try:
        library = _library()
        library.sqlite3_libversion.restype = ctypes.c_char_p
        return (
            bool(library.sqlite3_libversion().decode() == sqlite3.sqlite_version)
            and ctypes.sizeof(ctypes.c_void_p) == 8
        )
    except (OSError, AttributeError):
        return False


def fail(call: str, code: int = errno.EIO, when: Callable[..., bool] = lambda *_: True) -> None:
    """Let a system call of SQLite's fail with `code`, whenever `when` says so of its arguments; others go through."""
    library = _library()
    library.sqlite3_vfs_find.restype = ctypes.c_void_p
    vfs = library.sqlite3_vfs_find(None)
    replace = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)(
        ctypes.c_size_t.from_address(vfs + _SET).value
    )
    current = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(
        ctypes.c_size_t.from_address(vfs + _GET).value
    )
    for name in (call, f"{call}64"):
        before = current(vfs, name.encode())
        if before:
            prototype = ctypes.CFUNCTYPE(ctypes.c_ssize_t, *[ctypes.c_size_t] * 6, use_errno=True)
            made = prototype(_failing(prototype(before), code, when))
            _kept.append(made)
            assert replace(vfs, name.encode(), ctypes.cast(made, ctypes.c_void_p)) == 0


def _failing(real: Callable[..., int], code: int, when: Callable[..., bool]) -> Callable[..., int]:
    def call(*arguments: int) -> int:
        if when(*arguments):
            ctypes.set_errno(code)
            return -1
        return real(*arguments)

    return call


def _library() -> Any:
    return ctypes.CDLL(ctypes.util.find_library("sqlite3") or "libsqlite3.so.0", use_errno=True)


def without_shared_memory() -> None:
    """A file system on which processes can't share memory, as on network shares."""
    fail("mmap", errno.ENODEV)


def works(folder: Path) -> bool:
    """Whether a database with a write-ahead log works in a folder."""
    with closing(sqlite3.connect(folder / "works.db")) as connection:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("CREATE TABLE one (x)")
        except sqlite3.OperationalError:
            return False
    return True


if os.environ.get("FAILING_CALLS") == "mmap":
    without_shared_memory()
