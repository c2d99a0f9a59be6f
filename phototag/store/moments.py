"""Moments as the database writes them: UTC, ISO 8601, to the second, so that their order is that of their texts."""

from __future__ import annotations

from datetime import datetime, timezone


def utc(when: datetime) -> str:
    """A moment (with its time zone) as text."""
    return when.astimezone(timezone.utc).isoformat(timespec="seconds")


def now() -> str:
    """This moment as text."""
    return utc(datetime.now(timezone.utc))
