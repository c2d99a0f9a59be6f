"""Every table, view and column is documented, and nothing else."""

from __future__ import annotations

from phototag.store.connect import Store
from phototag.store.tables import TABLES, VIEWS


def test_every_table_and_column_is_documented(store: Store) -> None:
    names = store.column("SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 1) <> '_'")
    found = {
        name: set(store.column("SELECT name FROM pragma_table_info(:name)", name=name))
        for name in names
        if not name.startswith("sqlite_")
    }
    assert {name: set(table.columns) for name, table in TABLES.items()} == found


def test_every_view_is_documented(store: Store) -> None:
    assert set(VIEWS) == set(store.column("SELECT name FROM sqlite_master WHERE type = 'view'"))


def test_sentences_end(store: Store) -> None:
    sentences = [*VIEWS.values(), *(table.purpose for table in TABLES.values())]
    sentences += [text for table in TABLES.values() for text in table.columns.values()]
    assert [text for text in sentences if not text.endswith(".")] == []
