"""An undo can be undone itself.

No view can follow that to any depth, so `withdrawn` holds the rows of the journal (undos among them) that are undone by
an undo that isn't undone itself. It follows from the journal, and changes with it.
"""

from __future__ import annotations

from sqlite_utils import Database

from phototag.store.migrations.statements import execute_all


def apply(db: Database) -> None:
    execute_all(db, STATEMENTS)
    withdrawn: set[int] = set()
    # Whatever undoes a row comes after it: backwards, each row is settled when it is reached.
    undos = db.conn.execute("SELECT id, undoes FROM decision WHERE undoes IS NOT NULL ORDER BY id DESC")
    for row, undoes in undos.fetchall():
        if row not in withdrawn:
            withdrawn.add(undoes)
    db.conn.executemany("INSERT INTO withdrawn VALUES (?)", [(row,) for row in sorted(withdrawn)])


STATEMENTS = """
CREATE TABLE withdrawn (decision INTEGER PRIMARY KEY REFERENCES decision ON DELETE RESTRICT);

DROP VIEW standing;

CREATE VIEW standing AS
SELECT d.* FROM decision d
WHERE d.verb <> 'undo' AND NOT EXISTS (SELECT 1 FROM withdrawn w WHERE w.decision = d.id)"""
