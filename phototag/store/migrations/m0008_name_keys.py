"""Names are compared by more than case (`display.name_key`), and a name that stands for nobody any more is gone.

Of two living people whose names are now the same, the later one is numbered. People who are gone, or were merged into
another, give their name up.
"""

from __future__ import annotations

from sqlite_utils import Database

from phototag.display import kept_name, name_key, numbered

#: Whether a person `p` stands for anybody: a label names them, they were merged or somebody was merged into them, they
#: are hidden or shown, or a face that has no label is said not to be theirs. Else the name was a mistake that was put
#: right; so it is, too, if all faces that had the name have another one now.
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


def apply(db: Database) -> None:
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
