"""Standard streams that take any text, whatever the terminal's encoding."""

from __future__ import annotations

import codecs
import io
import os
import sys


class _Ascii(io.TextIOWrapper):
    """A stream that escapes all but ASCII. Click takes one that says so for a mistake, and writes UTF-8 to it."""

    encoding = "iso8859-1"


def show_everything() -> None:
    """Letters that the terminal's encoding lacks are escaped, as `\\u0141`; bytes typed that it lacks are kept."""
    sys.stdout = _forgiving(sys.stdout)
    sys.stderr = _forgiving(sys.stderr)
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")


def flush() -> None:
    """Write what is still buffered; where nobody reads it any more, drop it, or Python would try again and complain."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _forgiving(stream: object) -> object:
    if not isinstance(stream, io.TextIOWrapper):  # a test's, or a host program's
        return stream
    if codecs.lookup(stream.encoding).name != "ascii":
        stream.reconfigure(errors="backslashreplace")
        return stream
    buffered = stream.line_buffering
    return _Ascii(stream.detach(), "ascii", errors="backslashreplace", line_buffering=buffered)
