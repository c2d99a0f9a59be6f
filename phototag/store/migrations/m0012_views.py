"""Views for the conditions that many queries share; `withdrawn` is called `undone`, and `reach` `radius`."""

from __future__ import annotations

from sqlite_utils import Database

from phototag.store.migrations.statements import execute_all


def apply(db: Database) -> None:
    execute_all(db, STATEMENTS)


STATEMENTS = """
DROP VIEW identity;

DROP VIEW label;

DROP VIEW standing;

ALTER TABLE withdrawn RENAME TO undone;

ALTER TABLE model_class RENAME COLUMN reach TO radius;

-- The journal, and of each row whether it stands: no undo that stands undoes it.
CREATE VIEW journal AS
SELECT d.*, NOT EXISTS (SELECT 1 FROM undone u WHERE u.decision = d.id) AS stands
FROM decision d;

-- The decisions that stand; undos are none.
CREATE VIEW standing AS
SELECT d.*
FROM decision d
WHERE d.verb <> 'undo' AND NOT EXISTS (SELECT 1 FROM undone u WHERE u.decision = d.id);

-- What a human said a face is: the last such decision that stands.
CREATE VIEW label AS
SELECT s.face, s.verb, s.person, s.origin, s.at, s.id AS decision
FROM standing s
WHERE s.verb IN ('is', 'not-a-face', 'dont-care')
  AND NOT EXISTS (
      SELECT 1 FROM standing t
      WHERE t.face = s.face AND t.id > s.id
        AND (t.verb IN ('is', 'not-a-face', 'dont-care') OR (t.verb = 'is-not' AND t.person = s.person))
  );

-- The `is-not` that stand and hold: nobody said later of the very same face and person that it is.
CREATE VIEW rejection AS
SELECT s.*
FROM standing s
WHERE s.verb = 'is-not'
  AND NOT EXISTS (
      SELECT 1 FROM standing t
      WHERE t.face = s.face AND t.verb = 'is' AND t.person = s.person AND t.id > s.id
  );

-- Faces that any decision was ever about.
CREATE VIEW decided_face AS
SELECT face FROM decision WHERE face IS NOT NULL
UNION ALL
SELECT other_face FROM decision WHERE other_face IS NOT NULL;

-- Faces that stay though no detector finds them: named, ignored, or added by hand.
CREATE VIEW kept_face AS
SELECT face FROM label WHERE verb IN ('is', 'dont-care')
UNION ALL
SELECT face FROM standing WHERE verb = 'a-face';

-- Who each face shows that is present on a photo that is present: the label, else the tag.
CREATE VIEW identity AS
SELECT f.id AS face, f.photo,
    coalesce(l.person, CASE WHEN l.face IS NULL THEN g.person END) AS person,
    CASE WHEN l.person IS NOT NULL THEN 'human' WHEN l.face IS NULL AND g.person IS NOT NULL THEN 'machine' END
        AS source,
    CASE WHEN l.person IS NOT NULL THEN 1.0 WHEN l.face IS NULL AND g.person IS NOT NULL THEN g.probability END
        AS probability,
    l.verb AS verb
FROM face f
LEFT JOIN label l ON l.face = f.subject
LEFT JOIN guess g ON g.face = f.id
    AND NOT EXISTS (
        SELECT 1 FROM standing n WHERE n.face = f.subject AND n.person = g.person AND n.verb = 'is-not'
    )
WHERE f.present
  AND coalesce(l.verb, '') <> 'not-a-face'
  AND EXISTS (SELECT 1 FROM file q WHERE q.photo = f.photo AND q.state <> 'missing');

-- Faces that could be a person's, found by index, which `identity` can't be.
CREATE VIEW person_face AS
SELECT l.person, f.id AS face
FROM label l JOIN face f ON f.subject = l.face
WHERE l.verb = 'is'
UNION ALL
SELECT person, face FROM guess WHERE person IS NOT NULL;

-- Photos that lie somewhere.
CREATE VIEW present_photo AS
SELECT p.*
FROM photo p
WHERE EXISTS (SELECT 1 FROM file q WHERE q.photo = p.id AND q.state <> 'missing');

-- Photos that lie somewhere, or did when their folder was last indexed: not those that were edited since.
CREATE VIEW known_photo AS
SELECT p.*
FROM photo p
WHERE EXISTS (SELECT 1 FROM file q WHERE q.photo = p.id);

-- Photos that are away or deleted: no file has them any more, nor an edited version of them.
CREATE VIEW away_photo AS
SELECT p.*
FROM photo p
WHERE NOT EXISTS (SELECT 1 FROM file q WHERE q.photo = p.id AND q.state <> 'missing')
  AND (
      EXISTS (SELECT 1 FROM file q WHERE q.photo = p.id)
      OR EXISTS (SELECT 1 FROM former o WHERE o.photo = p.id)
      AND NOT EXISTS (SELECT 1 FROM former o WHERE o.photo = p.id AND o.successor IS NOT NULL)
  );

-- One place of each photo that has any: a file that is there before one that is missing.
CREATE VIEW photo_place AS
SELECT p.id AS photo, q.id AS file, q.state, l.root, q.path, CAST(l.root || X'2F' || q.path AS BLOB) AS full_path
FROM photo p
JOIN file q ON q.id = (SELECT o.id FROM file o WHERE o.photo = p.id ORDER BY o.state = 'missing', o.id LIMIT 1)
JOIN library l ON l.id = q.library;

-- Every place where a photo is.
CREATE VIEW photo_every_place AS
SELECT q.photo, q.id AS file, q.state, l.root, q.path, CAST(l.root || X'2F' || q.path AS BLOB) AS full_path
FROM file q
JOIN library l ON l.id = q.library
WHERE q.photo IS NOT NULL AND q.state <> 'missing';

-- Where each photo lies, or was last seen; empty for one that never lay anywhere.
CREATE VIEW photo_last_seen AS
SELECT p.id AS photo,
    coalesce(
        (
            SELECT CAST(l.root || X'2F' || q.path AS BLOB)
            FROM file q JOIN library l ON l.id = q.library
            WHERE q.photo = p.id
            ORDER BY q.state = 'missing', q.id LIMIT 1
        ),
        (
            SELECT CAST(l.root || X'2F' || o.path AS BLOB)
            FROM former o JOIN library l ON l.id = o.library
            WHERE o.photo = p.id
            ORDER BY o.id DESC LIMIT 1
        ),
        X''
    ) AS full_path
FROM photo p;

-- Earlier and later versions of edited photos, over any number of edits.
CREATE VIEW photo_version AS
WITH RECURSIVE version(before, now) AS (
    SELECT photo, successor FROM former WHERE successor IS NOT NULL
    UNION
    SELECT v.before, o.successor FROM version v JOIN former o ON o.photo = v.now WHERE o.successor IS NOT NULL
)
SELECT before, now FROM version;

-- People who are somebody of their own: neither merged into another nor gone.
CREATE VIEW current_person AS
SELECT p.*
FROM person p
WHERE p.merged IS NULL AND NOT p.gone;

-- Everybody, and the person that they are after all merges.
CREATE VIEW merged_person AS
WITH RECURSIVE who(id, person) AS (
    SELECT p.id, p.id FROM person p WHERE p.merged IS NULL AND NOT p.gone
    UNION ALL
    SELECT p.id, who.person FROM who JOIN person p ON p.merged = who.id
)
SELECT id, person FROM who;

-- People whose names stand for anybody: a label names them, they were merged or somebody was merged into them, they are
-- hidden or shown, or a face that has no label is said not to be theirs. Else the name was a mistake that was put
-- right; so it is, too, if all faces that had the name have another one now.
CREATE VIEW used_person AS
SELECT p.*
FROM person p
WHERE EXISTS (SELECT 1 FROM label l WHERE l.person = p.id)
   OR EXISTS (SELECT 1 FROM standing s WHERE s.person = p.id AND s.verb IN ('merge', 'hide', 'show'))
   OR EXISTS (SELECT 1 FROM standing s WHERE s.other_person = p.id AND s.verb = 'merge')
   OR (
       EXISTS (
           SELECT 1 FROM standing s
           WHERE s.person = p.id AND s.verb = 'is-not'
             AND NOT EXISTS (SELECT 1 FROM label l WHERE l.face = s.face)
       )
       AND NOT EXISTS (
           SELECT 1 FROM standing s JOIN label l ON l.face = s.face
           WHERE s.person = p.id AND s.verb = 'is' AND l.person IS NOT NULL
       )
   )"""
