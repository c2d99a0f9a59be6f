"""Groups that last: their numbers are never used again, and faces that stand alone are remembered, too.

A member without a cluster took part and stands alone, so that new faces can be told. `appearance` numbers a group's
bursts and copies; `next_number` is the first number that no group ever had.
"""

from __future__ import annotations

from sqlite_utils import Database

from phototag.store.migrations.statements import execute_all


def apply(db: Database) -> None:
    execute_all(db, STATEMENTS)


STATEMENTS = """
ALTER TABLE clustering ADD COLUMN next_number INTEGER NOT NULL DEFAULT 1;

UPDATE clustering SET next_number = (SELECT coalesce(max(cluster), 0) + 1 FROM cluster_member);

CREATE TABLE lasting_member (
    face INTEGER PRIMARY KEY REFERENCES face ON DELETE CASCADE,
    cluster INTEGER,
    rank INTEGER NOT NULL,
    appearance INTEGER NOT NULL
);

INSERT INTO lasting_member SELECT face, cluster, rank, rank FROM cluster_member;

DROP TABLE cluster_member;

ALTER TABLE lasting_member RENAME TO cluster_member;

CREATE INDEX cluster_member_cluster ON cluster_member (cluster, rank)"""
