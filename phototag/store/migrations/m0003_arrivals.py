"""`since`: the number of the clustering in which a face first took part."""

from __future__ import annotations

from sqlite_utils import Database


def apply(db: Database) -> None:
    db.conn.execute("ALTER TABLE cluster_member ADD COLUMN since INTEGER NOT NULL DEFAULT 0")
