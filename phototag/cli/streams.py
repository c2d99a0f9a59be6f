"""Standard streams that accept any text, whatever the terminal's encoding."""

from __future__ import annotations

import codecs
import io
import os
import sys


class _Ascii(io.TextIOWrapper):
    """A stream that escapes all but ASCII; it claims to be Latin-1, since Click would replace an ASCII stream."""

    encoding = "iso8859-1"


def escape_unencodable() -> None:
    """Escape letters that the terminal's encoding lacks, as `\\u0141`; keep typed bytes that it can't decode."""
    sys.stdout = _escaping(sys.stdout)
    sys.stderr = _escaping(sys.stderr)
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")


def flush() -> None:
    """Write what is buffered. If the reader is gone, drop it: at exit Python would try again and print an error."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _escaping(stream: object) -> object:
    if not isinstance(stream, io.TextIOWrapper):  # replaced by a test or a host program
        return stream
    if codecs.lookup(stream.encoding).name != "ascii":
        stream.reconfigure(errors="backslashreplace")
        return stream
    buffered = stream.line_buffering
    return _Ascii(stream.detach(), "ascii", errors="backslashreplace", line_buffering=buffered)
