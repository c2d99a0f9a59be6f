"""Replace a folder of pages all at once, or not at all.

The new folder is written beside its final place under a hidden name, then swapped in by two renames. A marker file in
it shows that phototag wrote it, and a lock on that file that the run which writes it is still alive.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from phototag import atomic
from phototag.errors import UsageError
from phototag.progress import Progress
from phototag.report import layout
from phototag.report.album import Album
from phototag.report.write_album import write_album

MARKER = ".phototag-report"
_NEW = ".phototag-new-"
_OLD = ".phototag-old-"
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}


def publish_album(album: Album, out: Path, progress: Progress) -> Path:
    """Write the album to the folder `out` (its parents are made); returns its `index.html`.

    After any failure the album that was there before is still there. Raises UsageError if `out` is neither an empty
    folder nor one that phototag wrote, or can't be written; DiskFullError.
    """
    return publish(out, lambda folder, final: write_album(album, folder, final, progress))


def publish(out: Path, write: Callable[[Path, Path], None]) -> Path:
    """Let `write` fill a new folder, which then replaces `out`; returns its first page.

    `write(folder, final)` gets the new folder and where it will be in the end. Raises as `publish_album`.
    """
    out = out.resolve()
    try:
        with _replacing(out) as folder:
            write(folder, out)
    except OSError as error:
        if atomic.is_disk_full(error):
            kept = f"the album at {out} is as it was" if out.exists() else f"nothing was written to {out}"
            raise atomic.disk_full(out.parent, kept) from error
        if error.errno in _DENIED:
            raise UsageError(f"cannot write pages to {out}: {error.strerror}; name another folder") from error
        raise
    return out / layout.HOME


@contextmanager
def _replacing(out: Path) -> Iterator[Path]:
    """A new folder (mode 0700) that replaces `out` at the end of the block; if the block raises, it is deleted."""
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = out.parent / f"{_OLD}{hashlib.sha256(os.fsencode(out.name)).hexdigest()[:12]}"
    if aside.exists() and not out.exists():  # killed between the two renames
        aside.rename(out)
    _refuse_foreign(out)
    _sweep(*out.parent.glob(f"{_NEW}*"), aside)
    folder = Path(tempfile.mkdtemp(prefix=_NEW, dir=out.parent))
    try:
        with (folder / MARKER).open("w") as marker:
            fcntl.flock(marker, fcntl.LOCK_EX)
            marker.write("This folder is written by phototag, which replaces all of it.\n")
            marker.flush()
            yield folder
            _swap(folder, out, aside)
    except BaseException:
        _remove(folder)
        raise
    _remove(aside)


def _swap(folder: Path, out: Path, aside: Path) -> None:
    had_old = out.exists()
    if had_old:
        out.rename(aside)
    try:
        folder.rename(out)
    except BaseException:
        if had_old:
            aside.rename(out)
        raise


def _refuse_foreign(out: Path) -> None:
    if not out.exists() or (out / MARKER).is_file():
        return
    if not out.is_dir():
        raise UsageError(f"{out} is a file; name a folder for the pages")
    if any(out.iterdir()):
        raise UsageError(f"{out} holds something else than pages of phototag: name an empty or a new folder")


def _sweep(*folders: Path) -> None:
    """Delete what killed runs left: those of `folders` with our marker that no run has locked."""
    for folder in folders:
        if not folder.is_symlink() and _abandoned(folder / MARKER):
            _remove(folder)


def _remove(folder: Path) -> None:
    """Delete a folder of ours, its marker last: if this is killed, the rest can still be recognised as ours."""
    for entry in list(os.scandir(folder)) if folder.is_dir() else ():
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, ignore_errors=True)
        elif entry.name != MARKER:
            Path(entry.path).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def _abandoned(marker: Path) -> bool:
    try:
        with marker.open("r+") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
