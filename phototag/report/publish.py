"""A report replaces the one before it all at once, or not at all.

It is written into a hidden folder beside its final place, then swapped in by two renames. A marker
file tells our folders from anybody else's, and its lock tells a run that lives from one that was killed.
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
    """Writes the album's report to the folder `out`, whose parents are made; returns its `index.html`.

    UsageError where `out` is something else than a report of ours or an empty folder, or may not be
    written; DiskFullError where there's no room. After any failure the report that was there is there.
    """
    return publish(out, lambda folder, final: write_album(album, folder, final, progress))


def publish(out: Path, write: Callable[[Path, Path], None]) -> Path:
    """Has a report written into a new folder, which then takes the place of `out`; returns its first page.

    `write` is given that folder and where it will lie in the end. Raises as `publish_album`.
    """
    out = out.resolve()
    try:
        with _replacing(out) as folder:
            write(folder, out)
    except OSError as error:
        if atomic.is_disk_full(error):
            kept = f"the report at {out} is as it was" if out.exists() else f"nothing was written to {out}"
            raise atomic.disk_full(out.parent, kept) from error
        if error.errno in _DENIED:
            raise UsageError(f"cannot write a report to {out}: {error.strerror}; name another folder") from error
        raise
    return out / layout.HOME


@contextmanager
def _replacing(out: Path) -> Iterator[Path]:
    """A new folder (mode 0700) that takes the place of `out` when the block ends well, else vanishes."""
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
        raise UsageError(f"{out} is a file; name a folder for the report")
    if any(out.iterdir()):
        raise UsageError(f"{out} holds something else than pages of phototag: name an empty or a new folder")


def _sweep(*folders: Path) -> None:
    """Removes what killed runs left: those of `folders` with our marker whose lock nobody holds."""
    for folder in folders:
        if not folder.is_symlink() and _abandoned(folder / MARKER):
            _remove(folder)


def _remove(folder: Path) -> None:
    """Deletes a folder of ours, its marker last, so that what a kill leaves is still known for ours."""
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
