"""Decisions about people: renamed, merged, split, hidden and shown; and faces that a human added.

A CHECK can't be changed in place, so the journal is copied row by row. `person.given` is the name first given; `name`,
`hidden`, `merged` (into whom) and `gone` (the name stands for nobody any more) follow from the journal.
"""

from __future__ import annotations

from sqlite_utils import Database

from phototag.store.migrations.statements import execute_all


def apply(db: Database) -> None:
    views = dict(
        db.conn.execute("SELECT name, sql FROM sqlite_master WHERE type = 'view' AND name IN ('standing', 'label')")
    )
    identity = db.conn.execute("SELECT sql FROM sqlite_master WHERE name = 'identity'").fetchone()[0]
    execute_all(db, STATEMENTS)
    for view in (views["standing"], views["label"], identity):
        db.conn.execute(view)


STATEMENTS = """
DROP VIEW identity;

DROP VIEW label;

DROP VIEW standing;

DROP TRIGGER decision_never_changes;

DROP TRIGGER decision_never_goes;

CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    origin TEXT NOT NULL CHECK (origin IN ('typed', 'folder', 'imported', 'reviewed')),
    answer INTEGER NOT NULL,
    verb TEXT NOT NULL CHECK (verb IN ('is', 'is-not', 'same', 'different', 'a-face', 'not-a-face', 'dont-care',
        'rename', 'merge', 'split', 'hide', 'show', 'undo')),
    face INTEGER REFERENCES face ON DELETE RESTRICT,
    other_face INTEGER REFERENCES face ON DELETE RESTRICT,
    person INTEGER REFERENCES person ON DELETE RESTRICT,
    other_person INTEGER REFERENCES person ON DELETE RESTRICT,
    name TEXT,
    undoes INTEGER REFERENCES journal ON DELETE RESTRICT
);

INSERT INTO journal (id, at, origin, answer, verb, face, other_face, person, undoes)
SELECT id, at, origin, answer, verb, face, other_face, person, undoes FROM decision ORDER BY id;

UPDATE decision SET undoes = NULL;

DROP TABLE decision;

ALTER TABLE journal RENAME TO decision;

CREATE INDEX decision_face ON decision (face);

CREATE INDEX decision_person ON decision (person, verb);

CREATE INDEX decision_other_person ON decision (other_person) WHERE other_person IS NOT NULL;

CREATE INDEX decision_answer ON decision (answer);

CREATE INDEX decision_undoes ON decision (undoes);

CREATE TRIGGER decision_never_changes BEFORE UPDATE ON decision
BEGIN SELECT RAISE(ABORT, 'a decision is never changed'); END;

CREATE TRIGGER decision_never_goes BEFORE DELETE ON decision
BEGIN SELECT RAISE(ABORT, 'a decision is never deleted'); END;

ALTER TABLE person ADD COLUMN given TEXT NOT NULL DEFAULT '';

ALTER TABLE person ADD COLUMN merged INTEGER REFERENCES person ON DELETE RESTRICT;

ALTER TABLE person ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;

UPDATE person SET given = name, gone = EXISTS (SELECT 1 FROM decision d WHERE d.person = person.id)
    AND NOT EXISTS (SELECT 1 FROM decision d WHERE d.person = person.id
        AND NOT EXISTS (SELECT 1 FROM decision u WHERE u.undoes = d.id))"""
