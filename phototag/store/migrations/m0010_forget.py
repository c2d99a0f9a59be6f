"""Since when a file is missing, or a place holds another photo (UTC); and indexes for what forgetting asks.

For files that were missing before, it is since the migration.
"""

from __future__ import annotations

from sqlite_utils import Database

from phototag.store.migrations.statements import execute_all


def apply(db: Database) -> None:
    execute_all(db, STATEMENTS)


STATEMENTS = """
ALTER TABLE file ADD COLUMN missing_since TEXT;

UPDATE file SET missing_since = strftime('%Y-%m-%dT%H:%M:%S+00:00', 'now') WHERE state = 'missing';

ALTER TABLE former ADD COLUMN since TEXT;

UPDATE former SET since = strftime('%Y-%m-%dT%H:%M:%S+00:00', 'now');

CREATE INDEX face_forgotten ON face (id) WHERE forgotten;

CREATE INDEX decision_other_face ON decision (other_face) WHERE other_face IS NOT NULL"""
