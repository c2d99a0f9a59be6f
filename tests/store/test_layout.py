"""A database in which another program put, changed or removed something is refused, and nothing in it is run."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from phototag.errors import DatabaseDamagedError, PhototagError, SchemaTooNewError
from phototag.store import layout, people
from phototag.store.connect import Store, open_reader, open_store
from phototag.store.migrations import MIGRATIONS
from tests.support.databases import add_face, old_database, say, unit

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS face, 'is' AS verb, 1 AS person"
#: What another program may do to a database, and what the message must name.
FOREIGN = {
    "a trigger that empties the journal": (
        "CREATE TRIGGER sweep AFTER INSERT ON clustering BEGIN DELETE FROM decision; END",
        "the trigger sweep of clustering is not phototag's",
    ),
    "a trigger on the bookkeeping": (
        "CREATE TRIGGER sweep AFTER INSERT ON _sqlite_migrations BEGIN DELETE FROM person; END",
        "the trigger sweep of _sqlite_migrations is not phototag's",
    ),
    "an endless view": (f"DROP VIEW label; CREATE VIEW label AS {ENDLESS} FROM n", "the view label is changed"),
    "an endless list of migrations": (
        "DROP TABLE _sqlite_migrations; CREATE VIEW _sqlite_migrations AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
        "SELECT i + 1 FROM n) SELECT i AS id, 'phototag' AS migration_set, 'x' AS name, '' AS applied_at FROM n",
        "the view _sqlite_migrations is not phototag's",
    ),
    "no list of migrations": ("DROP TABLE _sqlite_migrations", "the table _sqlite_migrations is missing"),
    "another view": ("CREATE VIEW mine AS SELECT 1", "the view mine is not phototag's"),
    "another table": ("CREATE TABLE mine (x)", "the table mine is not phototag's"),
    "another column": ("ALTER TABLE person ADD COLUMN shoe_size INTEGER", "the table person is changed"),
    "a column without a name": ("ALTER TABLE person RENAME COLUMN name TO nom", "the table person is changed"),
    "another index": ("CREATE INDEX mine ON person (hidden)", "the index mine of person is not phototag's"),
    "full text search": ("CREATE VIRTUAL TABLE mine USING fts5(name)", "the table mine is not phototag's"),
    "a missing trigger": ("DROP TRIGGER decision_never_goes", "the trigger decision_never_goes of decision is missing"),
    "a missing index": ("DROP INDEX decision_face", "the index decision_face of decision is missing"),
    "a changed check": (
        "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, 'hide', 'hid2') WHERE name = "
        "'decision'",
        "the table decision is changed",
    ),
    "a migration left out": (
        "DELETE FROM _sqlite_migrations WHERE name = '0002-lasting-groups'",
        "changed by another program",
    ),
    "a migration taken back": (
        "DELETE FROM _sqlite_migrations WHERE name >= '0006'",
        "changed by another program",
    ),
}


def test_an_up_to_date_database_is_known_without_making_it_anew(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert layout.up_to_date() == layout.UP_TO_DATE, "a migration was added: this is what UP_TO_DATE has to be"
    monkeypatch.setattr(layout, "_made_by", lambda steps: pytest.fail("made anew"))
    open_store(store.path).close()
    open_reader(store.path).close()


def test_a_fingerprint_that_is_out_of_date_refuses_nobody(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "UP_TO_DATE", "")
    open_store(store.path).close()


def tamper(path: Path, script: str) -> str:
    """What another program does to a closed database; returns the file's digest then."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return digest(path)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("opener", [open_store, open_reader], ids=["writing", "reading"])
@pytest.mark.parametrize("case", FOREIGN)
@pytest.mark.timeout(30)
def test_what_another_program_changed_is_refused(store: Store, opener: Callable[[Path], Store], case: str) -> None:
    say(store, "is", add_face(store, b"a.jpg", unit(1)), "Ada")
    store.close()
    script, named = FOREIGN[case]
    before = tamper(store.path, script)
    with pytest.raises(DatabaseDamagedError) as caught:
        opener(store.path)
    assert caught.value.exit_code == 13
    assert named in str(caught.value)
    assert "restore a backup" in str(caught.value)
    assert digest(store.path) == before
    assert [file.name for file in store.path.parent.iterdir()] == [store.path.name]


@pytest.mark.timeout(30)
def test_what_is_only_in_a_live_log_is_seen(store: Store) -> None:
    with closing(sqlite3.connect(store.path)) as other:
        other.execute("CREATE VIEW mine AS SELECT 1")
        for opener in (open_store, open_reader):
            with pytest.raises(DatabaseDamagedError, match="the view mine"):
                opener(store.path)


def test_names_that_mean_ill_are_shown_safely(store: Store) -> None:
    store.close()
    tamper(store.path, 'CREATE TABLE "x\x1b[31m\u202e" (y)')
    with pytest.raises(DatabaseDamagedError) as caught:
        open_store(store.path)
    assert "\x1b" not in str(caught.value) and "\u202e" not in str(caught.value)


def test_many_foreign_tables_are_told_in_a_sentence(store: Store) -> None:
    store.close()
    tamper(store.path, "".join(f"CREATE TABLE mine{number} (x);" for number in range(3000)))
    with pytest.raises(DatabaseDamagedError, match=r"and \S+ more") as caught:
        open_store(store.path)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("step", [step.name for step in MIGRATIONS._migrations[1:]])
def test_databases_of_each_earlier_schema_are_ours(tmp_path: Path, step: str) -> None:
    path = tmp_path / "old.db"
    with old_database(path, step):
        pass
    with open_store(path) as store:
        assert not MIGRATIONS.pending(store.db)
    with open_reader(path):
        pass


def test_an_earlier_schema_that_was_changed_is_refused_before_it_is_migrated(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with old_database(path, "0003-arrivals"):
        pass
    before = tamper(path, "CREATE TRIGGER sweep AFTER UPDATE ON clustering BEGIN DELETE FROM decision; END")
    for opener in (open_store, open_reader):
        with pytest.raises(DatabaseDamagedError, match="sweep"):
            opener(path)
    assert digest(path) == before
    assert [file.name for file in tmp_path.iterdir()] == ["old.db"]


def test_what_sqlite_itself_adds_is_ours(store: Store) -> None:
    say(store, "is", add_face(store, b"a.jpg", unit(1)), "Ada")
    store.close()
    tamper(store.path, "ANALYZE; VACUUM; REINDEX")
    for opener in (open_store, open_reader):
        with opener(store.path) as opened:
            assert people.names(opened) == ["Ada"]
    tamper(store.path, "CREATE TRIGGER t AFTER INSERT ON person BEGIN DELETE FROM crop; END")
    with pytest.raises(DatabaseDamagedError, match="the trigger t of person"):
        open_store(store.path)


def test_other_quotes_in_the_bookkeeping_are_no_difference(store: Store) -> None:
    """Each version of sqlite-utils sets them as it likes."""
    store.close()
    tamper(
        store.path,
        "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(replace(sql, '\"', ''), '  ', ' ') "
        "WHERE tbl_name = '_sqlite_migrations'",
    )
    open_store(store.path).close()


def test_a_newer_schema_is_newer_not_changed(store: Store) -> None:
    store.close()
    later = "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('phototag', '9999-far', '')"
    tamper(store.path, f"CREATE TABLE later (x); {later}")
    with pytest.raises(SchemaTooNewError):
        open_store(store.path)


def test_the_tables_of_an_empty_database_are_none(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE x (y)")
        connection.execute("DROP TABLE x")
        MIGRATIONS.ensure_migrations_table(Database(connection))
    with pytest.raises(PhototagError):  # the mark isn't ours, so nor is the list
        open_store(path)
