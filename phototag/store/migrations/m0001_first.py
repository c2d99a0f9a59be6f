"""The first schema: libraries, photos, engines, faces, people, the journal, groups, models, guesses and problems."""

from __future__ import annotations

from sqlite_utils import Database

from phototag.store.migrations.application_id import APPLICATION_ID
from phototag.store.migrations.statements import execute_all


def apply(db: Database) -> None:
    execute_all(db, STATEMENTS)


STATEMENTS = f"""
PRAGMA application_id = {APPLICATION_ID};

CREATE TABLE library (
    id INTEGER PRIMARY KEY,
    root BLOB NOT NULL UNIQUE,
    root_text TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'online' CHECK (state IN ('online', 'offline'))
);

CREATE TABLE photo (
    id INTEGER PRIMARY KEY,
    library INTEGER NOT NULL REFERENCES library ON DELETE RESTRICT,
    path BLOB NOT NULL,
    path_text TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    sha256 TEXT,
    width INTEGER,
    height INTEGER,
    taken_at TEXT,
    state TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'done', 'failed', 'missing', 'quarantined')),
    attempts INTEGER NOT NULL DEFAULT 0,
    UNIQUE (library, path)
);

CREATE INDEX photo_sha256 ON photo (sha256);

CREATE INDEX photo_state ON photo (state);

CREATE TABLE engine (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('detector', 'embedder')),
    name TEXT NOT NULL,
    weights_sha256 TEXT NOT NULL,
    params TEXT NOT NULL,
    dim INTEGER NOT NULL DEFAULT 0,
    thresholds TEXT,
    current INTEGER NOT NULL DEFAULT 0,
    UNIQUE (kind, name, weights_sha256, params)
);

CREATE TABLE detection (
    photo INTEGER NOT NULL REFERENCES photo ON DELETE CASCADE,
    engine INTEGER NOT NULL REFERENCES engine ON DELETE CASCADE,
    faces INTEGER NOT NULL,
    PRIMARY KEY (photo, engine)
) WITHOUT ROWID;

CREATE TABLE face (
    id INTEGER PRIMARY KEY,
    photo INTEGER NOT NULL REFERENCES photo ON DELETE RESTRICT,
    engine INTEGER REFERENCES engine ON DELETE SET NULL,
    x REAL NOT NULL,
    y REAL NOT NULL,
    w REAL NOT NULL CHECK (w > 0),
    h REAL NOT NULL CHECK (h > 0),
    landmarks TEXT NOT NULL DEFAULT '[]',
    score REAL NOT NULL,
    quality REAL NOT NULL,
    present INTEGER NOT NULL DEFAULT 1
);

CREATE INDEX face_photo ON face (photo);

CREATE TABLE crop (
    face INTEGER PRIMARY KEY REFERENCES face ON DELETE CASCADE,
    jpeg BLOB NOT NULL,
    x REAL NOT NULL,
    y REAL NOT NULL,
    side REAL NOT NULL
);

CREATE TABLE preview (
    photo INTEGER PRIMARY KEY REFERENCES photo ON DELETE CASCADE,
    jpeg BLOB NOT NULL
);

CREATE TABLE embedding (
    face INTEGER NOT NULL REFERENCES face ON DELETE CASCADE,
    engine INTEGER NOT NULL REFERENCES engine ON DELETE CASCADE,
    dim INTEGER NOT NULL,
    vector BLOB NOT NULL CHECK (length(vector) = 4 * dim),
    PRIMARY KEY (face, engine)
);

CREATE INDEX embedding_engine ON embedding (engine, face);

CREATE TABLE person (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    hidden INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE decision (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    origin TEXT NOT NULL CHECK (origin IN ('typed', 'folder', 'imported', 'reviewed')),
    answer INTEGER NOT NULL,
    verb TEXT NOT NULL CHECK (verb IN ('is', 'is-not', 'same', 'different', 'not-a-face', 'dont-care', 'undo')),
    face INTEGER REFERENCES face ON DELETE RESTRICT,
    other_face INTEGER REFERENCES face ON DELETE RESTRICT,
    person INTEGER REFERENCES person ON DELETE RESTRICT,
    undoes INTEGER REFERENCES decision ON DELETE RESTRICT
);

CREATE INDEX decision_face ON decision (face);

CREATE INDEX decision_person ON decision (person) WHERE verb = 'is';

CREATE INDEX decision_answer ON decision (answer);

CREATE INDEX decision_undoes ON decision (undoes);

CREATE TRIGGER decision_never_changes BEFORE UPDATE ON decision
BEGIN SELECT RAISE(ABORT, 'a decision is never changed'); END;

CREATE TRIGGER decision_never_goes BEFORE DELETE ON decision
BEGIN SELECT RAISE(ABORT, 'a decision is never deleted'); END;

CREATE VIEW standing AS
SELECT d.* FROM decision d
WHERE d.verb <> 'undo' AND NOT EXISTS (SELECT 1 FROM decision u WHERE u.undoes = d.id);

CREATE VIEW label AS
SELECT s.face, s.verb, s.person, s.origin, s.at, s.id AS decision FROM standing s
WHERE s.verb IN ('is', 'not-a-face', 'dont-care')
AND NOT EXISTS (
    SELECT 1 FROM standing t WHERE t.face = s.face AND t.id > s.id
    AND (t.verb IN ('is', 'not-a-face', 'dont-care') OR (t.verb = 'is-not' AND t.person = s.person))
);

CREATE TABLE clustering (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    engine INTEGER NOT NULL REFERENCES engine ON DELETE CASCADE,
    params TEXT NOT NULL
);

CREATE TABLE cluster_member (
    face INTEGER PRIMARY KEY REFERENCES face ON DELETE CASCADE,
    cluster INTEGER NOT NULL,
    rank INTEGER NOT NULL
);

CREATE INDEX cluster_member_cluster ON cluster_member (cluster, rank);

CREATE TABLE model (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    engine INTEGER NOT NULL REFERENCES engine ON DELETE CASCADE,
    faces INTEGER NOT NULL,
    params TEXT NOT NULL
);

CREATE TABLE model_class (
    model INTEGER NOT NULL REFERENCES model ON DELETE CASCADE,
    person INTEGER NOT NULL REFERENCES person ON DELETE RESTRICT,
    coef BLOB NOT NULL,
    intercept REAL NOT NULL,
    PRIMARY KEY (model, person)
);

CREATE TABLE guess (
    face INTEGER PRIMARY KEY REFERENCES face ON DELETE CASCADE,
    person INTEGER REFERENCES person ON DELETE CASCADE,
    model INTEGER NOT NULL REFERENCES model ON DELETE CASCADE,
    probability REAL NOT NULL,
    distance REAL NOT NULL,
    neighbours TEXT NOT NULL
);

CREATE INDEX guess_person ON guess (person);

CREATE VIEW identity AS
SELECT f.id AS face, f.photo, coalesce(l.person, CASE WHEN l.face IS NULL THEN g.person END) AS person,
    CASE WHEN l.person IS NOT NULL THEN 'human' WHEN l.face IS NULL AND g.person IS NOT NULL THEN 'machine' END
    AS source,
    CASE WHEN l.person IS NOT NULL THEN 1.0 WHEN l.face IS NULL AND g.person IS NOT NULL THEN g.probability END
    AS probability,
    l.verb AS verb
FROM face f LEFT JOIN label l ON l.face = f.id LEFT JOIN guess g ON g.face = f.id AND NOT EXISTS (
    SELECT 1 FROM standing n WHERE n.face = g.face AND n.person = g.person AND n.verb = 'is-not'
)
WHERE f.present AND coalesce(l.verb, '') <> 'not-a-face';

CREATE TABLE problem (
    library INTEGER NOT NULL REFERENCES library ON DELETE CASCADE,
    path BLOB NOT NULL,
    path_text TEXT NOT NULL,
    stage TEXT NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    count INTEGER NOT NULL DEFAULT 1,
    at TEXT NOT NULL,
    PRIMARY KEY (library, path, stage)
)"""
