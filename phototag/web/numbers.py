"""Numbers from addresses and forms, which anybody may have typed."""

from __future__ import annotations

#: Fewer digits than any number that SQLite's 64 bits can't hold.
_MAX_DIGITS = 18


def parse_number(text: str) -> int | None:
    """A whole number of plain digits; None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else None
