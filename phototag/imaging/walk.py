"""Which files of a library could be photos: found by name and kind, never opened."""

from __future__ import annotations

import logging
import os
import stat
from collections import deque
from collections.abc import Callable, Iterator

from phototag.types import PhotoFile, Problem

_log = logging.getLogger(__name__)

#: A folder holding one of these asks media programs to keep out (Android's and Picasa-like customs).
KEEP_OUT = frozenset({b".nomedia", b".noimage"})

#: Folders of NAS boxes and systems, in lower case: thumbnails, bins and snapshots rather than photos.
SYSTEM_FOLDERS = frozenset(
    {
        b"@eadir",
        b"@recycle",
        b"@recently-snapshot",
        b"#recycle",
        b"#snapshot",
        b"$recycle.bin",
        b"__macosx",
        b"ipod photo cache",
        b"lost+found",
        b"network trash folder",
        b"system volume information",
        b"temporary items",
    }
)

#: Suffixes, in lower case, of files that certainly are no photos: films, sound, sidecars, documents, archives.
NO_PHOTO = frozenset(
    b".3g2 .3gp .avi .flv .m2ts .m4v .mkv .mod .mov .mp4 .mpeg .mpg .mts .ogv .vob .webm .wmv "
    b".aac .aif .aiff .flac .m4a .mid .mp3 .ogg .opus .wav .wma "
    b".aae .dop .ini .json .lrv .on1 .pp3 .thm .xmp .xml .yaml .yml "
    b".csv .doc .docx .htm .html .log .md .odp .ods .odt .pdf .ppt .pptx .rtf .txt .xls .xlsx "
    b".ai .eps .ps .svg .svgz "
    b".7z .bz2 .dmg .gz .iso .rar .tar .tgz .xz .zip .zst "
    b".bak .css .db .db-shm .db-wal .dll .exe .ipynb .js .lnk .part .py .pyc .sh .sqlite .sqlite3 "
    b".tmp .toml .torrent .url".split()
)


def walk(root: bytes, *, follow: bool = False, on_problem: Callable[[Problem], None]) -> Iterator[PhotoFile]:
    """The files under `root` that could be photos, with paths relative to it, in order of their bytes.

    Left out: hidden files and folders, folders that hold `.nomedia` or `.noimage`, system folders (none
    of this is asked of `root` itself, which was named on purpose), suffixes in `NO_PHOTO`, and all that
    is no regular file. Symbolic links are passed over unless `follow`; then they come after everything
    else, each folder is entered once and each linked file given once, known by (device, inode).

    Never raises for what it meets: a folder that can't be read is told to `on_problem` with stage
    `walk` and code `denied`, `vanished` or `unreadable`. What lies under it was not seen, so nothing
    may be concluded from its absence here.
    """
    folders: set[tuple[int, int]] = set()
    files: set[tuple[int, int]] = set()
    links: deque[bytes] = deque()
    stack: list[tuple[bytes, os.stat_result | None]] = [(b"", None)]  # None: a folder
    while stack or links:
        if not stack:
            stack += _followed(root, links.popleft(), files)
            continue
        path, found = stack.pop()
        if found is not None:
            if follow:
                files.add((found.st_dev, found.st_ino))
            yield PhotoFile(path, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
            continue
        try:
            if follow and _seen(os.path.join(root, path), folders):
                continue
            entries, linked = _scan(root, path)
        except OSError as error:
            on_problem(_problem(path, error))
            continue
        stack += entries
        if follow:
            links += linked
            continue
        for link in linked:
            _log_skipped(link, "a symbolic link")


def _scan(root: bytes, folder: bytes) -> tuple[list[tuple[bytes, os.stat_result | None]], list[bytes]]:
    """A folder's files and subfolders, last one first as a stack wants them, and its symbolic links."""
    found: list[tuple[bytes, bytes, os.stat_result | None]] = []
    links: list[bytes] = []
    with os.scandir(os.path.join(root, folder) or b".") as listing:
        entries = list(listing)
    if folder and any(entry.name in KEEP_OUT for entry in entries):
        _log_skipped(folder, "it holds a .nomedia or .noimage file")
        return [], []
    for entry in entries:
        name, path = entry.name, os.path.join(folder, entry.name)
        if name.startswith(b"."):
            _log_skipped(path, "hidden")
            continue
        if entry.is_symlink():
            links.append(path)
        elif entry.is_dir(follow_symlinks=False):
            if name.lower() in SYSTEM_FOLDERS:
                _log_skipped(path, "a system folder")
            else:
                # The slash makes the whole walk come in order of full paths.
                found.append((name + b"/", path, None))
        elif _certainly_no_photo(name):
            _log_skipped(path, "no photo, by its name")
        else:
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # gone between listing and looking
            if stat.S_ISREG(status.st_mode):
                found.append((name, path, status))
    found.sort(key=lambda item: item[0], reverse=True)
    return [(path, status) for _, path, status in found], sorted(links)


def _followed(root: bytes, link: bytes, files: set[tuple[int, int]]) -> list[tuple[bytes, os.stat_result | None]]:
    """What a symbolic link leads to: a folder, a file not given before, or nothing for us."""
    try:
        status = os.stat(os.path.join(root, link))
    except OSError:
        return []  # dangling, or a loop of links
    if stat.S_ISDIR(status.st_mode):
        return [(link, None)]
    known = _certainly_no_photo(link) or (status.st_dev, status.st_ino) in files
    return [(link, status)] if stat.S_ISREG(status.st_mode) and not known else []


def _seen(folder: bytes, folders: set[tuple[int, int]]) -> bool:
    """Whether the folder was entered before; remembers it."""
    status = os.stat(folder or b".")
    key = status.st_dev, status.st_ino
    if key in folders:
        return True
    folders.add(key)
    return False


def _log_skipped(path: bytes, reason: str) -> None:
    _log.debug("skipped %s: %s", os.fsdecode(path), reason)


def _certainly_no_photo(name: bytes) -> bool:
    return os.path.splitext(name)[1].lower() in NO_PHOTO


def _problem(folder: bytes, error: OSError) -> Problem:
    code = {PermissionError: "denied", FileNotFoundError: "vanished"}.get(type(error), "unreadable")
    return Problem(
        folder,
        "walk",
        code,
        f"the folder can't be read ({error.strerror}): what lies in it was passed over, nothing is forgotten",
    )
