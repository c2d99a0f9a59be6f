"""Reads a photo file: its format, by content, and its bytes, or the reason why not."""

from __future__ import annotations

import errno
import os
import stat

from PIL import features

from phototag.errors import PhotoError
from phototag.imaging.sniff import HEAD, claims_to_be_photo, photo_format, refused_kind

MAX_BYTES = 200_000_000

_OPTIONAL = {"AVIF": "avif", "WEBP": "webp", "JPEG2000": "jpg_2000"}  # formats that some builds of Pillow lack

#: Code of a file that is no photo.
NOT_A_PHOTO = "not-a-photo"


class NotAPhoto(PhotoError):
    """A file that is no image and isn't named like one: skipped, not a problem."""

    def __init__(self, code: str = NOT_A_PHOTO, message: str = "not a photo") -> None:
        super().__init__(code, message)


def read_photo(path: bytes) -> tuple[str, bytes]:
    """A photo file's format and its bytes, read again once if it changed meanwhile. Raises NotAPhoto, PhotoError."""
    for _ in range(2):
        try:
            kind, data = _read_once(path)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise PhotoError("vanished", "the file is gone") from error
        except PermissionError as error:
            raise PhotoError("denied", "the file may not be read: permission denied") from error
        except OSError as error:
            if error.errno == errno.ENXIO:  # a socket, or a device with nothing behind it
                raise PhotoError("special", "not a regular file") from error
            raise PhotoError("unreadable", f"the file can't be read: {error.strerror}") from error
        if data is not None:
            return kind, data
    raise PhotoError("changed", "the file was being written while it was read: index again later")


def _read_once(path: bytes) -> tuple[str, bytes | None]:
    """The file's format and bytes, None for bytes if it changed meanwhile.

    Opened without blocking, so that a pipe named `a.jpg` can't hold us up; links were the walk's decision.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        before = os.fstat(handle)
        if not stat.S_ISREG(before.st_mode):
            raise PhotoError("special", "not a regular file")
        with open(handle, "rb", closefd=False) as file:
            head = file.read(HEAD)
            kind = _kind(path, head)
            if before.st_size > MAX_BYTES:
                raise too_large(f"{before.st_size / 1e6:.0f} MB, at most {MAX_BYTES / 1e6:.0f} are read")
            data = head + file.read(before.st_size)
        after = os.fstat(handle)
    finally:
        os.close(handle)
    still = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
    return kind, data if still and len(data) == after.st_size else None


def _kind(path: bytes, head: bytes) -> str:
    """Pillow's name of the format that the file begins; only formats on our list get past here."""
    kind = photo_format(head)
    if kind is None:
        if refused := refused_kind(head):
            raise PhotoError("unsupported", f"{refused} files are not read")
        if not claims_to_be_photo(path):
            raise NotAPhoto()
        if not head:
            raise PhotoError("empty", "the file is empty")
        raise PhotoError("unknown", "named as a photo, but its content is no picture that phototag knows")
    if kind in _OPTIONAL and not features.check(_OPTIONAL[kind]):
        raise PhotoError("unsupported", f"the installed Pillow can't read {kind} files")
    return kind


def too_large(what: str) -> PhotoError:
    """The error for a photo that would take too much memory or time."""
    return PhotoError("too-large", f"too large to be safe: {what}")
