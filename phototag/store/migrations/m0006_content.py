"""The migration that made a photo its content, and a file the place where that content lies.

Before, a photo was a place (library, path): equal files were photos of their own, with faces and names of their own.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict

from sqlite_utils import Database

from phototag.store.migrations.statements import execute_all
from phototag.types import Box

#: Boxes of one content that overlap so much are one face.
_SAME_PLACE_IOU = 0.4


def apply(db: Database) -> None:
    """Split the table `photo` into contents and places; foreign keys must be off meanwhile."""
    execute_all(db, _BEFORE)
    for kept, copies in _copies(db.conn).items():
        for copy in copies:
            _unite(db.conn, kept, copy)
    execute_all(db, _AFTER)


def _copies(connection: sqlite3.Connection) -> dict[int, list[int]]:
    """The photo that stands for each content → the others of that content, which it is to be one with."""
    found: dict[int, list[int]] = defaultdict(list)
    for photo, content in connection.execute("SELECT id, content FROM place_of WHERE id <> content ORDER BY id"):
        found[content].append(photo)
    return found


def _unite(connection: sqlite3.Connection, kept: int, copy: int) -> None:
    """All that is known of a copy's faces is known of the kept photo's from now on."""
    faces = "SELECT id, x, y, w, h, present FROM face WHERE photo = ? ORDER BY id"
    known = {row[0]: (Box(*row[1:5]), row[5]) for row in connection.execute(faces, (kept,))}
    others = {row[0]: (Box(*row[1:5]), row[5]) for row in connection.execute(faces, (copy,))}
    pairs = sorted(
        (-overlap, one, other)
        for one, (box, _) in known.items()
        for other, (place, _) in others.items()
        if (overlap := box.iou(place)) >= _SAME_PLACE_IOU
    )
    for _, one, other in pairs:
        if one in known and other in others:
            stays, goes = (other, one) if others[other][1] and not known[one][1] else (one, other)
            for column in ("face", "other_face"):
                connection.execute(f"UPDATE decision SET {column} = ? WHERE {column} = ?", (stays, goes))
            for table in ("crop", "embedding", "cluster_member", "guess"):
                connection.execute(f"DELETE FROM {table} WHERE face = ?", (goes,))
            connection.execute("DELETE FROM face WHERE id = ?", (goes,))
            del known[one], others[other]
    connection.execute("UPDATE face SET photo = ? WHERE photo = ?", (kept, copy))
    for table in ("detection", "preview"):
        connection.execute(f"DELETE FROM {table} WHERE photo = ?", (copy,))


# Of several photos of one content the one that stays is not missing, if it can be, and the eldest. What can't be read
# any more, but has faces, is content that nobody knows: it has no place.
_BEFORE = """
DROP VIEW identity;

DROP TRIGGER decision_never_changes;

CREATE TEMP TABLE place_of AS
SELECT p.id, CASE WHEN p.sha256 IS NULL THEN p.id ELSE first_value(p.id) OVER (
    PARTITION BY p.sha256 ORDER BY p.state = 'missing',
        NOT EXISTS (SELECT 1 FROM detection d WHERE d.photo = p.id), p.id
) END AS content
FROM photo p"""

_AFTER = """
CREATE TABLE file (
    id INTEGER PRIMARY KEY,
    library INTEGER NOT NULL REFERENCES library ON DELETE RESTRICT,
    path BLOB NOT NULL,
    path_text TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER,
    photo INTEGER REFERENCES photo ON DELETE RESTRICT,
    state TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'done', 'failed', 'missing', 'quarantined')),
    attempts INTEGER NOT NULL DEFAULT 0,
    UNIQUE (library, path)
);

INSERT INTO file (id, library, path, path_text, size, mtime_ns, photo, state, attempts)
SELECT p.id, p.library, p.path, p.path_text, p.size, p.mtime_ns, CASE WHEN p.sha256 IS NOT NULL THEN c.content END,
    p.state, p.attempts
FROM photo p JOIN place_of c ON c.id = p.id ORDER BY p.id;

CREATE TABLE former (
    id INTEGER PRIMARY KEY,
    library INTEGER NOT NULL REFERENCES library ON DELETE CASCADE,
    path BLOB NOT NULL,
    photo INTEGER NOT NULL REFERENCES photo ON DELETE CASCADE,
    successor INTEGER REFERENCES photo ON DELETE CASCADE
);

INSERT INTO former (library, path, photo)
SELECT p.library, p.path, p.id FROM photo p
WHERE p.sha256 IS NULL AND EXISTS (SELECT 1 FROM face f WHERE f.photo = p.id) ORDER BY p.id;

CREATE TABLE content (
    id INTEGER PRIMARY KEY,
    sha256 TEXT UNIQUE,
    width INTEGER,
    height INTEGER,
    taken_at TEXT
);

INSERT INTO content (id, sha256, width, height, taken_at)
SELECT p.id, p.sha256, p.width, p.height, p.taken_at FROM photo p JOIN place_of c ON c.id = p.id AND c.content = p.id
WHERE p.sha256 IS NOT NULL OR EXISTS (SELECT 1 FROM face f WHERE f.photo = p.id) ORDER BY p.id;

DELETE FROM detection WHERE photo NOT IN (SELECT id FROM content);

DELETE FROM preview WHERE photo NOT IN (SELECT id FROM content);

DROP TABLE photo;

ALTER TABLE content RENAME TO photo;

DROP TABLE place_of;

CREATE INDEX file_photo ON file (photo, state);

CREATE INDEX file_state ON file (state);

CREATE INDEX former_place ON former (library, path);

CREATE INDEX former_photo ON former (photo);

CREATE INDEX former_successor ON former (successor);

ALTER TABLE face ADD COLUMN subject INTEGER NOT NULL DEFAULT 0;

UPDATE face SET subject = id;

CREATE INDEX face_subject ON face (subject);

ALTER TABLE face ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;

ALTER TABLE crop ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;

ALTER TABLE person ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;

CREATE TRIGGER decision_never_changes BEFORE UPDATE ON decision
WHEN NOT (
    NEW.name IS NULL AND EXISTS (SELECT 1 FROM person p WHERE p.id = OLD.person AND p.forgotten)
    AND NEW.id IS OLD.id AND NEW.at IS OLD.at AND NEW.origin IS OLD.origin AND NEW.answer IS OLD.answer
    AND NEW.verb IS OLD.verb AND NEW.face IS OLD.face AND NEW.other_face IS OLD.other_face
    AND NEW.person IS OLD.person AND NEW.other_person IS OLD.other_person AND NEW.undoes IS OLD.undoes
)
BEGIN SELECT RAISE(ABORT, 'a decision is never changed'); END;

CREATE VIEW identity AS
SELECT f.id AS face, f.photo, coalesce(l.person, CASE WHEN l.face IS NULL THEN g.person END) AS person,
    CASE WHEN l.person IS NOT NULL THEN 'human' WHEN l.face IS NULL AND g.person IS NOT NULL THEN 'machine' END
    AS source,
    CASE WHEN l.person IS NOT NULL THEN 1.0 WHEN l.face IS NULL AND g.person IS NOT NULL THEN g.probability END
    AS probability,
    l.verb AS verb
FROM face f LEFT JOIN label l ON l.face = f.subject LEFT JOIN guess g ON g.face = f.id AND NOT EXISTS (
    SELECT 1 FROM standing n WHERE n.face = f.subject AND n.person = g.person AND n.verb = 'is-not'
)
WHERE f.present AND coalesce(l.verb, '') <> 'not-a-face'
AND EXISTS (SELECT 1 FROM file p WHERE p.photo = f.photo AND p.state <> 'missing')"""
