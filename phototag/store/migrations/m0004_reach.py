"""`reach`: the distance from a person's faces within which a face may be theirs; NULL: the embedder's threshold."""

from __future__ import annotations

from sqlite_utils import Database


def apply(db: Database) -> None:
    db.conn.execute("ALTER TABLE model_class ADD COLUMN reach REAL CHECK (reach > 0)")
