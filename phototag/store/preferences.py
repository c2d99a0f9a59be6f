"""Preferences that last until the user changes them."""

from __future__ import annotations

from phototag.store.connect import Store


def precision(store: Store) -> float | None:
    """The share of tags that should be right, as it was set last; None if it never was."""
    value = store.value("SELECT value FROM preference WHERE name = 'precision'")
    return None if value is None else float(value)


def set_precision(store: Store, value: float) -> None:
    """Set the share of tags that should be right (inside a write transaction)."""
    store.run("INSERT OR REPLACE INTO preference (name, value) VALUES ('precision', :value)", value=value)
