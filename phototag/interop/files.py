"""Files that come and go: read up to a bound, written all at once or not at all, for the owner's eyes only."""

from __future__ import annotations

import os
from pathlib import Path

from phototag import atomic
from phototag.display import path_text
from phototag.errors import UsageError


def read(path: Path, most: int) -> bytes:
    """The file's bytes, of a larger one `most` + 1 of them. Raises UsageError."""
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        raise UsageError(f"{_text(path)} can't be read: {error.strerror}") from error


def write(path: Path, data: bytes, head: bytes) -> None:
    """Put a file (mode 0600) in its place once it is on the disk.

    Raises UsageError where that can't be, or where something else is, which doesn't begin with `head` as all such files
    do; DiskFullError. What was there is there then.
    """
    path = Path(os.path.realpath(path))
    try:
        if path.exists():
            _refuse_foreign(path, head)
        atomic.write_bytes(path, data)
    except OSError as error:
        if atomic.is_disk_full(error):
            raise atomic.disk_full(path.parent, f"{_text(path)} is as it was") from error
        raise UsageError(f"{_text(path)} can't be written ({error.strerror}): name another file") from error


def _refuse_foreign(path: Path, head: bytes) -> None:
    if path.is_file():
        with path.open("rb") as file:
            start = file.read(len(head))
        if not start or start == head:
            return
    raise UsageError(f"{_text(path)} is something else than a file that phototag wrote: name another file")


def _text(path: Path) -> str:
    return path_text(os.fsencode(path))
