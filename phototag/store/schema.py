"""The tables, as migrations.

Human work (person, decision) and machine work (everything else that is computed) live apart, and
RESTRICT makes SQLite itself refuse to delete a photo, face or person that a human decided about.
Not STRICT: SQLite before 3.37 can't open such tables.
"""

from __future__ import annotations

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from phototag.display import kept_name, name_key, numbered
from phototag.store.migrate_content import to_content

APPLICATION_ID = 0x50544147  # "PTAG"

MIGRATIONS = Migrations("phototag")

#: Whether a name, of a person `p`, stands for anybody: a face is theirs, somebody was merged into them or they into
#: somebody, it stands that they are hidden or shown, or that a face of nobody is not theirs. Else it was a mistake that
#: was put right; so it is, too, if all that had the name has another one now.
STANDS = """(
    EXISTS (SELECT 1 FROM label l WHERE l.person = p.id)
    OR EXISTS (SELECT 1 FROM standing s WHERE s.person = p.id AND s.verb IN ('merge', 'hide', 'show'))
    OR EXISTS (SELECT 1 FROM standing s WHERE s.other_person = p.id AND s.verb = 'merge')
    OR (
        EXISTS (SELECT 1 FROM standing s WHERE s.person = p.id AND s.verb = 'is-not'
            AND NOT EXISTS (SELECT 1 FROM label l WHERE l.face = s.face))
        AND NOT EXISTS (SELECT 1 FROM standing s JOIN label l ON l.face = s.face
            WHERE s.person = p.id AND s.verb = 'is' AND l.person IS NOT NULL)
    )
)"""


@MIGRATIONS(name="0001-first")
def _first(db: Database) -> None:
    # A fixed list of statements: executescript would commit the surrounding transaction.
    for statement in _FIRST.split(";\n\n"):
        db.conn.execute(statement)


@MIGRATIONS(name="0002-lasting-groups")
def _lasting_groups(db: Database) -> None:
    for statement in _LASTING_GROUPS.split(";\n\n"):
        db.conn.execute(statement)


@MIGRATIONS(name="0003-arrivals")
def _arrivals(db: Database) -> None:
    db.conn.execute(_ARRIVALS)


@MIGRATIONS(name="0004-reach")
def _reach(db: Database) -> None:
    # How far from a person's faces another one is taken for theirs; NULL: as far as the embedder says.
    db.conn.execute("ALTER TABLE model_class ADD COLUMN reach REAL CHECK (reach > 0)")


@MIGRATIONS(name="0005-people")
def _people(db: Database) -> None:
    views = dict(
        db.conn.execute("SELECT name, sql FROM sqlite_master WHERE type = 'view' AND name IN ('standing', 'label')")
    )
    identity = db.conn.execute("SELECT sql FROM sqlite_master WHERE name = 'identity'").fetchone()[0]
    for statement in [*_PEOPLE.split(";\n\n"), views["standing"], views["label"], identity]:
        db.conn.execute(statement)


@MIGRATIONS(name="0006-content")
def _content(db: Database) -> None:
    to_content(db.conn)


@MIGRATIONS(name="0008-name-keys")
def _name_keys(db: Database) -> None:
    """Names are compared by more than case (`name_key`), and a name that stands for nobody any more is gone.

    Of two living people whose names are one now, the later one is numbered; people who are gone, or were merged into
    another, give their name up.
    """
    db.conn.execute(
        "UPDATE person AS p SET gone = 1 WHERE EXISTS (SELECT 1 FROM decision d WHERE d.person = p.id)"
        f" AND NOT {STANDS}"
    )
    everybody = db.conn.execute(
        "SELECT id, name, given, instr(name_key, char(10)) > 0, merged IS NOT NULL OR gone FROM person"
        " ORDER BY merged IS NOT NULL OR gone, id"
    ).fetchall()
    db.conn.execute("UPDATE person SET name_key = char(10) || id")  # lest an old key is in the way of a new one
    taken = {name_key(kept_name(name)) for _, name, _, _, _ in everybody}
    held: set[str] = set()
    for person, name, given, freed, away in everybody:
        kept, first = kept_name(name), given
        if not (freed or away) and name_key(kept) in held:
            kept = numbered(kept, taken)
            first = kept if given == name else given
            taken.add(name_key(kept))
        key = name_key(kept)
        if freed or key in held:
            key = f"{key}\n{person}"
        held.add(key)
        db.conn.execute("UPDATE person SET name = ?, given = ?, name_key = ? WHERE id = ?", (kept, first, key, person))


@MIGRATIONS(name="0009-redo")
def _redo(db: Database) -> None:
    for statement in _REDO.split(";\n\n"):
        db.conn.execute(statement)
    withdrawn: set[int] = set()
    # Whatever undoes a row comes after it: backwards, each row is settled when it is met.
    undos = db.conn.execute("SELECT id, undoes FROM decision WHERE undoes IS NOT NULL ORDER BY id DESC")
    for row, undoes in undos.fetchall():
        if row not in withdrawn:
            withdrawn.add(undoes)
    db.conn.executemany("INSERT INTO withdrawn VALUES (?)", [(row,) for row in sorted(withdrawn)])


@MIGRATIONS(name="0010-forget")
def _forget(db: Database) -> None:
    for statement in _FORGET.split(";\n\n"):
        db.conn.execute(statement)


@MIGRATIONS(name="0011-looks")
def _looks(db: Database) -> None:
    for statement in _LOOKS.split(";\n\n"):
        db.conn.execute(statement)


_FIRST = f"""
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


# A face that took part and stands alone has no cluster: so it is known which faces are new. `appearance` numbers a
# group's bursts and copies; `next_number` is the first number that no group ever had.
_LASTING_GROUPS = """
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

# The number of the grouping in which a face first took part.
_ARRIVALS = "ALTER TABLE cluster_member ADD COLUMN since INTEGER NOT NULL DEFAULT 0"

# What is said of people, not of faces: renamed, merged, split, hidden and shown again; and faces that a human showed.
# A CHECK can't be changed in place, so the journal is copied, row by row as it is. `person.given` is the name first
# given; `name`, `hidden`, `merged` (into whom) and `gone` (all that was said of them is taken back) are kept as the
# journal makes them.
_PEOPLE = """
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

# An undo can be undone itself, and no view can look through that to any depth. `withdrawn` holds the rows of the
# journal, undos among them, that an undo undoes which isn't withdrawn itself: it follows from the journal, and changes
# with it.
_REDO = """
CREATE TABLE withdrawn (decision INTEGER PRIMARY KEY REFERENCES decision ON DELETE RESTRICT);

DROP VIEW standing;

CREATE VIEW standing AS
SELECT d.* FROM decision d
WHERE d.verb <> 'undo' AND NOT EXISTS (SELECT 1 FROM withdrawn w WHERE w.decision = d.id)"""

# Since when a file is missing, or other content is at a place (of what was so before: since now), as UTC; and what is
# asked about forgotten faces.
_FORGET = """
ALTER TABLE file ADD COLUMN missing_since TEXT;

UPDATE file SET missing_since = strftime('%Y-%m-%dT%H:%M:%S+00:00', 'now') WHERE state = 'missing';

ALTER TABLE former ADD COLUMN since TEXT;

UPDATE former SET since = strftime('%Y-%m-%dT%H:%M:%S+00:00', 'now');

CREATE INDEX face_forgotten ON face (id) WHERE forgotten;

CREATE INDEX decision_other_face ON decision (other_face) WHERE other_face IS NOT NULL"""

# `base`: the group of a face by its looks alone, whatever was said; 0 if it is alone, NULL if it takes no part.
# `preference`: what the user set once and for all. `derived`: what tags and groups follow from: the last decision, the
# last face and the number of faces at the time.
_LOOKS = """
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
