"""Numbers from addresses and forms, which are not trusted."""

from __future__ import annotations

#: Numbers of so many digits always fit into SQLite's 64 bits.
_MAX_DIGITS = 18


def parse_number(text: str) -> int | None:
    """A whole number of ASCII digits; None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else None
