"""Files that are written whole or not at all, and one message for a full disk."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from phototag.display import path_text
from phototag.errors import DiskFullError

_FULL = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A new file (mode 0600) to write into, which takes the place of `path` when the block ends without an error.

    It lies beside `path` and is on the disk before it is renamed; after an error `path` is as it was and nothing else
    is left. A link at `path` is replaced, not followed. Raises OSError.
    """
    handle, temporary = tempfile.mkstemp(prefix=".phototag-", dir=path.parent)
    try:
        with open(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(handle)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def write_bytes(path: Path, data: bytes) -> None:
    """Replace the file at `path` as `replacing` does. Raises OSError."""
    with replacing(path) as file:
        file.write(data)


def is_disk_full(error: OSError) -> bool:
    """Whether the volume, or the user's share of it, has no space left."""
    return error.errno in _FULL


def disk_full(folder: Path, kept: str, remedy: str = "free space and run the same command again") -> DiskFullError:
    """The error for a disk that is full: the folder, its free bytes, what is `kept`, what to do.

    The nearest folder that exists is named.
    """
    there = next((place for place in (folder, *folder.parents) if place.is_dir()), Path("/"))
    free = shutil.disk_usage(there).free
    return DiskFullError(f"disk full on {path_text(os.fsencode(there))} ({free:,} B free): {kept}; {remedy}")
