"""Groups without decisions, the user's preferences, and what tags and groups were derived from.

`base`: the group of a face by its embedding alone, whatever was answered; 0: it stands alone, NULL: it takes no part.
`derived`: the last decision, the last face and the number of faces when tags or groups were computed.
"""

from __future__ import annotations

from sqlite_utils import Database

from phototag.store.migrations.statements import execute_all


def apply(db: Database) -> None:
    execute_all(db, STATEMENTS)


STATEMENTS = """
ALTER TABLE cluster_member ADD COLUMN base INTEGER;

UPDATE cluster_member SET base = coalesce(cluster, 0);

CREATE TABLE preference (name TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;

INSERT INTO preference SELECT 'precision', json_extract(params, '$.precision') FROM model
WHERE json_extract(params, '$.precision') <> 0.99 ORDER BY id DESC LIMIT 1;

CREATE TABLE derived (
    what TEXT PRIMARY KEY CHECK (what IN ('tags', 'groups')),
    decision INTEGER NOT NULL,
    face INTEGER NOT NULL,
    faces INTEGER NOT NULL
) WITHOUT ROWID"""
