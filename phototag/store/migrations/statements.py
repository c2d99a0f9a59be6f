"""Several statements in one text, executed one by one."""

from __future__ import annotations

from sqlite_utils import Database


def execute_all(db: Database, statements: str) -> None:
    """Execute statements that are parted by a semicolon and an empty line, in the open transaction.

    `executescript` would commit that first.
    """
    for statement in statements.split(";\n\n"):
        db.conn.execute(statement)
