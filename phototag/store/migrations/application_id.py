"""The number by which a SQLite file says that it is a phototag database."""

from __future__ import annotations

APPLICATION_ID = 0x50544147  # "PTAG"
