"""Whether a database's tables are the ones that our migrations make, to the letter.

A trigger, view or table that another program put in runs with our rights: it could empty the journal, or never end.
So `sqlite_master`, which is only text, is compared before anything else of a database is read.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from phototag.display import first_of, printable
from phototag.errors import DatabaseDamagedError, SchemaTooNewError
from phototag.store.migrations import MIGRATIONS

#: Type, name, table and SQL of a table, index, view or trigger, as SQLite keeps them.
Entry: TypeAlias = tuple[Any, Any, Any, Any]

_ENTRIES = "SELECT type, name, tbl_name, sql FROM sqlite_master"
_BOOKKEEPING = Migrations.migrations_table
#: The fingerprint of what all migrations make, so that a process needn't run them to know an up-to-date database.
#: Should it be out of date, opening takes 10 ms longer, once a process; a test says what it has to be.
UP_TO_DATE = "93a456e5e0b071c068a33fefaccd43918dc793582f8c50fcdab2f0d3708fd572"
#: What ANALYZE leaves: figures for SQLite's planner.
_FIGURES = re.compile(r"CREATE TABLE (sqlite_stat[134])\([a-z,]+\)")
#: More entries than a database of ours ever had; who has more is refused without reading them all.
_MOST = 1000
#: As many strange things are named in a message.
_NAMED = 3


def require_ours(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a database in which there is anything but what the migrations it names have made; an empty one may come.

    Raises SchemaTooNewError, DatabaseDamagedError.
    """
    entries = [_plain(entry) for entry in connection.execute(f"{_ENTRIES} LIMIT {_MOST}")]
    if not entries:
        return
    names = {step.name for step in MIGRATIONS._migrations}
    if fingerprint(entries) == UP_TO_DATE and _applied(connection) == names:
        return
    bookkeeping = _bookkeeping()
    kept = [entry for entry in entries if entry[2] == _BOOKKEEPING]
    if Counter(kept) != Counter(bookkeeping):
        raise _changed(path, kept, bookkeeping)
    applied = _applied(connection)
    steps = tuple((step.name, step.fn) for step in MIGRATIONS._migrations)
    newer = sorted(applied - names)
    if newer:
        raise SchemaTooNewError(
            f"{path} was written by a newer phototag (it has {printable(newer[-1])}); it was left untouched: "
            "upgrade with `pip install --upgrade phototag`"
        )
    made = steps[: len(applied)]
    expected = [*bookkeeping, *_made_by(made)]
    if applied != {name for name, _ in made} or Counter(filter(_counts, entries)) != Counter(expected):
        raise _changed(path, entries, expected)


def fingerprint(entries: Iterable[Entry]) -> str:
    """A hash of the entries of a database, and of the names of the migrations that there are."""
    told = repr(([step.name for step in MIGRATIONS._migrations], sorted(filter(_counts, entries), key=repr)))
    return hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()


def up_to_date() -> str:
    """What `UP_TO_DATE` has to be."""
    made = _made_by(tuple((step.name, step.fn) for step in MIGRATIONS._migrations))
    return fingerprint([*_bookkeeping(), *made])


def _applied(connection: sqlite3.Connection) -> set[str]:
    """The migrations that a database says were applied; to be asked once its bookkeeping is known to be ours."""
    rows = connection.execute(f"SELECT name FROM {_BOOKKEEPING} WHERE migration_set = ?", (MIGRATIONS.name,))
    return {name for (name,) in rows}


@cache
def _bookkeeping() -> tuple[Entry, ...]:
    """How sqlite-utils remembers which migrations were applied."""
    with closing(sqlite3.connect(":memory:")) as connection:
        MIGRATIONS.ensure_migrations_table(Database(connection, execute_plugins=False))
        return tuple(_plain(entry) for entry in connection.execute(_ENTRIES))


@cache
def _made_by(steps: tuple[tuple[str, Any], ...]) -> tuple[Entry, ...]:
    """What migrations make of an empty database."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("BEGIN")
        database = Database(connection, execute_plugins=False)
        for _, make in steps:
            make(database)
        return tuple(connection.execute(_ENTRIES).fetchall())


def _plain(entry: Entry) -> Entry:
    """The bookkeeping is sqlite-utils' own, of which each version sets quotes and spaces as it likes."""
    kind, name, table, sql = entry
    if table == _BOOKKEEPING and isinstance(sql, str):
        sql = re.sub(r'[\s"`\[\]]', "", sql).lower()
    return kind, name, table, sql


def _counts(entry: Entry) -> bool:
    kind, name, table, sql = entry
    figures = _FIGURES.fullmatch(sql) if isinstance(sql, str) else None
    return not (figures and kind == "table" and name == table == figures[1])


def _changed(path: Path, found: Iterable[Entry], expected: Iterable[Entry]) -> DatabaseDamagedError:
    theirs = Counter(filter(_counts, found)) - Counter(expected)
    ours = Counter(expected) - Counter(found)
    known, still = {entry[:2] for entry in ours}, {entry[:2] for entry in theirs}
    told = [
        f"{_called(entry)} is changed" if entry[:2] in known else f"{_called(entry)} is not phototag's"
        for entry in sorted(theirs, key=str)
    ]
    told += [f"{_called(entry)} is missing" for entry in sorted(ours, key=str) if entry[:2] not in still]
    what = first_of(told, _NAMED) or "its list of migrations is changed"
    return DatabaseDamagedError(
        f"{path} was changed by another program ({what}); it was left untouched, and nothing in it was run: "
        f"restore a backup (look for {path.name}.before-* beside it), or a copy from before that program had it"
    )


def _called(entry: Entry) -> str:
    kind, name, table, _ = (printable(str(part))[:80] for part in entry)
    return f"the {kind} {name}" + (f" of {table}" if table != name else "")
