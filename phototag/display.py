"""Hostile text made safe to show: file names and person names for terminals and for links."""

from __future__ import annotations

import os
import unicodedata
from urllib.parse import quote

# Bidirectional overrides and isolates can make a file name read as another one.
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def printable(text: str) -> str:
    """`text` with controls, bidi overrides, separators and lone surrogates as visible escapes."""
    if text.isprintable():  # true only of text without any of these: most text, and a hundred times faster
        return text
    return "".join(_visible(char) for char in text)


def _visible(char: str) -> str:
    if char in _BIDI or unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}:
        code = ord(char)
        if 0xDC80 <= code <= 0xDCFF:  # a byte that isn't UTF-8, as os.fsdecode carries it
            return f"\\x{code - 0xDC00:02x}"
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    return char


def counted(count: int, one: str, several: str = "") -> str:
    """`1 photo`, `2,310 photos`."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def path_text(path: bytes) -> str:
    """A file-system path as text that is safe to print, store and embed in HTML; not reversible."""
    return printable(os.fsdecode(path))


def relative_url(path: bytes) -> str:
    """A relative link to `path`: percent-encoded bytes that no browser reads as a scheme.

    `javascript:a.jpg` becomes `./javascript%3Aa.jpg`.
    """
    return "./" + quote(path, safe=b"/")


def person_name(name: str) -> str:
    """A person's name as we keep it: NFC, inner white space single, no controls, at most 200 characters.

    Raises ValueError, with a sentence, for a name that is empty or too long once cleaned.
    """
    kept = "".join(
        " " if char.isspace() else char
        for char in name
        if char.isspace() or (char not in _BIDI and unicodedata.category(char) not in {"Cc", "Cs"})
    )
    cleaned = unicodedata.normalize("NFC", " ".join(kept.split()))
    if all(unicodedata.category(char)[0] in "CZ" for char in cleaned):
        raise ValueError("a name needs at least one visible character")
    if len(cleaned) > 200:
        raise ValueError(f"a name has at most 200 characters, this one {len(cleaned)}")
    return cleaned


def name_key(name: str) -> str:
    """What makes two names one person's: NFC and case folded."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
