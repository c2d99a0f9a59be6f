"""Text that is safe to show: file names and person names for terminals and links, and small phrases."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Container, Sequence
from itertools import count
from urllib.parse import quote

# Bidirectional overrides and isolates can make a file name read as another one.
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

#: Default_Ignorable_Code_Point of Unicode 16 (DerivedCoreProperties.txt): characters that are invisible.
_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# Of these: what joins its neighbours (Persian, Indic scripts, emoji), and what selects a variant of the one before.
_JOINERS = "\u200c\u200d"
_SELECTORS = "\u034f\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0020-\U000e007f\U000e0100-\U000e01ef"
_IGNORED = re.compile(f"[{_IGNORABLE}]+")
_MEANINGLESS = re.compile(f"(?![{_JOINERS}{_SELECTORS}])[{_IGNORABLE}]")
#: Joiners and selectors at the edge of a word, where they have no effect.
_STRAY = re.compile(f"(?:^|(?<= ))[{_JOINERS}{_SELECTORS}]+|[{_JOINERS}]+(?: |$)")


def printable(text: str) -> str:
    """`text` with controls, bidi overrides, separators and lone surrogates as visible escapes."""
    if text.isprintable():  # the usual case, a hundred times faster
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


def percent(probability: float) -> str:
    """A probability as whole percent, at most 99 %: phototag is never certain."""
    return f"{min(99, int(probability * 100))} %"


def and_more(hidden: int) -> str:
    """`and 1,234 more`, to end a shortened list; empty if nothing is hidden."""
    return f"and {hidden:,} more" if hidden > 0 else ""


def first_of(items: Sequence[str], most: int) -> str:
    """A list shortened to `most` items: `a, b and 3 more`."""
    return " ".join(filter(None, (", ".join(items[:most]), and_more(len(items) - most))))


def photos_away(photos: int) -> str:
    """The sentence about photos none of whose files is there."""
    are = "is" if photos == 1 else "are"
    return f"{counted(photos, 'photo')} {are} away or deleted, and left out until a file is back"


def path_text(path: bytes) -> str:
    """A file-system path as text that is safe to print, store and embed in HTML; not reversible."""
    return printable(os.fsdecode(path))


def relative_url(path: bytes) -> str:
    """A relative link to `path`: percent-encoded bytes that no browser reads as a scheme.

    `javascript:a.jpg` becomes `./javascript%3Aa.jpg`.
    """
    return "./" + quote(path, safe=b"/")


def person_name(name: str) -> str:
    """A person's name, cleaned: NFC, single spaces, no invisible characters, at most 200 characters.

    Raises ValueError, with a message for the user, for a name that isn't Unicode text (a byte of another encoding), or
    that is empty or too long once cleaned.
    """
    if any("\ud800" <= char <= "\udfff" for char in name):
        raise ValueError(f"{printable(name[:200])} is not text in UTF-8: type it anew")
    kept = "".join(
        " " if char.isspace() else char for char in name if char.isspace() or unicodedata.category(char) != "Cc"
    )
    words = _STRAY.sub(" ", " ".join(_MEANINGLESS.sub("", kept).split()))
    cleaned = unicodedata.normalize("NFC", " ".join(words.split()))
    if all(unicodedata.category(char)[0] in "CZ" for char in name_key(cleaned)):
        raise ValueError("a name needs at least one visible character")
    if len(cleaned) > 200:
        raise ValueError(f"a name has at most 200 characters, this one {len(cleaned)}")
    return cleaned


def name_key(name: str) -> str:
    """The key by which names are compared: Unicode's NFKC_Casefold with single spaces.

    It ignores case, composition, compatibility forms (full width, ligatures) and invisible characters.
    """
    key, before = name, None
    while key != before:  # folding may yield characters that fold again
        before = key
        folded = _IGNORED.sub("", unicodedata.normalize("NFD", key).casefold())
        key = " ".join(unicodedata.normalize("NFKC", folded).split())
    return key


def former_key(name: str) -> str:
    """The key by which earlier versions compared names: NFC and case folding only."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def kept_name(name: str) -> str:
    """A name from the journal, cleaned by `person_name`; unchanged if that refuses it."""
    try:
        return person_name(name)
    except ValueError:
        return name


def numbered(name: str, taken: Container[str]) -> str:
    """`name` with the lowest number, as in `Zoe (2)`, whose key is not among the `taken` ones."""
    for number in count(2):
        suffix = f" ({number})"
        one = name[: 200 - len(suffix)].rstrip() + suffix
        if name_key(one) not in taken:
            break
    return one
