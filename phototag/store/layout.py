"""Whether a database's tables are exactly the ones that our migrations make.

A trigger, view or table that another program added would run with our rights: it could empty the journal, or never end.
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
_MIGRATIONS_TABLE = Migrations.migrations_table
#: The fingerprint of what all migrations make, so that a process can tell an up-to-date database without running them.
#: If it is out of date, opening takes 10 ms longer, once a process; a test prints what it has to be.
UP_TO_DATE = "93a456e5e0b071c068a33fefaccd43918dc793582f8c50fcdab2f0d3708fd572"
#: The tables of figures for SQLite's planner that ANALYZE makes.
_STATISTICS = re.compile(r"CREATE TABLE (sqlite_stat[134])\([a-z,]+\)")
#: Read no more entries than this; a database of ours never had as many.
_MOST = 1000
#: How many differences a message names.
_NAMED = 3


def require_ours(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a database that has anything but what the migrations that it lists make; an empty one is accepted.

    Raises SchemaTooNewError, DatabaseDamagedError.
    """
    entries = [_normalised(entry) for entry in connection.execute(f"{_ENTRIES} LIMIT {_MOST}")]
    if not entries:
        return
    names = {step.name for step in MIGRATIONS._migrations}
    if fingerprint(entries) == UP_TO_DATE and _applied(connection) == names:
        return
    migrations_table = _migrations_table()
    kept = [entry for entry in entries if entry[2] == _MIGRATIONS_TABLE]
    if Counter(kept) != Counter(migrations_table):
        raise _changed(path, kept, migrations_table)
    applied = _applied(connection)
    steps = tuple((step.name, step.fn) for step in MIGRATIONS._migrations)
    newer = sorted(applied - names)
    if newer:
        raise SchemaTooNewError(
            f"{path} was written by a newer phototag (it has {printable(newer[-1])}); it was left untouched: "
            "upgrade with `pip install --upgrade phototag`"
        )
    made = steps[: len(applied)]
    expected = [*migrations_table, *_made_by(made)]
    if applied != {name for name, _ in made} or Counter(filter(_is_compared, entries)) != Counter(expected):
        raise _changed(path, entries, expected)


def fingerprint(entries: Iterable[Entry]) -> str:
    """A hash of the entries of a database, and of the names of the migrations that there are."""
    text = repr(([step.name for step in MIGRATIONS._migrations], sorted(filter(_is_compared, entries), key=repr)))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def up_to_date() -> str:
    """What `UP_TO_DATE` has to be."""
    made = _made_by(tuple((step.name, step.fn) for step in MIGRATIONS._migrations))
    return fingerprint([*_migrations_table(), *made])


def _applied(connection: sqlite3.Connection) -> set[str]:
    """The migrations that a database lists as applied; call it once that list is known to be a plain table of ours."""
    rows = connection.execute(f"SELECT name FROM {_MIGRATIONS_TABLE} WHERE migration_set = ?", (MIGRATIONS.name,))
    return {name for (name,) in rows}


@cache
def _migrations_table() -> tuple[Entry, ...]:
    """The table in which sqlite-utils lists the applied migrations."""
    with closing(sqlite3.connect(":memory:")) as connection:
        MIGRATIONS.ensure_migrations_table(Database(connection, execute_plugins=False))
        return tuple(_normalised(entry) for entry in connection.execute(_ENTRIES))


@cache
def _made_by(steps: tuple[tuple[str, Any], ...]) -> tuple[Entry, ...]:
    """What migrations make of an empty database."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("BEGIN")
        database = Database(connection, execute_plugins=False)
        for _, make in steps:
            make(database)
        return tuple(connection.execute(_ENTRIES).fetchall())


def _normalised(entry: Entry) -> Entry:
    """Without quotes and spaces where sqlite-utils wrote the SQL, as its versions differ in these."""
    kind, name, table, sql = entry
    if table == _MIGRATIONS_TABLE and isinstance(sql, str):
        sql = re.sub(r'[\s"`\[\]]', "", sql).lower()
    return kind, name, table, sql


def _is_compared(entry: Entry) -> bool:
    """All but the tables that ANALYZE makes."""
    kind, name, table, sql = entry
    figures = _STATISTICS.fullmatch(sql) if isinstance(sql, str) else None
    return not (figures and kind == "table" and name == table == figures[1])


def _changed(path: Path, found: Iterable[Entry], expected: Iterable[Entry]) -> DatabaseDamagedError:
    theirs = Counter(filter(_is_compared, found)) - Counter(expected)
    ours = Counter(expected) - Counter(found)
    known, still = {entry[:2] for entry in ours}, {entry[:2] for entry in theirs}
    differences = [
        f"{_called(entry)} is changed" if entry[:2] in known else f"{_called(entry)} is not phototag's"
        for entry in sorted(theirs, key=str)
    ]
    differences += [f"{_called(entry)} is missing" for entry in sorted(ours, key=str) if entry[:2] not in still]
    what = first_of(differences, _NAMED) or "its list of migrations is changed"
    return DatabaseDamagedError(
        f"{path} was changed by another program ({what}); it was left untouched, and nothing in it was run: "
        f"restore a backup (look for {path.name}.before-* beside it), or a copy from before that program had it"
    )


def _called(entry: Entry) -> str:
    kind, name, table, _ = (printable(str(part))[:80] for part in entry)
    return f"the {kind} {name}" + (f" of {table}" if table != name else "")
